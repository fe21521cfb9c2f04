import { isUnknownSlot, slotValue, type RuleFilter } from "./placeholders";
import type { Action, CheckResult, ClientInfo, Unknown } from "../provider";
import type { Rule } from "./parse";
import { judgeWho, type Certainty } from "./who";
import { filterCovers, filtersOverlap, isHidden, splitFilter, type Filter } from "../topics";

/** What one rule said to a question. */
export interface Step {
  /** The rule's index. */
  readonly rule: number;
  readonly effect: "allow" | "deny";
  readonly note: string | null;
  readonly decides: boolean;
  /** Why it decides or does not: a sentence without its first capital. */
  readonly why: string;
}

export interface Explanation {
  readonly result: Exclude<CheckResult["result"], "error">;
  /** The index of the rule that decided; null = none did, and the answer is no. */
  readonly rule: number | null;
  /** Why, in one sentence. */
  readonly reason: string;
  /** The rules in order, up to the one that decided. */
  readonly steps: readonly Step[];
}

interface Question {
  readonly client: ClientInfo;
  readonly action: Action;
  readonly unknown: ReadonlySet<Unknown>;
}

/** What one condition of a rule says. */
interface Said {
  readonly fits: Certainty;
  readonly why: string;
}

const ACTION_WORDS = { pub: "publishing", sub: "subscribing", unsub: "unsubscribing", conn: "connecting" } as const;

/** The conditions of a rule in the order in which they are looked at. */
const CONDITIONS: readonly ((rule: Rule, question: Question) => Said)[] = [
  sayAction,
  sayTopics,
  sayQos,
  sayRetain,
  sayWho,
];

/** Reads the rules from the top until one decides, and tells what each said. */
export function explain(
  rules: readonly Rule[],
  client: ClientInfo,
  action: Action,
  unknown: ReadonlySet<Unknown>,
): Explanation {
  const steps: Step[] = [];
  for (const rule of rules) {
    const step = ask(rule, { client, action, unknown });
    steps.push(step);
    if (!step.decides) continue;
    const { result, reason = "" } = rule.answer;
    return { result, rule: rule.index, reason: `${reason} (${step.why})`, steps };
  }
  return { result: "denied", rule: null, reason: "no rule allows it", steps };
}

function ask(rule: Rule, question: Question): Step {
  const { index, effect, note } = rule;
  const base = { rule: index, effect, note };
  const said = CONDITIONS.map((condition) => condition(rule, question));
  const against = said.find(({ fits }) => fits === "no");
  if (against !== undefined) return { ...base, decides: false, why: against.why };
  const unsure = said.find(({ fits }) => fits === "maybe");
  if (unsure !== undefined) {
    const end = effect === "deny" ? "which is enough to deny" : "which is not enough to allow";
    return { ...base, decides: effect === "deny", why: `${unsure.why}, ${end}` };
  }
  const topics = sayTopics(rule, question);
  return { ...base, decides: true, why: topics.why };
}

function sayAction({ actions }: Rule, { action }: Question): Said {
  return actions.has(action.kind)
    ? { fits: "yes", why: `it is about ${ACTION_WORDS[action.kind]}` }
    : { fits: "no", why: `it is not about ${ACTION_WORDS[action.kind]}` };
}

function sayQos({ qos }: Rule, { action }: Question): Said {
  return qos === null || !("qos" in action) || qos.has(action.qos)
    ? { fits: "yes", why: "the qos fits" }
    : { fits: "no", why: `it is not about qos ${action.qos}` };
}

function sayRetain({ retain }: Rule, { action }: Question): Said {
  return retain === null || action.kind !== "pub" || retain === action.isRetained
    ? { fits: "yes", why: "the retain flag fits" }
    : { fits: "no", why: retain ? "it is about retained messages" : "it is not about retained messages" };
}

function sayWho({ who }: Rule, { client, unknown }: Question): Said {
  if (who === null) return { fits: "yes", why: "it is about anyone" };
  const { fits, field = "client" } = judgeWho(who, client, unknown);
  if (fits === "maybe") return { fits, why: `the ${field} is not known here` };
  return fits === "yes" ? { fits, why: "it is about this client" } : { fits, why: `it is about another ${field}` };
}

function sayTopics(rule: Rule, question: Question): Said {
  const { action } = question;
  if (action.kind === "conn") return { fits: "yes", why: "connecting has no topic" };
  const asked = splitFilter(action.kind === "pub" ? action.topic : action.topicFilter);
  // A topic name is a filter that matches just itself, so that matching is covering.
  const deep = rule.effect === "deny" && action.kind !== "pub" ? OVERLAP : COVER;
  const said = rule.filters.map((filter) => ({
    filter,
    fits: judgeFilter(filter, rule, question, asked, deep.relates),
  }));
  const best = said.find(({ fits }) => fits === "yes") ?? said.find(({ fits }) => fits === "maybe");
  const verb = action.kind === "pub" ? MATCH : deep;
  if (best === undefined) return { fits: "no", why: `none of its topics ${verb.none}` };
  const name = JSON.stringify(best.filter.text);
  return best.fits === "yes"
    ? { fits: "yes", why: `${name} ${verb.one}` }
    : { fits: "maybe", why: `whether ${name} ${verb.one} is not known here` };
}

const MATCH = { one: "matches", none: "matches" };
const COVER = { one: "covers all that is asked", none: "covers all that is asked", relates: filterCovers };
const OVERLAP = { one: "overlaps what is asked", none: "overlaps what is asked", relates: filtersOverlap };

type Relates = (rule: Filter, asked: Filter) => boolean;

function judgeFilter(filter: RuleFilter, rule: Rule, question: Question, asked: Filter, relates: Relates): Certainty {
  const { client, unknown } = question;
  const levels: string[] = [];
  let fits: Certainty = "yes";
  for (const [at, level] of filter.levels.entries()) {
    if (typeof level === "string") {
      levels.push(level);
      continue;
    }
    const open = isUnknownSlot(level, unknown);
    // What nobody knows may be just what is asked here; where a wildcard asks, it may be anything.
    const value = open ? anyValueFor(asked, at) : slotValue(level, client);
    if (value === undefined) return "no";
    // A client by the name of "$SYS" shall not be let in where no wildcard is.
    if (at === 0 && isHidden(value) && rule.effect === "allow") return "no";
    if (open) fits = "maybe";
    levels.push(value);
  }
  return relates({ levels, hash: filter.hash }, asked) ? fits : "no";
}

/** A word that meets the level asked, or undefined where only an empty one would. */
function anyValueFor({ levels }: Filter, at: number): string | undefined {
  const level = levels[at];
  if (level === "") return undefined;
  return level === undefined || level === "+" ? "x" : level;
}
