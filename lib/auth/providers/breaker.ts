/**
 * A circuit breaker as plain data: after a run of failures nothing is asked for a while, then one
 * question is let through to see. Pure; the time comes in, in milliseconds of any steady clock.
 */
export type Breaker =
  | { readonly kind: "closed"; readonly failures: number }
  | { readonly kind: "open"; readonly untilMs: number }
  /** One question is out; no other goes until it is answered. */
  | { readonly kind: "probing" };

export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open before the probe, in milliseconds. */
  readonly restMs: number;
}

export const CLOSED: Breaker = { kind: "closed", failures: 0 };

/** Whether a question may go out now, and the state once it has. */
export function admit(
  breaker: Breaker,
  nowMs: number,
): { readonly admitted: "as usual" | "as probe" | "no"; readonly next: Breaker } {
  switch (breaker.kind) {
    case "closed":
      return { admitted: "as usual", next: breaker };
    case "open":
      return nowMs < breaker.untilMs
        ? { admitted: "no", next: breaker }
        : { admitted: "as probe", next: { kind: "probing" } };
    case "probing":
      return { admitted: "no", next: breaker };
  }
}

/**
 * The state after an answer. Questions that were out before it opened say nothing new: only the
 * probe closes it, and only the probe opens it again.
 */
export function settle(
  breaker: Breaker,
  answer: { readonly admitted: "as usual" | "as probe"; readonly worked: boolean; readonly nowMs: number },
  limits: BreakerLimits,
): Breaker {
  const open: Breaker = { kind: "open", untilMs: answer.nowMs + limits.restMs };
  if (answer.admitted === "as probe") return answer.worked ? CLOSED : open;
  if (breaker.kind !== "closed") return breaker;
  if (answer.worked) return CLOSED;
  const failures = breaker.failures + 1;
  return failures >= limits.failures ? open : { kind: "closed", failures };
}
