/** What hands and single commands change on a simulated printer, apart from its job. Limits are the printers' own, rounded. */
import { clamp, readNumber, readText } from "../../json";
import type { MachineState } from "./state";
import { AMS_KINDS, type PrinterProfile } from "./profiles";
import type { SlotRef, Spool } from "./spools";

const HOTTEST = { nozzle: 320, bed: 120, chamber: 65 } as const;
/** Fan numbers of M106 and set_fan. */
const FANS: ReadonlyMap<number, "part" | "aux" | "chamber"> = new Map([
  [1, "part"],
  [2, "aux"],
  [3, "chamber"],
]);

export function heatBed(state: MachineState, target: number): void {
  state.bed.target = clamp(Math.round(target), 0, HOTTEST.bed);
}

/** An extruder that is not there is left alone. */
export function heatNozzle(state: MachineState, extruder: number, target: number): void {
  const heater = state.extruders[extruder];
  if (heater !== undefined) heater.target = clamp(Math.round(target), 0, HOTTEST.nozzle);
}

/** Without a chamber heater nothing happens. */
export function heatChamber(state: MachineState, profile: PrinterProfile, target: number): void {
  if (profile.chamber === "heater") state.chamber.target = clamp(Math.round(target), 0, HOTTEST.chamber);
}

/** `pwm` 0..255; fans that the model lacks are left alone. */
export function setFan(state: MachineState, profile: PrinterProfile, fan: number, pwm: number): void {
  const name = FANS.get(fan);
  const missing = (name === "aux" && !profile.auxFan) || (name === "chamber" && !profile.chamberFan);
  if (name !== undefined && !missing) state.fans[name] = clamp(Math.round(pwm), 0, 255);
}

/** False where the printer has no such extruder. */
export function selectExtruder(state: MachineState, index: unknown): boolean {
  const wanted = readNumber(index);
  if (wanted === null || state.extruders[wanted] === undefined) return false;
  state.activeExtruder = wanted;
  return true;
}

/** Puts a spool into a place that exists. */
export function placeSpool(state: MachineState, ref: SlotRef, spool: Spool): void {
  if (ref.unit === 254 || ref.unit === 255) state.external = spool;
  const unit = state.units.find((one) => one.profile.id === ref.unit);
  if (unit?.slots[ref.slot] !== undefined) unit.slots[ref.slot] = spool;
}

/** Object ids of the plate that are not printed any more; false without a job or a usable id. */
export function skipObjects(state: MachineState, ids: unknown): boolean {
  const { job } = state;
  if (job === null || state.jobOver || !Array.isArray(ids)) return false;
  const wanted = ids.slice(0, 64).filter((id): id is number => Number.isInteger(id));
  job.skipped = [...new Set([...job.skipped, ...wanted])].slice(0, 64);
  return wanted.length > 0;
}

/** `mode` 0 ends it, 1 dries for `duration` hours at `temp` °C; false for a feeder that can not dry. */
export function dry(state: MachineState, body: Readonly<Record<string, unknown>>): boolean {
  const unit = state.units.find((one) => one.profile.id === readNumber(body["ams_id"]));
  if (unit === undefined || !AMS_KINDS[unit.profile.kind].dries) return false;
  const on = readNumber(body["mode"]) !== 0;
  unit.dryingSeconds = on ? clamp(readNumber(body["duration"]) ?? 8, 1, 24) * 3600 : 0;
  unit.dryingTarget = on ? clamp(readNumber(body["temp"]) ?? 55, 35, 85) : 0;
  unit.dryingFilament = readText(body["filament"])?.slice(0, 16) ?? "";
  return true;
}

/** False when nothing is drying. */
export function stopDrying(state: MachineState): boolean {
  const drying = state.units.filter((unit) => unit.dryingSeconds > 0);
  for (const unit of drying) Object.assign(unit, { dryingSeconds: 0, dryingTarget: 0 });
  return drying.length > 0;
}
