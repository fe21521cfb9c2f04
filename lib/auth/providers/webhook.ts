/**
 * A provider that asks over HTTP, with the wire of BifroMQ's demo webhook: `POST {url}/auth` with
 * MQTT3AuthData, `POST {url}/check` with MQTTAction and the headers `tenant_id` and `user_id`.
 * It fails closed: only status 200 with the four bytes of `true` grants.
 */
import { isPrintgateError, PrintgateError } from "../../errors";
import { admit, type Breaker, type BreakerLimits, CLOSED, settle } from "./breaker";
import { createDecisionCache } from "./decision-cache";
import type { AuthProvider, AuthResult, CheckResult, ClientInfo } from "../provider";
import { printAction, printAuthData, readMqtt3AuthResult } from "../wire";
import { parseJson } from "../wire-json";
import { type Answer, createPoster } from "./webhook-http";

export interface WebhookOptions {
  /** `http:` or `https:`; the two paths are appended to it as text. */
  readonly url: string;
  /** For one question, whole, in milliseconds. */
  readonly timeoutMs: number;
  /** Absent: 20 failures in a row, then 10 s of rest. */
  readonly breaker?: BreakerLimits;
  /** Absent: every check is asked. */
  readonly cache?: { readonly ttlMs: number; readonly entries: number };
  /** A steady clock in milliseconds; only tests give another than the machine's. */
  readonly now?: () => number;
}

const BREAKER: BreakerLimits = { failures: 20, restMs: 10_000 };
/** Far above any auth result; an answer to a check has five bytes at most. */
const ANSWER_LIMIT_BYTES = 64 * 1024;
/** Failures of the way or of the other side: these open the breaker, a refusal never does. */
const FAILURES = ["timeout", "unreachable", "link-lost"] as const;

/**
 * What a header carries from one end to the other unchanged: printable Latin-1 (of RFC 9110's
 * field values), neither empty nor with a space at an end, which receivers cut off.
 */
function canTravelInHeader(value: string | undefined): value is string {
  return value !== undefined && /^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?$/.test(value);
}

/** The addresses of the two calls. Throws `config-invalid`. */
function addressesOf(base: string): { auth: URL; check: URL } {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new PrintgateError("config-invalid", "The webhook's address must begin with http:// or https://.");
  if (url.username !== "" || url.password !== "" || /[?#]/.test(base))
    throw new PrintgateError("config-invalid", "The webhook's address may hold no user, password, query or fragment.");
  const stem = base.replace(/\/+$/, "");
  return { auth: new URL(`${stem}/auth`), check: new URL(`${stem}/check`) };
}

const nonsense = (status: number): PrintgateError =>
  new PrintgateError("provider-failed", `The webhook gave status ${status} and no decision.`);

/** MQTT3AuthResult of an answer; every status but 200 is a login that could not be judged. */
function authResultOf({ status, body }: Answer): AuthResult {
  const error = (reason: string): AuthResult => ({ result: "rejected", code: "Error", reason });
  if (status !== 200) return error(`the webhook refused with status ${status}`);
  const json = parseJson(body);
  const result = json.kind === "read" ? readMqtt3AuthResult(json.value) : json;
  if (result.kind === "malformed") return error(`the webhook's answer is no auth result: ${result.reason}`);
  const { value } = result;
  if (value.result === "ok" && (value.identity.tenantId === "" || value.identity.userId === ""))
    return error("the webhook accepted without naming tenant and user");
  return value;
}

/** A decision, by the raw bytes: `true` or `false` in any case of letters, nothing before or behind. */
function decisionOf({ status, body }: Answer): CheckResult {
  if (status >= 400 && status < 500) return { result: "denied", reason: `the webhook refused with status ${status}` };
  const word = body.length <= 5 ? body.toString("latin1").toLowerCase() : "";
  if (status !== 200 || (word !== "true" && word !== "false")) throw nonsense(status);
  return word === "true" ? { result: "granted" } : { result: "denied", reason: "the webhook said false" };
}

/** Why a check is not even asked, or undefined. */
function whyUnasked(client: ClientInfo): string | undefined {
  for (const [name, value] of [
    ["tenantId", client.tenantId],
    ["userId", client.metadata["userId"]],
  ] as const) {
    if (!canTravelInHeader(value)) return `invalid identity: ${name} is empty or holds what a header can not carry`;
  }
  return undefined;
}

/**
 * The provider. Its promises reject (`unreachable`, `link-lost`, `timeout`, `provider-failed`) when
 * the webhook is broken or answers nonsense; a refusal with a status of the 400s is a decision.
 * Throws `config-invalid` for an address that can not be used.
 */
export function createWebhookProvider(options: WebhookOptions): AuthProvider {
  const addresses = addressesOf(options.url);
  const limits = options.breaker ?? BREAKER;
  const now = options.now ?? (() => performance.now());
  const poster = createPoster({ timeoutMs: options.timeoutMs, limitBytes: ANSWER_LIMIT_BYTES });
  const cache = options.cache && createDecisionCache({ ...options.cache, now });
  let breaker: Breaker = CLOSED;

  async function ask(url: URL, identity: Readonly<Record<string, string>>, body: string): Promise<Answer> {
    const { admitted, next } = admit(breaker, now());
    breaker = next;
    if (admitted === "no")
      throw new PrintgateError(
        "provider-failed",
        "The webhook failed too often in a row and is left alone for a while.",
      );
    let worked = true;
    try {
      const answer = await poster.post(url, { "Content-Type": "application/json", ...identity }, body);
      worked = answer.status < 500;
      if (!worked) throw nonsense(answer.status);
      return answer;
    } catch (error) {
      if (FAILURES.some((code) => isPrintgateError(error, code))) worked = false;
      throw error;
    } finally {
      breaker = settle(breaker, { admitted, worked, nowMs: now() }, limits);
    }
  }

  return {
    async auth(data) {
      return authResultOf(await ask(addresses.auth, {}, printAuthData(data)));
    },
    extendedAuth: () =>
      Promise.resolve({ result: "rejected", code: "NotAuthorized", reason: "a webhook knows no extended login" }),
    async checkPermission(client, action) {
      const unasked = whyUnasked(client);
      if (unasked !== undefined) return { result: "denied", reason: unasked };
      const kept = cache?.get(client, action);
      if (kept !== undefined) return kept;
      const identity = { tenant_id: client.tenantId, user_id: client.metadata["userId"] ?? "" };
      const decision = decisionOf(await ask(addresses.check, identity, printAction(action)));
      cache?.put(client, action, decision);
      return decision;
    },
    close() {
      poster.close();
      return Promise.resolve();
    },
  };
}
