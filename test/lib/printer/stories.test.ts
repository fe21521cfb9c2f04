import assert from "node:assert/strict";
import { type Continuity, type EventMemory, NO_MEMORY, type PrinterEvent } from "../../../lib/printer/events";
import { ENDING_WAIT_MS, expire, type Step, step } from "../../../lib/printer/rules";
import { seen } from "../../support/observations";
import { type Dice, diceOf, type Frame, framesOf } from "../../support/print-stories";

/** What one report told, with what came after it by the clock. */
interface Turn {
  readonly frame: Frame;
  readonly continuity: Continuity;
  readonly events: PrinterEvent[];
}

/** Plays it to the rules as a Printer does, with up to two cuts in it: a lost connection, a restart or a kill. */
function play(frames: readonly Frame[], dice: Dice): Turn[] {
  const turns: Turn[] = [];
  let memory: EventMemory = NO_MEMORY;
  let disk = memory;
  let at = Date.UTC(2026, 0, 1);
  let next: Continuity = "start";
  let cuts = dice(3);
  const take = (result: Step): PrinterEvent[] => {
    memory = result.memory;
    if (result.save) disk = memory;
    return [...result.events];
  };
  const waitUntil = (ms: number): void => {
    at = ms;
    const { ending } = memory;
    if (ending !== null && ms >= ending.since + ENDING_WAIT_MS)
      turns.at(-1)?.events.push(...take(expire(memory, ending.since + ENDING_WAIT_MS)));
  };
  for (let i = 0; i < frames.length; i++) {
    const frame = frames[i]!;
    waitUntil(at + frame.afterMs);
    const { state, job, cancelled } = frame;
    const events = take(step(memory, seen({ state, job, signals: { cancelled } }), at, next));
    turns.push({ frame, continuity: next, events });
    next = "live";
    if (cuts === 0 || dice(6) > 0) continue;
    cuts -= 1;
    const missed = dice(2) * dice(30);
    const length = frames.slice(i + 1, i + 1 + missed).reduce((sum, { afterMs }) => sum + afterMs, 0);
    // With nothing missed, the same report comes once more; the last one always comes.
    i = Math.min(frames.length - 2, missed === 0 ? i - 1 : i + missed);
    const how = dice(4);
    next = how < 2 ? "gap" : "start";
    if (next === "gap") waitUntil(at + length);
    else {
      at += length;
      memory = JSON.parse(JSON.stringify(how === 2 ? memory : disk)) as EventMemory;
      if (memory.ending !== null) memory = { ...memory, ending: { ...memory.ending, recovered: true, since: at } };
    }
  }
  waitUntil(at + 60_000);
  return turns;
}

const ENDING = /^print\.(finished|failed|cancelled)$/;
/** The frames mark the print that they are of in the one part of a job that the rules do not look at. */
const printOf = ({ job }: PrinterEvent): number => Number(job?.endsAt);
const isUnderWay = ({ state }: Frame): boolean => state === "preparing" || state === "printing" || state === "paused";

/** What is wrong with it, in a few words each. */
function flawsOf(turns: readonly Turn[], withIds: boolean): string[] {
  const flaws: string[] = [];
  const told = turns.flatMap((turn) => turn.events.map((event) => ({ event, name: event.event, turn })));
  for (const print of new Set(turns.map(({ frame }) => frame.print))) {
    const own = told.filter(({ event }) => printOf(event) === print);
    const all = own.map(({ name }) => name);
    const flaw = (words: string) => flaws.push(`print ${print}: ${words}`);
    const endings = all.filter((name) => ENDING.test(name));
    const first = turns.findIndex(({ frame }) => frame.print === print && isUnderWay(frame));
    const over = turns.findIndex(({ frame }, i) => i > first && frame.print >= print && frame.ended !== null);
    if (endings.length > 1) flaw("two endings");
    // Without ids two prints of one file can not always be told apart across a gap.
    if (withIds && first >= 0 && over >= 0 && endings.length === 0) flaw("no ending");
    if (endings.length > 0 && !ENDING.test(all.at(-1) ?? "")) flaw("something after its ending");
    const whole = turns.filter(({ frame }) => frame.print === print);
    const after = turns.find(({ frame }) => frame.print > print);
    const isHeard = [...whole, after].every((turn) => turn === undefined || turn.continuity === "live");
    const { ended = null } = whole.at(-1)?.frame ?? {};
    if (isHeard && first >= 0 && ended !== null && endings[0] !== `print.${ended}`)
      flaw(`${endings.join()}, was ${ended}`);
    const starts = all.filter((name) => name === "print.started").length;
    if (starts > 1 || (starts === 1 && all[0] !== "print.started")) flaw("begins in the middle");
    if (isHeard && first >= 0 && starts !== 1) flaw("no beginning");
    if (all.filter((name) => name === "print.first-layer").length > 1) flaw("two first layers");
    // A start that finds it is its baseline; one that comes later may find tens that are still to be told.
    const baseline =
      whole[0]?.continuity === "start" && whole[0].frame.state !== "preparing" ? whole[0].frame.progress : 0;
    let last = 0;
    for (const { event, name, turn } of own) {
      if (name === "print.first-layer" && turn.frame.layer < 2) flaw("a first layer of somebody else");
      if (name !== "print.progress") continue;
      const ten = event.value as number;
      if (ten <= last || (isHeard && ten !== last + 10)) flaw(`ten ${ten} after ${last}`);
      if (ten <= baseline) flaw(`ten ${ten} of the baseline`);
      if (ten > turn.frame.progress) flaw(`ten ${ten} of somebody else`);
      last = ten;
    }
    if (
      isHeard &&
      last !== Math.floor((whole.findLast(({ frame }) => isUnderWay(frame))?.frame.progress ?? 0) / 10) * 10
    )
      if (ended !== "finished" || last !== 100) flaw(`stops at ${last}`);
  }
  turns.forEach(({ frame, continuity, events }, i) => {
    const others = events.filter(({ event }) => !ENDING.test(event));
    const baseline = continuity === "start" && others.length > 0;
    if (baseline) flaws.push("a start tells more than endings");
    if (turns[i - 1]?.frame === frame && others.length > 0) flaws.push("what was told is told again");
    if (continuity === "gap" && others.some(({ recovered }) => !recovered)) flaws.push("told as if it happened now");
  });
  return flaws;
}

describe("event rules: any story", () => {
  for (const withIds of [true, false]) {
    it(`of up to three prints ${withIds ? "with" : "without"} ids, cut up to twice, is told right`, () => {
      for (let seed = 1; seed <= 2000; seed++) {
        const dice = diceOf(seed);
        const turns = play(framesOf(dice, withIds), dice);
        const story = turns.map(({ frame, continuity, events }) => {
          const { state, job, print } = frame;
          const names = events.map(({ event, value, recovered }) => `${event} ${String(value)} ${String(recovered)}`);
          return `${continuity} ${state} ${print} at ${job?.progress ?? "-"}: ${names.join(", ")}`;
        });
        assert.deepEqual(flawsOf(turns, withIds), [], `seed ${seed}\n${story.join("\n")}`);
      }
    });
  }
});
