import type { ActiveFilament, FilamentUnit, Slot } from "../printer/status";
import { currentExtruderOf } from "./climate";
import type { Heard } from "./heard";
import { entriesOf, fieldsOf, hexBit, integerIn, numberIn, textOf, type Fields } from "./values";
import { A2L_LITE_UNIT, FIRST_HT_UNIT, UNIT_MODELS_BY_INFO, UNIT_MODELS_BY_MODULE } from "./vocabulary";

const STANDARD_UNITS = 4;
const SLOTS_PER_UNIT = 4;
/** `tray_now` and ids of external spools: 255 nothing (or the main external spool), 254 external. */
const NOW_NOTHING = 255;
const NOW_EXTERNAL = 254;
/** High byte of `snow` for the two external spools; in the low byte 0xFF says that nothing is loaded. */
const SNOW_MAIN_SPOOL = 0xff;
const SNOW_DEPUTY_SPOOL = 0xfe;
const SNOW_NO_SLOT = 0xff;

/**
 * The AMS family's units, as far as they are plugged in. Units and slots go by their ids, never by their
 * place in a list. A slot is `unknown` where a spool was felt but nobody said what is on it.
 */
export function decodeUnits({ report, modules, model: printer }: Heard): FilamentUnit[] {
  const ams = fieldsOf(report.ams);
  const units: FilamentUnit[] = [];
  for (const unit of entriesOf(ams.ams)) {
    const id = integerIn(unit.id, 0, 255);
    if (id === null || bitOf(ams.ams_exist_bits, unitBit(id)) === false) continue;
    const model = unitModelOf(unit, id, modules) ?? printer.unit;
    const slots = slotsOf(unit.tray, (slot) => bitOf(ams.tray_exist_bits, slotBit(id, slot)));
    units.push({
      id,
      model,
      humidityLevel: integerIn(unit.humidity, 1, 5),
      // Zeros are what a unit says while it powers up, or for a sensor that it has not.
      humidityPercent: numberIn(unit.humidity_raw, 1, 100),
      temperature: numberIn(unit.temp, -50, 150) || null,
      dryingMinutesLeft: integerIn(unit.dry_time, 0, 100_000),
      slots: model === "ams-lite" ? slots.map(withoutZero) : slots,
    });
  }
  // A sorted copy is also a tight one: a list that grew by push keeps room for a dozen more.
  return units.toSorted((a, b) => a.id - b.id);
}

/** Bit of a unit in `ams_exist_bits`; null for an id of which nobody has said where its bit is. */
function unitBit(id: number): number | null {
  if (id >= FIRST_HT_UNIT) return STANDARD_UNITS + (id - FIRST_HT_UNIT);
  if (id === A2L_LITE_UNIT) return 12;
  return id < STANDARD_UNITS ? id : null;
}

/** Bit of a slot in `tray_exist_bits`; an AMS HT has one slot and one bit. */
function slotBit(unit: number, slot: number): number | null {
  if (unit >= FIRST_HT_UNIT) return slot === 0 ? 16 + (unit - FIRST_HT_UNIT) : null;
  if (unit === A2L_LITE_UNIT) return 24 + slot;
  return unit < STANDARD_UNITS ? unit * SLOTS_PER_UNIT + slot : null;
}

function bitOf(flags: unknown, bit: number | null): boolean | null {
  return bit === null ? null : hexBit(flags, bit);
}

/** By its own word, else by the name of its firmware module, else by an id that only one kind has. */
function unitModelOf(
  unit: Readonly<Fields>,
  id: number,
  modules: readonly Readonly<Fields>[],
): FilamentUnit["model"] | undefined {
  const info = textOf(unit.info);
  const said = info === null ? undefined : UNIT_MODELS_BY_INFO.get(info.slice(-1));
  if (said !== undefined) return said;
  for (const [prefix, model] of UNIT_MODELS_BY_MODULE)
    if (modules.some((module) => module.name === `${prefix}/${id}`)) return model;
  if (id >= FIRST_HT_UNIT) return "ams-ht";
  return id === A2L_LITE_UNIT ? "ams-lite" : undefined;
}

/** An AMS lite does not measure what is left: full spools with a chip have 0 there (reports of A1 and A1 mini). */
function withoutZero(slot: Slot): Slot {
  return slot.remainingPercent === 0 ? { ...slot, remainingPercent: null } : slot;
}

function slotsOf(trays: unknown, isPresent: (slot: number) => boolean | null): Slot[] {
  const slots: Slot[] = [];
  for (const tray of entriesOf(trays)) {
    const slot = integerIn(tray.id, 0, 15);
    if (slot !== null) slots.push(slotOf(tray, slot, isPresent(slot)));
  }
  return slots.toSorted((a, b) => a.slot - b.slot);
}

