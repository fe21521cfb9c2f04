/**
 * What each simulated model is and how it words things, as data. Source: Bambu protocol notes
 * (reports, AMS, nested `device`, models). A new printer is a new row.
 */
import { PrintgateError } from "../../../errors";

/** The feeders. `type` is bits 0..3 of a unit's `info`; `fault` is the module of its runout code. */
export const AMS_KINDS = {
  ams: { module: "ams", type: 1, slots: 4, fault: 0x07, dries: false, product: "AMS", firmware: "00.00.06.49" },
  lite: {
    module: "ams_f1",
    type: 2,
    slots: 4,
    fault: 0x12,
    dries: false,
    product: "AMS Lite",
    firmware: "00.00.07.94",
  },
  pro: { module: "n3f", type: 3, slots: 4, fault: 0x07, dries: true, product: "AMS 2 Pro", firmware: "03.00.21.29" },
  ht: { module: "n3s", type: 4, slots: 1, fault: 0x18, dries: true, product: "AMS HT", firmware: "03.00.21.31" },
} as const;

export type AmsKind = keyof typeof AMS_KINDS;

export interface AmsProfile {
  /** 0..3, an AMS HT from 128. */
  readonly id: number;
  readonly kind: AmsKind;
  /** The extruder that this unit feeds: 0 right (or only), 1 left. */
  readonly extruder: 0 | 1;
}

export interface ModuleProfile {
  readonly name: string;
  readonly hardware: string;
  readonly firmware: string;
}

export interface PrinterProfile {
  readonly model: string;
  /** `product_name` of the `ota` module; null where the firmware does not send one. */
  readonly productName: string | null;
  /** `project_name` of the `ota` module. */
  readonly projectName: string;
  /** DevModel in announcements. */
  readonly code: string;
  /** First three characters of its serials. */
  readonly serialPrefix: string;
  readonly firmware: string;
  readonly modules: readonly ModuleProfile[];
  /** `full`: the whole object each time. `delta`: whole on demand, changed keys in between. */
  readonly reports: "full" | "delta";
  /** `msg` of a whole report; null where the firmware leaves the key out. */
  readonly fullMsg: 0 | null;
  /** Sequence ids of unasked reports: a running number, or always "2021". */
  readonly pushSequence: "counter" | "constant";
  /** `stg_cur` while nothing goes on. */
  readonly idleStage: -1 | 255;
  /** By extruder id. */
  readonly nozzles: readonly { readonly diameter: number; readonly type: string }[];
  /** Temperatures packed into `device.*` besides the flat fields. */
  readonly packed: boolean;
  /** `cfg`, `fun`, `aux` and `stat` are reported. */
  readonly statusWords: boolean;
  /** `none` reports the placeholder 5. */
  readonly chamber: "none" | "sensor" | "heater";
  readonly auxFan: boolean;
  readonly chamberFan: boolean;
  /** Where an open door shows; null = no sensor. */
  readonly door: "home_flag" | "stat" | null;
  readonly lights: readonly string[];
  readonly lidar: boolean;
  readonly rtsp: boolean;
  readonly ams: readonly AmsProfile[];
  /** How spools outside an AMS are reported. */
  readonly external: "vt_tray" | "vir_slot";
  /** Units carry `info`, `humidity_raw` and `dry_time`, trays a `state`. */
  readonly amsDetails: boolean;
  readonly upgrade: "list" | "strings";
  /** The `print_error` that tells a cancel. */
  readonly cancelCode: number;
  /** Last value of `gcode_file_prepare_percent`. */
  readonly prepareEnds: 99 | 100;
  /** The job's file is named by a path inside the printer's own memory. */
  readonly ramdiskFile: boolean;
  readonly okWord: "success" | "SUCCESS";
  /** What follows a command that the firmware does not know. */
  readonly unknownCommand: "silence" | "fail";
  /** Knows set_bed_temp, set_nozzle_temp, set_fan, set_ctt, set_airduct, select_extruder. */
  readonly directControls: boolean;
  /** The TLS handshake carries the authority besides the leaf. */
  readonly sendsChain: boolean;
}

const CANCELLED_CLASSIC = 0x0300400c;
const CANCELLED_NEWER = 0x0500400e;

const P1_MODULES: readonly ModuleProfile[] = [
  { name: "esp32", hardware: "AP04", firmware: "01.11.35.44" },
  { name: "mc", hardware: "MC02", firmware: "00.00.29.06/00.00.29.06" },
  { name: "th", hardware: "TH04", firmware: "00.00.07.98" },
];
const X1_MODULES: readonly ModuleProfile[] = [
  { name: "rv1126", hardware: "AP05", firmware: "00.00.28.55" },
  { name: "th", hardware: "TH08", firmware: "00.00.07.98" },
  { name: "mc", hardware: "MC07", firmware: "00.00.29.06/00.00.29.06" },
  { name: "xm", hardware: "", firmware: "00.00.00.00" },
];
const NEWER_MODULES: readonly ModuleProfile[] = [
  { name: "ap", hardware: "AP20", firmware: "00.00.41.12" },
  { name: "mc", hardware: "MC20", firmware: "00.00.33.05" },
  { name: "th", hardware: "TH20", firmware: "00.00.11.73" },
  { name: "ext", hardware: "N/A", firmware: "" },
];

