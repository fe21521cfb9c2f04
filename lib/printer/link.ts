import type { PrintgateError } from "../errors";
import type { Command } from "./commands";
import type { EventName } from "./events";
import type { FirmwareWord } from "./firmware";
import type { LinkName, PrinterStatus } from "./status";

/**
 * What a status can not carry but the event rules need: words that a printer says in passing.
 * Each is a level (true while the printer says it); the event rules look for the edge.
 */
export interface Signals {
  /** The printer says that the job was cancelled by somebody, not that it failed. */
  readonly cancelled: boolean;
  /** The printer says that filament ran out. */
  readonly runout: boolean;
}

/** One decoded report: everything that is known of the printer after it. */
export interface Observation {
  /**
   * `online` and `lastSeen` are the Printer's to fill in; a link leaves them at false and null.
   * Parts that did not change since the last observation are the same objects.
   */
  readonly status: PrinterStatus;
  readonly signals: Signals;
  /** What the printer says about updates of its firmware. */
  readonly firmware: FirmwareWord;
  /** Marketing name, once known. */
  readonly model: string | null;
  /** False until the printer's whole state was heard on this connection: no event may be derived before. */
  readonly complete: boolean;
  /**
   * A server that stands before the printer answers, and says that the printer itself is off or not connected: the
   * link is live, the printer is not online, and what it does meanwhile nobody knows.
   */
  readonly away?: boolean;
  /**
   * `complete`, but only because what was asked for did not come: parts of it may be from before this connection, or all
   * of it from before the question.
   */
  readonly assumed?: boolean;
  /** A copy of the printer's own words, secrets removed. Made on demand: most users never ask. */
  raw(): Record<string, unknown>;
}

/** The life of a link. One union instead of flags that could contradict each other. */
export type LinkState =
  | { readonly kind: "closed" }
  /** `after` = the trouble that ended the attempt before, which this one may mend; null for the first. */
  | { readonly kind: "connecting"; readonly after: PrintgateError | null }
  /** Connected and let in; whether the printer talks is told by its reports. */
  | { readonly kind: "live" }
  /** Not connected, will try again by itself; `retryInMs` null = as soon as the printer is seen on the network. */
  | { readonly kind: "waiting"; readonly reason: PrintgateError; readonly retryInMs: number | null }
  /** Will not try again until the settings change. */
  | { readonly kind: "stopped"; readonly reason: PrintgateError };

export interface LinkListener {
  state(state: LinkState): void;
  report(observation: Observation): void;
  /** A sentence for the log; the link says each kind of trouble once. */
  warn(message: string): void;
  /** An event that no report shows: an account that expires, say. */
  notice?(notice: Notice): void;
  /**
   * Reports may have gone unheard although the link stayed live: what the next complete one shows can have happened
   * before. A link that was not live needs not say so.
   */
  missed?(): void;
}

export interface Notice {
  readonly event: EventName;
  readonly reason: string | null;
  readonly value: unknown;
}

/** The printer's own word on a command. */
export type CommandReply =
  | { readonly kind: "done" }
  /** `code` = the printer's own number (Bambu's err_code, an HTTP status), or a word of ours where it has none. */
  | { readonly kind: "refused"; readonly code: number | string; readonly reason: string }
  /** It was handed over, and this printer answers nothing to it: only a changed state can confirm it. */
  | { readonly kind: "unanswered" };

export interface SendOptions {
  /** Aborted when nobody waits any more; then nothing of the command may be kept. */
  readonly signal: AbortSignal;
  /** Of an upload, in bytes; `totalBytes` null = nobody knows. */
  progress?(sentBytes: number, totalBytes: number | null): void;
  /**
   * To be called after anything slow that had to go before the command itself (an upload), right before that leaves.
   * @throws PrintgateError `offline`, `wrong-state` when the command does not fit any more
   */
  leaving?(): void;
}

/** A way to a printer. Implementations own their socket and timers and close them in any state. */
export interface Link {
  /** The way that reports come at the moment; a link of several ways names another one after a switch. */
  readonly name: LinkName;
  readonly vendor: "bambu" | "octoprint" | "other";
  /** True where another way takes over when reports stop coming: a silence is a switch at first. Absent = there is none. */
  readonly hasStandIn?: boolean;
  /** Starts connecting; calls the listener from later ticks only. */
  open(listener: LinkListener): void;
  /** Idempotent, says goodbye to the printer, ends within 2 s, after it nothing is called any more. */
  close(): Promise<void>;
  /** Asks the printer for its whole state, if it was not asked too recently for the printer's good. */
  refresh(): void;
  /**
   * What was heard may be out of date although the connection held: nothing is `complete` until the printer's whole
   * state, which is asked for at once, was heard anew. A link whose every report is the whole state needs none.
   */
  renew?(): void;
  /**
   * Carries a command out once: nothing is queued while there is no connection, nothing is sent again.
   * Whether it is allowed at this moment was judged before.
   * @throws PrintgateError `offline`, `link-lost`, `not-supported` (this link can not do it at all), or what kept it from being sent
   */
  send(command: Command, options: SendOptions): Promise<CommandReply>;
  /**
   * One picture of the printer's camera, as JPEG; a link without a camera has no such method.
   * @throws PrintgateError `camera-failed` and what kept it from being reached
   */
  snapshot?(options: { readonly signal: AbortSignal }): Promise<Buffer>;
}
