import { isPrintgateError, PrintgateError } from "../errors";
import { type Command, type CommandName, type CommandOf, PLAIN_COMMANDS } from "./commands";
import { flagOf, indexIn, isPlainObject, membersOf, numberOf, oneOf, textOf, wholeIn, wrong } from "./payloads";
import { readOrder } from "./print-order";

/** How a command is read from `msg.payload`, one row a command. */
interface Reading<C extends Command> {
  /** What the payload may be, for the end of an error. */
  readonly takes: string;
  read(payload: unknown): C;
}

const SPEEDS = ["silent", "standard", "sport", "ludicrous"] as const;
const LIGHT_NODES = ["chamber", "chamber2", "work"] as const;
const LIGHT_MODES = ["on", "off", "flashing"] as const;
const FANS = ["part", "aux", "aux2", "chamber"] as const;

/** °C. Wide enough for every model; a printer keeps its own limits besides. */
const BED = { least: 0, most: 140, unit: " °C" };
const NOZZLE = { least: 0, most: 350, unit: " °C" };
const CHAMBER = { least: 0, most: 80, unit: " °C" };
const DRYING = { least: 35, most: 90, unit: " °C" };
const DRYING_HOURS = { least: 1, most: 48 };
const PERCENT = { least: 0, most: 100, unit: " %" };
const PLACE = ["unit", "slot", "external"] as const;
const UNIT = { least: 0, most: 255 };
const SLOT = { least: 0, most: 15 };
const OBJECT = { least: 0, most: 0x7fff_ffff };
const MOST_OBJECTS = 64;
const LONGEST_GCODE = 8192;
const LONGEST_NAME = 64;

/** Temperatures may stand alone or in an object, beside what else they need. */
const targetOf = (payload: unknown): unknown =>
  isPlainObject(payload) ? membersOf(payload, ["target"])["target"] : payload;

const readings: { readonly [N in Exclude<CommandName, (typeof PLAIN_COMMANDS)[number]>]: Reading<CommandOf<N>> } = {
  speed: {
    takes: `1 to 4 or ${SPEEDS.map((speed) => `"${speed}"`).join(", ")}`,
    read: (payload) => ({ name: "speed", level: levelOf(payload) }),
  },
  light: {
    takes: '"on", "off" or { node: "chamber" | "chamber2" | "work", mode: "on" | "off" | "flashing" }',
    read: (payload) => {
      const { node = "chamber", mode } = isPlainObject(payload)
        ? membersOf(payload, ["node", "mode"])
        : { mode: payload };
      return { name: "light", node: oneOf(node, "node", LIGHT_NODES), mode: modeOf(mode) };
    },
  },
  "bed-temperature": {
    takes: "the target in °C",
    read: (payload) => ({ name: "bed-temperature", target: wholeIn(targetOf(payload), "the target", BED) }),
  },
  "chamber-temperature": {
    takes: "the target in °C",
    read: (payload) => ({ name: "chamber-temperature", target: wholeIn(targetOf(payload), "the target", CHAMBER) }),
  },
  "nozzle-temperature": {
    takes: "the target in °C, or { target, nozzle }, where nozzle 0 is the only or the right one, 1 the left one",
    read: (payload) => {
      const { target, nozzle } = isPlainObject(payload)
        ? membersOf(payload, ["target", "nozzle"])
        : { target: payload, nozzle: null };
      return {
        name: "nozzle-temperature",
        target: wholeIn(target, "the target", NOZZLE),
        nozzle: isAbsent(nozzle) ? null : indexIn(nozzle, "nozzle", { least: 0, most: 1 }),
      };
    },
  },
  fan: {
    takes: '{ fan: "part" | "aux" | "aux2" | "chamber", percent: 0 to 100 }',
    read: (payload) => {
      const { fan, percent } = membersOf(payload, ["fan", "percent"]);
      return { name: "fan", fan: oneOf(fan, "fan", FANS), percent: wholeIn(percent, "percent", PERCENT) };
    },
  },
  gcode: { takes: "lines of G-code", read: (payload) => ({ name: "gcode", lines: linesOf(payload) }) },
  "skip-objects": {
    takes: "a list of object ids",
    read: (payload) => ({ name: "skip-objects", ids: idsOf(payload) }),
  },
  "ams-load": {
    takes: "{ unit, slot } or { external: true }",
    read: (payload) => ({ name: "ams-load", ...placeOf(membersOf(payload, PLACE)) }),
  },
  "ams-dry": {
    takes: "{ unit, temperature, hours } or { unit, on: false }",
    read: (payload) => {
      const { unit = 0, on, temperature, hours } = membersOf(payload, ["unit", "on", "temperature", "hours"]);
      const dries = flagOf(on, "on", true);
      return {
        name: "ams-dry",
        unit: indexIn(unit, "unit", UNIT),
        on: dries,
        // A guess could melt what lies in the unit.
        temperature: dries ? wholeIn(temperature, "temperature", DRYING) : null,
        hours: dries ? wholeIn(hours, "hours", DRYING_HOURS) : null,
      };
    },
  },
  "ams-set": {
    takes: '{ unit, slot, type: "PLA", color: "#RRGGBB", filamentId?, nozzleMin?, nozzleMax? }',
    read: (payload) => {
      const members = membersOf(payload, [...PLACE, "type", "color", "filamentId", "nozzleMin", "nozzleMax"]);
      const { type, color, filamentId, nozzleMin, nozzleMax } = members;
      return {
        name: "ams-set",
        ...placeOf(members),
        type: textOf(type, "type", 16),
        color: colorOf(color),
        filamentId: isAbsent(filamentId) ? null : textOf(filamentId, "filamentId", 16),
        nozzleMin: isAbsent(nozzleMin) ? null : wholeIn(nozzleMin, "nozzleMin", NOZZLE),
        nozzleMax: isAbsent(nozzleMax) ? null : wholeIn(nozzleMax, "nozzleMax", NOZZLE),
      };
    },
  },
  print: {
    takes: "the name of a file on the printer, a Buffer, or { file, plate, ams, ... }",
    read: (payload) => ({ name: "print", order: readOrder(payload) }),
  },
  rename: {
    takes: "the new name",
    read: (payload) => ({ name: "rename", to: textOf(payload, "the name", LONGEST_NAME) }),
  },
};

