import { apparatus } from "./apparatus";
import { offered } from "./asides";
import { conclude, faultIn } from "./conclude";
import {
  type Continuity,
  type EventMemory,
  type EventName,
  type KnownState,
  makeEvent,
  type Outcome,
  type PrinterEvent,
  shownState,
  withStart,
} from "./events";
import { offersOf } from "./firmware";
import { goesOn, isReplaced, leftoverOf, otherJob, progressOf, runsAgain, startedOver, tenOf, timeWasUp } from "./jobs";
import type { Observation } from "./link";
import type { Job, PrinterState } from "./status";
import { type Transition, TRANSITIONS } from "./transitions";

/**
 * The event rules that every make of printer shares: what was remembered + what is seen now = what
 * to tell. Pure functions of values; time comes in as an argument, so the same story gives the
 * same events on a LAN, through a cloud, after a restart, or in a test.
 */

export interface Step {
  readonly memory: EventMemory;
  readonly events: readonly PrinterEvent[];
  /** Something changed that must survive a restart. Progress inside a ten, say, need not. */
  readonly save: boolean;
}

/** How long an ending waits for the cancel word: printers send it in a frame of its own, before or after. */
export const ENDING_WAIT_MS = 2000;

/** True if the second observation differs from the first in something that the rules look at. */
export function concernsEvents(before: Observation, now: Observation): boolean {
  const a = before.status;
  const b = now.status;
  return (
    a.job !== b.job ||
    a.state !== b.state ||
    a.alerts !== b.alerts ||
    a.filament !== b.filament ||
    a.door !== b.door ||
    before.signals.cancelled !== now.signals.cancelled ||
    before.signals.runout !== now.signals.runout ||
    before.firmware !== now.firmware
  );
}

/** Folds one observation into the memory. */
export function step(before: EventMemory, observation: Observation, at: number, continuity: Continuity): Step {
  const turn = new Turn(before, observation, at, continuity).run();
  const aside = offered(turn.memory, offersOf(observation.firmware), at);
  return aside.events.length === 0 ? turn : { ...aside, events: [...turn.events, ...aside.events] };
}

/** Tells an ending whose wait is over without the word: it was a failure. Called by the owner's timer. */
export function expire(before: EventMemory, at: number): Step {
  if (before.ending === null) return { memory: before, events: [], save: false };
  const alert = faultIn(before.alerts);
  return conclude(before, "failed", { job: before.ending.job, at, alert, reason: alert?.code ?? null });
}

/** One observation's way through the rules, from top to bottom. */
class Turn {
  private memory: EventMemory;
  private readonly events: PrinterEvent[] = [];
  private readonly previousState: PrinterState;
  private readonly job: Job | null;

  constructor(
    private readonly before: EventMemory,
    private readonly seen: Observation,
    private readonly at: number,
    private continuity: Continuity,
  ) {
    this.memory = before;
    this.previousState = shownState(before, before.state ?? "unknown");
    this.job = seen.status.job;
  }

  private get live(): boolean {
    return this.continuity === "live";
  }

  /** The baseline: what a first report shows did not just happen. */
  private get silent(): boolean {
    return this.continuity === "start" || this.before.state === null;
  }

  run(): Step {
    const { continuity } = this;
    this.continuity = this.missedOfState();
    this.settleUnseen();
    this.hearCancelWord();
    this.followState();
    this.followProgress();
    this.continuity = continuity;
    this.followApparatus();
    return {
      memory: this.memory,
      events: this.events,
      save: this.events.length > 0 || mustSave(this.before, this.memory),
    };
  }

  /** A report that names no state catches up with nothing: the next one that does closes the gap. */
  private missedOfState(): Continuity {
    const { missed = "live" } = this.before;
    const all = missed === "start" || this.live ? missed : this.continuity;
    const left = this.seen.status.state === "unknown" ? all : "live";
    if (left !== missed) this.set({ missed: left });
    return all;
  }

  /** An ending waits, and another job has come meanwhile: neither its state nor its word are about that ending. */
  private settleUnseen(): void {
    const { ending, cancelled } = this.memory;
    if (ending === null || this.live || !otherJob(ending.job, this.job)) return;
    this.conclude(cancelled ? "cancelled" : "failed", ending.job);
  }

