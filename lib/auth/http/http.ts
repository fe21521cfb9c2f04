/**
 * The HTTP face of a policy: a table of routes over plain request and reply objects, so that it
 * stands on any server. Every call of the table ends in one reply and one audit record; whatever
 * goes wrong inside is a status without a story.
 */
import { announcesTooMuch, readJsonBody } from "./body";
import { type Route, type RouteAnswer, ROUTES } from "./routes";
import type { AuditRecord, HttpParts, HttpReply, HttpRequest } from "./types";

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
