import { once } from "node:events";
import type { NodeAPI } from "node-red";
import { serve } from "../../auth/http/http";
import type { HttpParts, HttpReply } from "../../auth/http/types";
import { PrintgateError } from "../../errors";

/**
 * The calls of all auth-server nodes, on Node-RED's root for HTTP nodes. Express offers no way to take a route away,
 * so one dispatcher is put there, once, and looks into a table of the nodes that live at the moment.
 */

type App = NodeAPI["httpNode"];
type Handler = ReturnType<NodeAPI["auth"]["needsPermission"]>;
type Request = Parameters<Handler>[0];
type Response = Parameters<Handler>[1];

/** One auth-server node's place. */
export interface Site {
  /** Begins with a slash, ends without. */
  readonly path: string;
  readonly parts: HttpParts;
  /** Calls wait for this; never rejects. */
  readonly ready: Promise<void>;
  /** Called with what keeps the site from being served, and with null when nothing does: at once, and on a change. */
  settled(problem: PrintgateError | null): void;
}

/** The sites below one root, in the order in which they came. Of two that overlap, the earlier is served. */
class Sites {
  private readonly sites = new Map<Site, PrintgateError | null | undefined>();

  /** Adds a site; the answer takes it away again. */
  add(site: Site): () => void {
    this.sites.set(site, undefined);
    this.settle();
    return () => {
      this.sites.delete(site);
      this.settle();
    };
  }

  /** The site that serves a path, if any. */
  find(path: string): Site | undefined {
    for (const [site, problem] of this.sites) if (problem === null && isBelow(path, site.path)) return site;
    return undefined;
  }

  private settle(): void {
    const served: Site[] = [];
    for (const [site, before] of [...this.sites]) {
      const isTaken = served.some(({ path }) => isBelow(path, site.path) || isBelow(site.path, path));
      const problem = isTaken ? new PrintgateError("config-conflict", `the path ${site.path} is taken`) : null;
      if (problem === null) served.push(site);
      this.sites.set(site, problem);
      if (before === undefined || (before === null) !== (problem === null)) site.settled(problem);
    }
  }
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}

const mounted = new WeakMap<App, Sites>();

/** The sites of this Node-RED; the first call mounts the dispatcher. */
export function sitesOf(RED: NodeAPI): Sites {
  const known = mounted.get(RED.httpNode);
  if (known) return known;
  const sites = new Sites();
  mounted.set(RED.httpNode, sites);
  const guards = guardsOf(RED);
  RED.httpNode.use((request, response, next) => {
    const site = sites.find(request.path);
    if (site === undefined) next();
    else
      passing(guards, request, response, next, () => {
        void answer(site, request, response);
      });
  });
  return sites;
}

/** What `httpNodeMiddleware` of the settings puts before every HTTP node. */
function guardsOf(RED: NodeAPI): readonly Handler[] {
  const { httpNodeMiddleware: set } = RED.settings as { httpNodeMiddleware?: unknown };
  return [set].flat().filter((guard): guard is Handler => typeof guard === "function");
}

function passing(
  [guard, ...others]: readonly Handler[],
  request: Request,
  response: Response,
  next: Parameters<Handler>[2],
  then: () => void,
): void {
  if (guard === undefined) then();
  else
    guard(request, response, (error?: unknown) => {
      if (error === undefined || error === null) passing(others, request, response, next, then);
      else next(error);
    });
}

/** Why a path below this root can not be served, whoever else is served; null = it can. */
export function rootProblem(RED: NodeAPI, path: string): PrintgateError | null {
  const { httpNodeRoot } = RED.settings as { httpNodeRoot?: unknown };
  if (httpNodeRoot === false)
    return new PrintgateError("config-invalid", "httpNodeRoot is false: Node-RED serves no HTTP");
  const taken: string[] = [];
  RED.nodes.eachNode((def) => {
    const { type, url, d } = def as { type: string; url?: unknown; d?: boolean };
    if (type !== "http in" || typeof url !== "string" || d === true) return;
    if (isBelow(`/${url.replace(/^\//, "")}`, path)) taken.push(url);
  });
  return taken.length > 0
    ? new PrintgateError("config-conflict", `the path ${path} is taken by an http in node`)
    : null;
}

async function answer(site: Site, request: Request, response: Response): Promise<void> {
  await site.ready;
  // Leaving the body unread must not end the connection: the answer goes over it.
  const stream = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>;
  const reply = await serve(
    {
      method: request.method,
      path: request.path.slice(site.path.length),
      headers: request.headersDistinct,
      remoteAddress: request.ip,
      parsed: parsedBody(request),
      stream,
      contentLength: request.headers["content-length"],
    },
    site.parts,
  );
  if (reply.headers["Connection"] === "close") await discard(request, stream);
  send(response, reply);
}

/** What a parser in front of us made of the body. Some leave `{}` behind for a body that they did not read. */
function parsedBody(request: Request): unknown {
  const { _body: wasParsed } = request as { _body?: boolean };
  return wasParsed === true || request.readableEnded ? (request.body as unknown) : undefined;
}

const DISCARD_MS = 1000;

/** Throws away what is still on its way, so that a client that sends first and reads then gets to read the refusal. */
async function discard(request: Request, stream: AsyncIterableIterator<Uint8Array>): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  // A reader that is still there would keep the rest from flowing.
  void stream.return?.().then(() => request.resume());
  const signal = AbortSignal.timeout(DISCARD_MS);
  await Promise.race([once(request, "end", { signal }), once(request, "close", { signal })]).catch(() => undefined);
}

function send(response: Response, { status, headers, body }: HttpReply): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, "Content-Length": bytes.length });
  response.end(bytes);
}
