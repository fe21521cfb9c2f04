/**
 * A process that is killed at one step of its work, run by kill.test.ts. It reads one printer's
 * story from its arguments, keeps its memory in the real file store, appends each event that it
 * tells to a file, and ends itself with SIGKILL at the step that it was given.
 */
import { appendFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { isPrinterMemory } from "../../lib/printer/memory-shape";
import { ENDING_WAIT_MS } from "../../lib/printer/rules";
import type { MemoryStore } from "../../lib/printer/memory-shape";
import { Printer } from "../../lib/printer/printer";
import type { PrinterState } from "../../lib/printer/status";
import { fileStore } from "../../lib/node-red/store";
import { FakeLink } from "./fake-link";
import { aJob, seen } from "./observations";

export interface Plan {
  folder: string;
  told: string;
  /** States to report, one after the other; "failed+word" carries the cancel word. */
  story: string[];
  /** "save 3 before", "save 3 after", "report 2", "tell print.finished", "struck off", "wait 500" (ms into the ending's wait); none = runs to its end. */
  killAt: string | null;
}

const plan = JSON.parse(process.argv[2] ?? "{}") as Plan;
const dieAt = (step: string): void => {
  if (step === plan.killAt) process.kill(process.pid, "SIGKILL");
};

const disk = fileStore(plan.folder, (message) => {
  console.error(message);
}).document("memory", isPrinterMemory);

let saves = 0;
let underWay = 0;
/** Everything that the reports so far have set going is done: three quiet looks in a row. */
async function quiet(): Promise<void> {
  for (let looks = 0; looks < 3; looks++) {
    await wait(10);
    if (underWay > 0) looks = 0;
  }
}

const memory: MemoryStore = {
  load: () => disk.load(),
  async save(value) {
    const number = ++saves;
    dieAt(`save ${number} before`);
    underWay += 1;
    await disk.save(value);
    underWay -= 1;
    dieAt(`save ${number} after`);
  },
  saveNow(value) {
    disk.saveNow(value);
    dieAt("struck off");
  },
};

async function main(): Promise<void> {
  const link = new FakeLink();
  const log = {
    warn: (message: string) => {
      console.error(message);
    },
  };
  const printer = new Printer({ id: "K1", name: "k", link, staleAfterMs: 60_000, memory, log });
  printer.subscribe({
    event({ event, recovered }) {
      if (!/finished|failed|cancelled/.test(event)) return;
      dieAt(`tell ${event}`);
      appendFileSync(plan.told, `${event}${recovered ? " recovered" : ""}\n`);
    },
  });
  while (!link.isOpen) await wait(1);
  link.state({ kind: "live" });
  let reports = 0;
  for (const entry of plan.story) {
    const [state, word] = entry.split("+");
    const signals = { cancelled: word !== undefined };
    link.report(seen({ state: state as PrinterState, job: state === "idle" ? null : aJob(), signals }));
    dieAt(`report ${++reports}`);
    await quiet();
  }
  const delay = /^wait (\d+)$/.exec(plan.killAt ?? "");
  if (delay !== null) {
    await wait(Number(delay[1]));
    process.kill(process.pid, "SIGKILL");
  }
  if (plan.story.at(-1)?.startsWith("failed") === true) await wait(ENDING_WAIT_MS + 100);
  await quiet();
  await printer.close();
}

void main();
