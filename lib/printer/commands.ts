import type { LightMode } from "./status";

/**
 * What can be asked of a printer, whatever its make. Temperatures are in °C, durations in the unit that the name says;
 * slots count from 0, units have the ids of the status.
 */
export type Command =
  | { readonly name: "pause" | "resume" | "stop" | "clear-error" | "refresh" | "home" | "ams-unload" }
  | { readonly name: "speed"; readonly level: 1 | 2 | 3 | 4 }
  | { readonly name: "light"; readonly node: "chamber" | "chamber2" | "work"; readonly mode: LightMode }
  | { readonly name: "bed-temperature" | "chamber-temperature"; readonly target: number }
  /** `nozzle` null = the one in use. */
  | { readonly name: "nozzle-temperature"; readonly target: number; readonly nozzle: number | null }
  | { readonly name: "fan"; readonly fan: "part" | "aux" | "aux2" | "chamber"; readonly percent: number }
  /** One or more lines. */
  | { readonly name: "gcode"; readonly lines: string }
  | { readonly name: "skip-objects"; readonly ids: readonly number[] }
  | { readonly name: "ams-load"; readonly unit: number | null; readonly slot: number; readonly external: boolean }
  | {
      readonly name: "ams-dry";
      readonly unit: number;
      /** false = stop drying. */
      readonly on: boolean;
      readonly temperature: number | null;
      readonly hours: number | null;
    }
  | {
      readonly name: "ams-set";
      readonly unit: number | null;
      readonly slot: number;
      readonly external: boolean;
      readonly type: string;
      /** #RRGGBBAA */
      readonly color: string;
      readonly filamentId: string | null;
      readonly nozzleMin: number | null;
      readonly nozzleMax: number | null;
    }
  | { readonly name: "print"; readonly order: PrintOrder }
  | { readonly name: "rename"; readonly to: string };

export type CommandName = Command["name"];

/** What to print, and with what. */
export interface PrintOrder {
  /** Name on the printer, with its ending. */
  readonly file: string;
  /** What is uploaded first; null = the file is on the printer already. */
  readonly content: PrintContent | null;
  /** From 1; of a .3mf only. */
  readonly plate: number;
  /** Per filament of the job the slot that feeds it; null = from the external spool. Empty = as the printer decides. */
  readonly ams: readonly ({ readonly unit: number; readonly slot: number } | null)[];
  readonly useAms: boolean;
  readonly bedLeveling: boolean;
  readonly flowCalibration: boolean;
  readonly vibrationCalibration: boolean;
  readonly timelapse: boolean;
}

export type PrintContent =
  | { readonly kind: "buffer"; readonly data: Buffer }
  /** A file of the machine that Node-RED runs on. */
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "stream"; readonly stream: NodeJS.ReadableStream; readonly bytes: number | null };
