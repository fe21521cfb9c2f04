import { isAscii, isUtf8 } from "node:buffer";
import { type FirmwareWord, WHOLE } from "../printer/firmware";
import type { Observation, Signals } from "../printer/link";
import { UNKNOWN_STATUS, type PrinterStatus } from "../printer/status";
import { ALL_SECTIONS, assemble, JOB_SECTION, READERS, refresh, unknownParts } from "./decode";
import type { Heard } from "./heard";
import { endHasMoved, endingOf } from "./job";
import { compact, Merger, sameJson, WRONG_TYPE } from "./merge";
import { type Model, modelOf } from "./models";
import { withoutSecrets } from "./raw";
import { entriesOf, isFields, textOf, type Fields } from "./values";

/** What one message on `device/<serial>/report` held. */
export type Accepted =
  /** A report. While the printer says nothing new, it is the same object with the same observation. */
  | { readonly kind: "report"; readonly observation: Observation }
  /** An answer to a request, to be matched by section, command and sequence id. */
  | {
      readonly kind: "reply";
      readonly section: string;
      readonly command: string;
      readonly sequenceId: string;
      readonly body: Record<string, unknown>;
    }
  /** The cloud says whether the printer's own link is up. */
  | { readonly kind: "presence"; readonly online: boolean }
  /** Nothing of it, or of a part of it, could be used. */
  | { readonly kind: "fault"; readonly fault: Fault }
  /** Well-formed, but nothing for us. */
  | { readonly kind: "ignored" };

/** What a request to a printer may depend on. */
export interface Known {
  readonly model: Model;
  /** The merged `print` section. */
  readonly report: Readonly<Fields>;
  readonly status: PrinterStatus;
}

export type Fault = "not-json" | "not-an-object" | "too-large" | "wrong-type";

/** What each is called in a sentence: "sent a report that is not JSON; such reports are passed over". */
export const FAULT_WORDS: Readonly<Record<Fault, string>> = {
  "not-json": "that is not JSON; such reports are",
  "not-an-object": "that is not an object; such reports are",
  "too-large": "that is larger than any report can be; such reports are",
  "wrong-type": "with a part of the wrong type; such parts are",
};

/** Bytes; real frames have up to 30 KB. */
const LARGEST_FRAME = 256 * 1024;

const IGNORED: readonly Accepted[] = [{ kind: "ignored" }];
const FAULTS: Readonly<Record<Fault, readonly Accepted[]>> = {
  "not-json": [{ kind: "fault", fault: "not-json" }],
  "not-an-object": [{ kind: "fault", fault: "not-an-object" }],
  "too-large": [{ kind: "fault", fault: "too-large" }],
  "wrong-type": [{ kind: "fault", fault: "wrong-type" }],
};

/** Sections in which printers answer requests. */
const REPLY_SECTIONS: ReadonlySet<string> = new Set([
  "print",
  "info",
  "system",
  "pushing",
  "camera",
  "upgrade",
  "xcam",
  "security",
]);
/** Report fields that some firmware writes beside the `print` section instead of in it. */
const FIELDS_BESIDE: ReadonlySet<string> = new Set(["fun", "wifi_signal"]);
const PRESENCE: ReadonlyMap<unknown, boolean> = new Map([
  ["client.connected", true],
  ["client.disconnected", false],
]);

/** Modules of one printer; real lists have up to 30. */
const MOST_MODULES = 128;

const merger = new Merger(READERS);

/** Everything that one printer has said: frames go in, observations come out. Never throws on what a printer says. */
export class PrinterReports {
  private readonly serial: string;
  private readonly heard: { -readonly [K in keyof Heard]: Heard[K] };
  private status: PrinterStatus = UNKNOWN_STATUS;
  /** The whole state was heard on this connection. */
  private complete = false;
  /** It will not be heard: what is known has to do, as soon as that is anything. */
  private overdue = false;
  /** Complete for no better reason than that, or by a report that may be old. */
  private assumed = false;
  /** What is heard may have been under way for long. */
  private doubtful = false;
  /** Bits of the sections whose input changed since they were decoded. */
  private stale = ALL_SECTIONS;
  /** What the last report was answered with. */
  private last: readonly [{ readonly kind: "report"; readonly observation: Observation }] | null = null;

  constructor(options: { readonly serial: string }) {
    this.serial = options.serial;
    this.heard = {
      report: {},
      modules: [],
      model: modelOf([], options.serial),
      at: 0,
      ending: null,
      parts: unknownParts(),
    };
  }

  /** Takes the bytes of one MQTT message, received at `at` (epoch ms), and says what was in it. */
  accept(bytes: Buffer, at: number): readonly Accepted[] {
    if (bytes.length > LARGEST_FRAME) return FAULTS["too-large"];
    let payload: unknown;
    try {
      payload = JSON.parse(textOfBytes(bytes));
    } catch {
      return FAULTS["not-json"];
    }
    if (!isFields(payload)) return FAULTS["not-an-object"];
    let reported = false;
    const others: Accepted[] = [];
    for (const name in payload) if (this.takeSection(name, payload[name], others)) reported = true;
    if (!reported) return others.length > 0 ? others : IGNORED;
    const report = this.observe(at);
    return others.length > 0 ? [...others, ...report] : report;
  }

  /** What is known of the printer at this moment. */
  get known(): Known {
    const { heard, status } = this;
    return { model: heard.model, report: heard.report, status };
  }

  /** It has said which firmware it runs. */
  get knowsVersions(): boolean {
    return this.heard.modules.some(({ name }) => name === WHOLE);
  }

