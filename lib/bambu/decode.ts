import {
  UNKNOWN_STATUS,
  type Firmware,
  type LightMode,
  type Lights,
  type PrinterStatus,
  type Speed,
} from "../printer/status";
import { NO_WORD } from "../printer/firmware";
import { isNewer } from "../printer/versions";
import { decodeAlerts, decodeSignals } from "./alerts";
import { decodeFans, decodeTemperatures } from "./climate";
import { decodeActive, decodeExternal, decodeUnits } from "./filament";
import { decodeFirmwareWord } from "./firmware";
import type { Heard, Parts } from "./heard";
import { decodeJob, decodeStage, decodeState, decodeTask } from "./job";
import type { Reader } from "./merge";
import { entriesOf, hexBit, numberIn, textOf, wordBit, wordOf, type Fields } from "./values";
import { SPEEDS } from "./vocabulary";

interface Section extends Reader {
  /** Decodes this part anew; true when it now says something else. A part that says the same stays the same object. */
  readonly refresh: (heard: Heard) => boolean;
}

const TASK_PATHS = ["task_id", "subtask_id", "subtask_name", "gcode_file", "print_type", "gcode_start_time"];
const PROGRESS_PATHS = [
  "gcode_state",
  "mc_percent",
  "mc_remaining_time",
  "remain_time",
  "layer_num",
  "total_layer_num",
  "3D",
];

/**
 * One row for each part of a status: which paths of a report it is made of, and how. A row may read the parts
 * of the rows above it, and then reads their paths too.
 */
const SECTIONS: readonly Section[] = [
  section("state", ["gcode_state"], decodeState),
  section("stage", ["stg_cur", "stage._id", "print_type"], decodeStage),
  section("task", TASK_PATHS, decodeTask),
  section("job", [...TASK_PATHS, ...PROGRESS_PATHS], decodeJob),
  section(
    "temperatures",
    [
      ...["nozzle_temper", "nozzle_target_temper", "nozzle_diameter", "nozzle_type", "bed_temper", "bed_target_temper"],
      ...["chamber_temper", "ctt", "device.extruder", "device.nozzle", "device.bed", "device.bed_temp", "device.ctc"],
    ],
    decodeTemperatures,
  ),
  section(
    "fans",
    ["cooling_fan_speed", "big_fan1_speed", "big_fan2_speed", "heatbreak_fan_speed", "device.airduct"],
    decodeFans,
  ),
  section("lights", ["lights_report"], decodeLights),
  section("speed", ["spd_lvl", "spd_mag"], decodeSpeed),
  section("units", ["ams.ams", "ams.ams_exist_bits", "ams.tray_exist_bits"], decodeUnits),
  section("external", ["vt_tray", "vir_slot"], decodeExternal),
  section("active", ["ams.tray_now", "device.extruder", "vir_slot"], decodeActive),
  section("alerts", ["hms", "print_error"], decodeAlerts),
  section("signals", ["hms", "print_error", "stg_cur", "stage._id", "gcode_state", "fail_reason"], decodeSignals),
  section("firmware", [], decodeFirmware),
  section("firmwareWord", ["upgrade_state", "force_upgrade", "cfg"], decodeFirmwareWord),
  section("network", ["net", "wifi_signal"], decodeNetwork),
  section("door", ["home_flag", "stat", "fun"], decodeDoor),
  section("storage", ["sdcard", "home_flag", "aux"], decodeStorage),
  section("control", ["fun"], decodeControl),
].map((make, index) => make(1 << index));

/** Who reads what, for the merge. */
export const READERS: readonly Reader[] = SECTIONS;
/** Every section; after a change of the printer's model or modules, which any section may read. */
export const ALL_SECTIONS = SECTIONS.reduce((bits, { bit }) => bits | bit, 0);
export const JOB_SECTION = SECTIONS.find(({ reads }) => reads.includes("mc_percent"))?.bit ?? 0;

