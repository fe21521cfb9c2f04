/** The nested `device` object of the newer models and the hex words. Source: Bambu protocol notes, sections on bit fields and `device`. */
import { readSensor } from "../machine/heating";
import type { JsonObject } from "../../json";
import type { Heater, MachineState } from "../machine/state";
import type { PrinterProfile } from "../machine/profiles";
import type { SlotRef } from "../machine/spools";

/** Current °C in the low 16 bits, target in the high ones. */
function packHeater(heater: Heater, uptime: number): number {
  return Math.round(readSensor(heater, uptime)) | (Math.round(heater.target) << 16);
}

/** What an extruder holds: unit << 8 | slot; 0xFF00 and 0xFE00 are the outside spools, slot 0xFF is nothing. */
function encodeHold(ref: SlotRef | null, extruder: number): number {
  const outside = 255 - extruder;
  if (ref === null) return (outside << 8) | 0xff;
  return ref.unit === 254 || ref.unit === 255 ? outside << 8 : (ref.unit << 8) | ref.slot;
}

const percent = (pwm: number): number => Math.round((pwm / 255) * 100);

export function encodeDevice(state: MachineState, profile: PrinterProfile): JsonObject {
  const { uptime, fans } = state;
  const target = state.change?.extruder ?? state.activeExtruder;
  const count = state.extruders.length;
  const bed = packHeater(state.bed, uptime);
  const range = 100 << 16;
  return {
    type: 1,
    bed: { info: { temp: bed }, state: state.bed.target > 0 ? 1 : 0 },
    bed_temp: bed,
    ctc: { info: { temp: packHeater(state.chamber, uptime) }, state: 0 },
    extruder: {
      info: state.extruders.map((extruder, id) => ({
        id,
        temp: packHeater(extruder, uptime),
        snow: encodeHold(extruder.loaded, id),
        spre: encodeHold(extruder.loaded, id),
        star: encodeHold(state.change?.extruder === id ? state.change.to : extruder.loaded, id),
        hnow: id,
        hpre: id,
        htar: id,
        stat: extruder.loaded === null ? 0 : 3,
        filam_bak: [],
      })),
      // Bits: 0..3 how many, 4..7 the current one, 8..11 the one being switched to.
      state: count | (state.activeExtruder << 4) | (target << 8),
    },
    nozzle: {
      exist: (1 << count) - 1,
      info: profile.nozzles.map(({ diameter, type }, id) => ({
        id,
        diameter,
        type,
        wear: 0,
        tm: 0,
        sn: "",
        stat: 0,
        fila_id: "",
        color_m: [],
      })),
      state: 0,
    },
    airduct: {
      modeCur: state.airductMode,
      modeList: [
        { modeId: 0, ctrl: [16, 32, 48], off: [] },
        { modeId: 1, ctrl: [16, 48], off: [32] },
      ],
      parts: [
        { id: 16, func: 0, state: percent(fans.part), range },
        { id: 32, func: 1, state: percent(fans.aux), range },
        { id: 48, func: 2, state: percent(fans.chamber), range },
      ],
      subMode: -1,
    },
    ext_tool: { mount: 0, type: "" },
  };
}

const bits = (...set: readonly (number | false)[]): bigint =>
  set.reduce<bigint>((word, bit) => (bit === false ? word : word | (1n << BigInt(bit))), 0n);

const hex = (word: bigint): string => word.toString(16).toUpperCase();

/** `cfg`, `aux` and `stat`; hexadecimal, up to 64 bits. */
export function encodeStatusWords(state: MachineState, profile: PrinterProfile): JsonObject {
  return {
    cfg: hex(
      bits(
        4,
        state.recording && 3,
        state.timelapse && 5,
        state.lights.get("chamber_light") === "on" && 7,
        12,
        17,
        18,
        22,
      ) |
        (BigInt(state.speedLevel) << 8n),
    ),
    aux: hex(bits(12)),
    stat: hex(bits(1, state.recording && 7, profile.door === "stat" && state.doorOpen && 23, 34)),
  };
}

/** `fun`: what the firmware can do; bit 29 = commands must be signed. */
export function encodeAbilities(profile: PrinterProfile, signedCommands: boolean): string {
  return hex(bits(2, 5, profile.door !== null && 12, signedCommands && 29, 31, 49));
}
