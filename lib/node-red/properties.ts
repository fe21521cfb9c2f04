/**
 * Reads the properties of a node through the rows of its table, in the runtime and in the editor alike: nothing
 * here, nor in what it imports, needs Node.js.
 */
import { FORMS, type Property, type Rule } from "./property-kinds";
import { CONFIG_TYPES, type NodeType, PROPERTIES } from "./property-table";

export type { Property } from "./property-kinds";
export { CONFIG_TYPES, type NodeType, PROPERTIES };

type ValueOf<P> = P extends { kind: "number" }
  ? number
  : P extends { kind: "boolean" }
    ? boolean
    : P extends { kind: "list" }
      ? readonly string[]
      : P extends { kind: "rows" }
        ? readonly unknown[]
        : P extends { kind: "choice"; choices: readonly (infer Choice)[] }
          ? Choice
          : string;

/** What a node works with: every property present, in its type. */
export type Values<T extends NodeType> = {
  readonly [K in keyof (typeof PROPERTIES)[T]]: ValueOf<(typeof PROPERTIES)[T][K]>;
};

/** The rows of a node type, as plain rows. */
export function rowsOf(type: NodeType): Record<string, Property> {
  return PROPERTIES[type];
}

/** The variable that a text names as a whole (`${NAME}`, or the older `$(NAME)`), else null. */
export function variableIn(value: unknown): string | null {
  if (typeof value !== "string") return null;
  return /^\$\{([^}]+)\}$/.exec(value.trim())?.[1] ?? /^\$\(([^)]+)\)$/.exec(value.trim())?.[1] ?? null;
}

/** Words for a variable that Node-RED did not replace. */
export function unsetVariable(variable: string): string {
  return `environment variable ${variable} is not set`;
}

type Read = { readonly value: unknown; readonly problem: string | null };
const good = (value: unknown): Read => ({ value, problem: null });

function readText(row: Property & { kind: "text" }, key: string, raw: string, valueOf: ValueOfKey): Read {
  const upper = typeof row.upper === "object" ? holds(row.upper, valueOf) : row.upper === true;
  const value = raw === "" ? row.default : upper ? raw.toUpperCase() : raw;
  const form = row.form && value !== "" ? FORMS[row.form] : null;
  return { value, problem: form && !form.fits.test(value) ? `${key} ${form.words}` : null };
}

function readNumber(row: Property & { kind: "number" }, key: string, raw: string): Read {
  if (raw === "") return good(row.default);
  const value = Number(raw);
  const inside = value >= row.min && value <= (row.max ?? Infinity) && (!row.whole || Number.isInteger(value));
  if (inside) return good(value);
  const range = row.max === undefined ? `of at least ${row.min}` : `from ${row.min} to ${row.max}`;
  return { value: row.default, problem: `${key} must be a ${row.whole ? "whole " : ""}number ${range}` };
}

function readChoice(row: Property & { kind: "choice" }, key: string, raw: string): Read {
  if (raw === "") return good(row.default);
  if (row.choices.includes(raw)) return good(raw);
  const later = row.later?.includes(raw) ? "is not supported by this version" : "is unknown";
  return { value: row.default, problem: `${key} "${raw}" ${later}` };
}

function readBoolean(row: Property & { kind: "boolean" }, key: string, raw: string): Read {
  const known: Record<string, boolean> = { true: true, "1": true, false: false, "0": false, "": row.default };
  const value = known[raw.toLowerCase()];
  return value === undefined ? { value: row.default, problem: `${key} must be true or false` } : good(value);
}

function readList(row: Property & { kind: "list" }, key: string, raw: unknown): Read {
  const parts = Array.isArray(raw) ? raw.map((part) => asText(part)) : asText(raw).split(",");
  const value = parts.map((part) => part.trim()).filter((part) => part !== "");
  const unset = value.map(variableIn).find((variable) => variable !== null);
  if (unset !== undefined) return { value: [], problem: unsetVariable(unset) };
  const stranger = value.find((part) => !row.choices.includes(part) && !row.later.includes(part));
  return stranger === undefined ? good(value) : { value: [], problem: `${key}: "${stranger}" is unknown` };
}

