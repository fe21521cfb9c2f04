/** What a virtual printer does with a command instead of what it would do by itself: for trying out what can go wrong. */
import type { JsonObject } from "../json";
import type { Handled, ReceivedRequest } from "./request-desk";
import { echo } from "./request-desk";

export interface Reaction {
  /** false = nothing is carried out. Default true. */
  readonly obey?: boolean;
  /**
   * `own` = as usual, the default; `none` = silence; `success` = as if it had been carried out; `misnumbered` = the same
   * with a sequence id that nobody asked with; else a refusal.
   */
  readonly answer?: "own" | "none" | "success" | "misnumbered" | { readonly code?: number; readonly reason: string };
  /** Real time until it is carried out and answered, 0. */
  readonly afterMs?: number;
  /** Every connection is cut instead of an answer. */
  readonly cut?: boolean;
}

/** null = as usual. */
export type React = (request: ReceivedRequest) => Reaction | null;

/** The printer's hands, as far as an answer needs them. */
export interface Hands {
  carryOut(): Handled;
  send(reply: JsonObject): void;
  /** What follows a command that was carried out: reports. */
  settle(handled: Handled): void;
  cut(): void;
}

/** Answers commands by the rule that is set. Owns the timers of late answers. */
export class Reactions {
  rule: React | null = null;
  private readonly timers = new Set<NodeJS.Timeout>();

  take(request: ReceivedRequest, hands: Hands): void {
    const reaction = this.rule?.(request) ?? {};
    const { afterMs = 0 } = reaction;
    if (afterMs === 0) {
      react(request, reaction, hands);
      return;
    }
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      react(request, reaction, hands);
    }, afterMs);
    this.timers.add(timer);
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }
}

function react(request: ReceivedRequest, { obey = true, answer = "own", cut = false }: Reaction, hands: Hands): void {
  const handled = obey ? hands.carryOut() : null;
  if (cut) hands.cut();
  else {
    const reply = answer === "own" ? (handled?.reply ?? null) : wordAnswer(request, answer);
    if (reply !== null) hands.send(reply);
  }
  if (handled !== null) hands.settle(handled);
}

function wordAnswer(
  { section, body }: ReceivedRequest,
  answer: Exclude<Required<Reaction>["answer"], "own">,
): JsonObject | null {
  if (answer === "none") return null;
  if (answer === "success") return { [section]: { ...echo(body), result: "success", reason: "" } };
  if (answer === "misnumbered")
    return { [section]: { ...echo(body), sequence_id: "1", result: "success", reason: "" } };
  const { code, reason } = answer;
  return { [section]: { ...echo(body), result: "failed", reason, ...(code === undefined ? {} : { err_code: code }) } };
}
