import type { Command, CommandName, PrintOrder } from "../../lib/printer/commands";
import { type PrinterStatus, UNKNOWN_STATUS } from "../../lib/printer/status";
import { aJob } from "./observations";

export const ORDER: PrintOrder = {
  file: "bracket.gcode.3mf",
  content: null,
  plate: 1,
  ams: [],
  useAms: false,
  bedLeveling: true,
  flowCalibration: false,
  vibrationCalibration: false,
  timelapse: false,
};

export interface CommandRow {
  readonly command: Command;
  /** Where it fits. */
  readonly before: Partial<PrinterStatus>;
  /** What shows that it was carried out; null = nothing does. */
  readonly after: Partial<PrinterStatus> | null;
  /** Where it does not fit; null = it always does. */
  readonly unfit: Partial<PrinterStatus> | null;
  readonly needsControl: boolean;
}

const slot = { slot: 1, state: "loaded", remainingPercent: null, filamentId: null, name: null } as const;
const unit = (dryingMinutesLeft: number | null, type: string, color: string) => ({
  id: 0,
  model: "ams-2-pro" as const,
  ...{ humidityLevel: null, humidityPercent: null, temperature: null, dryingMinutesLeft },
  slots: [{ ...slot, type, color }],
});
const filament = (difference: Partial<PrinterStatus["filament"]>) => ({
  filament: { ...UNKNOWN_STATUS.filament, ...difference },
});
const temperatures = (target: number) => ({
  temperatures: {
    nozzles: [{ index: 0, actual: 25, target, active: true, diameter: 0.4, type: null }],
    bed: { actual: 25, target },
    chamber: { actual: 25, target },
  },
});

const idle = { state: "idle" } as const;
const printing = { state: "printing", job: aJob() } as const;
const paused = { state: "paused", job: aJob() } as const;
const heating = { before: { ...idle, ...temperatures(0) }, after: { ...idle, ...temperatures(60) }, unfit: null };
const needsControl = true;
const isFree = false;

/** One of each command. */
export const COMMAND_ROWS: { readonly [N in CommandName]: CommandRow } = {
  pause: { command: { name: "pause" }, before: printing, after: paused, unfit: idle, needsControl },
  resume: { command: { name: "resume" }, before: paused, after: printing, unfit: printing, needsControl },
  stop: { command: { name: "stop" }, before: printing, after: { state: "cancelled" }, unfit: idle, needsControl },
  speed: {
    command: { name: "speed", level: 3 },
    before: { ...printing, speed: { level: 2, name: "standard", percent: 100 } },
    after: { ...printing, speed: { level: 3, name: "sport", percent: 124 } },
    unfit: null,
    needsControl,
  },
  light: {
    command: { name: "light", node: "chamber", mode: "on" },
    before: { ...idle, lights: { chamber: "off", chamber2: null, work: null } },
    after: { ...idle, lights: { chamber: "on", chamber2: null, work: null } },
    unfit: null,
    needsControl: isFree,
  },
  "bed-temperature": { command: { name: "bed-temperature", target: 60 }, ...heating, needsControl },
  "nozzle-temperature": { command: { name: "nozzle-temperature", target: 60, nozzle: null }, ...heating, needsControl },
  "chamber-temperature": { command: { name: "chamber-temperature", target: 60 }, ...heating, needsControl },
  fan: {
    command: { name: "fan", fan: "part", percent: 45 },
    before: { ...idle, fans: { ...UNKNOWN_STATUS.fans, part: 0 } },
    after: { ...idle, fans: { ...UNKNOWN_STATUS.fans, part: 50 } },
    unfit: null,
    needsControl,
  },
  gcode: { command: { name: "gcode", lines: "M117 hello" }, before: idle, after: null, unfit: null, needsControl },
  home: { command: { name: "home" }, before: idle, after: null, unfit: paused, needsControl },
  "skip-objects": {
    command: { name: "skip-objects", ids: [17] },
    before: printing,
    after: null,
    unfit: idle,
    needsControl,
  },
  "ams-load": {
    command: { name: "ams-load", unit: 0, slot: 1, external: false },
    before: idle,
    after: { ...idle, ...filament({ active: { unit: 0, slot: 1, external: false, nozzle: 0 } }) },
    unfit: printing,
    needsControl,
  },
  "ams-unload": {
    command: { name: "ams-unload" },
    before: { ...paused, ...filament({ active: { unit: 0, slot: 1, external: false, nozzle: 0 } }) },
    after: { ...paused, ...filament({}) },
    unfit: printing,
    needsControl,
  },
  "ams-dry": {
    command: { name: "ams-dry", unit: 0, on: true, temperature: 55, hours: 8 },
    before: { ...idle, ...filament({ units: [unit(0, "PLA", "#FFFFFFFF")] }) },
    after: { ...idle, ...filament({ units: [unit(480, "PLA", "#FFFFFFFF")] }) },
    unfit: null,
    needsControl,
  },
  "ams-set": {
    command: {
      ...{ name: "ams-set", unit: 0, slot: 1, external: false, type: "PETG", color: "#00FF00FF" },
      ...{ filamentId: null, nozzleMin: null, nozzleMax: null },
    },
    before: { ...idle, ...filament({ units: [unit(null, "PLA", "#FFFFFFFF")] }) },
    after: { ...idle, ...filament({ units: [unit(null, "PETG", "#00FF00FF")] }) },
    unfit: null,
    needsControl,
  },
  print: {
    command: { name: "print", order: ORDER },
    before: { state: "finished" },
    after: { state: "preparing" },
    unfit: paused,
    needsControl,
  },
  "clear-error": {
    command: { name: "clear-error" },
    before: {
      ...idle,
      alerts: [{ source: "print-error", code: "0700_8006", severity: "unknown", module: "ams", url: "" }],
    },
    after: idle,
    unfit: null,
    needsControl: isFree,
  },
  refresh: { command: { name: "refresh" }, before: idle, after: null, unfit: null, needsControl: isFree },
  rename: {
    command: { name: "rename", to: "bench two" },
    before: idle,
    after: null,
    unfit: null,
    needsControl: isFree,
  },
};
