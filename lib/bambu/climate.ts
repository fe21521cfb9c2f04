import type { Fans, Heater, Nozzle, Temperatures } from "../printer/status";
import type { Heard } from "./heard";
import type { Model } from "./models";
import { entriesOf, fieldsOf, integerIn, numberIn, textOf, wordOf, type Fields } from "./values";
import { NOZZLE_MATERIALS } from "./vocabulary";

/** What models without a chamber sensor write. */
const CHAMBER_PLACEHOLDER = 5;
const NO_TYPE: ReadonlySet<string> = new Set(["N/A"]);
/** What the extruder state says while the printer goes from one to the other (source: the maker's slicer). */
const EXTRUDER_CHANGING = 0xf;
/** Ids of `device.airduct.parts`. */
const AIR_PARTS = { part: 16, aux: 32, chamber: 48, aux2: 160 };

export function decodeTemperatures({ report, model }: Heard): Temperatures {
  const device = fieldsOf(report.device);
  return {
    nozzles: nozzlesOf(report, device, model),
    bed: bedOf(report, device),
    chamber: chamberOf(report, device, model),
  };
}

/** One entry for each nozzle of `device.extruder`; older models have one nozzle, described by flat fields. */
function nozzlesOf(report: Readonly<Fields>, device: Readonly<Fields>, model: Model): Nozzle[] {
  const said = entriesOf(fieldsOf(device.extruder).info);
  if (said.length === 0) return flatNozzleOf(report, device, model);
  const extruders = said.filter((entry) => nozzleIndexOf(entry.id) !== null);
  const current = currentExtruderOf(report);
  return extruders.map((extruder) => {
    const index = nozzleIndexOf(extruder.id) ?? 0;
    const heater = packedHeater(extruder.temp);
    const fitted = fittedNozzle(device, index);
    const flat = extruders.length === 1 ? report : {};
    return {
      index,
      actual: heater?.actual ?? celsius(flat.nozzle_temper),
      target: heater?.target ?? celsius(flat.nozzle_target_temper),
      active: current === null ? null : current === index,
      diameter: diameterOf(fitted?.diameter ?? flat.nozzle_diameter),
      type: nozzleTypeOf(fitted?.type ?? flat.nozzle_type),
    };
  });
}

function flatNozzleOf(report: Readonly<Fields>, device: Readonly<Fields>, model: Model): Nozzle[] {
  const actual = celsius(report.nozzle_temper);
  const target = celsius(report.nozzle_target_temper);
  const fitted = fittedNozzle(device, 0);
  const diameter = diameterOf(report.nozzle_diameter ?? fitted?.diameter);
  const type = nozzleTypeOf(report.nozzle_type ?? fitted?.type);
  if (actual === null && target === null && diameter === null && type === null) return [];
  // On a model with two nozzles these fields speak of one of them, and do not say which.
  return [{ index: 0, actual, target, active: model.nozzles === 2 ? null : true, diameter, type }];
}

/** Which extruder is in use (0 right, 1 left): bits 4..7 of the extruder state. null = not said, or just changing. */
export function currentExtruderOf(report: Readonly<Fields>): number | null {
  const state = wordOf(fieldsOf(fieldsOf(report.device).extruder).state);
  const current = state === null ? EXTRUDER_CHANGING : (state >> 4) & 0xf;
  return current === EXTRUDER_CHANGING ? null : current;
}

/** The entry of `device.nozzle.info`, which old X1 firmware sends as a number instead of a list. */
function fittedNozzle(device: Readonly<Fields>, index: number): Readonly<Fields> | undefined {
  return entriesOf(fieldsOf(device.nozzle).info).find((entry) => nozzleIndexOf(entry.id) === index);
}

function nozzleIndexOf(id: unknown): number | null {
  return integerIn(id, 0, 15);
}

/** In mm, without the noise of a number that was a 32-bit float in the printer. */
function diameterOf(value: unknown): number | null {
  const diameter = numberIn(value, 0.05, 5);
  return diameter === null ? null : Math.round(diameter * 100) / 100;
}

/** `HS01` and the like end in the material, on an H2C with the diameter behind it (`HS01-0.4`); words are passed on. */
function nozzleTypeOf(value: unknown): string | null {
  const text = textOf(value, NO_TYPE);
  return NOZZLE_MATERIALS.get(/^H[A-Z](\d\d)(-|$)/.exec(text ?? "")?.[1] ?? "") ?? text;
}

function bedOf(report: Readonly<Fields>, device: Readonly<Fields>): Heater {
  const packed = packedHeater(fieldsOf(fieldsOf(device.bed).info).temp) ?? packedHeater(device.bed_temp);
  return packed ?? { actual: celsius(report.bed_temper), target: celsius(report.bed_target_temper) };
}

function chamberOf(report: Readonly<Fields>, device: Readonly<Fields>, model: Model): Heater | null {
  if (model.chamberSensor === false) return null;
  const packed = packedHeater(fieldsOf(fieldsOf(device.ctc).info).temp);
  const actual = packed?.actual ?? celsius(report.chamber_temper);
  if (model.chamberSensor === null && packed === null && (actual === null || actual === CHAMBER_PLACEHOLDER))
    return null;
  return { actual, target: model.chamberHeater === false ? null : (packed?.target ?? celsius(report.ctt)) };
}

/** One word for both: the low half is the temperature, the high half the target. */
function packedHeater(value: unknown): Heater | null {
  const word = wordOf(value);
  return word === null ? null : { actual: celsius(word & 0xffff), target: celsius(word >>> 16) };
}

function celsius(value: unknown): number | null {
  return numberIn(value, -100, 1000);
}

export function decodeFans({ report, model }: Heard): Fans {
  const parts = entriesOf(fieldsOf(fieldsOf(report.device).airduct).parts);
  const air = model.airFans !== false;
  return {
    part: ductPercent(parts, AIR_PARTS.part) ?? gearPercent(report.cooling_fan_speed),
    aux: air ? (ductPercent(parts, AIR_PARTS.aux) ?? gearPercent(report.big_fan1_speed)) : null,
    aux2: ductPercent(parts, AIR_PARTS.aux2),
    chamber: air ? (ductPercent(parts, AIR_PARTS.chamber) ?? gearPercent(report.big_fan2_speed)) : null,
    heatbreak: gearPercent(report.heatbreak_fan_speed),
  };
}

function ductPercent(parts: readonly Readonly<Fields>[], id: number): number | null {
  for (const part of parts) if (part.id === id) return numberIn(part.state, 0, 100);
  return null;
}

/** Fans run in 15 gears; rounded up to tens, since a fan that is asked for 50 % swings between two gears. */
function gearPercent(gear: unknown): number | null {
  const number = numberIn(gear, 0, 15);
  return number === null ? null : Math.ceil((number * 10) / 15) * 10;
}
