import type { PrinterEvent } from "../../lib/printer/events";
import type { Link } from "../../lib/printer/link";
import { Printer } from "../../lib/printer/printer";
import { FakeMemory } from "./fake-link";
import { until } from "./wait";

/** A printer that somebody follows. */
export class Followed {
  readonly told: PrinterEvent[] = [];
  /** Sentences for the log. */
  readonly warnings: string[] = [];
  readonly printer: Printer;
  private leave: () => Promise<void> = () => Promise.resolve();

  constructor(link: Link, memory = new FakeMemory()) {
    const log = { warn: (words: string) => this.warnings.push(words) };
    this.printer = new Printer({ id: "bench", name: "bench", link, staleAfterMs: 60_000, memory, log });
  }

  /** Begins to listen. */
  follow(): this {
    this.leave = this.printer.subscribe({ event: (event) => this.told.push(event) });
    return this;
  }

  /** Begins to listen to a printer that has nothing to do. */
  async open(): Promise<this> {
    this.follow();
    await this.is("idle");
    return this;
  }

  is(state: string): Promise<void> {
    return until(
      `${this.printer.id} is ${state}, not ${this.printer.status.state}`,
      () => this.printer.status.online && this.printer.status.state === state,
    );
  }

  tells(event: string): Promise<void> {
    return until(`${event} is told`, () => this.told.some((one) => one.event === event));
  }

  /** With the tens, and without when the printer came and went. */
  get names(): string[] {
    const told = this.told.filter(({ event }) => !event.startsWith("printer."));
    return told.map(
      ({ event, value, recovered }) =>
        `${event}${value === null ? "" : ` ${JSON.stringify(value)}`}${recovered ? " (recovered)" : ""}`,
    );
  }

  /** Without what depends on how far the print had come. */
  get turns(): string[] {
    return this.names.filter((name) => !/^print\.(progress|first-layer)/.test(name));
  }

  close(): Promise<void> {
    return this.leave();
  }
}
