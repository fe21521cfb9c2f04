import type { FilamentUnit } from "../printer/status";
import { textOf, type Fields } from "./values";

/**
 * The printers of Bambu Lab and what they have (source: the Bambu protocol notes). A new printer is a row here.
 * null = not known, which only an unknown model has: then the report itself decides.
 */
export interface Model {
  /** Marketing name; null for a printer that has not said it. */
  readonly name: string | null;
  /** `product_name` without the maker's name, spaces and hyphens, upper case. */
  readonly products: readonly string[];
  /** What discovery and the cloud call it; also the `project_name` of its firmware modules. */
  readonly codes: readonly string[];
  /** First three characters of serials that are this model's alone. */
  readonly serials: readonly string[];
  /** Part of the address of its pages in the maker's wiki. */
  readonly series: string;
  readonly nozzles: 1 | 2 | null;
  /** What a filament unit is that does not say it: firmware from before there were several kinds (as the maker's slicer has it). */
  readonly unit: FilamentUnit["model"];
  readonly chamberSensor: boolean | null;
  readonly chamberHeater: boolean | null;
  /** Whether it has the auxiliary and the chamber fan. */
  readonly airFans: boolean | null;
  /** Its firmware has commands of their own for temperatures and fans (`set_bed_temp` ...), as far as is known. */
  readonly directControls: boolean | null;
  /** How its camera is reached: JPEGs on port 6000, or an RTSPS stream. */
  readonly camera: "jpeg" | "rtsps" | null;
  /** Where the door's bit 23 is, and since which firmware it means something. */
  readonly door: { readonly field: "home_flag" | "stat"; readonly since: string | null } | null;
}

const X1: Model = {
  name: "X1",
  products: ["X1"],
  codes: ["BL-P002"],
  serials: ["00W"],
  series: "x1",
  nozzles: 1,
  unit: "ams",
  chamberSensor: true,
  chamberHeater: false,
  airFans: true,
  directControls: false,
  camera: "rtsps",
  door: { field: "home_flag", since: "01.07.00.00" },
};

const P1P: Model = {
  name: "P1P",
  products: ["P1P"],
  codes: ["C11"],
  serials: ["01S"],
  series: "p1",
  nozzles: 1,
  unit: "ams",
  chamberSensor: false,
  chamberHeater: false,
  airFans: true,
  directControls: false,
  camera: "jpeg",
  door: null,
};

const A1: Model = {
  ...P1P,
  name: "A1",
  products: ["A1"],
  codes: ["N2S"],
  serials: ["039"],
  series: "a1",
  unit: "ams-lite",
  airFans: false,
};

// 094 begins the serials of H2D, H2S and early H2C alike, so it tells no model.
const H2D: Model = {
  name: "H2D",
  products: ["H2D"],
  codes: ["O1D"],
  serials: [],
  series: "h2d",
  nozzles: 2,
  unit: "unknown",
  chamberSensor: true,
  chamberHeater: true,
  airFans: true,
  directControls: true,
  camera: "rtsps",
  door: { field: "stat", since: null },
};

export const MODELS: readonly Model[] = [
  X1,
  { ...X1, name: "X1C", products: ["X1CARBON", "X1C"], codes: ["BL-P001"], serials: ["00M"] },
  {
    ...X1,
    name: "X1E",
    products: ["X1E"],
    codes: ["C13"],
    serials: ["03W"],
    chamberHeater: true,
    door: { field: "home_flag", since: "01.01.02.00" },
  },
  P1P,
  { ...P1P, name: "P1S", products: ["P1S"], codes: ["C12"], serials: ["01P"] },
  A1,
  { ...A1, name: "A1 mini", products: ["A1MINI"], codes: ["N1"], serials: ["030"], series: "a1-mini" },
  { ...A1, name: "A2L", products: ["A2L"], codes: ["N9"], serials: ["26A"], series: "a2l" },
  {
    ...H2D,
    name: "P2S",
    products: ["P2S"],
    codes: ["N7", "N7-V2"],
    serials: ["22E"],
    series: "p2s",
    nozzles: 1,
    chamberHeater: false,
  },
  { ...H2D, name: "X2D", products: ["X2D"], codes: ["N6"], serials: ["20P"], series: "x2d" },
  H2D,
  { ...H2D, name: "H2D Pro", products: ["H2DPRO"], codes: ["O1E", "O2D"], serials: ["239"] },
  { ...H2D, name: "H2S", products: ["H2S"], codes: ["O1S"], serials: ["093"], series: "h2s", nozzles: 1 },
  { ...H2D, name: "H2C", products: ["H2C"], codes: ["O1C", "O1C2"], serials: ["31B"], series: "h2c" },
];

/** A printer that nobody has named yet. */
const UNKNOWN_MODEL: Model = {
  name: null,
  products: [],
  codes: [],
  serials: [],
  series: "x1",
  nozzles: null,
  unit: "unknown",
  chamberSensor: null,
  chamberHeater: null,
  airFans: null,
  directControls: null,
  camera: null,
  door: null,
};

const byProduct = index((model) => model.products);
const byCode = index((model) => model.codes);
const bySerial = index((model) => model.serials);

/** Main boards of printers whose old firmware names no product and no project. */
const byMainBoard: ReadonlyMap<string, Model | undefined> = new Map([
  ["AP05", byCode.get("BL-P001")],
  ["AP02", byCode.get("C13")],
]);

function index(words: (model: Model) => readonly string[]): ReadonlyMap<string, Model> {
  return new Map(MODELS.flatMap((model) => words(model).map((word) => [word, model] as const)));
}

/** The model behind a code that discovery or the cloud told (`C12`, `N2S`, `BL-P001`); null for others. */
export function modelOfCode(code: string): string | null {
  return byCode.get(code)?.name ?? null;
}

/**
 * Which printer this is, by order of trust: the product name that its firmware says, then what old firmware
 * says of its boards, then the serial, which is a hint only. A product that is new to us keeps its name.
 */
export function modelOf(modules: readonly Readonly<Fields>[], serial: string): Model {
  const product = textOf(modules.find((module) => module.name === "ota")?.product_name);
  if (product !== null) {
    const name = product.replace(/^Bambu Lab\s*/i, "").trim();
    const known = byProduct.get(name.replace(/[\s-]/g, "").toUpperCase());
    return known ?? { ...UNKNOWN_MODEL, name: name === "" ? null : name };
  }
  return byBoards(modules) ?? bySerial.get(serial.slice(0, 3).toUpperCase()) ?? UNKNOWN_MODEL;
}

function byBoards(modules: readonly Readonly<Fields>[]): Model | undefined {
  const project = modules.map((module) => textOf(module.project_name)).find((name) => name !== null) ?? null;
  if (project !== null) return byCode.get(project);
  return modules.map((module) => byMainBoard.get(textOf(module.hw_ver) ?? "")).find((model) => model !== undefined);
}
