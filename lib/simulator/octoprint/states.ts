/**
 * The states of the machine behind OctoPrint and how the server words them.
 * Source: OctoPrint 1.11.8 as it was observed with its virtual printer. Several flags are true at once;
 * after an error the flags say no more than for a printer that is off, only the text differs.
 */

export type Phase =
  | "offline"
  | "offlineAfterError"
  | "openSerial"
  | "connecting"
  | "operational"
  | "starting"
  | "printing"
  | "pausing"
  | "paused"
  | "resuming"
  | "finishing"
  | "cancelling"
  | "error";

const FLAGS = [
  "operational",
  "printing",
  "cancelling",
  "pausing",
  "resuming",
  "finishing",
  "closedOrError",
  "error",
  "paused",
  "ready",
  "sdReady",
] as const;
export type Flag = (typeof FLAGS)[number];

export interface PhaseRow {
  /** `state_id` of PrinterStateChanged. */
  readonly id: string;
  /** `state.text`, and `state_string` of the event unless `told` says otherwise. */
  readonly text: string;
  readonly told?: string;
  readonly flags: readonly Flag[];
  /** Where it goes by itself when its time is over. */
  readonly next?: Phase;
}

export const PHASES: Readonly<Record<Phase, PhaseRow>> = {
  offline: { id: "OFFLINE", text: "Offline", flags: ["closedOrError"] },
  offlineAfterError: { id: "OFFLINE", text: "Offline after error", told: "Offline", flags: ["closedOrError"] },
  openSerial: { id: "OPEN_SERIAL", text: "Opening serial connection", flags: [], next: "connecting" },
  connecting: { id: "CONNECTING", text: "Connecting", flags: [], next: "operational" },
  operational: { id: "OPERATIONAL", text: "Operational", flags: ["operational", "ready", "sdReady"] },
  starting: { id: "STARTING", text: "Starting", flags: ["operational", "printing", "sdReady"], next: "printing" },
  printing: { id: "PRINTING", text: "Printing", flags: ["operational", "printing", "sdReady"] },
  pausing: {
    id: "PAUSING",
    text: "Pausing",
    flags: ["operational", "printing", "pausing", "sdReady"],
    next: "paused",
  },
  paused: { id: "PAUSED", text: "Paused", flags: ["operational", "paused", "sdReady"] },
  resuming: {
    id: "RESUMING",
    text: "Resuming",
    flags: ["operational", "printing", "resuming", "sdReady"],
    next: "printing",
  },
  finishing: {
    id: "FINISHING",
    text: "Finishing",
    flags: ["operational", "printing", "finishing", "sdReady"],
    next: "operational",
  },
  cancelling: {
    id: "CANCELLING",
    text: "Cancelling",
    flags: ["operational", "printing", "cancelling", "sdReady"],
    next: "operational",
  },
  error: { id: "ERROR", text: "Error", flags: ["closedOrError", "error", "sdReady"], next: "offlineAfterError" },
};

export function hasFlag(phase: Phase, flag: Flag): boolean {
  return PHASES[phase].flags.includes(flag);
}

/** `state.flags` as the server sends them: all eleven. */
export function flagsOf(phase: Phase): Record<Flag, boolean> {
  return Object.fromEntries(FLAGS.map((flag) => [flag, hasFlag(phase, flag)])) as Record<Flag, boolean>;
}
