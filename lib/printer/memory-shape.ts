import { ENDING_EVENTS, type Ending, type EventMemory, type PrinterEvent, type PrinterMemory } from "./events";
import type { Alert, Job } from "./status";

/** Where the memory of one printer outlives the process. */
export interface MemoryStore {
  /** null when there is none, or none that can be used. Never rejects. */
  load(): Promise<PrinterMemory | null>;
  /**
   * Replaces the whole document; what is resolved survives a power cut. Rejects when it could not, and
   * has told the user so itself, once.
   */
  save(memory: PrinterMemory): Promise<void>;
  /** The same before it returns, surviving the end of the process only; throws instead of rejecting. */
  saveNow(memory: PrinterMemory): void;
}

/**
 * Whether a value read from disk is a printer's memory, down to its leaves: a file from elsewhere must put
 * neither the rules out of order nor Node-RED out of action.
 */
export function isPrinterMemory(value: unknown): value is PrinterMemory {
  return MEMORY(value);
}

type Check = (value: unknown) => boolean;
type Shape<T> = { readonly [K in keyof T]-?: Check };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text: Check = (value) => typeof value === "string";
const flag: Check = (value) => typeof value === "boolean";
const number: Check = (value) => typeof value === "number";
const anything: Check = () => true;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const oneOf =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
/** A member that the files of older releases lack. */
const addedLater = (check: Check): Check =>
  Object.assign((value: unknown) => value === undefined || check(value), { absent: true });
const record =
  <T>(shape: Shape<T>): Check =>
  (value) =>
    isRecord(value) &&
    Object.entries<Check>(shape).every(([key, check]) => (key in value || "absent" in check) && check(value[key]));

const KNOWN = oneOf("idle", "preparing", "printing", "paused", "finished", "failed");
const JOB = orNull(
  record<Job>({
    ...{ id: orNull(text), name: orNull(text), file: orNull(text), origin: orNull(text) },
    ...{ progress: orNull(number), layer: orNull(number), totalLayers: orNull(number) },
    ...{ remainingSeconds: orNull(number), startedAt: orNull(text), endsAt: orNull(text) },
  }),
);
const ALERT = record<Alert>({ source: text, code: text, severity: text, module: text, url: text });
const ENDING = record<Ending>({ job: JOB, from: KNOWN, since: number, recovered: flag });
const TOLD = record<NonNullable<EventMemory["told"]>>({
  job: JOB,
  outcome: oneOf("finished", "failed", "cancelled"),
});
const RULES = record<EventMemory>({
  ...{ state: orNull(KNOWN), job: JOB, at: number, told: orNull(TOLD), ending: orNull(ENDING) },
  ...{ cancelled: flag, cancelWord: flag, runout: flag, startedAt: orNull(text), ten: number, firstLayer: flag },
  leftover: record<EventMemory["leftover"]>({ progress: orNull(number), layer: orNull(number) }),
  ...{ filament: orNull(text), door: orNull(text), alerts: listOf(ALERT), online: orNull(flag) },
  missed: addedLater(oneOf("start", "gap", "live")),
  offered: addedLater(listOf(record<NonNullable<EventMemory["offered"]>[number]>({ name: text, version: text }))),
});
const EVENT = record<PrinterEvent>({
  ...{ event: oneOf(...ENDING_EVENTS), at: text, state: text, previousState: text, recovered: flag },
  ...{ job: JOB, reason: orNull(text), alert: orNull(ALERT), value: anything },
});
const MEMORY = record<PrinterMemory>({ version: oneOf(1), rules: RULES, outbox: listOf(EVENT) });
