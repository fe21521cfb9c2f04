/** The HTTP side of the simulated cloud: reads requests, keeps a log of them, finds the route, lays faults over answers. */
import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { Socket } from "node:net";
import { isObject } from "../json";
import { listen } from "../listen";
import type { TokenLook } from "./accounts";
import { type Answer, EXPIRED, type Question, refusal, type Route, UNAUTHORIZED } from "./answers";
import type { ServerIdentity } from "../certificates";
import { applyFault, type Delivery, type Fault } from "./faults";

/** A request as it came in. */
export interface CloudRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names; the token and the values of cookies are replaced by `***`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The members of a JSON body; empty where there is none. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Whose token came with it; null = none, or none that is good. */
  readonly account: string | null;
  /** Status of the answer; null while there is none, and where the connection was cut. */
  status: number | null;
  /** Epoch ms. */
  readonly at: number;
}

export interface RestOptions {
  readonly host: string;
  readonly port: number;
  /** null = plain HTTP. */
  readonly identity: ServerIdentity | null;
  readonly routes: readonly Route[];
  readonly look: (token: string) => TokenLook;
  readonly fault: (method: string, path: string) => Fault | null;
  readonly log: (request: CloudRequest) => void;
  readonly now: () => number;
}

export interface RestServer {
  readonly port: number;
  close(): Promise<void>;
}

const LARGEST_BODY = 64 * 1024;
const BEARER = /^Bearer (\S+)$/;

type Body = Readonly<Record<string, unknown>> | "unreadable" | "too-large";

async function readBody(incoming: IncomingMessage): Promise<Body> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= LARGEST_BODY) parts.push(part);
  }
  if (size > LARGEST_BODY) return "too-large";
  if (size === 0) return {};
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
    return isObject(body) ? body : "unreadable";
  } catch {
    return "unreadable";
  }
}

function readHeaders(incoming: IncomingMessage): Record<string, string> {
  const masks: Record<string, (value: string) => string> = {
    authorization: (value) => value.replace(/\S+$/, "***"),
    cookie: (value) => value.replace(/=[^;]*/g, "=***"),
  };
  const pairs = Object.entries(incoming.headers).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(", ") : (value ?? "");
    return [name, masks[name]?.(text) ?? text] as const;
  });
  return Object.fromEntries(pairs);
}

/** The fitting route's answer; 404 for an unknown path, 405 for a known one with another method. */
function answerOf(routes: readonly Route[], question: Question, look: TokenLook, token: string): Answer {
  const onPath = routes.filter(({ path }) => path.test(question.path));
  if (onPath.length === 0) return refusal(404, null, "There is nothing here.");
  const route = onPath.find(({ method }) => method === question.method);
  if (route === undefined) return refusal(405, null, "That can not be done here.");
  const params = route.path.exec(question.path)?.slice(1) ?? [];
  if ("public" in route) return route.public({ ...question, params });
  if (token === "") return UNAUTHORIZED;
  return look.kind === "good" ? route.run({ ...question, params, user: look.user, token }) : EXPIRED;
}

function write(response: ServerResponse, { answer, end }: Delivery, entry: CloudRequest): void {
  if (end === "hang" || response.destroyed) return;
  if (end === "drop") {
    response.destroy();
    return;
  }
  const { status, headers, body } = answer;
  const bytes = Buffer.from(body === null ? "" : typeof body === "string" ? body : JSON.stringify(body));
  const type = typeof body === "string" ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
  response.writeHead(status, {
    ...(body === null ? {} : { "content-type": type }),
    ...headers,
    "content-length": bytes.length,
  });
  if (end === "cut") {
    response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy());
    return;
  }
  entry.status = status;
  response.end(bytes);
}

/** @throws PrintgateError `config-invalid` when the port can not be had */
export async function openRest(options: RestOptions): Promise<RestServer> {
  const late = new Set<NodeJS.Timeout>();

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = incoming.method ?? "GET";
    const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
    const body = await readBody(incoming);
    const token = BEARER.exec(incoming.headers.authorization ?? "")?.[1] ?? "";
    const look = options.look(token);
    const entry: CloudRequest = {
      method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: readHeaders(incoming),
      body: typeof body === "string" ? {} : body,
      account: look.kind === "good" ? look.user.account : null,
      status: null,
      at: options.now(),
    };
    options.log(entry);
    const answer = (): Answer => {
      if (body === "too-large") return { status: 413, body: "body too large" };
      if (body === "unreadable") return { status: 400, body: "invalid JSON" };
      const { headers } = incoming;
      const question = { method, path: url.pathname, params: [], query: url.searchParams, headers, body };
      return answerOf(options.routes, question, look, token);
    };
    const fault = options.fault(method, url.pathname);
    const delivery = fault === null ? { answer: answer() } : applyFault(fault, answer);
    if (delivery.afterMs === undefined) {
      write(response, delivery, entry);
      return;
    }
    const timer = setTimeout(() => {
      late.delete(timer);
      write(response, delivery, entry);
    }, delivery.afterMs);
    late.add(timer);
  };

  const listener: RequestListener = (incoming, response) => {
    response.on("error", () => undefined);
    // A client that went away in the middle of its request gets no answer.
    serve(incoming, response).catch(() => response.destroy());
  };
  const { identity } = options;
  const server = identity === null ? createHttp(listener) : createHttps({ ...identity }, listener);
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("tlsClientError", () => undefined);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const port = await listen(server, "The virtual cloud", options.port, options.host);
  server.on("error", () => undefined);

  let closing: Promise<void> | null = null;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      for (const timer of late) clearTimeout(timer);
      server.close(() => {
        resolve();
      });
      for (const socket of sockets) socket.destroy();
    });
  return { port, close: () => (closing ??= close()) };
}