/** `present` is what the printer felt; null where it does not say. */
function slotOf(tray: Readonly<Fields>, slot: number, present: boolean | null): Slot {
  const type = present === false ? null : textOf(tray.tray_type);
  if (type === null) {
    const empty = present === false || (present === null && !("tray_type" in tray));
    return { ...EMPTY_SLOT, slot, state: empty ? "empty" : "unknown" };
  }
  return {
    slot,
    state: "loaded",
    type,
    color: colorOf(tray.tray_color),
    remainingPercent: remainingOf(tray),
    filamentId: textOf(tray.tray_info_idx),
    name: textOf(tray.tray_sub_brands),
  };
}

const EMPTY_SLOT: Slot = {
  slot: 0,
  state: "empty",
  type: null,
  color: null,
  remainingPercent: null,
  filamentId: null,
  name: null,
};

function colorOf(value: unknown): string | null {
  return typeof value === "string" && /^[0-9a-f]{8}$/i.test(value) ? `#${value.toUpperCase()}` : null;
}

/** -1 = not known. 0 on a spool without a chip (an all-zero id) is the same: only a chip tells the length. */
function remainingOf(tray: Readonly<Fields>): number | null {
  const percent = numberIn(tray.remain, 0, 100);
  return percent === 0 && typeof tray.tray_uuid === "string" && /^0+$/.test(tray.tray_uuid) ? null : percent;
}

/** Spools outside of any unit: `vir_slot` (main one first) on newer firmware, else `vt_tray`. */
export function decodeExternal({ report }: Heard): Slot[] {
  const spools = externalIdsOf(report);
  if (spools.length > 0) return spools.map(({ tray }, slot) => slotOf(tray, slot, null));
  const only = fieldsOf(report.vt_tray);
  return "id" in only || "tray_type" in only ? [slotOf(only, 0, null)] : [];
}

function externalIdsOf(report: Readonly<Fields>): { id: number; tray: Readonly<Fields> }[] {
  return entriesOf(report.vir_slot)
    .map((tray) => ({ id: integerIn(tray.id, NOW_EXTERNAL, NOW_NOTHING) ?? -1, tray }))
    .filter(({ id }) => id >= 0)
    .sort((a, b) => b.id - a.id);
}

/** What is in the nozzle in use: the extruder's own word on newer models, else `tray_now`. */
export function decodeActive({ report }: Heard): ActiveFilament | null {
  const current = currentExtruderOf(report);
  const extruders = entriesOf(fieldsOf(fieldsOf(report.device).extruder).info);
  if (current === null && extruders.length > 1) return null;
  const nozzle = current ?? 0;
  const snow = integerIn(extruders.find((entry) => entry.id === nozzle)?.snow, 0, 0xffff);
  return snow === null ? activeOfTray(report, nozzle) : activeOfExtruder(report, snow, nozzle);
}

function activeOfExtruder(report: Readonly<Fields>, snow: number, nozzle: number): ActiveFilament | null {
  const unit = snow >> 8;
  const slot = snow & 0xff;
  if (slot === SNOW_NO_SLOT) return null;
  if (unit === SNOW_MAIN_SPOOL) return { unit: null, slot: 0, external: true, nozzle };
  if (unit === SNOW_DEPUTY_SPOOL)
    return { unit: null, slot: externalIdsOf(report).length > 1 ? 1 : 0, external: true, nozzle };
  return { unit, slot, external: false, nozzle };
}

function activeOfTray(report: Readonly<Fields>, nozzle: number): ActiveFilament | null {
  const now = integerIn(fieldsOf(report.ams).tray_now, 0, NOW_NOTHING);
  if (now === null || now === NOW_NOTHING) return null;
  if (now === NOW_EXTERNAL) return { unit: null, slot: 0, external: true, nozzle };
  const place = placeOfTray(now, entriesOf(fieldsOf(report.ams).ams));
  return place === null ? null : { ...place, external: false, nozzle };
}

/**
 * 0..15 count the slots of four units, 24..27 are the A2L's AMS lite, 128.. are AMS HT ids. A printing A2L was seen
 * to say the mere slot of its AMS lite, which has no unit 0 beside it.
 */
function placeOfTray(now: number, units: readonly Readonly<Fields>[]): { unit: number; slot: number } | null {
  if (now >= FIRST_HT_UNIT) return { unit: now, slot: 0 };
  const has = (wanted: number): boolean => units.some(({ id }) => integerIn(id, 0, 255) === wanted);
  if (now < SLOTS_PER_UNIT && has(A2L_LITE_UNIT) && !has(0)) return { unit: A2L_LITE_UNIT, slot: now };
  if (now < STANDARD_UNITS * SLOTS_PER_UNIT) return { unit: now >> 2, slot: now & 3 };
  return now >= 24 && now < 28 ? { unit: A2L_LITE_UNIT, slot: now - 24 } : null;
}
