/** The few G-code words that a report shows. Source: Bambu protocol notes, commands. */
import { heatBed, heatChamber, heatNozzle, setFan } from "./machine/controls";
import type { PrinterMachine } from "./machine/machine";

const WORD = /([A-Z])\s*(-?\d{1,9}(?:\.\d{1,6})?)/g;

function readLine(line: string): ReadonlyMap<string, number> {
  const bare = (line.split(";", 1)[0] ?? "").toUpperCase();
  return new Map([...bare.matchAll(WORD)].map(([, letter, number]) => [letter ?? "", Number(number)]));
}

type Action = (machine: PrinterMachine, words: ReadonlyMap<string, number>) => void;

const toNozzle: Action = ({ state }, words) => {
  heatNozzle(state, words.get("T") ?? state.activeExtruder, words.get("S") ?? 0);
};
const toBed: Action = ({ state }, words) => {
  heatBed(state, words.get("S") ?? 0);
};
const toFan =
  (otherwise: number): Action =>
  ({ state, profile }, words) => {
    setFan(state, profile, words.get("P") ?? 1, words.get("S") ?? otherwise);
  };

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["M104", toNozzle],
  ["M109", toNozzle],
  ["M140", toBed],
  ["M190", toBed],
  [
    "M141",
    ({ state, profile }, words) => {
      heatChamber(state, profile, words.get("S") ?? 0);
    },
  ],
  ["M106", toFan(255)],
  ["M107", toFan(0)],
  [
    "G28",
    ({ state }) => {
      state.homed = true;
    },
  ],
]);

const LONGEST = 20_000;

/** Runs the lines; false when there is nothing to run. Words without an effect on a report are accepted. */
export function runGcode(machine: PrinterMachine, param: unknown): boolean {
  if (typeof param !== "string" || param.length > LONGEST) return false;
  for (const line of param.split(/\r?\n|\\n/)) {
    const words = readLine(line);
    const [letter, number] = [...words][0] ?? [];
    ACTIONS.get(`${letter ?? ""}${number ?? ""}`)?.(machine, words);
  }
  return true;
}
