/**
 * The server's view of one printer: connection, job, temperatures, and the events in the order in which OctoPrint
 * fires them. Source: OctoPrint 1.11.8 as it was observed with its virtual printer. Knows no socket and no clock.
 */
import type { Json } from "../json";
import type { StoredFile } from "./files";
import { readGcode } from "./gcode";
import { coldHeaters, heat, type Heaters } from "./heaters";
import { encodeFailure, encodeFileOf, encodePlace, heightOf, layerOf, type RunningJob, shareOf } from "./job";
import { hasFlag, type Phase, PHASES } from "./states";
import { measured, TemperatureLog, type TemperaturePoint } from "./temperatures";

export interface MachineOptions {
  readonly tools: number;
  readonly chamber: boolean;
  /** What M115 answers. */
  readonly firmware: Readonly<Record<string, string>>;
  /** Printer seconds that a passing state lasts; 0 = none. */
  readonly transitionSeconds: number;
}

export interface MachineOutlet {
  emit(type: string, payload: Json): void;
  /** Something that `current` tells is different. */
  changed(): void;
  /** The running job came to another layer; null = no job any more. */
  layer(current: number | null, total: number | null): void;
  /** Epoch ms. */
  now(): number;
}

export interface MachineError {
  readonly error: string;
  readonly reason: string;
  readonly consequence?: string;
}

const NO_ERROR: MachineError = { error: "", reason: "" };
/** What a slicer would have written at the beginning of the file. */
const JOB_TARGETS: readonly (readonly [string, number])[] = [
  ["tool0", 210],
  ["bed", 60],
];

export class OctoprintMachine {
  phase: Phase = "offline";
  file: StoredFile | null = null;
  job: RunningJob | null = null;
  /** The last job, while its file is still selected and it went to the end. */
  done: RunningJob | null = null;
  lastError = NO_ERROR;
  port: string | null = null;
  heaters: Heaters;
  private readonly temperatures = new TemperatureLog();
  private left = 0;
  private wasPausing = false;

  constructor(
    private readonly options: MachineOptions,
    private readonly outlet: MachineOutlet,
  ) {
    this.heaters = coldHeaters(options.tools, options.chamber);
  }

  get operational(): boolean {
    return hasFlag(this.phase, "operational");
  }
  get printing(): boolean {
    return hasFlag(this.phase, "printing");
  }
  /** Printing or paused. */
  get busy(): boolean {
    return this.printing || this.phase === "paused";
  }

  /** Nozzles. */
  get tools(): number {
    return this.options.tools;
  }
  get points(): readonly TemperaturePoint[] {
    return this.temperatures.points;
  }
  get firmwareName(): string {
    return this.options.firmware["FIRMWARE_NAME"] ?? "";
  }

  /** As if it had been connected before anybody looked. */
  beConnected(port: string): void {
    this.phase = "operational";
    this.port = port;
    this.samplePoint();
  }

  connect(port: string): void {
    if (this.operational) this.disconnect();
    this.outlet.emit("Connecting", null);
    this.lastError = NO_ERROR;
    this.port = port;
    this.enter("openSerial");
  }

  /** The server lets the printer go; a running job fails by that, without an error text. */
  disconnect(): void {
    this.outlet.emit("Disconnecting", null);
    this.drop("offline", this.phase === "offline" || this.phase === "offlineAfterError" ? null : "");
  }

  /** The printer is gone without a word: switched off, cable pulled. */
  lose(error: string): void {
    if (this.port === null) return;
    this.lastError = { error, reason: "connection" };
    this.drop("offlineAfterError", error);
  }

  select(file: StoredFile, user: string): void {
    this.file = file;
    this.done = null;
    const { owner, ...told } = encodeFileOf({ file });
    this.outlet.emit("FileSelected", { ...told, size: null, owner: owner ?? null, user });
    this.outlet.changed();
  }

  /** Nothing happens without a selected file, or while a job is on. */
  start(user: string): boolean {
    const { file } = this;
    if (file === null || this.phase !== "operational") return false;
    this.job = { file, user, printed: 0, elapsed: 0 };
    this.done = null;
    this.tellState("starting");
    this.outlet.emit("PrintStarted", { ...encodeFileOf({ file }), user });
    for (const [name, target] of JOB_TARGETS) this.setTarget(name, target);
    this.settle();
    return true;
  }

  pause(): boolean {
    if (this.phase !== "printing" && this.phase !== "starting" && this.phase !== "resuming") return false;
    this.enter("pausing");
    return true;
  }

  resume(): boolean {
    const { job } = this;
    if (this.phase !== "paused" || job === null) return false;
    this.tellState("resuming");
    this.outlet.emit("PrintResumed", { ...encodeFileOf(job), user: job.user });
    this.settle();
    return true;
  }

  /** From the beginning again, as OctoPrint allows for a paused job: that one ends without a word. */
  restart(user: string): boolean {
    if (this.phase !== "paused") return false;
    this.phase = "operational";
    return this.start(user);
  }

  /** `firmwareError` = the firmware complained and the server is set to cancel then. */
  cancel(firmwareError?: string): boolean {
    const { job } = this;
    if (job === null || !this.busy || this.phase === "cancelling" || this.phase === "finishing") return false;
    this.wasPausing = this.phase === "pausing";
    const because = firmwareError === undefined ? {} : { firmwareError };
    this.outlet.emit("PrintCancelling", { ...encodeFileOf(job), user: job.user, ...because });
    this.enter("cancelling");
    return true;
  }

  finish(): boolean {
    const { job } = this;
    if (job === null || !this.printing || this.phase === "cancelling" || this.phase === "finishing") return false;
    job.printed = job.file.seconds;
    job.file.prints.success += 1;
    this.tellState("finishing");
    this.outlet.emit("PrintDone", { ...encodeFileOf(job), time: job.elapsed });
    this.settle();
    return true;
  }

