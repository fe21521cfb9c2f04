import type { Step } from "../../auth/rules/explain";
import type { Policy } from "../../auth/policy/policy";
import { readRequest, type Request } from "../../auth/request";
import { compileRules, type Rules } from "../../auth/rules/rules";
import type { PolicyHandle } from "./policies";

/** What a question would come to, and why. */
export interface Trial {
  readonly result: "granted" | "denied" | "error";
  readonly reason: string;
  /** The index of the rule that decided; null = none did. */
  readonly rule: number | null;
  /** What each rule said, up to the one that decided; empty where no rules decide. */
  readonly steps: readonly Step[];
}

/** A question as the dialog puts it: an identity, and the properties of a message. */
export interface TrialQuestion {
  readonly client?: unknown;
  readonly action?: unknown;
  readonly topic?: unknown;
  readonly qos?: unknown;
  readonly retain?: unknown;
}

const readQuestion = (question: TrialQuestion): Request => readRequest({ message: question, kind: "msg" });

/**
 * Asks rules that stand in a dialog, deployed or not.
 * @throws PrintgateError `config-invalid`, naming the first rule that is malformed
 */
export function tryRules(config: unknown, question: TrialQuestion): Trial {
  return explainWith(compileRules(config), readQuestion(question));
}

/** Asks a running policy: rules say why, anybody else just answers. */
export async function tryPolicy({ rules, policy }: PolicyHandle, question: TrialQuestion): Promise<Trial> {
  const request = readQuestion(question);
  return rules === null ? plain(policy, request) : explainWith(rules, request);
}

function explainWith(rules: Rules, { client, items }: Request): Trial {
  const [item] = items;
  if (item === undefined || "problem" in item)
    return { result: "denied", reason: `invalid: ${item?.problem ?? "nothing is asked"}`, rule: null, steps: [] };
  return rules.explain(client, item.action);
}

async function plain(policy: Policy, request: Request): Promise<Trial> {
  const { result, reason, rule } = await policy.ask(request);
  return { result, reason, rule, steps: [] };
}
