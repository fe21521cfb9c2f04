import { isPrintgateError, PrintgateError } from "../../errors";
import { parseRange, type AddressRange } from "../address";
import { parseRuleFilter, type RuleFilter } from "./placeholders";
import type { ActionKind, CheckResult, Qos, UserProps } from "../provider";
import { textProblem } from "../topics";
import type { Who } from "./who";

/** What rules answer: they never break. */
export type Decision = Exclude<CheckResult, { result: "error" }>;

/** A rule that was read and found whole. */
export interface Rule {
  /** Its place in the list, from 0. */
  readonly index: number;
  readonly effect: "allow" | "deny";
  readonly actions: ReadonlySet<ActionKind>;
  readonly filters: readonly RuleFilter[];
  /** Null = anyone, the anonymous client too. */
  readonly who: Who | null;
  /** Null = any. Asked only of publishes and subscriptions: nothing else has a qos. */
  readonly qos: ReadonlySet<Qos> | null;
  /** Null = any. Asked only of publishes. */
  readonly retain: boolean | null;
  readonly note: string | null;
  /** What the rule answers when it decides. */
  readonly answer: Decision;
}

/** What is wrong with one rule, or (index null) with the list itself: a sentence that may be shown. */
export interface RuleProblem {
  readonly index: number | null;
  readonly message: string;
}

/** Thrown and caught in this file only; its message is the end of a sentence. */
function malformed(text: string): PrintgateError {
  return new PrintgateError("config-invalid", text);
}

/**
 * Reads a list of rules. With any problem there is no list at all: a rule that is skipped could be the one
 * that was to forbid.
 */
export function parseRules(
  config: unknown,
): { readonly rules: readonly Rule[] } | { readonly problems: readonly RuleProblem[] } {
  if (!Array.isArray(config)) return { problems: [{ index: null, message: "The rules are no list" }] };
  const read = Array.from<unknown, Rule | RuleProblem>(config, parseRule);
  const problems = read.filter((one): one is RuleProblem => "message" in one);
  return problems.length > 0 ? { problems } : { rules: read as Rule[] };
}

/** A rule by the number under which a person finds it in the list, and by its index, as `msg.auth.rule` has it. */
function nameRule(index: number): string {
  return `rule ${index + 1} (index ${index})`;
}

function parseRule(config: unknown, index: number): Rule | RuleProblem {
  try {
    return readRule(config, index);
  } catch (thrown) {
    if (!isPrintgateError(thrown)) throw thrown;
    const name = nameRule(index);
    return { index, message: `${name[0]?.toUpperCase() ?? ""}${name.slice(1)}: ${thrown.message}` };
  }
}

function readRule(config: unknown, index: number): Rule {
  const fields = readFields(config, "the rule", RULE_FIELDS);
  const effect = fields.get("effect");
  if (effect !== "allow" && effect !== "deny") throw malformed(`the effect is neither "allow" nor "deny"`);
  const actions = new Set(readList(fields.get("actions"), "actions", (value) => readOneOf(value, "action", ACTIONS)));
  // A connection has no topic, so that a rule for nothing else needs none.
  const needsTopics = fields.has("topics") || [...actions].some((action) => action !== "conn");
  const filters = needsTopics ? readList(fields.get("topics"), "topics", readFilter) : [];
  const qos = fields.get("qos");
  const retain = fields.get("retain");
  // Null is not "any": an allow would be wider than whoever wrote it (or his program) may have meant.
  if (retain !== undefined && typeof retain !== "boolean") throw malformed("retain is neither true nor false");
  const note = fields.get("note");
  if (note !== undefined && typeof note !== "string") throw malformed("the note is no string");
  return {
    index,
    effect,
    actions,
    filters,
    who: readWho(fields.get("who")),
    qos: qos === undefined ? null : new Set(readList(qos, "qos", (value) => readOneOf(value, "qos", QOS))),
    retain: retain ?? null,
    note: note ?? null,
    answer: {
      result: effect === "allow" ? "granted" : "denied",
      rule: index,
      reason: `${effect === "allow" ? "allowed" : "denied"} by rule ${index + 1}${note ? `: ${note}` : ""}`,
      userProps: readUserProps(fields.get("userProps")),
    },
  };
}

const RULE_FIELDS = ["effect", "actions", "topics", "who", "qos", "retain", "userProps", "note"] as const;
const ACTIONS = ["pub", "sub", "unsub", "conn"] as const;
const QOS = [0, 1, 2] as const;

/** The fields of an object that has no others. A field that is undefined is absent. */
function readFields<Name extends string>(
  config: unknown,
  what: string,
  names: readonly Name[],
): ReadonlyMap<Name, unknown> {
  if (typeof config !== "object" || config === null || Array.isArray(config)) throw malformed(`${what} is no object`);
  const entries = Object.entries(config).filter(([, value]) => value !== undefined) as [Name, unknown][];
  const stranger = entries.find(([name]) => !names.includes(name));
  if (stranger !== undefined)
    throw malformed(`${what} has the unknown field ${quote(stranger[0])}; known are ${names.join(", ")}`);
  return new Map(entries);
}

function readList<T>(value: unknown, what: string, read: (entry: unknown) => T): T[] {
  if (value === undefined) throw malformed(`${what} is missing`);
  if (!Array.isArray(value)) throw malformed(`${what} is no list`);
  if (value.length === 0) throw malformed(`${what} is empty`);
  return Array.from<unknown, T>(value, read);
}

function readOneOf<T extends string | number>(value: unknown, what: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw malformed(`the ${what} ${quote(value)} is none of ${known.join(", ")}`);
  return found;
}

function readFilter(value: unknown): RuleFilter {
  if (typeof value !== "string") throw malformed(`the topic ${quote(value)} is no string`);
  const filter = parseRuleFilter(value);
  if ("problem" in filter) throw malformed(`${quote(value)} is no topic filter: ${filter.problem}`);
  return filter;
}

const WHO_FIELDS = ["userId", "clientId", "tenantId", "role", "address"] as const;

function readWho(value: unknown): Who | null {
  if (value === undefined) return null;
  const fields = readFields(value, "who", WHO_FIELDS);
  const who: { -readonly [Field in keyof Who]: Who[Field] } = {};
  for (const [field, held] of fields) {
    const entries = readList(typeof held === "string" ? [held] : held, `who.${field}`, (entry) => {
      if (typeof entry !== "string" || entry === "") throw malformed(`who.${field} holds ${quote(entry)}`);
      return entry;
    });
    if (field === "address") who.address = entries.map(readRange);
    else who[field] = new Set(field === "role" ? entries.map(readRole) : entries);
  }
  return fields.size === 0 ? null : who;
}

function readRange(text: string): AddressRange {
  const range = parseRange(text);
  if (range === null) throw malformed(`who.address holds ${quote(text)}, which is neither an IP address nor a range`);
  return range;
}

/** The attribute `roles` is split at commas and trimmed: a role that could never be found there is a mistake. */
function readRole(role: string): string {
  if (role.includes(",") || role.trim() !== role)
    throw malformed(`who.role holds ${quote(role)}, which can be no role`);
  return role;
}

function readUserProps(value: unknown): UserProps {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed("userProps is no object");
  return (Object.entries(value) as [string, unknown][]).map(([name, held]) => {
    if (typeof held !== "string" || textProblem(name) !== null || textProblem(held) !== null) {
      throw malformed(`userProps.${name.slice(0, QUOTED)} is no string that MQTT can carry`);
    }
    return [name, held];
  });
}

/** The longest piece of somebody's text in a message. */
const QUOTED = 80;

function quote(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? typeof value : text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
}
