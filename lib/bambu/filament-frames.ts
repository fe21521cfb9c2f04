import { PrintgateError } from "../errors";
import type { CommandOf } from "../printer/commands";
import type { Known } from "./frames";
import { print, type Request, unable } from "./requests";
import { entriesOf, fieldsOf, integerIn } from "./values";

/** What is asked of the filament units. Source: Bambu protocol notes, commands and AMS. */

const FIRST_HT_UNIT = 128;
const SLOTS_PER_UNIT = 4;
/** The AMS lite of an A2L, whose slots are counted from 24. */
const A2L_LITE = { unit: 16, first: 24 };
/** Ids of the spools outside: of the only or the right nozzle, and of the left one. */
const MAIN_SPOOL = 255;
const DEPUTY_SPOOL = 254;
/** As a target it means the only spool outside. */
const OUTSIDE = 254;
const NOTHING = 255;
/** °C, where neither the slot nor the nozzle says more: what PLA takes. */
const USUAL_NOZZLE = 220;

interface Place {
  readonly unit: number;
  readonly slot: number;
}

/** How the printer counts a slot over all its units. */
export function trayOf({ unit, slot }: Place): number {
  if (unit >= FIRST_HT_UNIT) return unit;
  return unit === A2L_LITE.unit ? A2L_LITE.first + slot : unit * SLOTS_PER_UNIT + slot;
}

export function changeFilament({ unit, slot, external }: CommandOf<"ams-load">, known: Known): Request {
  const twoNozzles = known.model.nozzles === 2;
  if (external) {
    // As a target, the right nozzle's spool and "take out what is there" have the same number.
    if (twoNozzles && slot === 0) unable("the spool of the right nozzle can be loaded on the printer's screen only");
    return change({ ams_id: OUTSIDE, slot_id: 0, target: OUTSIDE }, null, known);
  }
  const place = { unit: unit ?? 0, slot };
  checkSlot(place, known);
  // As a target, the maker's slicer counts the slots of the standard units only; any other unit goes by its id.
  const target = place.unit < A2L_LITE.unit ? trayOf(place) : place.unit;
  return change({ ams_id: place.unit, slot_id: slot, target }, place, known);
}

/** Printers with two nozzles must be told which one; the others have a command of its own. */
export function unload(known: Known): Request {
  if (known.model.nozzles !== 2) return print("unload_filament", {});
  const { active } = known.status.filament;
  const extruder = active?.nozzle ?? 0;
  return change({ ams_id: NOTHING, slot_id: NOTHING, target: NOTHING, extruder_id: extruder }, null, known);
}

function change(fields: Readonly<Record<string, number>>, place: Place | null, known: Known): Request {
  const { nozzles } = known.status.temperatures;
  const nozzle = nozzles.find(({ active }) => active === true) ?? nozzles[0];
  const current = nozzle?.target ?? 0;
  const wanted = place === null ? null : nozzleTemperatureOf(place, known);
  const hot = current > 0 ? Math.round(current) : USUAL_NOZZLE;
  return print("ams_change_filament", { ...fields, curr_temp: hot, tar_temp: wanted ?? hot });
}

/** The middle of what the spool in the slot takes, as its chip or its owner says. */
function nozzleTemperatureOf({ unit, slot }: Place, { report }: Known): number | null {
  const units = entriesOf(fieldsOf(report.ams).ams);
  const trays = entriesOf(units.find(({ id }) => integerIn(id, 0, 255) === unit)?.tray);
  const tray = trays.find(({ id }) => integerIn(id, 0, 15) === slot);
  const low = integerIn(tray?.nozzle_temp_min, 150, 350);
  const high = integerIn(tray?.nozzle_temp_max, 150, 350);
  return low === null || high === null ? null : Math.round((low + high) / 2);
}

/** What is known of the units forbids; what is not known lets the printer say. */
function checkSlot({ unit, slot }: Place, { status }: Known): void {
  const { units } = status.filament;
  const found = units.find(({ id }) => id === unit);
  if (found === undefined) unable(`this printer has no filament unit ${unit}`);
  if (found.slots.length > 0 && found.slots.every((one) => one.slot !== slot))
    unable(`filament unit ${unit} has no slot ${slot}`);
}

/** `mode` 0 ends it, 1 dries for some hours. */
export function dry({ unit, on, temperature, hours }: CommandOf<"ams-dry">, known: Known): Request {
  const found = known.status.filament.units.find(({ id }) => id === unit);
  if (found === undefined) unable(`this printer has no filament unit ${unit}`);
  if (found.model === "ams" || found.model === "ams-lite") unable("this filament unit can not dry");
  return print("ams_filament_drying", {
    ams_id: unit,
    mode: on ? 1 : 0,
    temp: temperature ?? 0,
    cooling_temp: 0,
    duration: hours ?? 0,
    humidity: 0,
    rotate_tray: false,
    filament: found.slots.find(({ type }) => type !== null)?.type ?? "",
    close_power_conflict: false,
  });
}

/** The maker's id for a material of nobody in particular, and the °C between which it is printed. */
const MATERIALS: ReadonlyMap<string, { readonly id: string; readonly nozzle: readonly [number, number] }> = new Map([
  ["PLA", { id: "GFL99", nozzle: [190, 240] }],
  ["PETG", { id: "GFG99", nozzle: [220, 270] }],
  ["ABS", { id: "GFB99", nozzle: [240, 280] }],
  ["ASA", { id: "GFB98", nozzle: [240, 280] }],
  ["TPU", { id: "GFU99", nozzle: [200, 250] }],
  ["PC", { id: "GFC99", nozzle: [260, 290] }],
  ["PA", { id: "GFN99", nozzle: [260, 300] }],
  ["PVA", { id: "GFS99", nozzle: [190, 240] }],
]);

/** @throws PrintgateError `message-invalid` for a material that has to be described in full */
export function describeSpool(command: CommandOf<"ams-set">, known: Known): Request {
  const { unit, slot, external, type, color, filamentId, nozzleMin, nozzleMax } = command;
  const usual = MATERIALS.get(type.toUpperCase());
  const [low, high] = [nozzleMin ?? usual?.nozzle[0], nozzleMax ?? usual?.nozzle[1]];
  if (low === undefined || high === undefined)
    throw new PrintgateError("message-invalid", "for this type nozzleMin and nozzleMax must be given");
  if (low > high) throw new PrintgateError("message-invalid", "nozzleMin must not be above nozzleMax");
  if (!external) checkSlot({ unit: unit ?? 0, slot }, known);
  const place = external
    ? { ams_id: slot === 0 ? MAIN_SPOOL : DEPUTY_SPOOL, slot_id: 0, tray_id: OUTSIDE }
    : { ams_id: unit ?? 0, slot_id: slot, tray_id: slot };
  return print("ams_filament_setting", {
    ...place,
    tray_info_idx: filamentId ?? usual?.id ?? "",
    setting_id: "",
    tray_color: color.slice(1),
    nozzle_temp_min: low,
    nozzle_temp_max: high,
    tray_type: type,
  });
}
