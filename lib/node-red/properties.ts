/**
 * The properties of each node, one row each. The runtime reads values through the rows and the editor
 * takes its defaults and checks from them, so the two can not drift apart. Imports nothing: this file
 * also runs in the browser.
 *
 * Words of a problem are short sentences in lower case without a full stop: they stand in a node's
 * status, in `done(err)` and in the editor's tooltip alike.
 */

type Rule = { readonly property: string; readonly is: readonly string[] };

interface Common {
  /** The row matters only while another property has one of these values. */
  readonly when?: Rule;
  /** Said when the value is empty; absent = may be empty. */
  readonly missing?: string;
  /** Emptiness is only wrong while this rule holds. */
  readonly missingWhen?: Rule;
}

export type Property = Common &
  (
    | { readonly kind: "text"; readonly default: string; readonly form?: Form; readonly upper?: boolean }
    /** The id of a config node; Node-RED's editor checks that it exists. */
    | { readonly kind: "node"; readonly default: string; readonly type: string }
    | {
        readonly kind: "number";
        readonly default: number;
        readonly min: number;
        readonly max?: number;
        readonly whole?: boolean;
      }
    | {
        readonly kind: "choice";
        readonly default: string;
        readonly choices: readonly string[];
        /** Words that are known but come with a later release. */
        readonly later?: readonly string[];
      }
    | { readonly kind: "boolean"; readonly default: boolean }
    /** A list of choices: an array, or (through an environment variable) a comma-separated text. */
    | {
        readonly kind: "list";
        readonly default: readonly string[];
        readonly choices: readonly string[];
        /** Taken, not offered: nothing of this release ever says them. */
        readonly later: readonly string[];
      }
    /** Objects that somebody else judges: an array, or (through an environment variable) its JSON. */
    | { readonly kind: "rows"; readonly default: readonly unknown[] }
    /** Where a typed value comes from: Node-RED's words for it. The value itself stands in another row. */
    | { readonly kind: "source"; readonly default: string; readonly sources: readonly string[] }
  );

