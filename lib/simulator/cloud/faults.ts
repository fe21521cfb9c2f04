/**
 * Everything that can go wrong with an answer of the simulated cloud, one row each. Pure: a fault turns the answer
 * that would have been given into how it is delivered. Source: Bambu protocol notes, envelope and errors.
 */
import { isJsonList, isJsonObject, type Json, type JsonObject } from "../json";
import { type Answer, envelope, EXPIRED, refusal, UNAUTHORIZED } from "./answers";

export type Fault =
  /** A success whose `devices` key is missing. */
  | { readonly kind: "no-devices" }
  /**
   * The page of a protecting network instead of an answer; `shownBy` says what it can be known by: its text (default),
   * a header that tells of a challenge, or the id that such networks give a request.
   */
  | { readonly kind: "edge-page"; readonly status?: number; readonly shownBy?: "text" | "challenge" | "ray" }
  /** 401 with code 4. */
  | { readonly kind: "expired" }
  /** 401 that says nothing about the token. */
  | { readonly kind: "unauthorized" }
  | { readonly kind: "too-many"; readonly retryAfterSeconds?: number }
  /** An answer with that status and a JSON error without a code: 5xx, 418, 404 and others. */
  | { readonly kind: "status"; readonly status: number }
  /** The true answer, late. */
  | { readonly kind: "slow"; readonly ms: number }
  /** No answer, ever. */
  | { readonly kind: "hang" }
  /** The connection ends in the middle of the true answer. */
  | { readonly kind: "cut" }
  /** The connection ends without an answer. */
  | { readonly kind: "drop" }
  | { readonly kind: "redirect"; readonly to: string; readonly status?: number }
  /** The true answer with so many bytes of ballast in it; 20 MB by default. */
  | { readonly kind: "giant"; readonly bytes?: number }
  /** Half of the true answer, as if it were all. */
  | { readonly kind: "broken-json" }
  /** 200 with a web page. */
  | { readonly kind: "web-page" }
  /** The true answer with every value of another type. */
  | { readonly kind: "wrong-types" }
  /** Any answer. */
  | { readonly kind: "answer"; readonly answer: Answer };

export interface Delivery {
  readonly answer: Answer;
  readonly afterMs?: number;
  /** Instead of being sent: kept back for ever, or cut before or in the middle. */
  readonly end?: "hang" | "cut" | "drop";
}

type Row<K extends Fault["kind"]> = (fault: Extract<Fault, { kind: K }>, answer: Answer) => Delivery;

const GIANT_BYTES = 20 * 1024 * 1024;
const NOTHING: Answer = { status: 200, body: null };

const page = (status: number, title: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8", ...headers },
  body: `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
});

const EDGE_PAGES = {
  text: (status: number) => page(status, "Just a moment... (simulated Cloudflare check)"),
  challenge: (status: number) => page(status, "Access is being checked", { "cf-mitigated": "challenge" }),
  ray: (status: number) => page(status, "The origin can not be reached", { "cf-ray": "8a000000000000ff-FRA" }),
};

/** Another type for every value; keys stay. */
function disguise(value: Json): Json {
  if (isJsonList(value)) return { "0": value[0] ?? null };
  if (isJsonObject(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, disguise(one)]));
  if (typeof value === "string") return [value.length];
  return value === null ? false : { value };
}

const text = ({ body }: Answer): string => (typeof body === "string" ? body : JSON.stringify(body ?? {}));
const bodyOf = ({ body }: Answer): JsonObject => (isJsonObject(body) ? body : {});

const FAULTS: { readonly [K in Fault["kind"]]: Row<K> } = {
  "no-devices": () => ({ answer: envelope() }),
  "edge-page": ({ status = 403, shownBy = "text" }) => ({ answer: EDGE_PAGES[shownBy](status) }),
  expired: () => ({ answer: EXPIRED }),
  unauthorized: () => ({ answer: UNAUTHORIZED }),
  "too-many": ({ retryAfterSeconds }) => {
    const headers = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
    return { answer: { ...refusal(429, null, "Too many requests."), headers } };
  },
  status: ({ status }) => ({ answer: refusal(status, null, "Something went wrong.") }),
  slow: ({ ms }, answer) => ({ answer, afterMs: ms }),
  hang: (_fault, answer) => ({ answer, end: "hang" }),
  cut: (_fault, answer) => ({ answer, end: "cut" }),
  drop: () => ({ answer: NOTHING, end: "drop" }),
  redirect: ({ to, status = 302 }) => ({ answer: { status, headers: { location: to }, body: null } }),
  giant: ({ bytes = GIANT_BYTES }, answer) => ({
    answer: { ...answer, body: { ...bodyOf(answer), ballast: "x".repeat(bytes) } },
  }),
  "broken-json": (_fault, answer) => {
    const whole = text(answer);
    const headers = { ...answer.headers, "content-type": "application/json" };
    return { answer: { ...answer, headers, body: whole.slice(0, Math.ceil(whole.length / 2)) } };
  },
  "web-page": () => ({ answer: page(200, "Welcome") }),
  "wrong-types": (_fault, answer) => {
    const disguised = disguise(bodyOf(answer));
    return { answer: { ...answer, body: isJsonObject(disguised) ? disguised : {} } };
  },
  answer: ({ answer }) => ({ answer }),
};

/** Which faults need what the cloud would have answered; before the others nothing is carried out. */
const AFTER_THE_FACT: ReadonlySet<Fault["kind"]> = new Set([
  "slow",
  "cut",
  "hang",
  "giant",
  "broken-json",
  "wrong-types",
]);

/** How the answer leaves under that fault. `answer` is only asked where the fault does not replace it. */
export function applyFault(fault: Fault, answer: () => Answer): Delivery {
  const row = FAULTS[fault.kind];
  return row(fault as never, AFTER_THE_FACT.has(fault.kind) ? answer() : NOTHING);
}
