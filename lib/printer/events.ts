import type { Alert, Job, PrinterState } from "./status";

/** The events, and what the event rules (rules.ts) remember between two reports. Plain JSON throughout. */

export const EVENT_NAMES = [
  "print.started",
  "print.paused",
  "print.resumed",
  "print.finished",
  "print.failed",
  "print.cancelled",
  "print.progress",
  "print.first-layer",
  "alert.raised",
  "alert.cleared",
  "filament.runout",
  "filament.changed",
  "door.opened",
  "door.closed",
  "printer.online",
  "printer.offline",
  "firmware.available",
  "account.expiring",
  "account.expired",
] as const;

export type EventName = (typeof EVENT_NAMES)[number];

/** `msg.payload` of printer-event. */
export interface PrinterEvent {
  readonly event: EventName;
  /** ISO 8601: when it was noticed. */
  readonly at: string;
  readonly state: PrinterState;
  readonly previousState: PrinterState;
  /** It happened while we could not hear the printer, and is told late. */
  readonly recovered: boolean;
  readonly job: Job | null;
  readonly reason: string | null;
  readonly alert: Alert | null;
  /**
   * The ten that was crossed (print.progress), the filament now in use (filament.changed), the modules with something
   * newer as `{ name, installed, latest }` (firmware.available), the days left (account.expiring), else null.
   */
  readonly value: unknown;
}

/**
 * How this observation follows the one before:
 * `start` the first since the process or the flow started (what it shows is the baseline),
 * `gap` the first after the printer could not be heard (what changed is told as recovered), else `live`.
 */
export type Continuity = "start" | "gap" | "live";

/** The events of which each job has exactly one. */
export const ENDING_EVENTS: ReadonlySet<EventName> = new Set(["print.finished", "print.failed", "print.cancelled"]);

export type Outcome = "finished" | "failed" | "cancelled";

/** The states that the rules work on: `unknown` is passed over, `cancelled` is a failure with the cancel word. */
export type KnownState = Exclude<PrinterState, "unknown" | "cancelled">;

/** An ending that was seen but not told yet: it waits for the word that tells a cancel from a failure. */
export interface Ending {
  readonly job: Job | null;
  /** What the printer was doing before. */
  readonly from: KnownState;
  /** Epoch ms at which the wait began. */
  readonly since: number;
  readonly recovered: boolean;
}

/** What the rules remember of one printer. Plain JSON: it is kept across restarts. */
export interface EventMemory {
  /** The last state that the printer named; null before it named one. Unknown states are passed over. */
  readonly state: KnownState | null;
  /** The job of that state, or the last one, as it was last seen. */
  readonly job: Job | null;
  /** What was missed of the state and is not caught up with, since no report has named one yet. Absent = nothing. */
  readonly missed?: Continuity;
  /** Epoch ms at which that job was last seen. */
  readonly at: number;
  /** The last job whose ending was told (or found at the baseline), and how it ended. */
  readonly told: { readonly job: Job | null; readonly outcome: Outcome } | null;
  readonly ending: Ending | null;
  /** The cancel word was heard since the job began. */
  readonly cancelled: boolean;
  /** Levels of the signals, to find their edges. */
  readonly cancelWord: boolean;
  readonly runout: boolean;
  /** ISO 8601: when we saw the job begin, for printers that do not say it. */
  readonly startedAt: string | null;
  /** The last ten per cent that was told or passed. */
  readonly ten: number;
  readonly firstLayer: boolean;
  /** Figures that the printer still showed from the job before when this one began; null once they moved. */
  readonly leftover: { readonly progress: number | null; readonly layer: number | null };
  /** The filament that was last in use. */
  readonly filament: string | null;
  readonly door: "open" | "closed" | null;
  readonly alerts: readonly Alert[];
  readonly online: boolean | null;
  /** The newest version of each module that was told as available. Absent in the files of older releases. */
  readonly offered?: readonly { readonly name: string; readonly version: string }[];
}

/** What is kept on disk of one printer. */
export interface PrinterMemory {
  readonly version: 1;
  readonly rules: EventMemory;
  /** Endings that were decided and perhaps not told yet. */
  readonly outbox: readonly PrinterEvent[];
}

export const NO_MEMORY: EventMemory = {
  state: null,
  job: null,
  at: 0,
  told: null,
  ending: null,
  cancelled: false,
  cancelWord: false,
  runout: false,
  startedAt: null,
  ten: 0,
  firstLayer: false,
  leftover: { progress: null, layer: null },
  filament: null,
  door: null,
  alerts: [],
  online: null,
};

/** The state to show: an ending is shown when it is told, and a failure that was a cancel is a cancel. */
export function shownState(memory: EventMemory, reported: PrinterState): PrinterState {
  if (memory.ending !== null && reported !== "unknown") return memory.ending.from;
  if (reported === "failed" && memory.told?.outcome === "cancelled") return "cancelled";
  return reported;
}

export function makeEvent(
  event: EventName,
  memory: EventMemory,
  state: PrinterState,
  previousState: PrinterState,
  at: number,
  recovered: boolean,
): PrinterEvent {
  const job = withStart(memory.job, memory);
  return {
    event,
    at: new Date(at).toISOString(),
    state,
    previousState,
    recovered,
    job,
    reason: null,
    alert: null,
    value: null,
  };
}

/** The job with the beginning that we saw, where the printer does not say it. */
export function withStart(job: Job | null, memory: EventMemory): Job | null {
  if (job === null || job.startedAt !== null || memory.startedAt === null) return job;
  return { ...job, startedAt: memory.startedAt };
}
