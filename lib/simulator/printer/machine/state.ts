/** Everything a simulated printer is at one moment, in its own terms and without a word of the wire. */
import type { FirmwareState } from "./firmware";
import type { PrinterProfile } from "./profiles";
import { fillUnit, type AmsUnit, type SlotRef, type Spool, EXTERNAL_SPOOL } from "./spools";

export type GcodeState = "IDLE" | "PREPARE" | "RUNNING" | "PAUSE" | "FINISH" | "FAILED";

/** °C */
export interface Heater {
  actual: number;
  target: number;
}

export interface Extruder extends Heater {
  /** Filament that is in it. */
  loaded: SlotRef | null;
}

/** What somebody asks to be printed. */
export interface PrintOrder {
  readonly name?: string;
  readonly layers?: number;
  /** Printer minutes of the printing itself; preparing comes on top. */
  readonly minutes?: number;
  /** Id of a cloud task; absent or "0" = a print from the local network. */
  readonly taskId?: string;
  readonly file?: string;
  /** Filament in the order of use; absent = the first two filled slots. */
  readonly slots?: readonly SlotRef[];
}

export interface RunningJob {
  readonly name: string;
  readonly file: string;
  readonly taskId: string;
  readonly origin: "cloud" | "local";
  readonly layers: number;
  readonly seconds: number;
  readonly slots: readonly SlotRef[];
  /** Epoch seconds of the wall clock. */
  readonly startedAt: number;
  /** Seconds of printing done, out of `seconds`. */
  printed: number;
  /** Index into the steps of a job, and what is left of that step. */
  step: number;
  stepLeft: number;
  /** Position in `slots`. */
  slotIndex: number;
  skipped: number[];
}

export interface Alert {
  readonly attr: number;
  readonly code: number;
}

/** Something that will happen by itself after that many seconds. */
export interface Pending {
  left: number;
  readonly what: "say-cancelled" | "end-cancelled" | "clear-error";
}

/** Filament on its way in or out. */
export interface FilamentChange {
  readonly extruder: number;
  readonly to: SlotRef | null;
  left: number;
}

export interface MachineState {
  gcodeState: GcodeState;
  stage: number;
  /** Why the job is paused, as a stage; null while it is not. */
  pauseStage: number | null;
  job: RunningJob | null;
  /** The job is being stopped or is over: nothing moves any more. */
  jobOver: boolean;
  layer: number;
  totalLayers: number;
  percent: number;
  remainingMinutes: number;
  preparePercent: number;
  readonly extruders: Extruder[];
  activeExtruder: number;
  readonly bed: Heater;
  readonly chamber: Heater;
  /** 0..255 */
  readonly fans: { part: number; aux: number; chamber: number; heatbreak: number };
  readonly lights: Map<string, string>;
  speedLevel: number;
  printError: number;
  failReason: number;
  alerts: readonly Alert[];
  /** The slot that ran empty and what was in it, until it is filled again. */
  emptied: { readonly ref: SlotRef; readonly spool: Spool } | null;
  doorOpen: boolean;
  airductMode: number;
  readonly units: readonly AmsUnit[];
  external: Spool;
  change: FilamentChange | null;
  trayPrevious: SlotRef | null;
  pending: readonly Pending[];
  homed: boolean;
  recording: boolean;
  timelapse: boolean;
  readonly firmware: FirmwareState;
  /** Whether there is newer firmware is not known for a while after power-up. */
  versionsKnown: boolean;
  wifiDbm: number;
  /** Seconds since power-up. */
  uptime: number;
}

/** °C of the room. */
export const AMBIENT = 25;

/** A printer that was just switched on. */
export function powerUp(profile: PrinterProfile, firmware: FirmwareState): MachineState {
  return {
    gcodeState: "IDLE",
    stage: profile.idleStage,
    pauseStage: null,
    job: null,
    jobOver: true,
    layer: 0,
    totalLayers: 0,
    percent: 0,
    remainingMinutes: 0,
    preparePercent: 0,
    extruders: profile.nozzles.map(() => ({ actual: AMBIENT, target: 0, loaded: null })),
    activeExtruder: 0,
    bed: { actual: AMBIENT, target: 0 },
    chamber: { actual: AMBIENT, target: 0 },
    fans: { part: 0, aux: 0, chamber: 0, heatbreak: 0 },
    lights: new Map(profile.lights.map((node) => [node, node === "work_light" ? "flashing" : "on"])),
    speedLevel: 2,
    printError: 0,
    failReason: 0,
    alerts: [],
    emptied: null,
    doorOpen: false,
    airductMode: 0,
    units: profile.ams.map(fillUnit),
    external: EXTERNAL_SPOOL,
    change: null,
    trayPrevious: null,
    pending: [],
    homed: false,
    recording: false,
    timelapse: false,
    firmware,
    versionsKnown: true,
    wifiDbm: -48,
    uptime: 0,
  };
}

/** The spool of a place, null where there is none. */
export function spoolAt(state: MachineState, ref: SlotRef): Spool | null {
  if (ref.unit === 254 || ref.unit === 255) return state.external;
  return state.units.find((unit) => unit.profile.id === ref.unit)?.slots[ref.slot] ?? null;
}

/** Which extruder a place feeds. */
export function extruderOf(state: MachineState, ref: SlotRef): number {
  const wanted = ref.unit === 254 ? 1 : (state.units.find((one) => one.profile.id === ref.unit)?.profile.extruder ?? 0);
  return wanted < state.extruders.length ? wanted : 0;
}

/** Filled slots, the AMS before the outside spool. */
function filledSlots(state: MachineState): SlotRef[] {
  const inside = state.units.flatMap((unit) =>
    unit.slots.flatMap((spool, slot) => (spool === null || spool.type === "" ? [] : [{ unit: unit.profile.id, slot }])),
  );
  return inside.length > 0 ? inside : [{ unit: 255, slot: 0 }];
}

/** The first filled slot and, where there is one, a second: of the other extruder if it has filament, else of the same. */
export function defaultSlots(state: MachineState): SlotRef[] {
  const filled = filledSlots(state);
  const first = filled.slice(0, 1);
  const side = first.map((ref) => extruderOf(state, ref));
  const other = filled.find((ref) => !side.includes(extruderOf(state, ref))) ?? filled[1];
  return other === undefined ? first : [...first, other];
}
