import type { PrinterEvent } from "./events";
import type { Link, LinkState } from "./link";
import type { MemoryStore } from "./memory-shape";
import type { PrinterIdentity, PrinterStatus } from "./status";

export interface PrinterListener {
  status?(status: PrinterStatus, printer: PrinterIdentity): void;
  event?(event: PrinterEvent, printer: PrinterIdentity): void;
  link?(state: LinkState): void;
}

export interface PrinterOptions {
  readonly id: string;
  readonly name: string;
  readonly link: Link;
  /** The model as somebody else knows it, as long as the printer has not said it. */
  readonly knownModel?: () => string | null;
  /** Without a report for so long, the printer counts as offline. */
  readonly staleAfterMs: number;
  readonly memory: MemoryStore;
  readonly log: { warn(message: string): void };
}