  /** The word is a short pulse, so its edge is kept for the whole job. */
  private hearCancelWord(): void {
    const word = this.seen.signals.cancelled || this.seen.status.state === "cancelled";
    if (word === this.memory.cancelWord) return;
    this.set({ cancelWord: word, cancelled: this.memory.cancelled || word });
  }

  private followState(): void {
    const reported = this.seen.status.state;
    if (reported === "unknown") return;
    const state: KnownState = reported === "cancelled" ? "failed" : reported;
    this.resolveEnding(state);
    const from = this.memory.state;
    if (from === null) this.adopt(state);
    else this.take(TRANSITIONS[from][state], from, state);
    this.set({ state, job: this.job ?? this.memory.job, at: this.at });
  }

  private take(transition: Transition, from: KnownState, state: KnownState): void {
    switch (transition) {
      case "begin": {
        this.begin(state);
        return;
      }
      case "work":
      case "pause":
      case "resume":
        if (this.isAnotherRun(from, state)) {
          this.replaced(state);
          return;
        }
        if (transition === "pause") this.tell("print.paused", { reason: this.seen.status.stage.name });
        if (transition === "resume") this.tell("print.resumed", {});
        return;
      case "end":
        if (!this.live && isReplaced(this.memory, this.job)) {
          this.replaced(state);
          return;
        }
        // A finish may come with the last figures; after a gap every ending brings those that were missed.
        if (state === "finished") this.followFigures({});
        else if (!this.live) this.followFigures({ state: from });
        this.end(from, state, this.job ?? this.memory.job);
        return;
      case "surface":
        if (!this.isTold()) this.endUnseen(from, state);
        return;
      case "stay":
        // Finished before and finished now: a job may have come and gone while nobody listened. Not the one that was shown
        // at rest before: printers take over the id of a job that they refuse.
        if (!this.live && state !== "idle" && !this.isTold() && otherJob(this.memory.job, this.job))
          this.endUnseen(from, state);
    }
  }

  /** The first state ever seen: remembered, not told. An ending found here is old news. */
  private adopt(state: KnownState): void {
    const outcome = state === "finished" ? "finished" : this.memory.cancelled ? "cancelled" : "failed";
    const over = state === "finished" || state === "failed";
    this.set({ cancelled: false, told: over ? { job: this.job, outcome } : null });
    if (state === "preparing") this.set({ leftover: this.leftover(state) });
  }

  private begin(state: KnownState): void {
    this.set({
      cancelled: false,
      leftover: this.leftover(state),
      ten: 0,
      firstLayer: false,
      startedAt: this.live ? new Date(this.at).toISOString() : null,
    });
    this.tell("print.started", {});
    if (state === "paused") this.tell("print.paused", { reason: this.seen.status.stage.name });
  }

  private leftover(state: KnownState): EventMemory["leftover"] {
    return leftoverOf(this.memory, { state, job: this.job, continuity: this.continuity });
  }

  /** Printing before and now, yet not the same job. */
  private isAnotherRun(from: KnownState, state: KnownState): boolean {
    const { memory, job } = this;
    if (!this.live) return isReplaced(memory, job) || runsAgain(memory, state, job);
    // Names and ids arrive one by one, some only when the print runs: it takes figures that start over, too.
    return from !== "preparing" && state !== "preparing" && isReplaced(memory, job) && startedOver(memory, job);
  }

  /** The job we knew has gone unseen and another has taken its place. */
  private replaced(state: KnownState): void {
    const memory = this.memory;
    const done = progressOf(memory) === 100 || timeWasUp(memory, this.at);
    // A word that comes with a failure is about that one.
    const { cancelled } = state === "failed" ? this.before : memory;
    const outcome: Outcome = cancelled ? "cancelled" : done ? "finished" : "failed";
    this.conclude(outcome, memory.job, "the printer was heard again with another job");
    this.take(TRANSITIONS.idle[state], "idle", state);
  }

  /** The ending of a job that nobody saw. Its word may have no edge: it stood there for the job before, too. */
  private endUnseen(from: KnownState, state: KnownState): void {
    if (!this.live && state === "failed" && this.memory.cancelWord) this.set({ cancelled: true });
    this.end(from, state, this.job);
  }