/** What a command says with its name alone takes any payload: a button sends whatever it sends. */
const plain = new Map<CommandName, Reading<Command>>(
  PLAIN_COMMANDS.map((name) => [name, { takes: "nothing", read: (): Command => ({ name }) }]),
);
const READINGS: ReadonlyMap<CommandName, Reading<Command>> = new Map([
  ...plain,
  ...(Object.entries(readings) as [CommandName, Reading<Command>][]),
]);

/**
 * The command of that name with what `msg.payload` says about it.
 * @throws PrintgateError message-invalid with a sentence that ends in what the command takes
 */
export function readCommand(name: CommandName, payload: unknown): Command {
  const reading = READINGS.get(name) as Reading<Command>;
  try {
    return reading.read(payload);
  } catch (thrown) {
    if (!isPrintgateError(thrown, "message-invalid")) throw thrown;
    const words = `${name}: the payload can not be used: ${thrown.message}. It takes ${reading.takes}.`;
    throw new PrintgateError("message-invalid", words, { cause: thrown });
  }
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function levelOf(payload: unknown): 1 | 2 | 3 | 4 {
  const level = numberOf(payload) ?? SPEEDS.indexOf(oneOf(payload, "the speed", SPEEDS)) + 1;
  return level === 1 || level === 2 || level === 3 || level === 4 ? level : wrong("the speed is none of these");
}

/** A switch of a dashboard says true and false. */
function modeOf(mode: unknown): (typeof LIGHT_MODES)[number] {
  return typeof mode === "boolean" ? (mode ? "on" : "off") : oneOf(mode, "mode", LIGHT_MODES);
}

function linesOf(payload: unknown): string {
  if (typeof payload !== "string") return wrong("it must be text");
  const lines = payload.replace(/\r\n?/g, "\n").trim();
  if (lines === "") return wrong("it must not be empty");
  if (lines.length > LONGEST_GCODE) return wrong(`it must not be longer than ${LONGEST_GCODE} characters`);
  if (/\p{Cc}/u.test(lines.replace(/[\n\t]/g, ""))) return wrong("it must not hold control characters");
  return lines;
}

function idsOf(payload: unknown): readonly number[] {
  const list = isPlainObject(payload) ? membersOf(payload, ["ids"])["ids"] : payload;
  if (!Array.isArray(list)) return wrong("it must be a list");
  if (list.length === 0 || list.length > MOST_OBJECTS) return wrong(`it must hold 1 to ${MOST_OBJECTS} ids`);
  const ids = Array.from(list, (id: unknown) => indexIn(id, "an id", OBJECT));
  return [...new Set(ids)];
}

interface Place {
  readonly unit: number | null;
  readonly slot: number;
  readonly external: boolean;
}

function placeOf(members: Readonly<Record<string, unknown>>): Place {
  const { unit, slot, external } = members;
  if (flagOf(external, "external", false)) {
    if (!isAbsent(unit)) wrong("a spool is either external or in a unit");
    return { unit: null, slot: indexIn(slot ?? 0, "slot", { least: 0, most: 1 }), external: true };
  }
  return { unit: indexIn(unit ?? 0, "unit", UNIT), slot: indexIn(slot, "slot", SLOT), external: false };
}

/** `#RRGGBB` is opaque. */
function colorOf(value: unknown): string {
  const digits = typeof value === "string" ? /^#?([0-9a-f]{6})([0-9a-f]{2})?$/i.exec(value.trim()) : null;
  if (digits === null) return wrong("color must be #RRGGBB or #RRGGBBAA");
  return `#${digits[1] ?? ""}${digits[2] ?? "FF"}`.toUpperCase();
}
