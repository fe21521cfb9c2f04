/** The ways out of a printer: the broker of its own and, where there is one, the line to its maker's cloud. */
import { PrintgateError } from "../../errors";
import { type BrokerOptions, openBroker, type PrinterBroker, type Tally } from "./broker";
import type { JsonObject } from "../json";
import type { JobAtWork, StateChange, Uplink, UplinkSink } from "./uplink";

export class Lines {
  readonly tally: Tally = { connects: 0, disconnectsClean: 0 };
  private broker: PrinterBroker | null = null;
  private sink: UplinkSink | null = null;
  private silent = false;
  private restarting = false;

  /** The printer is switched on. */
  get on(): boolean {
    return this.broker !== null && !this.restarting;
  }
  get clients(): number {
    return this.broker?.clients ?? 0;
  }
  /** Somebody hears what is said. */
  get heard(): boolean {
    return this.on && (this.clients > 0 || this.sink !== null);
  }

  /** The port. @throws PrintgateError `config-invalid` when it can not be had */
  async open(options: Omit<BrokerOptions, "tally">): Promise<number> {
    this.broker = await openBroker({ ...options, tally: this.tally });
    this.sink?.power(true);
    return this.broker.port;
  }

  async close(): Promise<void> {
    const { broker } = this;
    this.broker = null;
    if (broker !== null) this.sink?.power(false);
    await broker?.close();
  }

  /** Everybody is cut off, and the printer is away while that runs. */
  restart(meanwhile: () => void): void {
    this.restarting = true;
    this.sink?.power(false);
    this.dropLinks();
    meanwhile();
    this.restarting = false;
    if (this.on) this.sink?.power(true);
  }

  dropLinks(): void {
    this.broker?.dropLinks();
  }

  silence(on: boolean): void {
    this.silent = on;
  }

  /** What the printer itself has to say: nothing while it is silenced. */
  say(frame: JsonObject): void {
    if (!this.silent) this.publish(JSON.stringify(frame));
  }

  /** Any frame, whatever the printer would say. */
  publish(payload: string | Buffer): void {
    if (!this.on) return;
    this.broker?.publish(payload);
    this.sink?.report(payload);
  }

  tellState(change: StateChange): void {
    this.sink?.state(change);
  }

  /**
   * The line to a cloud. `ended` is called when it is taken away.
   * @throws PrintgateError `config-invalid` while there is one
   */
  attach(
    sink: UplinkSink,
    printer: { job(): JobAtWork | null; receive(payload: Buffer): void; ended(): void },
  ): Uplink {
    if (this.sink !== null) throw new PrintgateError("config-invalid", "This printer belongs to a cloud already.");
    this.sink = sink;
    const isOn = (): boolean => this.on;
    return {
      get on() {
        return isOn();
      },
      get job() {
        return printer.job();
      },
      request: (payload) => {
        printer.receive(payload);
      },
      close: () => {
        if (this.sink !== sink) return;
        this.sink = null;
        printer.ended();
      },
    };
  }
}
