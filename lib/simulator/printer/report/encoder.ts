/** The whole of `print` in a report, in a model's own wording. Source: Bambu protocol notes, `push_status` fields. */
import { encodeFilament } from "./ams-encoder";
import { encodeAbilities, encodeDevice, encodeStatusWords } from "./device-encoder";
import { knownOffer } from "../machine/firmware";
import { encodeUpgrade } from "./firmware-encoder";
import { readSensor } from "../machine/heating";
import type { JsonObject } from "../../json";
import { SPEEDS } from "../machine/job-steps";
import type { MachineState } from "../machine/state";
import type { PrinterProfile } from "../machine/profiles";

/** What a report says beside the machine's state. */
export interface Surroundings {
  readonly serial: string;
  /** IPv4 */
  readonly address: string;
  readonly signedCommands: boolean;
}

/** Without a sensor the firmware reports this instead of leaving the key out. */
const CHAMBER_PLACEHOLDER = 5;

/** Fan speed in sixteen steps, as a decimal string. */
const gear = (pwm: number): string => String(Math.round((pwm / 255) * 15));

/** IPv4 as a little-endian number. */
function encodeAddress(address: string): number {
  return address.split(".").reduceRight((word, part) => word * 256 + (Number(part) & 255), 0);
}

function encodeJob(state: MachineState, profile: PrinterProfile): JsonObject {
  const { job } = state;
  const over = state.gcodeState === "IDLE" || state.gcodeState === "FINISH" || state.gcodeState === "FAILED";
  const ready = Math.min(state.preparePercent, profile.prepareEnds);
  return {
    gcode_state: state.gcodeState,
    gcode_file: job?.file ?? "",
    gcode_file_prepare_percent: String(ready),
    ...(profile.ramdiskFile ? {} : { gcode_start_time: String(job?.startedAt ?? 0) }),
    subtask_name: job?.name ?? "",
    print_type: over ? "idle" : (job?.origin ?? "idle"),
    task_id: job?.taskId ?? "0",
    subtask_id: job?.taskId ?? "0",
    project_id: job?.origin === "cloud" ? job.taskId : "0",
    profile_id: "0",
    mc_percent: state.percent,
    mc_remaining_time: state.remainingMinutes,
    layer_num: state.layer,
    total_layer_num: state.totalLayers,
    stg_cur: state.stage,
    stg: state.gcodeState === "PREPARE" ? [13, 2, 1, 7, 14] : [],
    mc_print_stage: over ? "1" : "2",
    mc_print_sub_stage: 0,
    mc_print_error_code: String(state.printError & 0xffff),
    print_error: state.printError,
    fail_reason: String(state.failReason),
    s_obj: job?.skipped.slice() ?? [],
  };
}

function encodeHomeFlag(state: MachineState, profile: PrinterProfile): number {
  const homed = state.homed ? 0b111 : 0;
  const door = profile.door === "home_flag" && state.doorOpen ? 1 << 23 : 0;
  // 7 remain detection, 8 card in place, 10 refill from another slot, 11 files are kept on the card
  return homed | (1 << 7) | (1 << 8) | (1 << 10) | (1 << 11) | door;
}

export function encodeStatus(state: MachineState, profile: PrinterProfile, around: Surroundings): JsonObject {
  const active = state.extruders[state.activeExtruder];
  const nozzle = profile.nozzles[state.activeExtruder];
  const sensor = (heater: { actual: number; target: number }): number => readSensor(heater, state.uptime);
  const fun = profile.statusWords || around.signedCommands ? encodeAbilities(profile, around.signedCommands) : null;
  return {
    ...encodeJob(state, profile),
    ...encodeFilament(state, profile),
    nozzle_temper: active === undefined ? 0 : sensor(active),
    nozzle_target_temper: active?.target ?? 0,
    bed_temper: sensor(state.bed),
    bed_target_temper: state.bed.target,
    chamber_temper: profile.chamber === "none" ? CHAMBER_PLACEHOLDER : Math.round(state.chamber.actual),
    nozzle_diameter: String(nozzle?.diameter ?? 0.4),
    nozzle_type: nozzle?.type ?? "",
    cooling_fan_speed: gear(state.fans.part),
    big_fan1_speed: gear(state.fans.aux),
    big_fan2_speed: gear(state.fans.chamber),
    heatbreak_fan_speed: gear(state.fans.heatbreak),
    spd_lvl: state.speedLevel,
    spd_mag: SPEEDS[state.speedLevel - 1]?.percent ?? 100,
    hms: state.alerts.map(({ attr, code }) => ({ attr, code })),
    lights_report: [...state.lights].map(([node, mode]) => ({ node, mode })),
    wifi_signal: `${state.wifiDbm}dBm`,
    net: { conf: 16, info: [{ ip: encodeAddress(around.address), mask: encodeAddress("255.255.255.0") }] },
    online: { ahb: state.units.length > 0, rfid: state.units.length > 0, version: 9 },
    sdcard: true,
    home_flag: encodeHomeFlag(state, profile),
    ipcam: {
      ipcam_dev: "1",
      ipcam_record: state.recording ? "enable" : "disable",
      timelapse: state.timelapse ? "enable" : "disable",
      resolution: "1080p",
      tutk_server: "disable",
      mode_bits: 3,
      ...(profile.rtsp ? { rtsp_url: "disable" } : {}),
    },
    xcam: {
      printing_monitor: profile.lidar,
      spaghetti_detector: profile.lidar,
      first_layer_inspector: profile.lidar,
      buildplate_marker_detector: true,
      print_halt: true,
      allow_skip_parts: true,
      halt_print_sensitivity: "medium",
    },
    upload: { status: "idle", progress: 0, message: "" },
    upgrade_state: encodeUpgrade(state, profile),
    force_upgrade: state.versionsKnown && knownOffer(state.firmware)?.force === true,
    queue_number: 0,
    lifecycle: "product",
    mess_production_state: "active",
    ...(profile.packed ? { device: encodeDevice(state, profile) } : {}),
    ...(profile.statusWords ? encodeStatusWords(state, profile) : {}),
    ...(fun === null ? {} : { fun }),
  };
}
