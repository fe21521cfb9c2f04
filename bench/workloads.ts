import type { Fields } from "../lib/bambu/values";
import { ams, delta, frame, fullReport, packed, unit, type ModelName } from "../test/support/reports";

/** A series of messages as one printer sends them: the first is a full report, all others vary as in a print. */
export interface Workload {
  readonly name: string;
  readonly model: ModelName;
  readonly first: Buffer;
  readonly frames: readonly Buffer[];
  /** At most this many times the bare JSON.parse: the aim of the project. */
  readonly aim: number;
}

/** How many different frames there are of each kind; they are repeated in a circle. */
const SERIES = 128;

function series(make: (i: number) => Fields): Buffer[] {
  return Array.from({ length: SERIES }, (_, i) => frame({ print: make(i) }));
}

/** What moves from frame to frame while a printer prints. */
function moving(i: number): Fields {
  return {
    sequence_id: String(3000 + i),
    nozzle_temper: 219.5 + (i % 16) / 32,
    bed_temper: 59.75 + (i % 8) / 16,
    wifi_signal: `-${44 + (i % 5)}dBm`,
    mc_percent: Math.floor((i * 100) / SERIES),
  };
}

/** A unit whose temperature moves now and then. */
function livingUnit(id: number, i: number): Fields {
  return unit(id, { temp: `${27 + ((i >> 4) % 3)}.5` });
}

/** 9 KB: an X1C with three units. */
function medium(i: number): Fields {
  const units = [0, 1, 2].map((id) => livingUnit(id, i));
  const fitted = ams(units, { ams_exist_bits: "7", tray_exist_bits: "fff", tray_now: "1" });
  return fullReport("X1C", { ams: fitted, ...moving(i) });
}

/** 19 KB: all that can be connected at once (four units, eight dryers, a rack of nozzles), sent in full every time. */
function large(i: number): Fields {
  const units = [0, 1, 2, 3, 128, 129, 130, 131, 132, 133, 134, 135].map((id) => livingUnit(id, i));
  const plate = { clock_in: false, color: ["0A6CFFFF", ""], diameter: [0.4, 0.4], est_time: 5100, heigh: 0, type: 1 };
  const report = fullReport("H2C", {
    ams: ams(units, { ams_exist_bits: "fff", tray_exist_bits: "ffffff", tray_now: "1" }),
    job: {
      cur_stage: { idx: 0, state: 1 },
      stage: [0, 1, 2, 3].map((idx) => ({
        idx,
        ...plate,
        platform: "",
        print_then: false,
        proc_list: [],
        tool: ["HS01-0.4"],
      })),
    },
    mapping: Array.from({ length: 16 }, (_, at) => 0x100 + at),
    ...moving(i),
  });
  const device = report.device as { extruder: { info: Fields[] }; nozzle: { info: Fields[] } };
  Object.assign(device.extruder.info[0]!, { temp: packed(218 + (i % 3), 220) });
  for (const id of [16, 17, 18, 19, 20, 21]) device.nozzle.info.push({ ...device.nozzle.info[0], id });
  return { ...report, msg: undefined };
}

export const WORKLOADS: readonly Workload[] = [
  {
    name: "P1-style delta",
    model: "P1S",
    first: frame({ print: fullReport("P1S") }),
    frames: series((i) => delta({ ...moving(i), mc_print_line_number: String(12_000 + 37 * i) })),
    aim: 4,
  },
  {
    name: "X1-style full frame",
    model: "X1C",
    first: frame({ print: medium(0) }),
    frames: series(medium),
    aim: 1.5,
  },
  {
    name: "X1-style full frame",
    model: "H2C",
    first: frame({ print: large(0) }),
    frames: series(large),
    aim: 1.5,
  },
];