  /** An ending: told at once where it is clear, else after the wait. */
  private end(from: KnownState, state: KnownState, job: Job | null): void {
    const memory = this.memory;
    if (state === "finished") this.conclude("finished", job);
    else if (memory.cancelled) this.conclude("cancelled", job);
    // The frame that says "finished" can be lost; a job at 100 % that went to rest is done.
    else if (state === "idle" && progressOf(memory) === 100) this.conclude("finished", job);
    else if (state === "idle" && !this.live && timeWasUp(memory, this.at)) {
      this.conclude("finished", job, "the printer was idle again after the time that was left");
    } else if (memory.ending === null) this.set({ ending: { job, from, since: this.at, recovered: !this.live } });
  }

  private resolveEnding(state: KnownState): void {
    const ending = this.memory.ending;
    if (ending === null) return;
    if (this.memory.cancelled) this.conclude("cancelled", ending.job);
    else if (state === "finished") this.conclude("finished", ending.job);
    // It had only seemed to end.
    else if (goesOn(ending, state, this.job, this.live)) this.set({ ending: null, state: ending.from });
    else if (TRANSITIONS.idle[state] === "begin") this.conclude("failed", ending.job);
    // After a restart the wait begins anew: the word may be in one of the next frames.
    else if (!this.live) this.set({ ending: { ...ending, since: this.at, recovered: true } });
    else if (this.at - ending.since >= ENDING_WAIT_MS) this.conclude("failed", ending.job);
  }

  /** Endings are told even by the first report after a start: that is what the memory is kept for. */
  private conclude(outcome: Outcome, job: Job | null, reason: string | null = null): void {
    const alert = outcome === "failed" ? faultIn(this.seen.status.alerts) : null;
    const done = conclude(this.memory, outcome, {
      job,
      at: this.at,
      alert,
      reason: reason ?? alert?.code ?? null,
      from: this.memory.ending?.from ?? this.previousState,
      recovered: this.memory.ending?.recovered === true || !this.live,
    });
    this.memory = done.memory;
    this.events.push(...done.events);
  }

  /** The ending that is shown now was told before. */
  private isTold(): boolean {
    const told = this.memory.told;
    return told !== null && !otherJob(told.job, this.job);
  }

  private followProgress(): void {
    const state = this.seen.status.state;
    if (state === "printing" || state === "paused") this.followFigures({});
  }

  /** What the job's figures say has been passed since they were last seen. */
  private followFigures(details: Partial<PrinterEvent>): void {
    this.crossTens(details);
    this.passFirstLayer(details);
  }

  private passFirstLayer(details: Partial<PrinterEvent>): void {
    const layer = this.job?.layer ?? null;
    if (layer === null || layer === this.memory.leftover.layer) return;
    if (this.memory.leftover.layer !== null) this.set({ leftover: { ...this.memory.leftover, layer: null } });
    if (layer < 2 || this.memory.firstLayer) return;
    this.set({ firstLayer: true });
    this.tell("print.first-layer", details);
  }

  private crossTens(details: Partial<PrinterEvent>): void {
    const progress = this.job?.progress ?? null;
    if (progress === null || progress === this.memory.leftover.progress) return;
    if (this.memory.leftover.progress !== null) this.set({ leftover: { ...this.memory.leftover, progress: null } });
    const now = tenOf(progress);
    for (let ten = this.memory.ten + 10; ten <= now; ten += 10) this.tell("print.progress", { ...details, value: ten });
    if (now > this.memory.ten) this.set({ ten: now });
  }

  private followApparatus(): void {
    const { change, notes } = apparatus(this.memory, this.seen);
    if (change !== null) this.set(change);
    for (const { event, ...details } of notes) this.tell(event, details);
  }

  private set(change: Partial<EventMemory>): void {
    this.memory = { ...this.memory, ...change };
  }

  private tell(event: EventName, details: Partial<PrinterEvent>): void {
    if (this.silent) return;
    const state = shownState(this.memory, this.seen.status.state);
    const made = makeEvent(event, this.memory, state, this.previousState, this.at, !this.live);
    this.events.push({ ...made, job: withStart(this.job, this.memory), ...details });
  }
}

function mustSave(before: EventMemory, after: EventMemory): boolean {
  return (
    before.state !== after.state ||
    before.ending !== after.ending ||
    before.told !== after.told ||
    before.cancelled !== after.cancelled ||
    before.ten !== after.ten ||
    before.startedAt !== after.startedAt ||
    before.job?.id !== after.job?.id ||
    before.job?.name !== after.job?.name
  );
}