/** Only the shape of a list: what its rows must hold is the business of whoever uses them. */
function readRows(key: string, raw: unknown): Read {
  if (typeof raw !== "string") return good(raw ?? []);
  const variable = variableIn(raw);
  if (variable !== null) return { value: [], problem: unsetVariable(variable) };
  try {
    return good(raw.trim() === "" ? [] : JSON.parse(raw));
  } catch {
    return { value: [], problem: `${key} is no JSON` };
  }
}

function readSource(row: Property & { kind: "source" }, key: string, raw: string): Read {
  if (raw === "") return good(row.default);
  return row.sources.includes(raw) ? good(raw) : { value: row.default, problem: `${key} "${raw}" is unknown` };
}

function asText(raw: unknown): string {
  return typeof raw === "string" ? raw.trim() : typeof raw === "number" || typeof raw === "boolean" ? String(raw) : "";
}

type ValueOfKey = (key: string) => unknown;

function holds(rule: Rule | undefined, valueOf: ValueOfKey): boolean {
  return !rule || rule.is.includes(asText(valueOf(rule.property)));
}

/** One value in its type, and what is wrong with it. Never throws. */
function read(row: Property, key: string, raw: unknown, valueOf: ValueOfKey): Read {
  if (row.kind === "list") return readList(row, key, raw);
  if (row.kind === "rows") return readRows(key, raw);
  const text = asText(raw);
  if (text === "" && row.missing !== undefined && holds(row.missingWhen, valueOf))
    return { value: row.default, problem: row.missing };
  const variable = variableIn(text);
  if (variable !== null) return { value: row.default, problem: unsetVariable(variable) };
  switch (row.kind) {
    case "text":
      return readText(row, key, text, valueOf);
    case "node":
      return good(text);
    case "number":
      return readNumber(row, key, text);
    case "choice":
      return readChoice(row, key, text);
    case "boolean":
      return readBoolean(row, key, text);
    case "source":
      return readSource(row, key, text);
  }
}

/** True when the row matters beside these values; a row whose decider does not matter does not matter either. */
export function applies(type: NodeType, key: string, valueOf: ValueOfKey): boolean {
  const { when, unless } = rowsOf(type)[key] ?? {};
  if (unless && applies(type, unless.property, valueOf)) {
    if (asText(valueOf(unless.property)).toLowerCase().startsWith(unless.begins)) return false;
  }
  return !when || (holds(when, valueOf) && applies(type, when.property, valueOf));
}

/**
 * The values of a node and what is wrong with them (empty = usable). `def` is what Node-RED hands to
 * the node: `${NAME}` is already replaced where NAME exists, and then every value is a text.
 * What does not matter for the chosen connection is not judged and has its default.
 */
export function readProperties<T extends NodeType>(
  type: T,
  def: Readonly<Record<string, unknown>>,
): { readonly values: Values<T>; readonly problems: readonly string[] } {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, row] of Object.entries(rowsOf(type))) {
    const valueOf: ValueOfKey = (other) => values[other];
    const { value, problem } = applies(type, key, valueOf) ? read(row, key, def[key], valueOf) : good(row.default);
    values[key] = value;
    if (problem !== null) problems.push(problem);
  }
  return { values: values as Values<T>, problems };
}

/** For the editor: what is wrong with a value in a dialog, where `${NAME}` is always right; null = nothing. */
export function problemInEditor(type: NodeType, key: string, raw: unknown, valueOf: ValueOfKey): string | null {
  const row = rowsOf(type)[key];
  if (!row || variableIn(raw) !== null || !applies(type, key, valueOf)) return null;
  return read(row, key, raw, valueOf).problem;
}
