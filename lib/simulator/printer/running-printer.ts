/** The virtual printer at work: joins the machine, the encoders and the lines, and owns the clock. */
import { isIPv4 } from "node:net";
import { authorityOf, fingerprintOf, type PrinterCertificate } from "./certificate";
import { EndlessJobs } from "./machine/endless-jobs";
import { type FirmwareOffer, isUpdating, offerFirmware } from "./machine/firmware";
import { encodeModules } from "./report/firmware-encoder";
import type { JsonObject } from "../json";
import { Clock } from "../clock";
import { Lines } from "./lines";
import type { GcodeState, PrintOrder } from "./machine/state";
import { type CancelOrder, PrinterMachine } from "./machine/machine";
import type { PrinterProfile } from "./machine/profiles";
import { encodeStatus, type Surroundings } from "./report/encoder";
import { ReportStream } from "./report/stream";
import { type React, Reactions } from "./reactions";
import { type Handled, handleRequest, readFrame, type ReceivedRequest } from "./request-desk";
import { SideDoors } from "./side-doors";
import type { JobAtWork, Uplink, UplinkSink } from "./uplink";
import type { InstalledFirmware, VirtualPrinter, VirtualPrinterOptions } from "./types";

const KEPT_REQUESTS = 1000;
const LONGEST_TICK_MS = 250;
const SHORTEST_TICK_MS = 20;
const IDLE_FACTOR = 5;

export class RunningPrinter implements VirtualPrinter {
  readonly serial: string;
  readonly requests: ReceivedRequest[] = [];
  private readonly machine: PrinterMachine;
  private readonly around: Surroundings;
  private readonly lines = new Lines();
  private readonly reactions = new Reactions();
  private readonly endless: EndlessJobs | null;
  readonly doors: SideDoors;
  private stream: ReportStream;
  private readonly clock: Clock;
  private code: string;
  private pushing = true;
  private lastState: GcodeState = "IDLE";
  private reportDueAt = 0;
  private closing: Promise<void> | null = null;
  private boundPort: number;