/** What is known before the first report. */
export function unknownParts(): Parts {
  const { filament, ...plain } = UNKNOWN_STATUS;
  return {
    ...plain,
    ...filament,
    task: { id: null, name: null, file: null, origin: null, startedAt: null },
    signals: { cancelled: false, runout: false },
    firmwareWord: NO_WORD,
  };
}

/** Decodes the sections with these bits again; true when any of them now says something else. */
export function refresh(heard: Heard, stale: number): boolean {
  let changed = false;
  // From the lowest bit to the highest, which is from the top of the table to its end.
  for (let bits = stale; bits !== 0; bits &= bits - 1) {
    if (SECTIONS[31 - Math.clz32(bits & -bits)]?.refresh(heard) === true) changed = true;
  }
  return changed;
}

/** A new status of these parts, which shares with the one before what did not change. */
export function assemble(parts: Parts, before: PrinterStatus): PrinterStatus {
  const { active, units, external } = parts;
  const old = before.filament;
  const same = old.active === active && old.units === units && old.external === external;
  return {
    online: false,
    lastSeen: null,
    state: parts.state,
    stage: parts.stage,
    job: parts.job,
    temperatures: parts.temperatures,
    fans: parts.fans,
    lights: parts.lights,
    speed: parts.speed,
    filament: same ? old : { active, units, external },
    alerts: parts.alerts,
    firmware: parts.firmware,
    network: parts.network,
    door: parts.door,
    storage: parts.storage,
    control: parts.control,
  };
}

function section<P extends keyof Parts>(
  part: P,
  reads: readonly string[],
  decode: (heard: Heard) => Parts[P],
): (bit: number) => Section {
  return (bit) => ({
    bit,
    reads,
    refresh(heard) {
      const parts: { -readonly [Q in keyof Parts]: Parts[Q] } = heard.parts;
      const before = parts[part];
      const after = share(before, decode(heard));
      if (after === before) return false;
      parts[part] = after;
      return true;
    },
  });
}

/** `next`, or `old` where both say the same; what lies inside is shared likewise. */
function share<T>(old: T, next: T): T {
  if (!isContainer(old) || !isContainer(next)) return next;
  const same = Array.isArray(next) ? shareEntries(old, next) : shareMembers(old as Fields, next as Fields);
  return same ? old : next;
}

function shareMembers(old: Fields, next: Fields): boolean {
  let same = true;
  for (const key in next) {
    const was = old[key];
    const is = next[key];
    if (is === was) continue;
    const shared = share(was, is);
    if (shared === was) next[key] = was;
    else same = false;
  }
  return same;
}

