import type { Alert, FilamentUnit, PrinterState, Speed } from "../printer/status";

/**
 * The words of Bambu Lab's protocol, as data (source: the Bambu protocol notes). Maps, not objects: a
 * printer may say "constructor". What is missing here is "unknown" to the decoders, never an error.
 */

/** `gcode_state`. Everything else (INIT, OFFLINE, UNKNOWN, "", words of tomorrow) is "unknown". */
export const STATES: ReadonlyMap<unknown, PrinterState> = new Map<unknown, PrinterState>([
  ["IDLE", "idle"],
  ["PREPARE", "preparing"],
  ["SLICING", "preparing"],
  ["RUNNING", "printing"],
  ["PAUSE", "paused"],
  ["FINISH", "finished"],
  ["FAILED", "failed"],
]);

/** States in which a job is under way. */
export const ACTIVE_STATES: ReadonlySet<PrinterState> = new Set<PrinterState>(["preparing", "printing", "paused"]);

/** `stg_cur` by number, 0 first. -1 (X1 family) and 255 (P1 family) mean that nothing goes on. */
export const STAGES: readonly string[] = [
  "printing",
  "bed leveling",
  "preheating bed",
  "measuring vibration",
  "changing filament",
  "waiting for moves to end",
  "paused: filament ran out",
  "heating nozzle",
  "calibrating extrusion",
  "scanning bed",
  "inspecting first layer",
  "identifying build plate",
  "calibrating micro lidar",
  "homing toolhead",
  "cleaning nozzle tip",
  "checking extruder temperature",
  "paused by user",
  "paused: front cover came off",
  "calibrating micro lidar",
  "calibrating flow",
  "paused: nozzle temperature fault",
  "paused: bed temperature fault",
  "unloading filament",
  "paused: skipped steps",
  "loading filament",
  "calibrating motor noise",
  "paused: AMS lost",
  "paused: heatbreak fan too slow",
  "paused: chamber temperature fault",
  "cooling chamber",
  "paused by G-code",
  "demonstrating motor noise",
  "paused: nozzle covered with filament",
  "paused: cutter fault",
  "paused: first layer fault",
  "paused: nozzle clogged",
  "checking absolute accuracy",
  "calibrating absolute accuracy",
  "checking absolute accuracy again",
  "calibrating nozzle offset",
  "bed leveling at high temperature",
  "checking quick-release levers",
  "checking door and cover",
  "calibrating laser",
  "checking platform",
  "checking bird's-eye camera",
  "calibrating bird's-eye camera",
  "bed leveling, phase 1",
  "bed leveling, phase 2",
  "heating chamber",
  "cooling bed",
  "printing calibration lines",
  "checking material",
  "calibrating live-view camera",
  "waiting for bed temperature",
  "checking material position",
  "calibrating cutter offset",
  "measuring surface",
  "thermal preconditioning",
  "homing blade holder",
  "calibrating camera offset",
  "calibrating blade holder position",
  "testing hotend pick-up",
  "evening out chamber temperature",
  "preparing hotend",
  "calibrating nozzle clump detection",
  "purifying chamber air",
  "measuring rotary attachment",
  "moving above purge chute",
  "cooling nozzle",
  "moving to bed center",
  "fitting arcs",
  "detecting hotend type",
  "aligning build plate",
  "checking for objects on the plate",
  "checking for objects under the plate",
  "pre-extruding",
  "preparing AMS",
];

export const STAGE_PRINTING = 0;
export const STAGE_RUNOUT = 6;
export const STAGES_IDLE: ReadonlySet<number> = new Set([-1, 255]);

/** `spd_lvl`. */
export const SPEEDS: ReadonlyMap<number, Pick<Speed, "level" | "name">> = new Map([
  [1, { level: 1, name: "silent" }],
  [2, { level: 2, name: "standard" }],
  [3, { level: 3, name: "sport" }],
  [4, { level: 4, name: "ludicrous" }],
]);

/** Last two characters of a nozzle type code such as HS01; older firmware says the word itself. */
export const NOZZLE_MATERIALS: ReadonlyMap<string, string> = new Map([
  ["00", "stainless_steel"],
  ["01", "hardened_steel"],
  ["05", "tungsten_carbide"],
]);

/** Lowest hex digit of an AMS unit's `info`. */
export const UNIT_MODELS_BY_INFO: ReadonlyMap<string, FilamentUnit["model"]> = new Map([
  ["1", "ams"],
  ["2", "ams-lite"],
  ["3", "ams-2-pro"],
  ["4", "ams-ht"],
  ["5", "ams-lite"],
]);

/** What stands before the unit's number in the name of its firmware module, as in `n3f/1`. */
export const UNIT_MODELS_BY_MODULE: readonly (readonly [string, FilamentUnit["model"]])[] = [
  ["ams", "ams"],
  ["ams_f1", "ams-lite"],
  ["n3f", "ams-2-pro"],
  ["n3s", "ams-ht"],
];

/** Ids of AMS units: AMS HT counts from 128, the AMS lite of an A2L is 16. */
export const FIRST_HT_UNIT = 128;
export const A2L_LITE_UNIT = 16;

/** Highest byte of an HMS attribute or an error code. */
export const ALERT_MODULES: ReadonlyMap<number, string> = new Map([
  [0x03, "motion controller"],
  [0x05, "mainboard"],
  [0x07, "AMS"],
  [0x08, "toolhead"],
  [0x0c, "camera inspection"],
  [0x10, "slicer"],
  [0x12, "AMS lite"],
  [0x18, "AMS HT"],
]);

/** High word of an HMS code. */
export const SEVERITIES: ReadonlyMap<number, Alert["severity"]> = new Map([
  [1, "fatal"],
  [2, "serious"],
  [3, "common"],
  [4, "info"],
]);

/** `print_error` while somebody's cancel is carried out; newer models say the second one. No faults. */
export const CANCEL_CODES: ReadonlySet<number> = new Set([0x0300_400c, 0x0500_400e]);

/** `print_error` for "filament ran out" outside the AMS family. */
export const RUNOUT_CODES: ReadonlySet<number> = new Set([0x0300_8004, 0x0300_8015]);
/** In these modules (AMS, AMS lite, AMS HT; the byte below is the unit) this low word says it. */
export const RUNOUT_MODULES: ReadonlySet<number> = new Set([0x07, 0x12, 0x18]);
export const RUNOUT_LOW_WORD = 0x8011;
/** The same as an HMS entry of these modules, for a unit: low word of the attribute, and the code. */
export const RUNOUT_OF_UNIT = { attribute: 0x7000, code: 0x0002_0007 };
/**
 * For a slot, which the attribute counts from 20 to 23: ran out, could not be purged, is being purged. That another slot took over
 * (0003_0002) is not among them: it stays in the list while the print goes on, and would hide the next one.
 */
export const RUNOUT_OF_SLOT = {
  attribute: 0x2000,
  slots: 0x0300,
  codes: new Set([0x0002_0001, 0x0002_0005, 0x0003_0001]),
};
