/** The open port of the simulated OctoPrint: HTTP or HTTPS, and the push socket on it. */
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Duplex } from "node:stream";
import type { FaultBoard } from "../fault-board";
import { listen } from "../listen";
import type { OctoprintCore } from "./answers";
import { deliver, type Fault } from "./faults";
import type { ServerIdentity } from "../certificates";
import { PushServer, SOCKET_PATH } from "./push";
import { locate, type OctoprintRequest, type RestContext, serve } from "./rest";

export interface ServerOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** "" or "/name". */
  readonly prefix: string;
  /** null = without TLS. */
  readonly identity: ServerIdentity | null;
  /** Real time between two `current`, ms. */
  readonly currentIntervalMs: number;
  readonly faults: FaultBoard<Fault>;
  log(request: OctoprintRequest): void;
}

export interface OpenServer {
  readonly port: number;
  readonly push: PushServer;
  /** Ends every connection and everything that was going to be answered late. */
  close(): Promise<void>;
}

/** @throws PrintgateError `config-invalid` when the port can not be had */
export async function openServer(core: OctoprintCore, options: ServerOptions): Promise<OpenServer> {
  const { identity, prefix, faults } = options;
  const push = new PushServer(core, options.currentIntervalMs);
  const late = new Set<NodeJS.Timeout>();
  const later = (ms: number, act: () => void): void => {
    const timer = setTimeout(() => {
      late.delete(timer);
      act();
    }, ms);
    late.add(timer);
  };
  const context: RestContext = {
    core,
    prefix,
    scheme: identity === null ? "http" : "https",
    deliver: (method, path) => deliver(faults.take(method, path)),
    log: (request) => {
      options.log(request);
    },
    later,
  };

  const upgrade = (incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on("error", () => undefined);
    const path = locate(incoming, prefix)?.path ?? "";
    const refuse = (status: number): void => {
      socket.end(`HTTP/1.1 ${status} No\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    };
    const go = (): void => {
      if (path === SOCKET_PATH) push.accept(incoming, socket, head);
      else refuse(404);
    };
    const delivery = deliver(faults.take("GET", path));
    if (delivery.kind === "drop") socket.destroy();
    else if (delivery.kind === "answer") refuse(delivery.answer.status);
    else if (delivery.kind === "true") {
      if (delivery.afterMs === 0) go();
      else later(delivery.afterMs, go);
    }
  };

  const server = identity === null ? createServer() : createSecureServer({ key: identity.key, cert: identity.cert });
  const upgraded = new Set<Duplex>();
  server.on("request", (incoming, response) => {
    response.on("error", () => undefined);
    // A client that went away in the middle of its request gets no answer.
    serve(context, incoming, response).catch(() => response.destroy());
  });
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.once("close", () => upgraded.delete(socket));
    upgrade(incoming, socket, head);
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("tlsClientError", () => undefined);
  const port = await listen(server, "The virtual OctoPrint", options.port, options.host);
  server.on("error", () => undefined);

  const close = (): Promise<void> =>
    new Promise((resolve) => {
      for (const timer of late) clearTimeout(timer);
      push.close();
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
      // A socket that was upgraded is none of the server's connections any more.
      for (const socket of upgraded) socket.destroy();
    });
  return { port, push, close };
}