function shareEntries(old: unknown, next: unknown[]): boolean {
  if (!Array.isArray(old)) return false;
  let same = old.length === next.length;
  for (let i = 0; i < next.length; i++) {
    const shared = share<unknown>(old[i], next[i]);
    if (shared === old[i]) next[i] = shared;
    else same = false;
  }
  return same;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

const LIGHT_MODES: ReadonlyMap<unknown, LightMode> = new Map<unknown, LightMode>([
  ["on", "on"],
  ["off", "off"],
  ["flashing", "flashing"],
]);

function decodeLights({ report }: Heard): Lights {
  const lights = entriesOf(report.lights_report);
  const mode = (node: string): LightMode | null =>
    LIGHT_MODES.get(lights.find((light) => light.node === node)?.mode) ?? null;
  return { chamber: mode("chamber_light"), chamber2: mode("chamber_light2"), work: mode("work_light") };
}

function decodeSpeed({ report }: Heard): Speed | null {
  const speed = SPEEDS.get(numberIn(report.spd_lvl, 1, 4) ?? 0);
  return speed === undefined ? null : { ...speed, percent: numberIn(report.spd_mag, 1, 1000) };
}

const NO_VERSION: ReadonlySet<string> = new Set(["N/A"]);
const NO_FIRMWARE: ReadonlySet<string> = new Set(["N/A", "unknown", "00.00.00.00"]);

function decodeFirmware({ modules }: Heard): Firmware {
  return {
    installed: installedOf(modules),
    modules: modules.flatMap((module) => {
      const name = textOf(module.name);
      return name === null ? [] : [{ name, installed: textOf(module.sw_ver, NO_VERSION) }];
    }),
  };
}

/** The version of the whole: that of the module `ota`. */
function installedOf(modules: readonly Readonly<Fields>[]): string | null {
  return textOf(modules.find((module) => module.name === "ota")?.sw_ver, NO_FIRMWARE);
}

function decodeNetwork({ report }: Heard): PrinterStatus["network"] {
  return { ip: addressOf(report.net), wifiSignalDbm: signalOf(report.wifi_signal) };
}

/** The first address that is none of zeros; the number holds its first byte lowest. */
function addressOf(net: unknown): string | null {
  for (const { ip } of entriesOf((net as Fields | null | undefined)?.info)) {
    const word = wordOf(ip);
    if (word) return `${word & 255}.${(word >>> 8) & 255}.${(word >>> 16) & 255}.${word >>> 24}`;
  }
  return null;
}

/** "-45dBm" */
function signalOf(value: unknown): number | null {
  return numberIn(typeof value === "string" ? parseInt(value, 10) : value, -150, 0);
}

const DOOR_BIT = 23;
const DOOR_SUPPORTED_BIT = 12;

/** A model that we do not know has a door sensor if it says so itself. */
function decodeDoor({ report, model, modules }: Heard): PrinterStatus["door"] {
  const place = model.name === null || model.products.length === 0 ? selfToldDoor(report) : model.door;
  if (place === null || isNewer(place.since, installedOf(modules))) return null;
  const open = place.field === "stat" ? hexBit(report.stat, DOOR_BIT) : wordBit(report.home_flag, DOOR_BIT);
  return open === null ? null : open ? "open" : "closed";
}

function selfToldDoor(report: Readonly<Fields>): Heard["model"]["door"] {
  return hexBit(report.fun, DOOR_SUPPORTED_BIT) === true ? { field: "stat", since: null } : null;
}

const CARD_WORDS: ReadonlyMap<unknown, "ok" | "missing" | "error"> = new Map<unknown, "ok" | "missing" | "error">([
  [true, "ok"],
  [false, "missing"],
  ["true", "ok"],
  ["false", "missing"],
  ["HAS_SDCARD_NORMAL", "ok"],
  ["HAS_SDCARD_ABNORMAL", "error"],
  ["HAS_SDCARD_READONLY", "error"],
  ["NO_SDCARD", "missing"],
]);
/** Two bits: none, good, bad, read-only. */
const CARD_BITS = ["missing", "ok", "error", "error"] as const;

/** `sdcard` first: some frames clear the bits of `home_flag`. But only bits tell that a card is bad. */
function decodeStorage({ report }: Heard): PrinterStatus["storage"] {
  const said = CARD_WORDS.get(report.sdcard) ?? null;
  const low = hexBit(report.aux, 12) ?? wordBit(report.home_flag, 8);
  const high = hexBit(report.aux, 13) ?? wordBit(report.home_flag, 9);
  const bits = low === null || high === null ? null : CARD_BITS[((low ? 1 : 0) + (high ? 2 : 0)) as 0 | 1 | 2 | 3];
  return said === "ok" && bits === "error" ? "error" : (said ?? bits);
}

const SIGNING_BIT = 29;
const CONTROL_UNKNOWN: PrinterStatus["control"] = { allowed: null, reason: null };
const CONTROL_ALLOWED: PrinterStatus["control"] = { allowed: true, reason: null };
const CONTROL_REFUSED: PrinterStatus["control"] = {
  allowed: false,
  reason: "The firmware takes signed commands only: switch on LAN mode and developer mode on the printer's screen.",
};

/** Whether the firmware carries out commands without the maker's signature. Old firmware does not say. */
function decodeControl({ report }: Heard): PrinterStatus["control"] {
  const signing = hexBit(report.fun, SIGNING_BIT);
  if (signing === null) return CONTROL_UNKNOWN;
  return signing ? CONTROL_REFUSED : CONTROL_ALLOWED;
}
