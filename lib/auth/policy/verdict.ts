import type { Action, ActionKind, CheckResult, Qos, UserProps } from "../provider";
import { asUserProperties, reasonCodeOf, type Item, type Outcome, type Request } from "../request";

/** The answer to one thing that was asked. */
export interface Verdict {
  readonly result: "granted" | "denied" | "error";
  readonly action: ActionKind;
  /** As it was asked; the whole list for a list; null for a connection, or where it was no string. */
  readonly topic: string | readonly (string | null)[] | null;
  /** Why, in words; of a refusal of bad input it begins with "invalid". */
  readonly reason: string;
  /** Of MQTT 5. */
  readonly reasonCode: number;
  /** The index of the rule that decided. */
  readonly rule: number | null;
  /** For the client; a name that is said more than once has a list. */
  readonly userProps: Readonly<Record<string, string | readonly string[]>>;
  /** The answers to the entries of a list. */
  readonly results?: readonly Pick<Verdict, "result" | "topic" | "reason" | "reasonCode" | "rule">[];
}

/** What became of one item of a request. */
export interface Judged {
  readonly outcome: Outcome;
  readonly topic: string | null;
  readonly reason: string;
  readonly reasonCode: number;
  readonly rule: number | null;
  readonly userProps: UserProps;
}

const NO_PROPS: UserProps = [];

/** An item that is not even asked. */
export function judgeInvalid({ topic }: Item, problem: string, kind: ActionKind): Judged {
  const reasonCode = reasonCodeOf("invalid", kind);
  return { outcome: "invalid", topic, reason: `invalid: ${problem}`, reasonCode, rule: null, userProps: NO_PROPS };
}

/** A provider's answer to an item. */
export function judgeAnswer(topic: string | null, action: Action, answer: CheckResult): Judged {
  const qos: Qos = action.kind === "sub" ? action.qos : 0;
  return {
    outcome: answer.result,
    topic,
    reason: answer.reason ?? DEFAULT_REASONS[answer.result],
    reasonCode: reasonCodeOf(answer.result, action.kind, qos),
    rule: ("rule" in answer ? answer.rule : undefined) ?? null,
    userProps: answer.userProps ?? NO_PROPS,
  };
}

const DEFAULT_REASONS = { granted: "granted", denied: "denied", error: "the provider failed" } as const;

/** Which outcome speaks for a list: what keeps the message from passing, the worst mistake of the asker first. */
const WEIGHTS: readonly Outcome[] = ["invalid", "denied", "error"];

const RESULTS = { granted: "granted", denied: "denied", error: "error", invalid: "denied" } as const;

/** The answer to a request from the answers to its items. All of a list must pass. */
export function conclude({ kind, isList }: Request, judged: readonly Judged[]): Verdict {
  const [only] = judged;
  if (!isList && only !== undefined) {
    // Field by field and without lists: nearly every message comes through here.
    const { outcome, topic, reason, reasonCode, rule, userProps } = only;
    return {
      result: RESULTS[outcome],
      action: kind,
      topic,
      reason,
      reasonCode,
      rule,
      userProps: asUserProperties(userProps),
    };
  }
  const worst = WEIGHTS.flatMap((outcome) => judged.filter((one) => one.outcome === outcome));
  const [deciding] = worst.length > 0 ? worst : judged;
  if (deciding === undefined) throw new RangeError("a request without items");
  const { reason, reasonCode, rule } = deciding;
  const granted = worst.length === 0;
  return {
    result: RESULTS[deciding.outcome],
    action: kind,
    topic: judged.map(({ topic }) => topic),
    reason,
    reasonCode: granted ? Math.max(...judged.map((one) => one.reasonCode)) : reasonCode,
    rule: granted && judged.some((one) => one.rule !== rule) ? null : rule,
    userProps: asUserProperties(granted ? withoutRepeats(judged.flatMap((one) => one.userProps)) : deciding.userProps),
    results: judged.map((one) => ({
      topic: one.topic,
      result: RESULTS[one.outcome],
      reason: one.reason,
      reasonCode: one.reasonCode,
      rule: one.rule,
    })),
  };
}

/** Several filters of a list may be granted by one rule: what it has to say is said once. */
function withoutRepeats(pairs: UserProps): UserProps {
  return [...new Map(pairs.map((pair) => [JSON.stringify(pair), pair])).values()];
}
