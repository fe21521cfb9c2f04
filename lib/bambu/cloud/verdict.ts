import { type ErrorCode, PrintgateError } from "../../errors";
import { type Fields, isFields, numberOf, textOf } from "../values";
import type { RawReply } from "./transport";

/** What an answer of the cloud means. Pure; no word of a body ever reaches a message, it may hold a token. */
export type Verdict =
  | { readonly kind: "ok"; readonly body: Readonly<Fields> }
  | { readonly kind: "refused"; readonly error: PrintgateError }
  /** An edge in front of the cloud turned us away. `retryAfterMs` = how long it wants us to wait, if it says. */
  | { readonly kind: "blocked"; readonly status: number; readonly retryAfterMs: number | null };

/** A refusal that means something particular to one call; the first row that fits decides. */
export interface Refusal {
  readonly status: number;
  /** The `code` in the JSON; absent = any. */
  readonly code?: number;
  /** The word under `reason` or `error` in the JSON; absent = any. */
  readonly word?: string;
  readonly is: ErrorCode;
  readonly says: string;
}

export interface Asked {
  /** For sentences: "the list of printers". */
  readonly what: string;
  readonly refusals?: readonly Refusal[];
  /** The access token that went with it: only of that can the cloud say that it has ended. */
  readonly token?: string;
  /** Members of which one makes an answer a success whatever its `code` says. */
  readonly payload?: readonly string[];
  /** Its cookies are what is wanted; a good answer may be a page. */
  readonly cookies?: boolean;
}

/** Judges an answer. `now` in epoch ms. */
export function judge(reply: RawReply, asked: Asked, now: number): Verdict {
  const body = parsed(reply.text);
  if (isEdge(reply, body)) {
    return { kind: "blocked", status: reply.status, retryAfterMs: retryAfterMs(reply.headers["retry-after"], now) };
  }
  const trouble =
    reply.status >= 200 && reply.status < 300 ? unusable(body, asked) : refusal(reply.status, body, asked);
  if (trouble !== null) return { kind: "refused", error: trouble };
  return { kind: "ok", body: isFields(body) ? body : {} };
}

const CHALLENGES = /just a moment\.\.\.|challenges\.cloudflare\.com/i;

/** The signs of Cloudflare and of rate limits (source: the Bambu protocol notes). A 403 that is JSON is the cloud's own word. */
function isEdge({ status, headers, text }: RawReply, body: unknown): boolean {
  if (status === 418 || status === 429) return true;
  if (status === 503 && headers["cf-ray"] !== undefined) return true;
  if (status === 403) return !isFields(body) || headers["cf-mitigated"] !== undefined || /cloudflare/i.test(text);
  return !isFields(body) && CHALLENGES.test(text);
}

/** Seconds or a date, as HTTP allows both; null where it says neither. */
function retryAfterMs(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const date = header.endsWith("GMT") ? Date.parse(header) : NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** Why an answer with a good status is no success; null for one that is. Some calls answer nothing at all. */
function unusable(body: unknown, { what, payload, cookies }: Asked): PrintgateError | null {
  if (body === NOTHING || (cookies === true && !isFields(body))) return null;
  if (!isFields(body))
    return new PrintgateError("bad-answer", `the cloud's answer to the request for ${what} is no JSON object`);
  const { code } = body;
  const saysNo = body.success === false || textOf(body.error) !== null;
  const fine = (!saysNo && (code === undefined || code === null || numberOf(code) === 0)) || body.message === "success";
  if (fine || payload?.some((name) => isPresent(body[name])) === true) return null;
  return new PrintgateError("request-invalid", `the cloud says that the request for ${what} is wrong${numbered(body)}`);
}

const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== "";

/** The cloud's business code for a token that has ended (source: the Bambu protocol notes). */
const TOKEN_EXPIRED = 4;

function refusal(status: number, body: unknown, { what, refusals, token }: Asked): PrintgateError {
  const fields = isFields(body) ? body : {};
  const code = numberOf(fields.code);
  const row = refusals?.find(
    (entry) =>
      entry.status === status &&
      (entry.code === undefined || entry.code === code) &&
      (entry.word === undefined || entry.word === fields.reason || entry.word === fields.error),
  );
  if (row !== undefined) return new PrintgateError(row.is, row.says);
  const said = `(HTTP ${status}${code === null ? "" : `, code ${code}`})`;
  if (status === 401 && code === TOKEN_EXPIRED && token !== undefined)
    return new PrintgateError("account-expired", "the cloud does not take this sign-in any more: sign in again");
  if (status === 401 || status === 403)
    return new PrintgateError("account-refused", `the cloud refused the request for ${what} ${said}`);
  if (status >= 500)
    return new PrintgateError("unreachable", `the cloud is out of order and could not answer about ${what} ${said}`);
  if (status >= 400)
    return new PrintgateError("request-invalid", `the cloud says that the request for ${what} is wrong ${said}`);
  return new PrintgateError(
    "bad-answer",
    `the cloud sent the request for ${what} elsewhere, which is not followed ${said}`,
  );
}

function numbered(body: Readonly<Fields>): string {
  const code = numberOf(body.code);
  return code === null ? "" : ` (code ${code})`;
}

const NOTHING = Symbol("an empty body");

/** The JSON of a body; undefined for what is none. */
function parsed(text: string): unknown {
  if (text.trim() === "") return NOTHING;
  try {
    // A member of this name would become a prototype when somebody copies the object.
    return text.includes("__proto__") ? JSON.parse(text, withoutPrototypes) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withoutPrototypes(key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value;
}
