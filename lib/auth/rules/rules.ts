import { PrintgateError } from "../../errors";
import { explain, type Explanation } from "./explain";
import { NOTHING_UNKNOWN } from "./placeholders";
import type { Action, ClientInfo, Unknown } from "../provider";
import { RuleIndex } from "./rule-index";
import { parseRules, type Decision, type Rule, type RuleProblem } from "./parse";

/**
 * The rules of a policy, compiled. The first rule of the list that decides is the answer; where none does, the
 * answer is no. For `sub` and `unsub` an allow decides only if one of its filters covers the asked filter, a
 * deny as soon as one overlaps it. A `qos` condition is asked of publishes and subscriptions, `retain` of
 * publishes: on other actions they say nothing. Actions must be valid (request.ts sees to it).
 */
export interface Rules {
  readonly list: readonly Rule[];
  /**
   * The decision, at once. `unknown` names what of the client is not known to the asker: a deny that depends
   * on it decides, an allow does not.
   */
  decide(client: ClientInfo, action: Action, unknown?: ReadonlySet<Unknown>): Decision;
  /** The same decision, with what each rule up to it said. Slower: it reads the list from the top. */
  explain(client: ClientInfo, action: Action, unknown?: ReadonlySet<Unknown>): Explanation;
}

/** What a list that has no answer says. */
const NO_RULE: Decision = { result: "denied", reason: "no rule allows it" };

/**
 * Compiles a list of rules as it stands in the configuration.
 * @throws PrintgateError "config-invalid", naming the first rule that is malformed and what is wrong with it
 */
export function compileRules(config: unknown): Rules {
  const read = parseRules(config);
  if ("problems" in read)
    throw new PrintgateError("config-invalid", read.problems[0]?.message ?? "The rules are malformed");
  const { rules } = read;
  const index = new RuleIndex(rules);
  return {
    list: rules,
    decide: (client, action, unknown = NOTHING_UNKNOWN) => index.find(client, action, unknown)?.answer ?? NO_RULE,
    explain: (client, action, unknown = NOTHING_UNKNOWN) => explain(rules, client, action, unknown),
  };
}

/** Everything that is wrong with a list of rules, for an editor to show; empty = it compiles. */
export function findRuleProblems(config: unknown): readonly RuleProblem[] {
  const read = parseRules(config);
  return "problems" in read ? read.problems : [];
}
