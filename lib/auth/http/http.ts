/**
 * The HTTP face of a policy: a table of routes over plain request and reply objects, so that it
 * stands on any server. Every call of the table ends in one reply and one audit record; whatever
 * goes wrong inside is a status without a story.
 */
import type { AppKeys } from "../login/app-keys";
import type { Attempts } from "../login/attempts";
import { announcesTooMuch, type BodySource, readJsonBody } from "./body";
import { ROUTES, type Route, type RouteAnswer } from "./routes";
import type { Headers } from "../login/credentials";
import type { Action, AuthData, AuthResult, ClientInfo, Unknown } from "../provider";
import type { Request } from "../request";
import type { UserRow } from "../login/users";

export interface HttpRequest extends BodySource {
  readonly method: string;
  /** Below the mount point, without query: `/auth`. */
  readonly path: string;
  /** By lower-case name; a server that can should give each value by itself (Node.js: `headersDistinct`). */
  readonly headers: Headers;
  /** Of the caller. */
  readonly remoteAddress: string | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One call, for whoever keeps books. Holds no secret. */
export interface AuditRecord {
  readonly method: "auth" | "check" | "register" | "key" | "session";
  readonly result: "ok" | "rejected" | "continue" | "granted" | "denied" | "error";
  /** As far as it is known; of a rejected login what the client said of itself. */
  readonly client: ClientInfo | null;
  readonly action: Action | null;
  readonly reason: string;
  readonly seconds: number;
}

export interface HttpParts {
  readonly policy: {
    /** Never rejects. */
    auth(data: AuthData): Promise<AuthResult>;
    /** Never rejects; refuses invalid topics by itself. */
    ask(
      request: Request,
      unknown?: ReadonlySet<Unknown>,
    ): Promise<{ readonly result: "granted" | "denied" | "error"; readonly reason: string }>;
  };
  /** What `users` and `apps` say of somebody who is only named. */
  attributesOf(tenantId: string, userId: string): Readonly<Record<string, string>> | undefined;
  readonly appKeys: AppKeys;
  readonly attempts: Attempts;
  /** Absent: there is no registration. */
  readonly registration?: {
    /** Empty = nobody may register. */
    readonly secret: string;
    /** False = the name is taken. Rejects when the user could not be kept. */
    register(row: UserRow): Promise<boolean>;
  };
  /** Absent: there are no metrics. */
  readonly metrics?: { readonly contentType: string; text(): string };
  audit(record: AuditRecord): void;
}

/** How much is read, and how long it is waited for. */
const BODY_LIMITS = { bytes: 64 * 1024, ms: 10_000 };

/** Answers are for the asker alone, and of the type they say. */
const HEADERS = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };

function replyOf(answer: RouteAnswer): HttpReply {
  const { status, body } = answer;
  const isText = typeof body === "string";
  const type = isText ? (answer.contentType ?? "text/plain") : "application/json";
  // What remains of a body that was refused would be taken for the next request.
  const end = status === 413 || status === 408 ? { Connection: "close" } : {};
  return {
    status,
    headers: { ...HEADERS, "Content-Type": type, ...end, ...answer.headers },
    body: isText ? body : JSON.stringify(body),
  };
}

/** An error for the asker: one short sentence. */
const failure = (status: number, reason: string, result: AuditRecord["result"] = "error"): RouteAnswer => ({
  status,
  body: { error: reason },
  result,
  reason,
});

async function callRoute(route: Route, request: HttpRequest, parts: HttpParts): Promise<RouteAnswer> {
  const early = route.before?.(request, parts);
  if (early !== undefined) return early;
  if (route.takes === "nothing")
    return announcesTooMuch(request, BODY_LIMITS)
      ? failure(413, "there is no use for a body here")
      : route.handle({ request, parts, json: undefined });
  const body = await readJsonBody(request, BODY_LIMITS);
  if (body.kind === "refused") return failure(body.status, body.reason);
  return route.handle({ request, parts, json: body.value });
}

function keepBooks(parts: HttpParts, record: AuditRecord): void {
  try {
    parts.audit(record);
  } catch {
    // Whoever keeps the books sees to it; the asker gets the answer that was found.
  }
}

/**
 * Answers a call. Never rejects. Unknown paths (and those that are switched off) are 404, other
 * methods 405; neither is a call of the table, so neither is audited.
 */
export async function serve(request: HttpRequest, parts: HttpParts): Promise<HttpReply> {
  const begun = performance.now();
  const methods = ROUTES.filter(({ path, isOn }) => path === request.path && isOn(parts));
  const route = methods.find(({ method }) => method === request.method);
  if (methods.length === 0) return replyOf(failure(404, "there is nothing here"));
  if (route === undefined) {
    const allow = methods.map(({ method }) => method).join(", ");
    return replyOf({ ...failure(405, `the method must be ${allow}`), headers: { Allow: allow } });
  }
  // Nothing of the error goes out: it may tell how things are set up.
  const answer = await callRoute(route, request, parts).catch(() => failure(500, "the call failed"));
  if (route.audited !== null)
    keepBooks(parts, {
      method: route.audited,
      result: answer.result,
      client: answer.client ?? null,
      action: answer.action ?? null,
      reason: answer.reason,
      seconds: (performance.now() - begun) / 1000,
    });
  return replyOf(answer);
}
