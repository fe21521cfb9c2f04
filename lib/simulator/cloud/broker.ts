/**
 * The cloud's MQTT broker: one user an account, two topics a device. Source: Bambu protocol notes, connection parameters
 * and topics. What is refused with SUBACK 128 here is only said to be "rejected" there.
 */
import { createServer as createTcp } from "node:net";
import { createServer as createTls } from "node:tls";
import type { AuthenticateError, Client } from "aedes" with { "resolution-mode": "import" };
import { serveMqtt } from "../mqtt-server";
import type { ServerIdentity } from "../certificates";

/** What the broker does instead of its work. */
export type MqttFault =
  /** CONNACK 4 (bad user or password) or 5 (not authorised) to every login. */
  | { readonly kind: "refuse"; readonly code: 4 | 5 }
  /** Connections are taken and nothing is said on them. */
  | { readonly kind: "hang" }
  /** Connections end as soon as they are made. */
  | { readonly kind: "drop" }
  /** Clients stay connected and hear nothing any more. */
  | { readonly kind: "silence" };

export interface CloudBrokerOptions {
  readonly host: string;
  readonly port: number;
  readonly identity: ServerIdentity | null;
  /** The account behind user name and password; null = nobody. */
  readonly login: (username: string, password: string) => string | null;
  readonly owns: (account: string, serial: string) => boolean;
  readonly request: (serial: string, payload: Buffer) => void;
}

/** The broker as a test sees and steers it. */
export interface CloudMqtt {
  /** Connected clients, by their ids. */
  readonly clients: readonly string[];
  /** Logins that were let in. */
  readonly connects: number;
  /** Logins that were refused. */
  readonly refusals: number;
  /** Clients that said goodbye. */
  readonly disconnectsClean: number;
  /** Clients that listen to the reports of a device. */
  subscribers(serial: string): number;
  /** Something goes wrong until it is called with null. Who is connected stays, unless `cut` follows. */
  fail(fault: MqttFault | null): void;
  /** Cuts every connection without a word. */
  cut(): void;
}

export interface CloudBroker extends CloudMqtt {
  readonly port: number;
  publish(serial: string, payload: string | Buffer): void;
  close(): Promise<void>;
}

interface Guest {
  readonly account: string;
  readonly topics: Set<string>;
}

const LARGEST_REQUEST = 256 * 1024;
const TOPIC = /^device\/([^/+#]+)\/(report|request)$/;
const reportsOf = (serial: string): string => `device/${serial}/report`;

function refusalOf(code: 4 | 5): AuthenticateError {
  const refused: Error = Object.assign(new Error("refused"), { returnCode: code });
  return refused as AuthenticateError;
}

/** @throws PrintgateError `config-invalid` when the port can not be had */
export async function openCloudBroker(options: CloudBrokerOptions): Promise<CloudBroker> {
  const guests = new Map<Client, Guest>();
  const tally = { connects: 0, refusals: 0, disconnectsClean: 0 };
  let fault: MqttFault | null = null;

  const readTopic = (client: Client, topic: string): { serial: string; side: string } | null => {
    const [, serial = "", side = ""] = TOPIC.exec(topic) ?? [];
    const account = guests.get(client)?.account;
    return account !== undefined && serial !== "" && options.owns(account, serial) ? { serial, side } : null;
  };

  const server = await serveMqtt({
    who: "The virtual cloud",
    host: options.host,
    port: options.port,
    server(accept) {
      const door: typeof accept = (socket) => {
        if (fault?.kind === "drop") socket.destroy();
        else if (fault?.kind === "hang") socket.resume();
        else accept(socket);
      };
      const { identity } = options;
      return identity === null
        ? createTcp({ noDelay: true }, door)
        : createTls({ key: identity.key, cert: identity.cert, noDelay: true }, door);
    },
    handlers: {
      authenticate(client, username, password, done) {
        const account = options.login(username ?? "", password?.toString() ?? "");
        if (fault?.kind === "refuse" || account === null) {
          tally.refusals += 1;
          done(refusalOf(fault?.kind === "refuse" ? fault.code : 5), false);
          return;
        }
        tally.connects += 1;
        guests.set(client, { account, topics: new Set() });
        client.conn.once("close", () => guests.delete(client));
        done(null, true);
      },
      authorizeSubscribe(client, subscription, done) {
        // Wildcards and other people's devices; a subscription to `request` is granted and brings nothing.
        const allowed = readTopic(client, subscription.topic) !== null;
        if (allowed) guests.get(client)?.topics.add(subscription.topic);
        done(null, allowed ? subscription : null);
      },
      authorizeForward(client, packet) {
        const silent = fault?.kind === "silence";
        return !silent && readTopic(client, packet.topic)?.side === "report" ? packet : null;
      },
    },
    published(client, topic, payload) {
      const to = readTopic(client, topic);
      if (to?.side === "request" && payload.length <= LARGEST_REQUEST)
        setImmediate(() => {
          options.request(to.serial, payload);
        });
    },
    left(_client, clean) {
      if (clean) tally.disconnectsClean += 1;
    },
    unsubscribed(client, topics) {
      for (const topic of topics) guests.get(client)?.topics.delete(topic);
    },
  });

  return {
    port: server.port,
    get clients() {
      return [...guests.keys()].map(({ id }) => id);
    },
    get connects() {
      return tally.connects;
    },
    get refusals() {
      return tally.refusals;
    },
    get disconnectsClean() {
      return tally.disconnectsClean;
    },
    subscribers: (serial) => [...guests.values()].filter(({ topics }) => topics.has(reportsOf(serial))).length,
    fail(next) {
      fault = next;
    },
    cut() {
      server.dropLinks();
    },
    publish(serial, payload) {
      server.publish(reportsOf(serial), payload);
    },
    close: () => server.close(),
  };
}
