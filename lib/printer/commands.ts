import type { LightMode, PrinterState, PrinterStatus } from "./status";

/**
 * What can be asked of a printer, whatever its make. Temperatures are in whole °C, durations in the unit that the name
 * says; slots count from 0, units have the ids of the status.
 */
export type Command =
  | PlainCommand
  | { readonly name: "speed"; readonly level: 1 | 2 | 3 | 4 }
  | { readonly name: "light"; readonly node: "chamber" | "chamber2" | "work"; readonly mode: LightMode }
  | { readonly name: "bed-temperature"; readonly target: number }
  | { readonly name: "chamber-temperature"; readonly target: number }
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
      /** null only where it stops. */
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

/** Commands that say everything with their name. */
export const PLAIN_COMMANDS = ["pause", "resume", "stop", "clear-error", "refresh", "home", "ams-unload"] as const;
type PlainName = (typeof PLAIN_COMMANDS)[number];
type PlainCommand = { [N in PlainName]: { readonly name: N } }[PlainName];

export type CommandName = Command["name"];
export type CommandOf<N extends CommandName> = Extract<Command, { readonly name: N }>;

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

/** When a command fits, and how a status shows that it was carried out. */
export interface CommandRule<C extends Command = Command> {
  /** States in which it makes sense; null = in any. A state that the printer does not tell fits only null and `unknown`. */
  readonly from: readonly PrinterState[] | null;
  /** What is said in any other state. */
  readonly otherwise?: string;
  /**
   * Firmware with control switched off refuses it (`control.allowed` of the status). Source: Bambu protocol notes,
   * authorization control; lights, acknowledging an error and asking for reports need no signature.
   */
  readonly needsControl: boolean;
  /** False for what is done to the printer's entry in an account, where the printer need not be reachable. */
  readonly needsPrinter?: false;
  /** Whether this status is what the command wants; null = no status shows it, so that only a reply can confirm it. */
  readonly shows: ((status: PrinterStatus, command: C) => boolean) | null;
}

const RESTING: readonly PrinterState[] = ["idle", "finished", "failed", "cancelled"];
const WITHOUT_JOB = "is possible only while no print is on";
const UNLESS_PRINTING = "is possible only while nothing is printing, or in a pause";
/** A fan's speed is reported in fifteen steps. */
const FAN_STEP_PERCENT = 10;

const RULES: { readonly [N in CommandName]: CommandRule<CommandOf<N>> } = {
  pause: {
    from: ["preparing", "printing", "unknown"],
    otherwise: "is possible only while a print is running",
    needsControl: true,
    shows: ({ state }) => state === "paused",
  },
  // Some firmware pauses a running print when it is told to resume.
  resume: {
    from: ["paused"],
    otherwise: "is possible only while a print is paused",
    needsControl: true,
    shows: ({ state }) => state === "printing" || state === "preparing",
  },
  stop: {
    from: ["preparing", "printing", "paused", "unknown"],
    otherwise: "is possible only while a print is on",
    needsControl: true,
    shows: ({ state }) => state === "cancelled" || state === "failed" || state === "idle",
  },
  speed: { from: null, needsControl: true, shows: ({ speed }, { level }) => speed?.level === level },
  light: { from: null, needsControl: false, shows: ({ lights }, { node, mode }) => lights[node] === mode },
  "bed-temperature": {
    from: null,
    needsControl: true,
    shows: ({ temperatures }, { target }) => temperatures.bed.target === target,
  },
  "chamber-temperature": {
    from: null,
    needsControl: true,
    shows: ({ temperatures }, { target }) => temperatures.chamber?.target === target,
  },
  "nozzle-temperature": {
    from: null,
    needsControl: true,
    shows: ({ temperatures: { nozzles } }, { target, nozzle }) =>
      (nozzles.find(({ index, active }) => (nozzle === null ? active === true : index === nozzle)) ?? null)?.target ===
      target,
  },
  fan: {
    from: null,
    needsControl: true,
    shows: ({ fans }, { fan, percent }) => isSpeed(fans[fan], percent),
  },
  gcode: { from: null, needsControl: true, shows: null },
  home: { from: RESTING, otherwise: WITHOUT_JOB, needsControl: true, shows: null },
  "skip-objects": {
    from: ["preparing", "printing", "paused"],
    otherwise: "is possible only while a print is on",
    needsControl: true,
    shows: null,
  },
  "ams-load": {
    from: [...RESTING, "paused"],
    otherwise: UNLESS_PRINTING,
    needsControl: true,
    shows: ({ filament: { active } }, { unit, slot, external }) =>
      active !== null && active.external === external && active.slot === slot && (external || active.unit === unit),
  },
  "ams-unload": {
    from: [...RESTING, "paused"],
    otherwise: UNLESS_PRINTING,
    needsControl: true,
    shows: ({ filament }) => filament.active === null,
  },
  "ams-dry": {
    from: null,
    needsControl: true,
    shows: ({ filament }, { unit, on }) =>
      filament.units.some(
        ({ id, dryingMinutesLeft }) => id === unit && dryingMinutesLeft !== null && dryingMinutesLeft > 0 === on,
      ),
  },
  "ams-set": {
    from: null,
    needsControl: true,
    shows: ({ filament }, { unit, slot, external, type, color }) => {
      const slots = external ? filament.external : (filament.units.find(({ id }) => id === unit)?.slots ?? []);
      return slots.some((one) => one.slot === slot && one.type === type && one.color === color);
    },
  },
  print: {
    from: RESTING,
    otherwise: WITHOUT_JOB,
    needsControl: true,
    shows: ({ state }) => state === "preparing" || state === "printing",
  },
  "clear-error": {
    from: null,
    needsControl: false,
    shows: ({ alerts }) => alerts.every(({ source }) => source !== "print-error"),
  },
  refresh: { from: null, needsControl: false, shows: null },
  rename: { from: null, needsControl: false, needsPrinter: false, shows: null },
};

/** Every command of the public contract. */
export const COMMAND_NAMES = Object.keys(RULES) as readonly CommandName[];

const known: ReadonlySet<string> = new Set(COMMAND_NAMES);

/** Byte-exact: `Pause` is no command. */
export function isCommandName(word: string): word is CommandName {
  return known.has(word);
}

export function ruleOf<C extends Command>(command: C): CommandRule<C> {
  // The table has for each name the rule of that name's command, which the compiler can not see through an index.
  return RULES[command.name] as unknown as CommandRule<C>;
}

function isSpeed(reported: number | null, percent: number): boolean {
  if (reported === null) return false;
  return percent === 0 ? reported === 0 : reported > 0 && Math.abs(reported - percent) <= FAN_STEP_PERCENT;
}
