/**
 * The printer's MQTT broker: 3.1.1 over TLS 1.2, one user, two topics.
 * Source: Bambu protocol notes, connection parameters and topics. How a real printer turns a client too many
 * away is not known; here the connection ends without a CONNACK.
 */
import { createServer } from "node:tls";
import type { Client } from "aedes" with { "resolution-mode": "import" };
import { leafOf, type PrinterCertificate } from "./certificate";
import { serveMqtt } from "../mqtt-server";

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
  const reports = `device/${options.serial}/report`;
  const requests = `device/${options.serial}/request`;
  /** Who holds one of the few places, by client id; who of them gave the right code. */
  const places = new Map<Client, string>();
  const admitted = new Set<Client>();
  const { key, cert } = options.certificate;

  const server = await serveMqtt({
    who: "The virtual printer",
    host: options.host,
    port: options.port,
    server: (accept) =>
      createServer(
        {
          key,
          cert: options.sendsChain ? cert : leafOf(options.certificate),
          minVersion: "TLSv1.2",
          maxVersion: "TLSv1.2",
          // Frames leave in two writes; without this the second waits for the client's acknowledgement.
          noDelay: true,
        },
        accept,
      ),
    handlers: {
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
      authorizeForward: (_client, packet) => (packet.topic === reports ? packet : null),
    },
    published(_client, topic, payload) {
      if (topic === requests && payload.length <= LARGEST_REQUEST) setImmediate(options.onRequest, payload);
    },
    left(_client, clean) {
      if (clean) options.tally.disconnectsClean += 1;
    },
  });

  return {
    port: server.port,
    get clients() {
      return admitted.size;
    },
    publish: (payload) => {
      server.publish(reports, payload);
    },
    dropLinks: () => {
      server.dropLinks();
    },
    close: () => server.close(),
  };
}