const P1S: PrinterProfile = {
  model: "P1S",
  productName: "Bambu Lab P1S",
  projectName: "C12",
  code: "C12",
  serialPrefix: "01P",
  firmware: "01.08.02.00",
  modules: P1_MODULES,
  reports: "delta",
  fullMsg: 0,
  pushSequence: "counter",
  idleStage: 255,
  nozzles: [{ diameter: 0.4, type: "stainless_steel" }],
  packed: false,
  statusWords: false,
  chamber: "none",
  auxFan: true,
  chamberFan: true,
  door: null,
  lights: ["chamber_light"],
  lidar: false,
  rtsp: false,
  ams: [{ id: 0, kind: "ams", extruder: 0 }],
  external: "vt_tray",
  amsDetails: true,
  upgrade: "list",
  cancelCode: CANCELLED_CLASSIC,
  prepareEnds: 100,
  ramdiskFile: false,
  okWord: "success",
  unknownCommand: "silence",
  directControls: false,
  sendsChain: true,
};

const A1: PrinterProfile = {
  ...P1S,
  model: "A1",
  productName: "Bambu Lab A1",
  projectName: "N2S",
  code: "N2S",
  serialPrefix: "039",
  firmware: "01.05.00.00",
  modules: P1_MODULES.map((row) => ({ ...row, hardware: row.hardware === "AP04" ? "AP05" : row.hardware })),
  idleStage: -1,
  auxFan: false,
  chamberFan: false,
  ams: [{ id: 0, kind: "lite", extruder: 0 }],
};

const X1C: PrinterProfile = {
  ...P1S,
  model: "X1C",
  productName: "Bambu Lab X1-Carbon",
  projectName: "",
  code: "BL-P001",
  serialPrefix: "00M",
  firmware: "01.09.00.00",
  modules: X1_MODULES,
  reports: "full",
  pushSequence: "constant",
  idleStage: -1,
  nozzles: [{ diameter: 0.4, type: "hardened_steel" }],
  statusWords: true,
  chamber: "sensor",
  door: "home_flag",
  lights: ["chamber_light", "work_light"],
  lidar: true,
  rtsp: true,
  upgrade: "strings",
  ramdiskFile: true,
  unknownCommand: "fail",
};

const P2S: PrinterProfile = {
  ...X1C,
  model: "P2S",
  productName: "Bambu Lab P2S",
  projectName: "N7",
  code: "N7",
  serialPrefix: "22E",
  firmware: "01.02.00.00",
  modules: NEWER_MODULES,
  reports: "delta",
  nozzles: [{ diameter: 0.4, type: "HS01" }],
  packed: true,
  door: "stat",
  lights: ["chamber_light"],
  lidar: false,
  ams: [{ id: 0, kind: "pro", extruder: 0 }],
  external: "vir_slot",
  cancelCode: CANCELLED_NEWER,
  okWord: "SUCCESS",
  directControls: true,
  sendsChain: false,
};

const H2D: PrinterProfile = {
  ...P2S,
  model: "H2D",
  productName: "Bambu Lab H2D",
  projectName: "O1D",
  code: "O1D",
  serialPrefix: "094",
  firmware: "01.02.02.00",
  nozzles: [
    { diameter: 0.4, type: "HS01" },
    { diameter: 0.4, type: "HH01" },
  ],
  chamber: "heater",
  lights: ["chamber_light", "chamber_light2"],
  ams: [
    { id: 0, kind: "pro", extruder: 0 },
    { id: 128, kind: "ht", extruder: 1 },
  ],
};

export const PRINTER_PROFILES: readonly PrinterProfile[] = [
  P1S,
  {
    ...P1S,
    model: "P1P",
    productName: "Bambu Lab P1P",
    projectName: "C11",
    code: "C11",
    serialPrefix: "01S",
    firmware: "01.07.00.00",
    ams: [],
    chamberFan: false,
    auxFan: false,
    prepareEnds: 99,
  },
  X1C,
  // The first firmware generation: no product name, no `msg`, no status words, lean AMS units.
  {
    ...X1C,
    model: "X1",
    productName: null,
    code: "BL-P002",
    serialPrefix: "00W",
    firmware: "01.08.02.00",
    fullMsg: null,
    statusWords: false,
    amsDetails: false,
  },
  A1,
  { ...A1, model: "A1 mini", productName: "Bambu Lab A1 mini", projectName: "N1", code: "N1", serialPrefix: "030" },
  P2S,
  H2D,
  {
    ...H2D,
    model: "H2S",
    productName: "Bambu Lab H2S",
    projectName: "O1S",
    code: "O1S",
    serialPrefix: "093",
    firmware: "01.01.01.00",
    nozzles: [{ diameter: 0.4, type: "HH01" }],
    ams: [{ id: 0, kind: "pro", extruder: 0 }],
  },
];

const plain = (name: string): string => name.toUpperCase().replace(/[\s_-]/g, "");

/**
 * The row of a model, by its marketing name in any case ("a1-mini" is "A1 mini").
 * @throws PrintgateError `config-invalid` for a model that is not simulated
 */
export function findProfile(model: string): PrinterProfile {
  const found = PRINTER_PROFILES.find((profile) => plain(profile.model) === plain(model));
  if (found !== undefined) return found;
  const known = PRINTER_PROFILES.map((profile) => profile.model).join(", ");
  throw new PrintgateError("config-invalid", `There is no simulated "${model}". Choose one of ${known}.`);
}