/** Ways a text can be malformed. */
const FORMS = {
  id: { fits: /^[^/+#\s\0]+$/, words: "must not hold /, +, # or spaces" },
  host: { fits: /^[\w.:%[\]-]+$/, words: "is no host name or address" },
  fingerprint: {
    fits: /^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i,
    words: "is no SHA-256 fingerprint (64 hexadecimal digits)",
  },
  path: { fits: /^(\/[\w.~-]+)+$/, words: "must begin with / and hold letters, digits, -, _, . and ~ between slashes" },
  url: { fits: /^https?:\/\/[^\s?#]+$/i, words: "must begin with http:// or https://, without query" },
} as const;
type Form = keyof typeof FORMS;

/** The event names of the public contract, in the order the dialog shows them. */
const EVENTS = [
  "print.started",
  "print.paused",
  "print.resumed",
  "print.finished",
  "print.failed",
  "print.cancelled",
  "print.progress",
  "print.first-layer",
  "alert.raised",
  "alert.cleared",
  "filament.runout",
  "filament.changed",
  "door.opened",
  "door.closed",
  "printer.online",
  "printer.offline",
] as const;
const LATER_EVENTS = ["firmware.available", "account.expiring", "account.expired"] as const;

/** Printers that can be simulated. */
const MODELS = ["P1S", "P1P", "X1C", "X1", "A1", "A1 mini", "P2S", "H2D", "H2S"] as const;

const lan = { property: "connection", is: ["lan"] } as const;
const lanVerified = { property: "tls", is: ["verify"] } as const;
const lanPinned = { property: "tls", is: ["pin"] } as const;
const simulated = { property: "connection", is: ["simulated"] } as const;
const printer = { kind: "node", default: "", type: "printer-config", missing: "no printer selected" } as const;
const policy = { kind: "node", default: "", type: "auth-policy", missing: "no policy selected" } as const;
const name = { kind: "text", default: "" } as const;
const byRules = { property: "provider", is: ["rules"] } as const;
const byWebhook = { property: "provider", is: ["webhook"] } as const;
const elsewhere = { property: "provider", is: ["webhook", "flow"] } as const;
const SOURCES = ["msg", "flow", "global", "str", "json", "jsonata", "env"] as const;

/** A row that decides about others stands before them. */
export const PROPERTIES = {
  "printer-config": {
    name,
    connection: {
      kind: "choice",
      default: "lan",
      choices: ["lan", "simulated"],
      later: ["cloud", "auto", "octoprint", "relay"],
    },
    serial: { kind: "text", default: "", form: "id", upper: true, missing: "no serial", missingWhen: lan },
    host: { kind: "text", default: "", form: "host", when: lan },
    port: { kind: "number", default: 8883, min: 1, max: 65535, whole: true, when: lan },
    tls: { kind: "choice", default: "pin", choices: ["pin", "verify", "insecure"], when: lan },
    fingerprint: { kind: "text", default: "", form: "fingerprint", when: lanPinned },
    ca: { kind: "text", default: "", when: lanVerified, missing: "no CA file" },
    model: { kind: "choice", default: "P1S", choices: MODELS, when: simulated },
    timeScale: { kind: "number", default: 60, min: 0.1, max: 100_000, when: simulated },
    staleAfter: { kind: "number", default: 60, min: 1, max: 86_400 },
  },
  "printer-status": {
    name,
    printer,
    emit: { kind: "choice", default: "change", choices: ["change", "interval", "request"] },
    interval: { kind: "number", default: 60, min: 0.1, max: 86_400, when: { property: "emit", is: ["interval"] } },
    minInterval: { kind: "number", default: 1, min: 0, max: 86_400, when: { property: "emit", is: ["change"] } },
    includeRaw: { kind: "boolean", default: false },
  },
  "printer-event": {
    name,
    printer,
    events: { kind: "list", default: [], choices: EVENTS, later: LATER_EVENTS },
  },
  "auth-policy": {
    name,
    provider: { kind: "choice", default: "rules", choices: ["rules", "webhook", "flow", "dev-only"] },
    rules: { kind: "rows", default: [], when: byRules },
    apps: { kind: "rows", default: [] },
    webhookUrl: { kind: "text", default: "", form: "url", when: byWebhook, missing: "no webhook address" },
    webhookTimeout: { kind: "number", default: 5000, min: 10, max: 600_000, whole: true, when: elsewhere },
    bypassOnError: { kind: "boolean", default: false },
    sessionSeconds: { kind: "number", default: 7200, min: 1, max: 31_536_000 },
    minModulusBits: { kind: "number", default: 2048, min: 512, max: 16_384, whole: true },
  },
  "auth-login": {
    name,
    policy,
    method: { kind: "choice", default: "password", choices: ["password", "http", "session-key", "msg"] },
  },
  "auth-gate": {
    name,
    policy,
    action: { kind: "choice", default: "msg", choices: ["msg", "pub", "sub", "unsub", "conn"] },
    topic: { kind: "text", default: "topic" },
    topicType: { kind: "source", default: "msg", sources: SOURCES },
    identity: { kind: "text", default: "client" },
    identityType: { kind: "source", default: "msg", sources: SOURCES },
  },
  "auth-request": { name, policy },
  "auth-response": { name },
  "auth-server": {
    name,
    policy,
    path: { kind: "text", default: "/printgate", form: "path" },
    register: { kind: "boolean", default: false },
    metrics: { kind: "boolean", default: true },
  },
} as const satisfies Record<string, Record<string, Property>>;

export type NodeType = keyof typeof PROPERTIES;

/** Types that other nodes point to: the editor names the fields of their dialogs differently. */
export const CONFIG_TYPES: readonly NodeType[] = ["printer-config", "auth-policy"];

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

function readText(row: Property & { kind: "text" }, key: string, raw: string): Read {
  const value = raw === "" ? row.default : row.upper ? raw.toUpperCase() : raw;
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
      return readText(row, key, text);
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
  const rule = rowsOf(type)[key]?.when;
  return !rule || (holds(rule, valueOf) && applies(type, rule.property, valueOf));
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