  /** The firmware reports an error. `cancel`: the server only ends the job; `emergency`: it closes the connection too. */
  complain(error: string, consequence: "cancel" | "emergency"): void {
    if (!this.operational) return;
    if (consequence === "cancel") {
      this.outlet.emit("Error", { error, reason: "firmware", consequence, logs: [], faq: "firmware-other" });
      this.cancel(error);
      return;
    }
    this.lastError = { error, reason: "firmware", consequence };
    this.tellState("error");
    this.outlet.emit("Error", { error, reason: "firmware", consequence, logs: [], faq: "firmware-other" });
    this.outlet.emit("EStop", null);
    this.settle();
  }

  /** False for a heater that is not there. */
  setTarget(name: string, target: number): boolean {
    const heater = this.heaters.get(name);
    if (heater === undefined) return false;
    heater.target = Math.max(0, target);
    this.outlet.changed();
    return true;
  }

  /** A line from the terminal. */
  gcode(line: string): void {
    const act = readGcode(line);
    if (act?.kind === "heat") this.setTarget(act.heater, act.target);
    else if (act?.kind === "firmware") this.tellFirmware();
    else if (act?.kind === "stop") this.complain("Emergency stop was requested", "emergency");
  }

  tellFirmware(): void {
    this.outlet.emit("FirmwareData", { name: this.firmwareName, data: { ...this.options.firmware } });
  }

  /** Lets that many printer seconds pass. */
  advance(seconds: number): void {
    for (let left = seconds; left > 1e-9; left -= 1) this.pass(Math.min(1, left));
  }

  /** Notes what the sensors say now. */
  samplePoint(): void {
    const time = Math.floor(this.outlet.now() / 1000);
    this.temperatures.note({ time, ...(this.operational ? measured(this.heaters) : {}) });
    this.outlet.changed();
  }

  private pass(seconds: number): void {
    if (this.port !== null) heat(this.heaters, seconds);
    const { job, phase } = this;
    if (job !== null) job.elapsed += phase === "paused" ? 0 : seconds;
    if (PHASES[phase].next !== undefined) {
      this.left -= seconds;
      if (this.left <= 0) this.leave();
      return;
    }
    if (phase !== "printing" || job === null) return;
    const before = { layer: layerOf(job), z: heightOf(job) };
    job.printed = Math.min(job.file.seconds, job.printed + seconds);
    if (shareOf(job) >= 1) this.finish();
    else if (layerOf(job) !== before.layer) {
      this.outlet.emit("ZChange", { new: heightOf(job), old: before.z });
      this.outlet.layer(layerOf(job), job.file.layers);
    }
    this.outlet.changed();
  }

  private tellState(phase: Phase): void {
    const { id, text, told = text } = PHASES[phase];
    this.phase = phase;
    this.left = this.options.transitionSeconds;
    this.outlet.emit("PrinterStateChanged", { state_id: id, state_string: told });
    this.outlet.changed();
  }

  private enter(phase: Phase): void {
    this.tellState(phase);
    this.settle();
  }

  /** Passing states that take no time are left at once. */
  private settle(): void {
    if (this.left <= 0 && PHASES[this.phase].next !== undefined) this.leave();
  }

  /** The passing state is over. */
  private leave(): void {
    const { next } = PHASES[this.phase];
    if (next === undefined) return;
    if (this.phase === "error") {
      this.drop("offlineAfterError", this.lastError.error);
      return;
    }
    this.partings[this.phase]?.();
    const arrives = this.phase === "connecting";
    this.tellState(next);
    if (arrives) {
      this.outlet.emit("Connected", { port: this.port, baudrate: 115200 });
      this.tellFirmware();
      this.samplePoint();
    }
    this.settle();
  }

  /** What is told, or comes to an end, just before a passing state gives way to the next one. */
  private readonly partings: Readonly<Partial<Record<Phase, () => void>>> = {
    pausing: () => {
      this.tellPaused();
    },
    cancelling: () => {
      this.tellCancelled();
    },
    finishing: () => {
      this.done = this.job;
      this.endJob();
    },
    starting: () => {
      if (this.job !== null) this.outlet.layer(layerOf(this.job), this.job.file.layers);
    },
  };

  private tellPaused(): void {
    if (this.job !== null) this.outlet.emit("PrintPaused", encodePlace(this.job));
  }

  private tellCancelled(): void {
    const { job } = this;
    if (job === null) return;
    job.file.prints.failure += 1;
    const place = { ...encodePlace(job), time: job.elapsed };
    this.outlet.emit("PrintCancelled", place);
    // Observed: a pause that was not carried out yet is told late, in the middle of the cancelling.
    if (this.wasPausing) this.tellPaused();
    this.outlet.emit("PrintFailed", { ...place, reason: "cancelled" });
    this.endJob();
  }

  private endJob(): void {
    this.job = null;
    for (const heater of this.heaters.values()) heater.target = 0;
    this.outlet.layer(null, null);
  }

  /** `error` null = there was no connection that could be ended. */
  private drop(phase: Phase, error: string | null): void {
    const { job } = this;
    if (this.file !== null) this.outlet.emit("FileDeselected", null);
    this.file = null;
    this.done = null;
    this.port = null;
    this.outlet.emit("Disconnected", null);
    if (error === null) return;
    if (job !== null) job.file.prints.failure += 1;
    this.endJob();
    this.tellState(phase);
    if (job !== null) this.outlet.emit("PrintFailed", encodeFailure(job, error));
    this.samplePoint();
  }
}
