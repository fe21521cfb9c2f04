import type { Fields } from "../../lib/bambu/values";

/**
 * Builders of synthetic frames, "default + difference": a printer's full report by model, deltas, versions.
 * Shapes follow the Bambu protocol notes; all values, serials and addresses are invented.
 */

export type ModelName = keyof typeof PRINTERS;

interface Row {
  readonly serial: string;
  /** What get_version says of the printer itself. */
  readonly ota: Fields;
  readonly report: () => Fields;
}

/** One word for a temperature and its target, as newer models send it. */
export const packed = (actual: number, target: number): number => target * 65536 + actual;

export function tray(id: number, difference: Fields = {}): Fields {
  return {
    id: String(id),
    tag_uid: "1A2B3C4D00000100",
    tray_id_name: "A00-X1",
    tray_info_idx: "GFA00",
    tray_type: "PLA",
    tray_sub_brands: "PLA Basic",
    tray_color: "0a6cffff",
    cols: ["0A6CFFFF"],
    ctype: 0,
    tray_weight: "1000",
    tray_diameter: "1.75",
    tray_uuid: `0F1E2D3C4B5A69788796A5B4C3D2E1F${id}`,
    bed_temp: "0",
    bed_temp_type: "0",
    drying_temp: "55",
    drying_time: "8",
    nozzle_temp_max: "230",
    nozzle_temp_min: "190",
    xcam_info: "8813D007E803E8033333133F",
    remain: 80 - id,
    total_len: 330000,
    k: 0.02,
    n: 1,
    cali_idx: -1,
    state: 11,
    ...difference,
  };
}

export function unit(id: number, difference: Fields = {}): Fields {
  const slots = id >= 128 ? [0] : [0, 1, 2, 3];
  return {
    id: String(id),
    humidity: "4",
    humidity_raw: "23",
    temp: "27.5",
    dry_time: 0,
    info: "1001",
    tray: slots.map((slot) => tray(slot)),
    ...difference,
  };
}

export function ams(units: Fields[], difference: Fields = {}): Fields {
  return {
    ams: units,
    ams_exist_bits: "1",
    tray_exist_bits: "f",
    tray_is_bbl_bits: "f",
    tray_read_done_bits: "f",
    tray_reading_bits: "0",
    tray_now: "255",
    tray_pre: "255",
    tray_tar: "255",
    insert_flag: true,
    power_on_flag: false,
    version: 12,
    ...difference,
  };
}

/** What every model says. */
function common(): Fields {
  return {
    command: "push_status",
    msg: 0,
    sequence_id: "2021",
    gcode_state: "RUNNING",
    gcode_file: "lampshade.gcode.3mf",
    gcode_file_prepare_percent: "100",
    gcode_start_time: "1767225600",
    print_type: "cloud",
    task_id: "700100200",
    subtask_id: "700100201",
    subtask_name: "lampshade",
    project_id: "600100200",
    profile_id: "500100200",
    mc_percent: 42,
    mc_remaining_time: 75,
    mc_print_stage: "2",
    mc_print_sub_stage: 0,
    mc_print_error_code: "0",
    mc_print_line_number: "12345",
    layer_num: 61,
    total_layer_num: 150,
    stg: [2, 14, 1],
    stg_cur: 0,
    print_error: 0,
    fail_reason: "0",
    hms: [],
    spd_lvl: 2,
    spd_mag: 100,
    nozzle_temper: 219.75,
    nozzle_target_temper: 220,
    bed_temper: 59.9375,
    bed_target_temper: 60,
    cooling_fan_speed: "15",
    big_fan1_speed: "0",
    big_fan2_speed: "0",
    heatbreak_fan_speed: "15",
    fan_gear: 0,
    lights_report: [{ node: "chamber_light", mode: "on" }],
    nozzle_diameter: "0.4",
    nozzle_type: "stainless_steel",
    wifi_signal: "-45dBm",
    net: {
      conf: 16,
      info: [
        { ip: 0x140200c0, mask: 0x00ffffff },
        { ip: 0, mask: 0 },
      ],
    },
    online: { ahb: true, rfid: false, version: 7 },
    sdcard: true,
    home_flag: 0x100 + 7,
    hw_switch_state: 1,
    ams_status: 0,
    ams_rfid_status: 0,
    ipcam: {
      ipcam_dev: "1",
      ipcam_record: "enable",
      timelapse: "disable",
      resolution: "1080p",
      tutk_server: "disable",
      mode_bits: 3,
    },
    xcam: {
      printing_monitor: true,
      spaghetti_detector: true,
      first_layer_inspector: false,
      buildplate_marker_detector: true,
      print_halt: true,
      allow_skip_parts: false,
      halt_print_sensitivity: "medium",
    },
    xcam_status: "0",
    s_obj: [],
    upload: {
      status: "idle",
      progress: 0,
      message: "",
      file_size: 0,
      finish_size: 0,
      oss_url: "",
      speed: 0,
      time_remaining: 0,
    },
    upgrade_state: {
      sequence_id: 0,
      progress: "",
      status: "IDLE",
      consistency_request: false,
      dis_state: 1,
      err_code: 0,
      force_upgrade: false,
      message: "",
      module: "null",
      new_version_state: 2,
      new_ver_list: [],
      cur_state_code: 0,
    },
    force_upgrade: false,
    lifecycle: "product",
    mess_production_state: "active",
    queue_number: 0,
    queue_total: 0,
    queue_est: 0,
    queue_sts: 0,
    vt_tray: tray(254, {
      tray_type: "",
      tray_sub_brands: "",
      tray_info_idx: "",
      tray_color: "00000000",
      cols: ["00000000"],
      remain: 0,
      tray_uuid: "0".repeat(32),
      tag_uid: "0".repeat(16),
    }),
    ams: ams([unit(0)], { tray_now: "1" }),
  };
}

