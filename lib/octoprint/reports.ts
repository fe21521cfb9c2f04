import { NO_WORD } from "../printer/firmware";
import type { Observation } from "../printer/link";
import {
  ENDS_AT_SLACK_MS,
  type Firmware,
  type Job,
  type PrinterState,
  type PrinterStatus,
  type Stage,
  sameValue,
  type Temperatures,
  UNKNOWN_STATUS,
} from "../printer/status";
import { type Course, hearEvent, hearLayers, NO_COURSE, seePicture, unheard } from "./course";
import { firmwareWord, type PrinterFirmware, readFirmware, SERVER_MODULE, type ServerVersions } from "./firmware";
import {
  type Doing,
  doingOf,
  layersOf,
  newestPoint,
  OFF,
  type Phase,
  progressOf,
  type Task,
  taskOf,
  temperaturesOf,
} from "./picture";
import { fieldsOf, isFields, own, textOf, type Fields } from "./wire";

/** What the REST API says of the printer at one moment. */
export interface RestPicture {
  /** `/api/job`, which is always answered. */
  readonly job: Fields;
  /** `/api/printer`; null = it was refused because the printer is not operational. */
  readonly printer: Fields | null;
}

type Control = PrinterStatus["control"];
const ACTING: Control = { allowed: true, reason: null };
const LOOKING: Control = {
  allowed: null,
  reason: "the user of the API key may only look: OctoPrint's permissions to print and to control are missing",
};

/** Plugins whose push messages carry layers. */
export const LAYER_PLUGINS = ["DisplayLayerProgress-websocket-payload", "DisplayLayerProgress"] as const;
const LAYER_PLUGIN: ReadonlySet<string> = new Set(LAYER_PLUGINS);

const STATES: Readonly<Record<Phase, PrinterState>> = {
  off: "unknown",
  ready: "idle",
  starting: "preparing",
  printing: "printing",
  paused: "paused",
};

/** Everything that one OctoPrint has said: its messages go in, observations come out. Never throws on what it says. */
export class OctoprintReports {
  private doing: Doing = OFF;
  private course: Course = NO_COURSE;
  private temperatures: Temperatures = UNKNOWN_STATUS.temperatures;
  private printer: PrinterFirmware | null = null;
  private server: ServerVersions | null = null;
  private control: Control = UNKNOWN_STATUS.control;
  private acting: boolean | null = null;
  /** Text of the printer's last error, for the stage. */
  private error: string | null = null;
  private endsAt: number | null = null;
  /** The file that the last picture showed, printed or not. */
  private selected: Task | null = null;
  /** A picture was seen on this connection. */
  private complete = false;
  private last: Observation | null = null;
  /** Its own words, as of the last picture. */
  private words: Record<string, unknown> = {};

  /** What the printer is doing, as far as it is known now. */
  get phase(): Phase {
    return this.doing.phase;
  }

  get firmware(): PrinterFirmware | null {
    return this.printer;
  }

  /** False where the key's user is known to have no permission for anything but looking. */
  get mayAct(): boolean {
    return this.acting !== false;
  }

  /** How many nozzles the printer has shown. */
  get nozzles(): number {
    return this.temperatures.nozzles.length;
  }

  /** Answers of the REST API. `told` = the socket is heard as well and will name each ending. */
  takeRest({ job, printer }: RestPicture, told: boolean): void {
    const state = printer === null ? { text: own(job, "state"), flags: {} } : fieldsOf(own(printer, "state"));
    if (own(job, "error") !== undefined) this.error = textOf(own(job, "error"));
    this.seeTemperatures(fieldsOf(own(fieldsOf(printer), "temperature")));
    this.see(state, own(job, "job"), own(job, "progress"), told);
  }

  /** A `current` or `history` message of the push socket. `told` = the events before it were heard, too. */
  takePush(message: Fields, told = true): void {
    const point = newestPoint(own(message, "temps"));
    if (point !== null) this.seeTemperatures(point);
    const state = fieldsOf(own(message, "state"));
    // Without flags it says nothing of the printer, not even that it is off.
    if (isFields(own(state, "flags"))) this.see(state, own(message, "job"), own(message, "progress"), told);
  }

  takeEvent(name: string, payload: Fields): void {
    if (name === "FirmwareData") this.printer = readFirmware(payload);
    if (name === "Error") this.error = textOf(own(payload, "error"));
    if (name === "Connected") this.error = null;
    if (name === "PrintStarted") this.endsAt = null;
    const task = taskOf({ file: payload });
    this.course = hearEvent(this.course, {
      name,
      // Events do not say under which name a file is shown.
      task: task?.file === this.selected?.file ? this.selected : task,
      reason: textOf(own(payload, "reason")),
      firmwareError: textOf(own(payload, "firmwareError")),
    });
  }

