import type { PrinterMemory } from "../../lib/printer/events";
import type { MemoryStore } from "../../lib/printer/memory-shape";
import type { Command } from "../../lib/printer/commands";
import type { CommandReply, Link, LinkListener, LinkState, Observation, SendOptions } from "../../lib/printer/link";
import type { LinkName } from "../../lib/printer/status";

/** A link that does what the test says; nothing but the Printer is under test. */
export class FakeLink implements Link {
  readonly vendor = "bambu";
  opens = 0;
  closes = 0;
  refreshes = 0;
  renewals = 0;
  private listener: LinkListener | null = null;

  constructor(readonly name: LinkName = "lan") {}

  open(listener: LinkListener): void {
    this.opens += 1;
    this.listener = listener;
  }

  close(): Promise<void> {
    this.closes += 1;
    this.listener = null;
    return Promise.resolve();
  }

  refresh(): void {
    this.refreshes += 1;
  }

  renew(): void {
    this.renewals += 1;
  }

  /** What was sent; `answer` decides what comes of it. */
  readonly sent: Command[] = [];
  answer: (command: Command, options: SendOptions) => Promise<CommandReply> = () => Promise.resolve({ kind: "done" });

  send(command: Command, options: SendOptions): Promise<CommandReply> {
    this.sent.push(command);
    return this.answer(command, options);
  }

  get isOpen(): boolean {
    return this.listener !== null;
  }

  state(state: LinkState): void {
    this.listener?.state(state);
  }

  report(observation: Observation): void {
    this.listener?.report(observation);
  }

  missed(): void {
    this.listener?.missed?.();
  }

  warn(message: string): void {
    this.listener?.warn(message);
  }
}

/** A memory that outlives Printers, as a disk does; counts and can refuse. */
export class FakeMemory implements MemoryStore {
  document: string | null = null;
  saves: PrinterMemory[] = [];
  full = false;

  load(): Promise<PrinterMemory | null> {
    return Promise.resolve(this.document === null ? null : (JSON.parse(this.document) as PrinterMemory));
  }

  saveNow(memory: PrinterMemory): void {
    if (this.full) throw new Error("no space left");
    this.saves.push(memory);
    this.document = JSON.stringify(memory);
  }

  save(memory: PrinterMemory): Promise<void> {
    if (this.full) return Promise.reject(new Error("no space left"));
    this.saves.push(memory);
    this.document = JSON.stringify(memory);
    return Promise.resolve();
  }
}