const p1 = (): Fields => ({ ...common(), chamber_temper: 5, frame_temper: 31 });
const a1 = (): Fields => ({ ...p1(), ams: ams([unit(0, { info: "1002" })], { tray_now: "1" }) });

const x1 = (): Fields => ({
  ...common(),
  msg: undefined,
  gcode_file: "/data/Metadata/plate_1.gcode",
  chamber_temper: 38,
  lights_report: [
    { node: "chamber_light", mode: "on" },
    { node: "work_light", mode: "flashing" },
  ],
  nozzle_type: "hardened_steel",
  big_fan1_speed: "9",
  big_fan2_speed: "6",
  ipcam: {
    ipcam_dev: "1",
    ipcam_record: "enable",
    timelapse: "disable",
    resolution: "1080p",
    rtsp_url: "disable",
    tutk_server: "enable",
    mode_bits: 2,
  },
});

/** Newer models: packed temperatures, an extruder list, 64-bit flag texts, external spools as a list. */
function nested(nozzles: 1 | 2): Fields {
  const extruders = [
    {
      id: 0,
      temp: packed(219, 220),
      snow: 0x0001,
      spre: 0x0001,
      star: 0x0001,
      hnow: 0,
      hpre: 0,
      htar: 0,
      stat: 0,
      filam_bak: [],
    },
  ];
  const fitted = [
    { id: 0, diameter: 0.4, type: "HS01", wear: 0, tm: 120, sn: "", stat: 0, fila_id: "GFA00", color_m: "0A6CFFFF" },
  ];
  if (nozzles === 2) {
    extruders.push({
      ...extruders[0]!,
      id: 1,
      temp: packed(25, 0),
      snow: 0xfeff,
      spre: 0xfeff,
      star: 0xfeff,
      hnow: 1,
      hpre: 1,
      htar: 1,
    });
    fitted.push({ ...fitted[0]!, id: 1, type: "HH00" });
  }
  return {
    ...common(),
    chamber_temper: 38,
    vt_tray: undefined,
    lights_report: [
      { node: "chamber_light", mode: "on" },
      { node: "chamber_light2", mode: "off" },
    ],
    vir_slot:
      nozzles === 2
        ? [tray(254, { tray_type: "" }), tray(255, { tray_type: "PETG" })]
        : [tray(255, { tray_type: "PETG" })],
    device: {
      type: 1,
      bed: { info: { temp: packed(60, 60) }, state: 2 },
      bed_temp: packed(60, 60),
      ctc: { info: { temp: packed(38, 45) }, state: 1 },
      extruder: { info: extruders, state: nozzles === 2 ? 0x0002 : 0x0001 },
      nozzle: { exist: nozzles === 2 ? 3 : 1, info: fitted, state: 0 },
      airduct: {
        modeCur: 0,
        modeList: [{ modeId: 0, ctrl: [16, 32, 48], off: [96] }],
        parts: [
          { id: 16, func: 0, state: 100, range: 6553600 },
          { id: 32, func: 1, state: 40, range: 6553600 },
          { id: 48, func: 2, state: 30, range: 6553600 },
          { id: 96, func: 3, state: 0, range: 6553600 },
        ],
        subMode: -1,
      },
      ext_tool: { calib: 2, mount: 0, type: "", low_prec: true },
      plate: { base: 0, mat: 1, cali2d_id: "", cur_id: "", tar_id: "" },
      cam: { laser: { cond: 255, state: 0 } },
      laser: { power: 0 },
      fan: 3145728,
    },
    stage: { _id: 0, color: 0 },
    job: {
      cur_stage: { idx: 0, state: 1 },
      stage: [
        {
          idx: 0,
          tool: ["HS01-0.4"],
          clock_in: false,
          color: ["", ""],
          diameter: [0.4],
          est_time: 5100,
          heigh: 0,
          type: 1,
          platform: "",
          print_then: false,
          proc_list: [],
        },
      ],
    },
    cfg: "3c10A1B9",
    fun: "2000000000001000",
    fun2: "3",
    aux: "1000",
    stat: "4600000000",
    flag3: 15,
    ver: "20000",
  };
}

