/** How the simulated cloud words its answers. Source: Bambu protocol notes, envelope and errors. */
import type { JsonObject } from "../json";
import type { CloudUser } from "./accounts";

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string goes out as plain text (or as `content-type` says), null as nothing. */
  readonly body: JsonObject | string | null;
}

/** A request, read. Nothing in it is taken on trust. */
export interface Question {
  readonly method: string;
  readonly path: string;
  /** What the pattern of the path has in brackets. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty where the body is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** One call. `public` needs no token; the others are only run for somebody who showed one. */
export type Route =
  | { readonly method: string; readonly path: RegExp; readonly public: (question: Question) => Answer }
  | { readonly method: string; readonly path: RegExp; readonly run: (question: Signed) => Answer };

export interface Signed extends Question {
  readonly user: CloudUser;
  readonly token: string;
}

/** A bare object, as the user service answers. */
export const plain = (body: JsonObject): Answer => ({ status: 200, body });

/** With the envelope of the device service. */
export const envelope = (payload: JsonObject = {}): Answer =>
  plain({ message: "success", code: null, error: null, ...payload });

/** `code` null = the number is not known or there is none. */
export const refusal = (status: number, code: number | null, error: string): Answer => ({
  status,
  body: { message: error, code, error },
});

/** The only sign that a token is over. */
export const EXPIRED: Answer = refusal(401, 4, "Please login.");
/** A 401 that says nothing about the token. */
export const UNAUTHORIZED: Answer = { status: 401, body: { error: "Unauthorized" } };

/** The value of a cookie, null where there is none. */
export function readCookie({ headers }: Question, name: string): string | null {
  const header = headers["cookie"];
  const pairs = (typeof header === "string" ? header : "").split(";").map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
}
