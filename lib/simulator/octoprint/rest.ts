/** From an HTTP request to an answer: who asks, may he, which route, which fault lies over it. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isObject } from "../json";
import { type OctoprintUser, may } from "./access";
import {
  type Answer,
  type Call,
  FORBIDDEN,
  NO_CSRF_TOKEN,
  NO_PAGE,
  NOT_FOUND,
  type OctoprintCore,
  refusal,
  type Route,
} from "./answers";
import type { Delivery } from "./faults";
import { FILE_ROUTES } from "./routes-files";
import { KEY_ROUTES } from "./routes-keys";
import { PRINTER_ROUTES } from "./routes-printer";
import { SERVER_ROUTES } from "./routes-server";

/** A request as it came in. */
export interface OctoprintRequest {
  readonly method: string;
  /** Without prefix and query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names; keys are replaced by `***`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON body's members; the text of other bodies (the first 64 KiB); null without a body. */
  readonly body: unknown;
  /** Whose key came with it; null = none, or none that is known. */
  readonly user: string | null;
  /** Of the answer; null while there is none. */
  status: number | null;
  /** Epoch ms. */
  readonly at: number;
}

export interface RestContext {
  readonly core: OctoprintCore;
  /** "" or "/name". */
  readonly prefix: string;
  readonly scheme: "http" | "https";
  deliver(method: string, path: string): Delivery;
  log(request: OctoprintRequest): void;
  /** Calls it later; forgotten when the server closes. */
  later(ms: number, act: () => void): void;
}

const LARGEST_BODY = 64 * 1024 * 1024;
const LOGGED_TEXT = 64 * 1024;
const ROUTES: readonly Route[] = [...SERVER_ROUTES, ...PRINTER_ROUTES, ...FILE_ROUTES, ...KEY_ROUTES];
const SECRET = new Set(["x-api-key", "authorization", "cookie"]);

async function readBytes(incoming: IncomingMessage): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= LARGEST_BODY) parts.push(part);
  }
  return size > LARGEST_BODY ? null : Buffer.concat(parts);
}

function readJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

/** The path below the prefix and the query; null where the address lies outside. */
export function locate(incoming: IncomingMessage, prefix: string): { path: string; query: URLSearchParams } | null {
  const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
  if (prefix !== "" && !url.pathname.startsWith(`${prefix}/`)) return null;
  return { path: url.pathname.slice(prefix.length), query: url.searchParams };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The fitting route's answer; 404 for an unknown path, 405 for a known one with another method. */
function answerOf(method: string, path: string, call: Omit<Call, "params" | "body">): Answer {
  const onPath = ROUTES.filter((one) => one.path.test(path));
  const route = onPath.find((one) => one.method === method);
  if (route === undefined)
    return onPath.length === 0
      ? path.startsWith("/api/")
        ? NOT_FOUND
        : NO_PAGE
      : refusal(405, "The method is not allowed for the requested URL.");
  const { core, user, headers, bytes } = call;
  const turnedAway = route.admit?.(core) ?? null;
  if (turnedAway !== null) return turnedAway;
  // Who has no valid key is taken for a browser, and that would have to prove where its request comes from.
  if (method !== "GET" && user === null && route.open !== true) return NO_CSRF_TOKEN;
  if (route.permission !== undefined && !may(user, route.permission)) return FORBIDDEN;
  let body: unknown = {};
  if (route.json === true) {
    if (headers["content-type"]?.includes("application/json") !== true)
      return refusal(415, "The request's Content-Type is not 'application/json'.");
    body = readJson(bytes);
    if (body === undefined) return refusal(400, "The body of this request is no JSON.");
  }
  const params = (route.path.exec(path)?.slice(1) ?? []).map(decode);
  return route.run({ ...call, params, body: isObject(body) ? body : {} });
}

function readHeaders(incoming: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, SECRET.has(name) ? "***" : String(value)]),
  );
}

function write(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return;
  const text = body === null ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const type =
    body === null ? "text/plain" : typeof body === "string" ? "text/html; charset=utf-8" : "application/json";
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text), ...headers });
  response.end(text);
}

/** Answers one request; never rejects but for a client that went away. */
export async function serve(context: RestContext, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { core, prefix, scheme } = context;
  const method = incoming.method ?? "GET";
  const place = locate(incoming, prefix);
  const bytes = await readBytes(incoming);
  if (place === null || bytes === null) {
    const status = place === null ? 404 : 413;
    write(response, { status, body: `<html><body><h1>${status}</h1></body></html>` });
    return;
  }
  const { path, query } = place;
  const user: OctoprintUser | null = core.access.identify(incoming.headers, query);
  const json = incoming.headers["content-type"]?.includes("application/json") === true ? readJson(bytes) : undefined;
  const entry: OctoprintRequest = {
    method,
    path,
    query: Object.fromEntries([...query].map(([name, value]) => [name, name === "apikey" ? "***" : value])),
    headers: readHeaders(incoming),
    body: json ?? (bytes.length === 0 ? null : bytes.toString("utf8", 0, LOGGED_TEXT)),
    user: user?.name ?? null,
    status: null,
    at: core.now(),
  };
  context.log(entry);
  const base = `${scheme}://${incoming.headers.host ?? "127.0.0.1"}${prefix}`;
  const send = (answer: Answer): void => {
    entry.status = answer.status;
    write(response, answer);
  };
  const truth = (): void => {
    send(answerOf(method, path, { core, user, query, headers: incoming.headers, bytes, base }));
  };
  const delivery = context.deliver(method, path);
  if (delivery.kind === "answer") send(delivery.answer);
  else if (delivery.kind === "drop") response.destroy();
  else if (delivery.kind === "true") {
    if (delivery.afterMs === 0) truth();
    else context.later(delivery.afterMs, truth);
  }
}