const X1_OTA = { product_name: "" };

/** What each model's full report has that others have not. */
const PRINTERS = {
  X1: { serial: "00W00A000000001", ota: X1_OTA, report: x1 },
  X1C: { serial: "00M00A000000001", ota: { product_name: "Bambu Lab X1-Carbon" }, report: x1 },
  X1E: { serial: "03W00A000000001", ota: { product_name: "Bambu Lab X1E" }, report: () => ({ ...x1(), ctt: 45 }) },
  P1P: { serial: "01S00A000000001", ota: { product_name: "Bambu Lab P1P" }, report: p1 },
  P1S: { serial: "01P00A000000001", ota: { product_name: "Bambu Lab P1S" }, report: p1 },
  A1: { serial: "03900A000000001", ota: { product_name: "Bambu Lab A1" }, report: a1 },
  "A1 mini": { serial: "03000A000000001", ota: { product_name: "Bambu Lab A1 mini" }, report: a1 },
  A2L: {
    serial: "26A00A000000001",
    ota: { product_name: "Bambu Lab A2L" },
    report: () => ({
      ...a1(),
      ams: ams([unit(16, { info: "1005" })], { ams_exist_bits: "1000", tray_exist_bits: "f000000", tray_now: "25" }),
    }),
  },
  P2S: {
    serial: "22E00A000000001",
    ota: { product_name: "Bambu Lab P2S" },
    report: () => ({ ...nested(1), ams: ams([unit(0, { info: "1003" })]) }),
  },
  X2D: { serial: "20P00A000000001", ota: { product_name: "Bambu Lab X2D" }, report: () => nested(2) },
  H2D: {
    serial: "09400A000000001",
    ota: { product_name: "Bambu Lab H2D" },
    report: () => ({
      ...nested(2),
      ams: ams([unit(0, { info: "1003" }), unit(128, { info: "1104", humidity: "0" })], {
        ams_exist_bits: "11",
        tray_exist_bits: "1000f",
      }),
    }),
  },
  "H2D Pro": { serial: "23900A000000001", ota: { product_name: "Bambu Lab H2D Pro" }, report: () => nested(2) },
  H2S: { serial: "09300A000000001", ota: { product_name: "Bambu Lab H2S" }, report: () => nested(1) },
  H2C: { serial: "31B00A000000001", ota: { product_name: "Bambu Lab H2C" }, report: () => nested(2) },
} satisfies Record<string, Row>;

export const MODEL_NAMES = Object.keys(PRINTERS) as ModelName[];

export function serialOf(model: ModelName): string {
  return PRINTERS[model].serial;
}

/** The `print` section of a full report. A difference of `undefined` takes a field away. */
export function fullReport(model: ModelName, difference: Fields = {}): Fields {
  return JSON.parse(JSON.stringify({ ...PRINTERS[model].report(), ...difference })) as Fields;
}

/** The `print` section of a report that holds only what changed. */
export function delta(difference: Fields): Fields {
  return { command: "push_status", msg: 1, sequence_id: "2022", ...difference };
}

/** The `info` section that answers get_version. */
export function version(model: ModelName, modules?: Fields[]): Fields {
  const board = { hw_ver: "AP04", sn: "INVENTED0000001" };
  const ota = { name: "ota", sw_ver: "01.08.00.00", hw_ver: "", sn: serialOf(model), flag: 0, ...PRINTERS[model].ota };
  return {
    command: "get_version",
    sequence_id: "20001",
    result: "success",
    reason: "",
    module: modules ?? [
      ota,
      { ...board, name: "esp32", sw_ver: "01.08.22.54" },
      { ...board, name: "mc", hw_ver: "MC02", sw_ver: "00.00.32.18/00.00.32.18" },
      { ...board, name: "th", hw_ver: "TH01", sw_ver: "" },
      { ...board, name: "xm", hw_ver: "", sw_ver: "N/A" },
      { ...board, name: "ams/0", hw_ver: "AMS08", sw_ver: "00.00.06.49" },
    ],
  };
}

/** Sections as the bytes of one message. */
export function frame(sections: Fields): Buffer {
  return Buffer.from(JSON.stringify(sections));
}
