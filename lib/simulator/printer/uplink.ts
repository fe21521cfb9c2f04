/** A printer's second way out, besides the broker of its own: the line to its maker's cloud. */
import type { GcodeState } from "./machine/state";

/** One line of a printer's diary. */
export interface StateChange {
  readonly state: GcodeState;
  readonly previous: GcodeState;
  readonly job: string | null;
  /** Id of the cloud task; null without a job, and for prints from the local network. */
  readonly taskId: string | null;
  /** 0..100 */
  readonly percent: number;
}

/** Who stands at the other end. Called from the printer's own turn: it must not throw. */
export interface UplinkSink {
  /** Whether the printer is told of beta firmware. */
  readonly firmwareBetaOpen: boolean;
  /** A frame that leaves on the report topic. */
  report(payload: string | Buffer): void;
  /** The printer is switched on or off, or restarts. */
  power(on: boolean): void;
  state(change: StateChange): void;
}

export interface JobAtWork {
  readonly name: string;
  /** null = a print from the local network. */
  readonly taskId: string | null;
  /** 0..100 */
  readonly percent: number;
  /** Epoch seconds. */
  readonly startedAt: number;
}

export interface Uplink {
  readonly on: boolean;
  /** The job that is on, or the last one since power-up. */
  readonly job: JobAtWork | null;
  /** A frame from the request topic over there. */
  request(payload: Buffer): void;
  /** The line is taken away. */
  close(): void;
}
