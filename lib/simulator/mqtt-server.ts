/** What every broker of the simulator has: a door, its sockets, and an end. Who may do what comes in as aedes handlers. */
import type { Server, Socket } from "node:net";
import type { AedesOptions, AedesPublishPacket, Client } from "aedes" with { "resolution-mode": "import" };
import { toError } from "../errors";
import { listen } from "./listen";

export interface MqttServerOptions {
  /** Begins the sentence of an error. */
  readonly who: string;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Makes the server, which hands on each connection on which MQTT can be spoken. */
  readonly server: (accept: (socket: Socket) => void) => Server;
  readonly handlers: Pick<AedesOptions, "preConnect" | "authenticate" | "authorizeSubscribe" | "authorizeForward">;
  /** Whatever a client publishes; it reaches nobody by itself. */
  readonly published: (client: Client, topic: string, payload: Buffer) => void;
  /** A client is gone; `clean` = it said goodbye. */
  readonly left?: (client: Client, clean: boolean) => void;
  readonly unsubscribed?: (client: Client, topics: readonly string[]) => void;
}

export interface MqttServer {
  readonly port: number;
  /** QoS 0. */
  publish(topic: string, payload: string | Buffer): void;
  /** Cuts every connection without a word. */
  dropLinks(): void;
  close(): Promise<void>;
}

/** Where everything that clients publish ends: filters that begin with a wildcard do not match it. */
const SINK = "$simulator/sink";

const ignore = (): undefined => undefined;

/** @throws PrintgateError `config-invalid` when the port can not be had */
export async function serveMqtt(options: MqttServerOptions): Promise<MqttServer> {
  // An ES module that only who runs a simulator needs.
  const { Aedes } = await import("aedes");
  const sockets = new Set<Socket>();
  const { authorizeForward = (_client: Client, packet: AedesPublishPacket) => packet } = options.handlers;
  const aedes = new Aedes({
    ...options.handlers,
    authorizeForward,
    authorizePublish(client, packet, done) {
      // Last wills come when the client is gone.
      if (client === null || client.closed) {
        done(new Error("not allowed"));
        return;
      }
      options.published(client, packet.topic, Buffer.from(packet.payload));
      packet.topic = SINK;
      packet.payload = "";
      packet.retain = false;
      done(null);
    },
  });
  await aedes.listen();
  // Trouble with one client is that client's; the broker goes on.
  for (const event of ["clientError", "connectionError", "error"] as const) aedes.on(event as "clientError", ignore);
  aedes.on("clientDisconnect", (client) => {
    // The only place where the broker keeps whether a DISCONNECT was said.
    options.left?.(client, "_disconnected" in client && client._disconnected === true);
  });
  aedes.on("unsubscribe", (topics, client) => options.unsubscribed?.(client, topics));

  const server = options.server((socket) => {
    socket.on("error", ignore);
    aedes.handle(socket);
  });
  server.on("tlsClientError", ignore);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", ignore);
    socket.once("close", () => sockets.delete(socket));
  });

  const shutAedes = (): Promise<void> =>
    new Promise((resolve) => {
      aedes.close(resolve);
    });
  const dropLinks = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const port = await listen(server, options.who, options.port, options.host).catch(async (thrown: unknown) => {
    await shutAedes();
    throw toError(thrown);
  });
  server.on("error", ignore);

  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    const ended = new Promise((resolve) => server.close(resolve));
    dropLinks();
    await ended;
    await shutAedes();
  };

  return {
    port,
    publish(topic, payload) {
      if (closing !== null) return;
      aedes.publish({ cmd: "publish", topic, payload, qos: 0, retain: false, dup: false }, ignore);
    },
    dropLinks,
    close: () => (closing ??= close()),
  };
}
