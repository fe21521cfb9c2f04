import { step, concernsEvents } from "../lib/printer/rules";
import { NO_MEMORY, type EventMemory } from "../lib/printer/events";
import type { Observation } from "../lib/printer/link";
import { PrinterReports } from "../lib/bambu/frames";
import { frame, serialOf, version } from "../test/support/reports";
import { processorMicroseconds } from "./processor-time";
import { WORKLOADS, type Workload } from "./workloads";

/**
 * What a report costs from bytes to events, as a ratio to the bare JSON.parse of the same bytes: both are
 * measured in turns in the same process, so that a slow moment of the machine meets both. And the memory
 * that one printer takes, with 200 of them in the process.
 */

const ROUNDS = 41;
const ROUND_MS = 12;
const PRINTERS = 200;

/** One printer as the package keeps it: its reports and the memory of the event rules. */
class Follower {
  private readonly reports: PrinterReports;
  private memory: EventMemory = NO_MEMORY;
  private before: Observation | null = null;
  private at = 1_767_225_600_000;
  events = 0;

  constructor({ model, first }: Workload, serial: string) {
    this.reports = new PrinterReports({ serial });
    this.take(frame({ info: version(model) }));
    this.take(first);
  }

  take(bytes: Buffer): void {
    this.at += 1000;
    for (const accepted of this.reports.accept(bytes, this.at)) {
      if (accepted.kind !== "report") continue;
      const { observation } = accepted;
      const before = this.before;
      this.before = observation;
      if (!observation.complete || (before !== null && !concernsEvents(before, observation))) continue;
      const turn = step(this.memory, observation, this.at, before === null ? "start" : "live");
      this.memory = turn.memory;
      this.events += turn.events.length;
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** Nanoseconds of processor time that `work` takes for one frame, over about `ROUND_MS`. */
function nanosecondsEach(frames: readonly Buffer[], work: (bytes: Buffer) => void): number {
  let done = 0;
  const begin = processorMicroseconds();
  let took = 0;
  while (took < ROUND_MS * 1000) {
    for (const bytes of frames) work(bytes);
    done += frames.length;
    took = processorMicroseconds() - begin;
  }
  return (took * 1000) / done;
}

/** Keeps the parser's result from being thought useless. */
let parsed: unknown = null;

function speedOf(workload: Workload): object {
  const { frames } = workload;
  const printer = new Follower(workload, serialOf(workload.model));
  const ours = (bytes: Buffer): void => {
    printer.take(bytes);
  };
  const bare = (bytes: Buffer): void => {
    parsed = JSON.parse(bytes.toString());
  };
  for (let i = 0; i < 20; i++) {
    nanosecondsEach(frames, ours);
    nanosecondsEach(frames, bare);
  }
  const rounds = Array.from({ length: ROUNDS }, () => {
    const [us, them] = [nanosecondsEach(frames, ours), nanosecondsEach(frames, bare)];
    return { us, them, ratio: us / them };
  });
  return {
    name: workload.name,
    bytes: Math.round(frames.reduce((sum, bytes) => sum + bytes.length, 0) / frames.length),
    framesPerSecond: Math.round(1e9 / median(rounds.map(({ us }) => us))),
    bareParsesPerSecond: Math.round(1e9 / median(rounds.map(({ them }) => them))),
    ratio: Number(median(rounds.map(({ ratio }) => ratio)).toFixed(2)),
    aim: workload.aim,
    events: printer.events,
  };
}

function settledHeap(): number {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
  for (let i = 0; i < 5; i++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** Heap of one printer after its first report and a hundred more. */
function memoryOf(workload: Workload): object {
  const run = (serial: string): Follower => {
    const printer = new Follower(workload, serial);
    for (const bytes of workload.frames.slice(0, 100)) printer.take(bytes);
    return printer;
  };
  run(serialOf(workload.model));
  const before = settledHeap();
  const fleet = Array.from({ length: PRINTERS }, (_, i) =>
    run(serialOf(workload.model).slice(0, 9) + String(i).padStart(6, "0")),
  );
  const bytes = (settledHeap() - before) / fleet.length;
  return {
    name: workload.model,
    firstFrameBytes: workload.first.length,
    printers: fleet.length,
    bytesPerPrinter: Math.round(bytes),
    aim: 20 * 1024,
  };
}

const results = { speed: WORKLOADS.map(speedOf), memory: WORKLOADS.map(memoryOf), parsed: typeof parsed };
process.stdout.write(JSON.stringify(results));
