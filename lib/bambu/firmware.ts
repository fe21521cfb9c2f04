import type { FirmwareModule, FirmwareWord } from "../printer/firmware";
import { compareVersions, numbersOf } from "../printer/versions";
import type { Heard } from "./heard";
import { entriesOf, fieldsOf, hexBit, integerIn, textOf, type Fields } from "./values";

/**
 * What a printer says about its own updates, from `get_version` and `upgrade_state` (Bambu protocol notes, "firmware").
 * `new_version_state` is the gate: printers keep the numbers of an update in their report long after it is installed.
 */

const SAYS: ReadonlyMap<number | null, FirmwareWord["says"]> = new Map([
  [1, "offered"],
  [2, "none"],
]);

/** `progress` stays at "100" after an update; only these words and `dis_state` 2 tell that one runs. */
const UPDATING: ReadonlySet<unknown> = new Set([
  "UPGRADE_REQUEST",
  "DOWNLOADING",
  "PRE_FLASH_START",
  "PRE_FLASH_SUCCESS",
  "FLASHING",
]);
const UPDATING_STATE = 2;

/** Bit of `cfg`, where newer firmware says it too (source: the maker's slicer). */
const FORCE_BIT = 2;

/** From here on it is a firmware that others made (X1Plus numbers itself so). */
const CUSTOM = "99";

/** Modules that are an AMS of any kind, by what stands before the slash. */
const AMS_FAMILIES: ReadonlySet<string> = new Set(["ams", "ams_f1", "n3f", "n3s"]);

/** More would be no printer. */
const MOST_MODULES = 128;

export function decodeFirmwareWord({ report, modules }: Heard): FirmwareWord {
  const upgrade = fieldsOf(report.upgrade_state);
  const says = SAYS.get(integerIn(upgrade.new_version_state, 0, 99)) ?? "unknown";
  const listed = modulesOf(modules, upgrade);
  const offers = says === "offered" ? offersOf(modules, listed, upgrade) : NO_OFFERS;
  const known = [...listed.keys(), ...[...offers.keys()].filter((name) => !listed.has(name))].slice(0, MOST_MODULES);
  const word: FirmwareWord = {
    says,
    modules: known.map((name): FirmwareModule => {
      return { name, installed: listed.get(name) ?? null, offered: offers.get(name) ?? null };
    }),
    force: forceOf(upgrade.force_upgrade, report.force_upgrade, hexBit(report.cfg, FORCE_BIT)),
    updating: integerIn(upgrade.dis_state, 0, 99) === UPDATING_STATE || UPDATING.has(upgrade.status),
  };
  const whole = listed.get("ota") ?? null;
  return (compareVersions(whole, CUSTOM) ?? -1) >= 0 ? { ...word, custom: true } : word;
}

type Versions = ReadonlyMap<string, string>;
const NO_OFFERS: Versions = new Map();

/** Name -> installed version. What the update list says of it stands in where `get_version` was not answered. */
function modulesOf(modules: Heard["modules"], upgrade: Readonly<Fields>): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>();
  for (const module of modules) {
    const name = textOf(module.name);
    if (name !== null) found.set(name, versionOf(module.sw_ver));
  }
  for (const entry of entriesOf(upgrade.new_ver_list)) {
    const name = textOf(entry.name);
    if (name !== null) found.set(name, found.get(name) ?? versionOf(entry.cur_ver));
  }
  return found;
}

/**
 * Name -> offered version, from the places where firmware writes it; the earlier one decides. Like the maker's slicer,
 * `new_ver` of a module is believed only beside `visible`: X1 firmware from before wrote there what it had been offered once.
 */
function offersOf(
  modules: Heard["modules"],
  installed: ReadonlyMap<string, string | null>,
  upgrade: Readonly<Fields>,
): Versions {
  const offers = new Map<string, string>();
  const offer = (name: string | null, version: unknown): void => {
    const offered = versionOf(version);
    if (name !== null && offered !== null && !offers.has(name)) offers.set(name, offered);
  };
  for (const entry of entriesOf(upgrade.new_ver_list)) offer(textOf(entry.name), entry.new_ver);
  for (const key of Object.keys(upgrade)) {
    const kind = /^(\w{1,32})_new_version_number$/.exec(key)?.[1];
    const version = versionOf(upgrade[key]);
    if (kind === undefined || version === null) continue;
    for (const name of targetsOf(kind, version, installed)) offer(name, version);
  }
  for (const module of modules) {
    offer(textOf(module.name), module.sw_new_ver);
    if ("visible" in module) offer(textOf(module.name), module.new_ver);
  }
  return offers;
}

/**
 * The modules that a version like `ams_new_version_number` is for: it names no unit. Each kind of AMS counts its versions
 * in its own way, and only the first number tells them apart: 0 for the older ones, above it for the AMS 2 Pro and HT.
 */
function targetsOf(kind: string, version: string, installed: ReadonlyMap<string, string | null>): readonly string[] {
  if (installed.has(kind)) return [kind];
  const units = [...installed.keys()].filter((name) => isUnitOf(kind, name));
  if (units.length === 0) return [kind];
  return units.filter((name) => {
    const known = installed.get(name) ?? null;
    return known === null || isOfOldKind(known) === isOfOldKind(version);
  });
}

function isUnitOf(kind: string, name: string): boolean {
  const [family = "", unit] = name.split("/");
  return unit !== undefined && (kind === "ams" ? isAms(name) : family === kind);
}

export function isAms(name: string): boolean {
  const [family = "", unit] = name.split("/");
  return unit !== undefined && AMS_FAMILIES.has(family);
}

function isOfOldKind(version: string): boolean {
  return numbersOf(version)?.[0] === 0;
}

/** A version that can be compared; null for what stands there instead of one. */
export function versionOf(value: unknown): string | null {
  const text = textOf(value)?.trim() ?? null;
  return text !== null && text.length <= 64 && numbersOf(text) !== null ? text : null;
}

function forceOf(...said: readonly unknown[]): boolean | null {
  const known = said.filter((value) => typeof value === "boolean");
  return known.length === 0 ? null : known.includes(true);
}