  constructor(
    private readonly options: VirtualPrinterOptions,
    readonly profile: PrinterProfile,
    readonly certificate: PrinterCertificate,
  ) {
    const host = options.host ?? "127.0.0.1";
    this.serial = options.serial;
    this.code = options.accessCode;
    this.boundPort = options.port ?? 0;
    this.machine = new PrinterMachine(profile);
    this.stream = new ReportStream(profile);
    this.doors = new SideDoors({
      ...{ host, certificate, ftpPort: options.ftpPort ?? 0, cameraPort: options.cameraPort ?? 0 },
      ...{ hasCamera: !profile.rtsp, accessCode: () => this.code },
    });
    const { firmware } = this.machine.state;
    firmware.installed = options.firmware?.installed ?? firmware.installed;
    if (options.firmware?.offer !== undefined) offerFirmware(firmware, options.firmware.offer);
    this.endless = options.jobs === "endless" ? new EndlessJobs(this.machine, this.cancelOrder) : null;
    const interval = options.reportIntervalMs ?? 1000;
    const tickMs = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, interval));
    this.clock = new Clock(options.timeScale ?? 1, tickMs, (printerSeconds, now) => {
      this.tick(printerSeconds, now, interval);
    });
    this.around = {
      serial: options.serial,
      address: isIPv4(host) && host !== "0.0.0.0" ? host : "127.0.0.1",
      signedCommands: options.signedCommands ?? false,
    };
  }

  get name(): string {
    return this.options.name ?? `Virtual ${this.profile.model}`;
  }
  get fingerprint(): string {
    return fingerprintOf(this.certificate);
  }
  get caPem(): string {
    return authorityOf(this.certificate);
  }
  get firmware(): InstalledFirmware {
    const { firmware } = this.machine.state;
    const { installed, feeders, offer } = firmware;
    const modules = [...feeders].map(([name, version]) => ({ name, version }));
    return { installed, modules, offer, updating: isUpdating(firmware) };
  }
  get accessCode(): string {
    return this.code;
  }
  get port(): number {
    return this.boundPort;
  }
  get clients(): number {
    return this.lines.clients;
  }
  get connects(): number {
    return this.lines.tally.connects;
  }
  get disconnectsClean(): number {
    return this.lines.tally.disconnectsClean;
  }
  get state(): string {
    return this.machine.state.gcodeState;
  }
  private get cancelOrder(): CancelOrder {
    return this.options.cancelOrder ?? "pulse-first";
  }

  /** Opens the port and, unless time stands still, starts the clock. */
  async open(): Promise<void> {
    this.boundPort = await this.lines.open({
      serial: this.serial,
      host: this.options.host ?? "127.0.0.1",
      port: this.boundPort,
      certificate: this.certificate,
      sendsChain: this.profile.sendsChain,
      maxClients: this.options.maxClients ?? 4,
      accessCode: () => this.accessCode,
      onRequest: (payload) => {
        this.receive(payload);
      },
    });
    await this.doors.open();
    this.clock.start();
  }

  startPrint(job: PrintOrder = {}): void {
    this.act(() => this.machine.startPrint(job, this.epochSeconds()));
  }
  pause(): void {
    this.act(() => this.machine.pause());
  }
  resume(): void {
    this.act(() => this.machine.resume());
  }
  cancel(): void {
    this.act(() => this.machine.cancel(this.cancelOrder));
  }
  fail(): void {
    this.act(() => this.machine.fail());
  }
  runOut(): void {
    this.act(() => this.machine.runOut());
  }
  finish(): void {
    this.act(() => this.machine.finish());
  }
  raiseAlert(attr: number, code: number): void {
    this.act(() => {
      this.machine.raiseAlert({ attr, code });
    });
  }
  clearAlerts(): void {
    this.act(() => {
      this.machine.clearAlerts();
    });
  }
  openDoor(): void {
    this.act(() => {
      this.machine.setDoor(true);
    });
  }
  closeDoor(): void {
    this.act(() => {
      this.machine.setDoor(false);
    });
  }

  offerFirmware(offer: FirmwareOffer): void {
    this.act(() => {
      offerFirmware(this.machine.state.firmware, offer);
    });
  }
  withdrawFirmware(): void {
    this.act(() => {
      this.machine.state.firmware.offer = null;
    });
  }
  startUpdate(): void {
    this.act(() => this.machine.startUpdate());
  }

  advance(printerSeconds: number): void {
    this.pass(printerSeconds);
    this.report();
  }

  setAccessCode(code: string): void {
    this.code = code;
  }

  publish(frame: object | Buffer | string): void {
    const raw = Buffer.isBuffer(frame) || typeof frame === "string";
    this.lines.publish(raw ? frame : JSON.stringify(frame));
  }

  silence(on: boolean): void {
    this.lines.silence(on);
  }

  react(rule: React | null): void {
    this.reactions.rule = rule;
  }

  dropLinks(): void {
    this.lines.dropLinks();
  }

  uplink(sink: UplinkSink): Uplink {
    const line = this.lines.attach(sink, {
      job: () => this.job(),
      receive: (payload) => {
        this.receive(payload);
      },
      ended: () => {
        this.machine.state.firmware.betaOpen = true;
      },
    });
    this.machine.state.firmware.betaOpen = sink.firmwareBetaOpen;
    return line;
  }

  async powerCycle(): Promise<void> {
    await this.shut();
    this.beginAnew();
    if (this.closing === null) await this.open();
  }

  private beginAnew(): void {
    this.machine.powerCycle();
    this.stream = new ReportStream(this.profile);
    this.pushing = true;
    this.noteState();
  }

  close(): Promise<void> {
    return (this.closing ??= this.shut());
  }

  private async shut(): Promise<void> {
    this.clock.stop();
    this.reactions.close();
    await Promise.all([this.lines.close(), this.doors.close()]);
  }

  private epochSeconds(): number {
    return Math.floor(Date.now() / 1000);
  }

  private status(): JsonObject {
    return encodeStatus(this.machine.state, this.profile, this.around);
  }

  private act(change: () => unknown): void {
    change();
    this.report();
  }

  private tick(printerSeconds: number, now: number, interval: number): void {
    this.pass(printerSeconds);
    if (now < this.reportDueAt) return;
    this.report();
    // Whole reports come every second whatever the printer does.
    const factor = this.machine.busy || this.profile.reports === "full" ? 1 : IDLE_FACTOR;
    this.reportDueAt = now + interval * factor;
  }

  private pass(printerSeconds: number): void {
    const milestone = (): void => {
      this.report();
    };
    for (let left = printerSeconds; left > 0; left -= 1) {
      const seconds = Math.min(1, left);
      this.machine.advance(seconds, milestone);
      this.endless?.step(seconds, this.epochSeconds());
      if (this.lastState !== this.machine.state.gcodeState) milestone();
      if (this.machine.restartDue)
        this.lines.restart(() => {
          this.beginAnew();
        });
    }
  }

  private report(): void {
    this.noteState();
    // Without anybody to hear it the work is spared; what changed meanwhile is told with the next report.
    if (!this.pushing || !this.lines.heard) return;
    const frame = this.stream.unasked(this.status());
    if (frame !== null) this.lines.say(frame);
  }

  private job(): JobAtWork | null {
    const { job, percent } = this.machine.state;
    if (job === null) return null;
    const taskId = job.origin === "local" ? null : job.taskId;
    return { name: job.name, taskId, percent, startedAt: job.startedAt };
  }

  private noteState(): void {
    const { gcodeState, percent } = this.machine.state;
    if (gcodeState === this.lastState) return;
    const { name = null, taskId = null } = this.job() ?? {};
    const change = { state: gcodeState, previous: this.lastState, job: name, taskId, percent };
    this.lastState = gcodeState;
    this.options.onState?.(change);
    this.lines.tellState(change);
  }

  private receive(payload: Buffer): void {
    if (!this.lines.on) return;
    for (const request of readFrame(payload, Date.now())) {
      this.requests.push(request);
      if (this.requests.length > KEPT_REQUESTS) this.requests.shift();
      this.reactions.take(request, {
        carryOut: () => this.carryOut(request),
        send: (reply) => {
          this.lines.say(reply);
        },
        settle: ({ outcome }) => {
          if (outcome.kind === "push-all") this.lines.say(this.stream.whole(this.status()));
          else if (outcome.kind === "pushing") this.pushing = outcome.on;
          else if (outcome.kind !== "ignored") this.report();
        },
        cut: () => {
          this.dropLinks();
        },
      });
    }
  }

  private carryOut(request: ReceivedRequest): Handled {
    const { machine, accessCode, cancelOrder, doors } = this;
    const modules = encodeModules(machine.state, this.profile, this.serial);
    const context = { machine, accessCode, cancelOrder, modules, files: doors.files, now: this.epochSeconds() };
    return handleRequest(request, context, this.around.signedCommands);
  }
}
