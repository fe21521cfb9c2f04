import type { Heater, Nozzle, Stage, Temperatures } from "../printer/status";
import { fieldsOf, numberIn, numberOf, own, textOf, wholeIn, type Fields } from "./wire";

/**
 * The parts of a picture of the printer. REST (`/api/printer`, `/api/job`) and the push socket (`current`, `history`)
 * word them alike: `state` with `text` and `flags`, `job`, `progress`, and points of temperature.
 */

/** What OctoPrint says that the printer is doing. */
export type Phase = "off" | "ready" | "starting" | "printing" | "paused";

export interface Doing {
  readonly phase: Phase;
  readonly stage: Stage;
  /** The print is being given up. */
  readonly cancelling: boolean;
}

/** The file that is selected: being printed, printed last, or merely chosen. */
export interface Task {
  readonly name: string | null;
  /** With its folders. */
  readonly file: string | null;
}

export interface Progress {
  /** 0..100 %, in tenths. */
  readonly percent: number | null;
  readonly remainingSeconds: number | null;
}

const NO_STAGE: Stage = { id: null, name: null };
/** Longest message of a printer's error that is shown. */
const LONGEST_ERROR = 160;
const YEAR_SECONDS = 366 * 24 * 3600;
/** °C; readings beyond are a broken sensor's. */
const [COLDEST, HOTTEST] = [-100, 1000];

const named = (name: string): Stage => ({ id: null, name });

/**
 * Flag -> what it means, the first that is set decides: `printing` is set beside `cancelling`, `pausing`, `resuming` and
 * `finishing`, which say more, and `operational` beside nearly all of them.
 */
const FLAGS: readonly (readonly [string, Doing])[] = [
  ["cancelling", { phase: "printing", stage: named("cancelling"), cancelling: true }],
  ["pausing", { phase: "printing", stage: named("pausing"), cancelling: false }],
  ["resuming", { phase: "printing", stage: named("resuming"), cancelling: false }],
  ["finishing", { phase: "printing", stage: named("finishing"), cancelling: false }],
  ["paused", { phase: "paused", stage: NO_STAGE, cancelling: false }],
  ["printing", { phase: "printing", stage: NO_STAGE, cancelling: false }],
];

/** A file on its way to the printer's card sets `printing`, yet nothing is printed. */
const TO_CARD = /file to SD/i;
const STARTING = /^Starting/i;
const CONNECTING = /connect|serial/i;

/**
 * What the printer is doing, from `state`. `error` = what is known of a printer's error besides.
 * A printer is there when `operational` is set; all else is one that is off, not connected yet, or given up after an error.
 */
export function doingOf(state: Fields, error: string | null): Doing {
  const flags = fieldsOf(own(state, "flags"));
  const text = textOf(own(state, "text")) ?? "";
  const isSet = (flag: string): boolean => own(flags, flag) === true;
  if (!isSet("operational")) {
    return {
      phase: "off",
      stage: named(offStage(isSet("error"), text, textOf(own(state, "error")) ?? error)),
      cancelling: false,
    };
  }
  if (TO_CARD.test(text))
    return { phase: "ready", stage: named("sending a file to the printer's card"), cancelling: false };
  const [flag, doing] = FLAGS.find(([name]) => isSet(name)) ?? [
    null,
    { phase: "ready", stage: NO_STAGE, cancelling: false },
  ];
  if (flag === "printing" && STARTING.test(text))
    return { phase: "starting", stage: named("starting"), cancelling: false };
  return doing;
}

/** The printer, as seen by a server that can not reach it. */
export const OFF: Doing = { phase: "off", stage: named("printer off"), cancelling: false };

function offStage(isError: boolean, text: string, error: string | null): string {
  if (isError || /error/i.test(text))
    return error === null ? "printer error" : `printer error: ${error.slice(0, LONGEST_ERROR)}`;
  return CONNECTING.test(text) ? "connecting to the printer" : "printer off";
}

/** `job` of `/api/job` and of the socket; null where no file is selected. */
export function taskOf(job: unknown): Task | null {
  const entry = fieldsOf(own(fieldsOf(job), "file"));
  const file = textOf(own(entry, "path")) ?? textOf(own(entry, "name"));
  const name = textOf(own(entry, "display")) ?? textOf(own(entry, "name")) ?? file;
  return file === null && name === null ? null : { name, file };
}

/** `progress`: `completion` counts from 0 to 100. */
export function progressOf(progress: unknown): Progress {
  const fields = fieldsOf(progress);
  const completion = numberIn(own(fields, "completion"), 0, 100);
  const left = numberIn(own(fields, "printTimeLeft"), 0, YEAR_SECONDS);
  return {
    // Cut, not rounded: 100 is said when all of it is done.
    percent: completion === null ? null : Math.floor(completion * 10) / 10,
    remainingSeconds: left === null ? null : Math.round(left),
  };
}

/** One point of temperature: `tool0`.. `bed` `chamber`. Heaters that a printer has not are null there, or missing. */
export function temperaturesOf(point: Fields): Temperatures {
  const nozzles = Object.keys(point)
    .flatMap((key) => {
      const index = wholeIn(/^tool(\d{1,2})$/.exec(key)?.[1], 0, 15);
      const heater = heaterOf(own(point, key));
      return index === null || heater === null ? [] : [{ index, heater }];
    })
    .sort((a, b) => a.index - b.index);
  const only = nozzles.length === 1 ? true : null;
  return {
    nozzles: nozzles.map(({ index, heater }): Nozzle => ({
      index,
      ...heater,
      active: only,
      diameter: null,
      type: null,
    })),
    bed: heaterOf(own(point, "bed")) ?? { actual: null, target: null },
    chamber: heaterOf(own(point, "chamber")),
  };
}

function heaterOf(value: unknown): Heater | null {
  const fields = fieldsOf(value);
  const actual = numberIn(own(fields, "actual"), COLDEST, HOTTEST);
  const target = numberIn(own(fields, "target"), COLDEST, HOTTEST);
  return actual === null && target === null ? null : { actual, target };
}

/** The newest point of `temps`; null where it brings none: then the one before still holds. */
export function newestPoint(temps: unknown): Fields | null {
  const last: unknown = Array.isArray(temps) ? temps.at(-1) : null;
  const fields = fieldsOf(last);
  return Object.keys(fields).some((key) => key !== "time") ? fields : null;
}

export interface Layers {
  readonly layer: number | null;
  readonly totalLayers: number | null;
}

export const NO_LAYERS: Layers = { layer: null, totalLayers: null };

/** Layers as the plugin DisplayLayerProgress pushes them; OctoPrint itself knows none. null = not in this message. */
export function layersOf(data: unknown): Layers | null {
  const fields = fieldsOf(data);
  const inner = fieldsOf(own(fields, "layer"));
  const layer = numberOf(own(inner, "current") ?? own(fields, "currentLayer"));
  const totalLayers = numberOf(own(inner, "total") ?? own(fields, "totalLayer") ?? own(fields, "totalLayers"));
  if (layer === null && totalLayers === null) return null;
  return { layer: wholeIn(layer, 0, 1e6), totalLayers: wholeIn(totalLayers, 0, 1e6) };
}
