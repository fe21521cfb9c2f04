/** The push socket `/sockjs/websocket`: every frame is one bare JSON object. Source: OctoPrint 1.11.8 as observed. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Json, JsonObject } from "../json";
import { may } from "./access";
import type { OctoprintCore } from "./answers";
import { PushClient, type PushDesk } from "./push-client";
import { encodeCurrent } from "./views";

export const SOCKET_PATH = "/sockjs/websocket";
const LARGEST_FRAME = 64 * 1024;

/** What a newcomer is told, logged in or not. */
function hello({ version }: OctoprintCore): JsonObject {
  return {
    version,
    display_version: version,
    branch: "HEAD",
    python_version: "3.11.7",
    plugin_hash: "0".repeat(32),
    config_hash: "1".repeat(32),
    debug: false,
    safe_mode: null,
    online: true,
    permissions: [],
  };
}

export class PushServer {
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: LARGEST_FRAME });
  private readonly clients = new Set<PushClient>();
  private readonly desk: PushDesk;

  constructor(
    private readonly core: OctoprintCore,
    intervalMs: number,
  ) {
    const { machine, access } = core;
    this.desk = {
      intervalMs,
      // Without the permission to see the status nothing is told, as if nobody had logged in.
      ofSession: (auth) => {
        const user = access.ofSession(auth);
        return may(user, "STATUS") ? user : null;
      },
      current: (after) => {
        const fresh = machine.points.filter(({ number }) => number > after);
        return { message: encodeCurrent(machine, fresh, core.now()), last: machine.points.at(-1)?.number ?? after };
      },
      history: () => encodeCurrent(machine, machine.points, core.now()),
    };
    this.server.on("error", () => undefined);
  }

  /** Listeners that are connected, logged in or not. */
  get size(): number {
    return this.clients.size;
  }

  accept(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.server.handleUpgrade(incoming, socket, head, (webSocket) => {
      const client = new PushClient(webSocket, this.desk);
      this.clients.add(client);
      webSocket.on("error", () => undefined);
      webSocket.on("close", () => {
        client.close();
        this.clients.delete(client);
      });
      webSocket.on("message", (data: Buffer) => {
        client.receive(data.toString("utf8"));
      });
      client.send({ connected: hello(this.core) });
    });
  }

  event(type: string, payload: Json): void {
    for (const client of this.clients) client.event(type, payload);
  }

  plugin(name: string, data: Json): void {
    for (const client of this.clients) client.plugin(name, data);
  }

  changed(): void {
    for (const client of this.clients) client.changed();
  }

  /** Any text, as it is, to everybody. */
  publish(text: string): void {
    for (const socket of this.server.clients) socket.send(text);
  }

  expire(reason: string): void {
    for (const client of this.clients) client.expire(reason);
  }

  /** Cuts every connection without a word. */
  cut(): void {
    for (const socket of this.server.clients) socket.terminate();
  }

  close(): void {
    this.cut();
    for (const client of this.clients) client.close();
    this.server.close();
  }
}