  takePlugin(plugin: string, data: unknown): void {
    const layers = LAYER_PLUGIN.has(plugin) ? layersOf(data) : null;
    if (layers !== null) this.course = hearLayers(this.course, layers);
  }

  /** A firmware's name, where no event has told more. */
  takeFirmware(name: string): void {
    this.printer ??= readFirmware({ name });
  }

  takeServer(server: ServerVersions): void {
    this.server = server;
  }

  /** Whether the key's user may do more than look; null = not known. Single permissions are for the server to judge. */
  takeRights(acting: boolean | null): void {
    this.acting = acting;
    this.control = acting === null ? UNKNOWN_STATUS.control : acting ? ACTING : LOOKING;
  }

  /** The connection is gone; until the first picture of the next one nothing is complete. */
  disconnected(): void {
    this.complete = false;
    this.course = unheard(this.course);
  }

  /** What is known at this moment (epoch ms). While nothing changed it is the same object as before. */
  observe(at: number): Observation {
    const before = this.last;
    const old = before?.status ?? UNKNOWN_STATUS;
    const state = this.state();
    const kept = <K extends keyof PrinterStatus>(key: K, now: PrinterStatus[K]): PrinterStatus[K] =>
      sameValue(old[key], now) ? old[key] : now;
    const parts = {
      state,
      stage: kept("stage", this.stage()),
      job: kept("job", this.job(state, at)),
      temperatures: kept("temperatures", this.temperatures),
      firmware: kept("firmware", this.installed()),
      control: kept("control", this.control),
    };
    const isSame = (Object.keys(parts) as (keyof typeof parts)[]).every((key) => parts[key] === old[key]);
    const status = isSame ? old : { ...old, ...parts };
    const now = this.server === null ? NO_WORD : firmwareWord(this.printer, this.server);
    const firmware = before !== null && sameValue(before.firmware, now) ? before.firmware : now;
    const model = this.printer?.machine ?? null;
    const away = this.doing.phase === "off";
    const { complete } = this;
    if (
      before?.status === status &&
      before.firmware === firmware &&
      before.model === model &&
      before.away === away &&
      before.complete === complete
    )
      return before;
    const signals = { cancelled: state === "cancelled", runout: false };
    return (this.last = { status, signals, firmware, model, complete, away, raw: () => structuredClone(this.words) });
  }

  private see(state: Fields, job: unknown, progress: unknown, told: boolean): void {
    this.words = { state, job, progress, temperature: this.words["temperature"] ?? {} };
    this.doing = doingOf(state, this.error);
    if (this.doing.phase === "off") this.temperatures = UNKNOWN_STATUS.temperatures;
    this.selected = taskOf(job);
    this.course = seePicture(this.course, this.doing, { task: this.selected, ...progressOf(progress) }, told);
    this.complete = true;
  }

  private seeTemperatures(point: Fields): void {
    this.words = { ...this.words, temperature: point };
    this.temperatures = temperaturesOf(point);
  }

  private state(): PrinterState {
    const { announced, outcome } = this.course;
    if (outcome !== null) return outcome;
    return announced ? "preparing" : STATES[this.doing.phase];
  }

  private stage(): Stage {
    const { announced, outcome } = this.course;
    // An ending is named before the flags have followed; what they still say is over.
    if (this.doing.phase === "off" || (outcome === null && !announced)) return this.doing.stage;
    return UNKNOWN_STATUS.stage;
  }

  private job(state: PrinterState, at: number): Job | null {
    const { figures, underWay, outcome } = this.course;
    if (!underWay && outcome === null) return null;
    const { task, percent, remainingSeconds, layer, totalLayers } = figures;
    if (underWay && remainingSeconds !== null) {
      const endsAt = at + remainingSeconds * 1000;
      if (this.endsAt === null || Math.abs(endsAt - this.endsAt) > ENDS_AT_SLACK_MS) this.endsAt = endsAt;
    } else this.endsAt = null;
    return {
      id: null,
      name: task?.name ?? null,
      file: task?.file ?? null,
      origin: task === null ? null : "local",
      progress: percent,
      layer,
      totalLayers,
      remainingSeconds: state === "failed" || state === "cancelled" ? null : remainingSeconds,
      startedAt: null,
      endsAt: this.endsAt === null ? null : new Date(this.endsAt).toISOString(),
    };
  }

  private installed(): Firmware {
    const server = this.server?.installed ?? null;
    const modules = server === null ? [] : [{ name: SERVER_MODULE, installed: server }];
    return { installed: this.printer?.version ?? null, modules };
  }
}
