import type { Node, NodeAPI, NodeMessage, NodeMessageInFlow } from "node-red";
import type { Policy } from "../../auth/policy/policy";
import { conclude, judgeInvalid, type Verdict } from "../../auth/policy/verdict";
import { type Asked, readRequest, type Request, stillAsks } from "../../auth/request";
import { PrintgateError, toError } from "../../errors";
import type { Values } from "../properties";

/** Sources that answer later, or may: their order has to be kept. */
const LATE: readonly string[] = ["flow", "global", "jsonata"];

interface Source {
  readonly value: string;
  readonly type: string;
}

/**
 * Reads messages as an auth-gate is configured to. `read` hands the question to `then` in the order of the messages,
 * at once where nothing has to be waited for; what it returns rejects when a value could not be found out.
 */
export class QuestionReader {
  private tail: Promise<unknown> = Promise.resolve();
  private readonly topic: Source | null;
  private readonly identity: Source | null;
  private readonly isLate: boolean;

  constructor(
    private readonly RED: NodeAPI,
    private readonly node: Node,
    private readonly values: Values<"auth-gate">,
  ) {
    const { topic, topicType, identity, identityType } = values;
    this.topic = unless({ value: topic, type: topicType }, "topic");
    this.identity = unless({ value: identity, type: identityType }, "client");
    this.isLate = [this.topic, this.identity].some((source) => source !== null && LATE.includes(source.type));
  }

  read(msg: NodeMessageInFlow, then: (asked: Asked) => Promise<void> | undefined): Promise<void> | undefined {
    if (!this.isLate) return then(this.asked(msg, this.now(this.topic, msg), this.now(this.identity, msg)));
    const turn = this.tail.then(async () => {
      const [topic, client] = [await this.late(this.topic, msg), await this.late(this.identity, msg)];
      // Wrapped, so that the next message waits for the reading and not for the decision.
      return { decided: then(this.asked(msg, topic, client)) };
    });
    this.tail = turn.catch(() => undefined);
    return turn.then(({ decided }) => decided);
  }

  private asked(message: NodeMessage, topic: Found, client: Found): Asked {
    const { action: kind } = this.values;
    if (topic === null && client === null) return { message, kind };
    return { message, kind, ...(topic && { topic }), ...(client && { client }) };
  }

  private now(source: Source | null, msg: NodeMessageInFlow): Found {
    if (source === null) return null;
    const value: unknown = this.RED.util.evaluateNodeProperty(source.value, source.type, this.node, msg);
    return { value };
  }

  private late(source: Source | null, msg: NodeMessageInFlow): Promise<Found> {
    if (source === null) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      // The types promise null without an error; JSONata gives undefined.
      const take = (error: Error | null | undefined, value: unknown): void => {
        if (error) reject(new PrintgateError("config-invalid", `"${source.value}" can not be read: ${error.message}`));
        else resolve({ value });
      };
      this.RED.util.evaluateNodeProperty(source.value, source.type, this.node, msg, take);
    });
  }
}

type Found = { readonly value: unknown } | null;

/** null for the usual property of the message: that one is read with more care (request.ts). */
function unless(source: Source, usual: string): Source | null {
  return source.type === "msg" && source.value === usual ? null : source;
}

/**
 * Asks the policy. `tell` gets the verdict before this returns if it is there at once (then there is nothing to wait
 * for); a message that was changed while the policy thought about it is refused, since it would leave as something that
 * nobody judged.
 */
export function askPolicy(policy: Policy, asked: Asked, tell: (verdict: Verdict) => void): Promise<void> | undefined {
  const request = readRequest(asked);
  const state: { isTold: boolean; later: Later | null } = { isTold: false, later: null };
  policy.check(request, (verdict) => {
    const { later } = state;
    if (later === null) {
      state.isTold = true;
      tell(verdict);
      return;
    }
    try {
      tell(stillAsks(request, asked) ? verdict : changed(request));
      later.resolve();
    } catch (thrown) {
      later.reject(toError(thrown));
    }
  });
  if (state.isTold) return undefined;
  return new Promise((resolve, reject) => {
    state.later = { resolve, reject };
  });
}

interface Later {
  readonly resolve: () => void;
  readonly reject: (error: PrintgateError) => void;
}

function changed(request: Request): Verdict {
  const problem = "the message was changed while it was judged";
  return conclude(
    request,
    request.items.map((item) => judgeInvalid(item, problem, request.kind)),
  );
}
