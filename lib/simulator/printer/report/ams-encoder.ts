/** AMS units, trays and outside spools as a report words them. Source: Bambu protocol notes, AMS. */
import type { Json, JsonObject } from "../../json";
import type { MachineState } from "../machine/state";
import { AMS_KINDS, type PrinterProfile } from "../machine/profiles";
import { type AmsUnit, type SlotRef, type Spool, trayNumber } from "../machine/spools";

const NO_CHIP = "0000000000000000";
/** Slot states of the newer firmware. */
const SLOT = { empty: 8, undescribed: 9, ready: 11 } as const;

/** Sixteen hex digits that stay the same for a place. */
function chipOf(unit: number, slot: number): string {
  return ((unit + 1) * 0x1f35 + slot * 0x2b).toString(16).toUpperCase().padStart(10, "0") + "000100";
}

function encodeSpool(spool: Spool, chip: string): JsonObject {
  const uuid = spool.chip ? chip + chip : NO_CHIP + NO_CHIP;
  return {
    tray_type: spool.type,
    tray_sub_brands: spool.brand,
    tray_info_idx: spool.filamentId,
    tray_color: spool.color,
    cols: [spool.color],
    ctype: 0,
    remain: Math.round(spool.remain),
    tray_weight: spool.chip ? "1000" : "0",
    tray_diameter: spool.type === "" ? "0.00" : "1.75",
    nozzle_temp_min: spool.type === "" ? "0" : String(spool.nozzle[0]),
    nozzle_temp_max: spool.type === "" ? "0" : String(spool.nozzle[2]),
    bed_temp: "0",
    bed_temp_type: "0",
    drying_temp: spool.chip ? "55" : "0",
    drying_time: spool.chip ? "8" : "0",
    tag_uid: spool.chip ? chip : NO_CHIP,
    tray_uuid: uuid,
    tray_id_name: "",
    total_len: spool.chip ? 330000 : 0,
    k: 0.02,
    n: 1,
    cali_idx: -1,
    xcam_info: "000000000000000000000000",
  };
}

function encodeTray(unit: AmsUnit, slot: number, profile: PrinterProfile): JsonObject {
  const spool = unit.slots[slot] ?? null;
  const id = String(slot);
  if (spool === null) return profile.amsDetails ? { id, state: SLOT.empty } : { id };
  const state = profile.amsDetails ? { state: spool.type === "" ? SLOT.undescribed : SLOT.ready } : {};
  return { id, ...state, ...encodeSpool(spool, chipOf(unit.profile.id, slot)) };
}

function encodeUnit(unit: AmsUnit, profile: PrinterProfile): JsonObject {
  const { id, kind, extruder } = unit.profile;
  const drying = unit.dryingSeconds > 0;
  const lean = {
    id: String(id),
    humidity: String(unit.humidity),
    temp: unit.temperature.toFixed(1),
    tray: unit.slots.map((_, slot) => encodeTray(unit, slot, profile)),
  };
  if (!profile.amsDetails) return lean;
  return {
    ...lean,
    humidity_raw: String(unit.humidityPercent),
    dry_time: Math.ceil(unit.dryingSeconds / 60),
    dry_setting: drying
      ? {
          dry_temperature: unit.dryingTarget,
          dry_duration: Math.ceil(unit.dryingSeconds / 3600),
          dry_filament: unit.dryingFilament,
        }
      : { dry_temperature: -1, dry_duration: -1, dry_filament: "" },
    // Bits: 0..3 kind, 4..7 drying, 8..11 extruder.
    info: (AMS_KINDS[kind].type | (drying ? 2 << 4 : 0) | (extruder << 8)).toString(16),
  };
}

/** Unit n is bit n; an AMS HT 128 + k is bit 4 + k. */
const unitBit = (id: number): number => (id >= 128 ? 4 + (id - 128) : id);
/** Slots are four bits a unit; an AMS HT 128 + k is bit 16 + k. */
const slotBit = (id: number, slot: number): number => (id >= 128 ? 16 + (id - 128) : id * 4 + slot);

function slotBits(units: readonly AmsUnit[], holds: (spool: Spool) => boolean): string {
  const bits = units.flatMap((unit) =>
    unit.slots.flatMap((spool, slot) => (spool !== null && holds(spool) ? [slotBit(unit.profile.id, slot)] : [])),
  );
  return bits.reduce((word, bit) => word | (1 << bit), 0).toString(16);
}

/** `tray_now` and its kin: 255 = nothing. */
const tray = (ref: SlotRef | null): string => (ref === null ? "255" : String(trayNumber(ref)));

/** The `ams` object, its status word, and the spools outside. */
export function encodeFilament(state: MachineState, profile: PrinterProfile): JsonObject {
  const loaded = state.extruders[state.activeExtruder]?.loaded ?? null;
  const target = state.change === null ? loaded : state.change.to;
  const printing = state.gcodeState === "RUNNING" && loaded !== null && loaded.unit !== 255;
  const outside = encodeSpool(state.external, NO_CHIP);
  const external: Record<string, Json> =
    profile.external === "vt_tray"
      ? { vt_tray: { id: "254", ...outside } }
      : { vir_slot: profile.nozzles.map((_, index) => ({ id: String(255 - index), ...outside })) };
  return {
    ams: {
      ams: state.units.map((unit) => encodeUnit(unit, profile)),
      ams_exist_bits: state.units.reduce((word, unit) => word | (1 << unitBit(unit.profile.id)), 0).toString(16),
      tray_exist_bits: slotBits(state.units, () => true),
      tray_is_bbl_bits: slotBits(state.units, (spool) => spool.chip),
      tray_read_done_bits: slotBits(state.units, (spool) => spool.type !== ""),
      tray_reading_bits: "0",
      tray_now: tray(loaded),
      tray_tar: tray(target),
      tray_pre: tray(state.trayPrevious ?? loaded),
      insert_flag: true,
      power_on_flag: false,
      version: 4,
    },
    // Main word in bits 8..15: 1 = filament change, 3 = assisting the print.
    ams_status: state.change !== null ? 0x0103 : printing ? 0x0300 : 0,
    ams_rfid_status: 0,
    hw_switch_state: loaded === null ? 0 : 1,
    ...external,
  };
}
