/**
 * The printer's MQTT broker: 3.1.1 over TLS 1.2, one user, two topics.
 * Source: Bambu protocol notes, connection parameters and topics. How a real printer turns a client too many
 * away is not known; here the connection ends without a CONNACK.
 */
import type { Socket } from "node:net";
import { createServer } from "node:tls";
import type { Client } from "aedes" with { "resolution-mode": "import" };
import { toError } from "../errors";
import { leafOf, type PrinterCertificate } from "./certificate";
import { listen } from "./listen";

/** Counts that outlive a restart of the broker. */
export interface Tally {
  connects: number;
  disconnectsClean: number;
}

export interface BrokerOptions {
  readonly serial: string;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly certificate: PrinterCertificate;
  /** Send the authority's certificate besides the leaf. */
  readonly sendsChain: boolean;
  readonly maxClients: number;
  readonly tally: Tally;
  /** Asked at each login, since the code can change while clients are connected. */
  readonly accessCode: () => string;
  readonly onRequest: (payload: Buffer) => void;
}

export interface PrinterBroker {
  readonly port: number;
  /** Clients that are let in at the moment. */
  readonly clients: number;
  /** To everybody who listens to the printer's reports, QoS 0. */
  publish(payload: string | Buffer): void;
  /** Cuts every connection without a word. */
  dropLinks(): void;
  close(): Promise<void>;
}

const USER = "bblp";
/** Bytes of a request; more than any command needs. */
const LARGEST_REQUEST = 256 * 1024;
/** Where everything that clients publish ends: filters that begin with a wildcard do not match it. */
const SINK = "$printer/sink";

const ignore = (): undefined => undefined;

/** MQTT filter against a topic name without `$`. */
function matches(filter: string, topic: string): boolean {
  const names = topic.split("/");
  const parts = filter.split("/");
  if (parts.at(-1) === "#") {
    const head = parts.slice(0, -1);
    return head.length <= names.length && head.every((part, index) => part === "+" || part === names[index]);
  }
  return parts.length === names.length && parts.every((part, index) => part === "+" || part === names[index]);
}

/** @throws PrintgateError `config-invalid` when the port can not be had */
export async function openBroker(options: BrokerOptions): Promise<PrinterBroker> {
  // An ES module that only who runs a virtual printer needs.
  const { Aedes } = await import("aedes");
  const reports = `device/${options.serial}/report`;
  const requests = `device/${options.serial}/request`;
  /** Who holds one of the few places, by client id; who of them gave the right code. */
  const places = new Map<Client, string>();
  const admitted = new Set<Client>();
  const sockets = new Set<Socket>();

  const aedes = new Aedes({
    preConnect(client, { clientId }, done) {
      // The same id takes its own place over: the broker ends the older connection.
      const others = [...places.values()].filter((id) => id !== clientId);
      if (others.length >= options.maxClients) {
        done(new Error("too many clients"), false);
        return;
      }
      places.set(client, clientId);
      client.conn.once("close", () => {
        places.delete(client);
        admitted.delete(client);
      });
      done(null, true);
    },
    authenticate(client, username, password, done) {
      const welcome = username === USER && password?.toString() === options.accessCode();
      if (welcome) {
        admitted.add(client);
        options.tally.connects += 1;
      }
      // A refusal without an error of its own is CONNACK 5.
      done(null, welcome);
    },
    authorizeSubscribe(_client, subscription, done) {
      const { topic } = subscription;
      // Listening to `request` costs the connection; a wildcard that also covers the reports is let through.
      if (matches(topic, requests) && !matches(topic, reports)) done(new Error("not allowed"));
      else done(null, subscription);
    },
    authorizePublish(client, packet, done) {
      // Last wills come when the client is gone.
      if (client === null || client.closed) {
        done(new Error("not allowed"));
        return;
      }
      const payload = Buffer.from(packet.payload);
      if (packet.topic === requests && payload.length <= LARGEST_REQUEST) setImmediate(options.onRequest, payload);
      packet.topic = SINK;
      packet.payload = "";
      packet.retain = false;
      done(null);
    },
    authorizeForward: (_client, packet) => (packet.topic === reports ? packet : null),
  });
  await aedes.listen();
  // Trouble with one client is that client's; the broker goes on.
  for (const event of ["clientError", "connectionError", "error"] as const) aedes.on(event as "clientError", ignore);
  aedes.on("clientDisconnect", (client) => {
    // The only place where the broker keeps whether a DISCONNECT was said.
    if ("_disconnected" in client && client._disconnected === true) options.tally.disconnectsClean += 1;
  });

  const { key, cert } = options.certificate;
  const server = createServer(
    {
      key,
      cert: options.sendsChain ? cert : leafOf(options.certificate),
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.2",
      // Frames leave in two writes; without this the second waits for the client's acknowledgement.
      noDelay: true,
    },
    (socket) => {
      socket.on("error", ignore);
      aedes.handle(socket);
    },
  );
  server.on("tlsClientError", ignore);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });

  const shutAedes = (): Promise<void> =>
    new Promise((resolve) => {
      aedes.close(resolve);
    });
  const dropLinks = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const port = await listen(server, "The virtual printer", options.port, options.host).catch(
    async (thrown: unknown) => {
      await shutAedes();
      throw toError(thrown);
    },
  );
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
    get clients() {
      return admitted.size;
    },
    publish(payload) {
      if (closing !== null) return;
      aedes.publish({ cmd: "publish", topic: reports, payload, qos: 0, retain: false, dup: false }, ignore);
    },
    dropLinks,
    close: () => (closing ??= close()),
  };
}
