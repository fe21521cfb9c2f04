import { randomUUID } from "node:crypto";
import { PrintgateError } from "../../errors";
import type { Action, AuthData, AuthProvider, ExtendedAuthData, ExtendedAuthResult } from "../provider";
import { asUserProperties } from "../request";
import { readAuthResult, readCheckResult, readExtendedAuthResult } from "../wire";

/**
 * A provider that is written elsewhere: questions go out with a number, answers come back with it, in any order,
 * or never. What a Java plugin is to BifroMQ.
 */

export interface FlowQuestion {
  /** To be kept and handed back with the answer. Nobody can guess it. */
  readonly id: string;
  readonly topic: "auth/auth" | "auth/extAuth" | "auth/check";
  /** Auth data with Buffers and user properties as an object; `{ initial }` or `{ auth }`; `{ client, action }`. */
  readonly payload: object;
}

export interface FlowOptions {
  /** Hands a question to whoever answers; false = there is nobody. */
  readonly emit: (question: FlowQuestion) => boolean;
  /** How long an answer may take. */
  readonly timeoutMs: number;
}

export interface FlowProvider extends AuthProvider {
  /**
   * Takes an answer: one of BifroMQ's result objects, for a check also `true` and `false`, for a login `false`.
   * Null = taken; else why not, as a sentence. An answer that makes no sense ends its question as an error.
   */
  answer(id: unknown, payload: unknown): string | null;
  /** Ends the open questions as errors: whoever was to answer is gone. More may follow. */
  abandon(reason: string): void;
}

/** What a result reader says. */
type Reading<T = unknown> =
  { readonly kind: "read"; readonly value: T } | { readonly kind: "malformed"; readonly reason: string };

interface Open {
  readonly read: (payload: unknown) => Reading;
  readonly settle: (answer: unknown) => void;
}

/** How the answer to each question is read. */
const READERS: Readonly<Record<FlowQuestion["topic"], (payload: unknown) => Reading>> = {
  "auth/auth": (payload) => (payload === false ? REFUSED : named(readAuthResult(asJson(payload)))),
  "auth/extAuth": (payload) => (payload === false ? REFUSED : named(readExtendedAuthResult(asJson(payload)))),
  "auth/check": (payload) =>
    typeof payload === "boolean"
      ? { kind: "read", value: { result: payload ? "granted" : "denied" } }
      : readCheckResult(payload),
};

const REFUSED: Reading = { kind: "read", value: { result: "rejected", code: "NotAuthorized" } };

/** In BifroMQ's JSON what is left out is empty, and an empty name is nobody's. */
function named(reading: Reading<ExtendedAuthResult>): Reading {
  if (reading.kind !== "read" || reading.value.result !== "ok") return reading;
  const { tenantId, userId } = reading.value.identity;
  return tenantId === "" || userId === "" ? { kind: "malformed", reason: "it names no tenant and user" } : reading;
}

/** How deep an answer has bytes: `{ continue: { authData } }`. Also keeps a circular answer from being followed. */
const DEPTH = 2;

/** The answer with the bytes in it as base64, which is how BifroMQ's JSON has them. */
function asJson(payload: unknown, depth = DEPTH): unknown {
  if (payload instanceof Uint8Array) return Buffer.from(payload).toString("base64");
  if (depth === 0 || typeof payload !== "object" || payload === null || Array.isArray(payload)) return payload;
  return Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, asJson(value, depth - 1)]));
}

export function createFlowProvider({ emit, timeoutMs }: FlowOptions): FlowProvider {
  const open = new Map<string, Open>();
  let isClosed = false;

  /** Typed as the caller wants it: the reader of the topic has made sure. */
  function ask(topic: FlowQuestion["topic"], payload: object): Promise<never> {
    const id = randomUUID();
    return new Promise<never>((resolve, reject) => {
      if (isClosed) {
        reject(new PrintgateError("provider-failed", "the flow that decides was closed"));
        return;
      }
      const timer = setTimeout(() => {
        settle(new PrintgateError("timeout", `the flow gave no answer in ${timeoutMs} ms`));
      }, timeoutMs);
      const settle = (answer: unknown): void => {
        clearTimeout(timer);
        open.delete(id);
        if (answer instanceof PrintgateError) reject(answer);
        else resolve(answer as never);
      };
      open.set(id, { read: READERS[topic], settle });
      // The question is known before it is asked: the flow may answer at once.
      let isHeard = false;
      try {
        isHeard = emit({ id, topic, payload });
      } finally {
        if (!isHeard) settle(new PrintgateError("provider-failed", "no flow answers questions"));
      }
    });
  }

  function abandon(reason: string): void {
    for (const { settle } of [...open.values()]) settle(new PrintgateError("provider-failed", reason));
  }

  return {
    auth: (data) => ask("auth/auth", showAuthData(data)),
    extendedAuth: (data) => ask("auth/extAuth", showExtended(data)),
    checkPermission: (client, action) =>
      ask("auth/check", { client: structuredClone(client), action: showAction(action) }),
    answer(id, payload) {
      const question = typeof id === "string" ? open.get(id) : undefined;
      if (question === undefined) return "This answers no open question: it came too late, or a second time.";
      const reading = question.read(payload);
      if (reading.kind === "read") {
        question.settle(reading.value);
        return null;
      }
      const text = `the flow's answer makes no sense: ${reading.reason}`;
      question.settle(new PrintgateError("provider-failed", text));
      return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}.`;
    },
    abandon,
    close() {
      isClosed = true;
      abandon("the flow that decides was closed");
      return Promise.resolve();
    },
  };
}

function showBytes(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes);
}

/** Without the fields that the client did not send. */
function showPresent(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function showAuthData(data: AuthData): object {
  return showPresent({
    ...data,
    password: showBytes(data.password),
    cert: showBytes(data.cert),
    userProps: data.version === "5" ? asUserProperties(data.userProps) : undefined,
  });
}

function showExtended(data: ExtendedAuthData): object {
  const { authMethod } = data;
  const authData = showBytes(data.authData);
  if (data.step === "initial")
    return { initial: showPresent({ basic: showAuthData(data.basic), authMethod, authData }) };
  return { auth: { authMethod, authData, userProps: asUserProperties(data.userProps), isReAuth: data.isReAuth } };
}

function showAction({ kind, ...fields }: Action): object {
  return { [kind]: { ...fields, userProps: asUserProperties(fields.userProps) } };
}