  /** A new connection: until its first full report nothing is `complete`; while what comes is doubtful that is assumed. */
  reconnected({ doubtful = false } = {}): void {
    this.complete = this.overdue = this.assumed = false;
    this.doubtful = doubtful;
  }

  /** As before the first report; only what the printer is made of stays known. */
  forget(): void {
    this.reconnected();
    Object.assign(this.heard, { report: {}, at: 0, ending: null, parts: unknownParts() });
    this.status = UNKNOWN_STATUS;
    this.stale = ALL_SECTIONS;
    this.last = null;
  }

  /**
   * No full report will come (the request for it was lost): what is known has to do. Null if not even the
   * printer's state is known; then it does once that is.
   */
  settle(at: number): Observation | null {
    this.overdue = true;
    return this.heard.parts.state === "unknown" ? null : this.observe(at)[0].observation;
  }

  /** True if the section was a report; anything else that it holds for us goes to `others`. */
  private takeSection(name: string, body: unknown, others: Accepted[]): boolean {
    if (FIELDS_BESIDE.has(name)) {
      this.fold({ [name]: body }, "delta", others);
      return true;
    }
    if (!REPLY_SECTIONS.has(name) && name !== "event") return false;
    if (!isFields(body)) {
      others.push(...FAULTS["wrong-type"]);
      return false;
    }
    if (name === "print" && body.command === "push_status") {
      this.takeReport(body, others);
      return true;
    }
    if (name === "event") {
      const online = PRESENCE.get(body.event);
      if (online !== undefined) others.push({ kind: "presence", online });
      return false;
    }
    if (typeof body.command !== "string") return false;
    const sequenceId =
      typeof body.sequence_id === "number" ? String(body.sequence_id) : (textOf(body.sequence_id) ?? "");
    others.push({ kind: "reply", section: name, command: body.command, sequenceId, body });
    return name === "info" && body.command === "get_version" && this.takeModules(body.module);
  }

  /** A frame without `msg` is a full one too: old firmware of the X1 family sends no other. */
  private takeReport(body: Fields, others: Accepted[]): void {
    const full = body.msg === 0 || body.msg === undefined;
    this.fold(body, full ? "full" : "delta", others);
    if (!full || (this.complete && !this.assumed)) return;
    this.complete = true;
    this.assumed = this.doubtful;
    this.heard.report = compact(this.heard.report);
  }

  private fold(body: Fields, frame: "full" | "delta", others: Accepted[]): void {
    const stale = merger.merge(this.heard.report, body, frame);
    if (stale & WRONG_TYPE) others.push(...FAULTS["wrong-type"]);
    this.stale |= stale & ~WRONG_TYPE;
  }

  /** True if there was a list: an empty one is an answer that came too early, and says nothing. */
  private takeModules(list: unknown): boolean {
    const modules = entriesOf(list).slice(0, MOST_MODULES).map(scalarsOf);
    if (modules.length === 0) return false;
    if (!sameJson(modules, this.heard.modules)) {
      this.heard.modules = modules;
      this.heard.model = modelOf(modules, this.serial);
      this.stale = ALL_SECTIONS;
    }
    return true;
  }

  /** Decodes what became stale. While nothing changed, the answer is the one that was given before. */
  private observe(at: number): readonly [{ readonly kind: "report"; readonly observation: Observation }] {
    const { heard } = this;
    const { parts } = heard;
    heard.at = at;
    if (endHasMoved(parts.job, heard)) this.stale |= JOB_SECTION;
    const changed = this.stale !== 0 && refresh(heard, this.stale);
    this.stale = 0;
    if (changed) {
      this.status = assemble(parts, this.status);
      heard.ending = endingOf(parts.job, heard.ending);
    }
    if (this.overdue && !this.complete && parts.state !== "unknown") this.complete = this.assumed = true;
    const { complete, assumed } = this;
    const before = this.last?.[0].observation;
    const isSame = before?.complete === complete && before.assumed === assumed && before.model === heard.model.name;
    if (this.last !== null && !changed && isSame) return this.last;
    const observation = new ReportObservation(this.status, parts, heard, { complete, assumed });
    return (this.last = [{ kind: "report", observation }]);
  }
}

class ReportObservation implements Observation {
  readonly model: string | null;
  readonly signals: Signals;
  readonly firmware: FirmwareWord;
  readonly complete: boolean;
  readonly assumed: boolean;

  constructor(
    readonly status: PrinterStatus,
    { signals, firmwareWord }: Heard["parts"],
    private readonly heard: Heard,
    { complete, assumed }: { readonly complete: boolean; readonly assumed: boolean },
  ) {
    this.model = heard.model.name;
    this.signals = signals;
    this.firmware = firmwareWord;
    this.complete = complete;
    this.assumed = assumed;
  }

  /** In the printer's own envelope, as of the last frame: `{ print: merged report, info: { module: [...] } }`. */
  raw(): Record<string, unknown> {
    const { report, modules } = this.heard;
    return { print: withoutSecrets(report), info: { module: withoutSecrets(modules) } };
  }
}

/** Printers write UTF-8, but some A1 mini firmware cuts it in the middle. Plain ASCII, the usual case, is read fastest as latin-1. */
function textOfBytes(bytes: Buffer): string {
  return bytes.toString(!isAscii(bytes) && isUtf8(bytes) ? "utf8" : "latin1");
}

/** The members that are no objects: a module has no others that we would know. */
function scalarsOf(module: Readonly<Fields>): Fields {
  return Object.fromEntries(Object.entries(module).filter(([, value]) => typeof value !== "object"));
}
