/** How temperatures and fans move. Invented but plausible rates; deterministic. */
import { AMBIENT, type Heater, type MachineState } from "./state";
import { clamp } from "../../json";

interface Rate {
  /** °C a second while heating. */
  readonly up: number;
  /** Share of the distance to the room's temperature that is lost a second. */
  readonly down: number;
}

const NOZZLE: Rate = { up: 5, down: 0.012 };
const BED: Rate = { up: 0.6, down: 0.0025 };
const CHAMBER: Rate = { up: 0.08, down: 0.001 };
const DRYING: Rate = { up: 0.05, down: 0.0008 };

function drift(actual: number, target: number, floor: number, rate: Rate, seconds: number): number {
  if (actual < target) return Math.min(target, actual + rate.up * seconds);
  const rest = Math.max(target, floor);
  const cooled = rest + (actual - rest) * Math.exp(-rate.down * seconds);
  return Math.abs(cooled - rest) < 0.05 ? rest : cooled;
}

function heat(heater: Heater, floor: number, rate: Rate, seconds: number): void {
  heater.actual = drift(heater.actual, heater.target, floor, rate, seconds);
}

/** Moves every temperature of the machine by that many seconds. */
export function heatMachine(state: MachineState, seconds: number): void {
  for (const extruder of state.extruders) heat(extruder, AMBIENT, NOZZLE, seconds);
  heat(state.bed, AMBIENT, BED, seconds);
  // A closed printer warms up from its bed.
  const warmth = AMBIENT + clamp(state.bed.actual - AMBIENT, 0, 100) * (state.doorOpen ? 0.05 : 0.25);
  if (state.chamber.target === 0 && state.chamber.actual < warmth) {
    state.chamber.actual = Math.min(warmth, state.chamber.actual + CHAMBER.up * seconds);
  } else heat(state.chamber, warmth, CHAMBER, seconds);

  for (const unit of state.units) {
    if (unit.temperature === 0) continue;
    unit.dryingSeconds = Math.max(0, unit.dryingSeconds - seconds);
    if (unit.dryingSeconds === 0) unit.dryingTarget = 0;
    unit.temperature = drift(unit.temperature, unit.dryingTarget, 24.5, DRYING, seconds);
  }
  state.fans.heatbreak = state.extruders.some((extruder) => extruder.actual > 50) ? 255 : 0;
}

/**
 * What the sensor says: a heater that holds its target swings a little around it, in the steps of 1/32 °C
 * that the printers report.
 */
export function readSensor(heater: Heater, uptime: number): number {
  const holding = heater.target > 0 && Math.abs(heater.actual - heater.target) < 0.5;
  const swing = holding ? 0.4 * Math.sin(uptime / 7 + heater.target) : 0;
  return Math.round((heater.actual + swing) * 32) / 32;
}
