import { PrintgateError } from "../errors";
import { type Command, ruleOf } from "./commands";
import type { CommandReply, Link, LinkState, SendOptions } from "./link";
import { type CommandOutcome, type Refusal, refusalFrom, refusalOf } from "./refusals";
import type { PrinterStatus } from "./status";

export interface CommandOptions {
  /** Without an answer, and without a sign of an upload going on, for so long, it counts as not carried out. */
  readonly timeoutMs: number;
  /** Of an upload, in bytes; `totalBytes` null = nobody knows. */
  progress?(sentBytes: number, totalBytes: number | null): void;
  /** Aborted when nobody wants to know any more. */
  readonly signal?: AbortSignal;
}

/** What is known of the printer at this moment. */
export interface Now {
  readonly status: PrinterStatus;
  readonly linkState: LinkState;
}

/** Everybody who waits for the outcome of a command. */
export class Sending {
  private readonly waiting = new Set<Errand>();

  constructor(
    private readonly link: Link,
    private readonly now: () => Now,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Commands that are under way. */
  get underWay(): number {
    return this.waiting.size;
  }

  /**
   * Carries a command out once, or says why not. It is judged, handed to the link, and then whichever comes first counts:
   * the printer's answer, a report that shows what was wanted, the end of the connection or of the time. Never rejects.
   */
  send(command: Command, options: CommandOptions): Promise<CommandOutcome> {
    const { status, linkState } = this.now();
    const refusal = options.signal?.aborted === true ? GIVEN_UP : refusalOf(command, status, linkState);
    if (refusal !== null) return Promise.resolve({ command: command.name, confirmed: false, ...refusal });
    return new Promise((resolve) => {
      const errand = new Errand(command, options, this.now, this.clock, (outcome) => {
        this.waiting.delete(errand);
        resolve(outcome);
      });
      this.waiting.add(errand);
      errand.start(this.link);
    });
  }

  /** A report came. */
  report(status: PrinterStatus): void {
    for (const errand of [...this.waiting]) errand.report(status);
  }

  /** The connection is not what it was: what was sent over it will not be answered. */
  lost(reason: string): void {
    for (const errand of [...this.waiting]) errand.lost(reason);
  }
}

const GIVEN_UP: Refusal = { code: "link-lost", reason: "nobody waits for the command any more" };

/** One command on its way. Owns its timer and its listener; both are gone when it has ended. */
class Errand {
  private readonly abort = new AbortController();
  private readonly startedAt: number;
  private readonly shows: (status: PrinterStatus) => boolean;
  private timer: NodeJS.Timeout | null = null;
  private ended = false;
  /** The command itself has left, or may have. Before that no report can be due to it. */
  private left: boolean;
  /**
   * What was wanted was seen not to be so: from then on a report that shows it confirms. A state that held before the
   * command proves nothing.
   */
  private armed = false;

  constructor(
    private readonly command: Command,
    private readonly options: CommandOptions,
    private readonly now: () => Now,
    private readonly clock: () => number,
    private readonly tell: (outcome: CommandOutcome) => void,
  ) {
    const { shows } = ruleOf(command);
    this.shows = (status) => shows?.(status, command) ?? false;
    this.left = !(command.name === "print" && command.order.content !== null);
    this.startedAt = clock();
  }

  start(link: Link): void {
    const { signal } = this.options;
    signal?.addEventListener("abort", this.giveUp);
    this.arm(this.now().status);
    this.wait();
    const sendOptions: SendOptions = {
      signal: this.abort.signal,
      progress: (sent, total) => {
        if (this.ended) return;
        this.wait();
        this.options.progress?.(sent, total);
      },
      leaving: () => {
        this.leave();
      },
    };
    const send = async (): Promise<CommandReply> => link.send(this.command, sendOptions);
    send().then(
      (reply) => {
        this.onReply(reply);
      },
      (thrown: unknown) => {
        this.refuse(refusalFrom(thrown));
      },
    );
  }

  report(status: PrinterStatus): void {
    if (!this.left || !status.online) return;
    if (this.armed && this.shows(status)) this.end({ confirmed: true, by: "state" });
    else this.arm(status);
  }

  lost(reason: string): void {
    if (ruleOf(this.command).needsPrinter === false) return;
    const when = this.left ? "; whether it was carried out is not known" : "; nothing was started";
    this.refuse({ code: "link-lost", reason: `${reason} before the printer had answered${when}` });
  }

  private onReply(reply: CommandReply): void {
    if (reply.kind === "done") this.end({ confirmed: true, by: "reply" });
    else if (reply.kind === "refused") this.refuse({ code: reply.code, reason: reply.reason });
    else this.onHandedOver();
  }

  /** Somebody took it over who does not answer for the printer: then a report that still shows it will do as well. */
  private onHandedOver(): void {
    this.left = this.armed = true;
    if (ruleOf(this.command).shows === null)
      this.refuse({ code: "timeout", reason: "it was handed over, but nothing this printer says could confirm it" });
  }

  private leave(): void {
    const { status, linkState } = this.now();
    const refusal = this.ended ? GIVEN_UP : refusalOf(this.command, status, linkState);
    if (refusal !== null)
      throw new PrintgateError(refusal.code === "offline" ? "offline" : "wrong-state", refusal.reason);
    this.left = true;
    this.arm(status);
    this.wait();
  }

  private arm(status: PrinterStatus): void {
    this.armed ||= !this.shows(status);
  }

  private wait(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.onTimeout();
    }, this.options.timeoutMs);
  }

  private onTimeout(): void {
    const seconds = this.options.timeoutMs / 1000;
    const doubt = this.left
      ? "whether it was carried out is not known, and it is not sent again"
      : "nothing was started";
    this.refuse({ code: "timeout", reason: `the printer did not answer within ${seconds} s; ${doubt}` });
  }

  private readonly giveUp = (): void => {
    this.refuse(GIVEN_UP);
  };

  private refuse({ code, reason }: Refusal): void {
    this.end({ confirmed: false, code, reason });
  }

  private end(outcome: EndOf<CommandOutcome>): void {
    if (this.ended) return;
    this.ended = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.options.signal?.removeEventListener("abort", this.giveUp);
    this.abort.abort();
    const command = this.command.name;
    const seconds = Math.round(this.clock() - this.startedAt) / 1000;
    this.tell(outcome.confirmed ? { command, ...outcome, seconds } : { command, ...outcome });
  }
}

type EndOf<O> = O extends CommandOutcome ? Omit<O, "command" | "seconds"> : never;
