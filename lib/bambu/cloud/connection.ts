import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { MqttClient } from "mqtt";
import { isPrintgateError, PrintgateError, toError } from "../../errors";
import { dial } from "../dial";
import { CONNECT_TIMEOUT_MS, explainMqtt, listenTo, mqttOver, type Refusals, sayGoodbye } from "../mqtt";
import { brokerAt } from "./places";
import type { CloudAccess } from "./types";

/** The life of one connection to the cloud's broker. Nothing is told after `down`, or after `close` was called. */
export interface ConnectionListener {
  /** Let in. */
  up(): void;
  message(topic: string, bytes: Buffer): void;
  /** It ended, or never came about: told once. */
  down(reason: PrintgateError): void;
}

const EXPIRED = [
  "account-expired",
  "the cloud no longer takes this account's sign-in: sign in again in the settings of the account",
] as const;

const CLOUD_REFUSALS: Refusals = {
  1: ["link-lost", "the cloud does not speak MQTT 3.1.1"],
  2: ["link-lost", "the cloud refused our client id"],
  3: ["link-lost", "the cloud takes no connections at the moment"],
  4: EXPIRED,
  5: EXPIRED,
};

/** One attempt to be connected, and the connection that comes of it. The certificate is judged before the token is sent. */
export class CloudConnection {
  private readonly abort = new AbortController();
  private client: MqttClient | null = null;
  private over = false;
  /** The broker was shown user and password. */
  loggedIn = false;

  constructor(
    private readonly access: CloudAccess,
    private readonly clientId: string,
    private readonly listener: ConnectionListener,
  ) {}

  start(): void {
    this.connect().catch((thrown: unknown) => {
      this.down(toError(thrown));
    });
  }

  /** @throws PrintgateError wrong-serial when the broker refuses, link-lost when it goes meanwhile */
  async subscribe(topic: string): Promise<void> {
    const { client } = this;
    if (client?.connected !== true) throw new PrintgateError("link-lost", "there is no connection to the cloud");
    const timer = setTimeout(() => {
      this.down(new PrintgateError("timeout", "the cloud let us in, but does not answer"));
    }, CONNECT_TIMEOUT_MS);
    try {
      await listenTo(client, topic);
    } finally {
      clearTimeout(timer);
    }
  }

  unsubscribe(topic: string): void {
    // What comes after it is nobody's; whether the broker confirms it makes no difference.
    if (this.client?.connected === true) this.client.unsubscribe(topic, () => undefined);
  }

  /** Once, at QoS 0; false = there is no connection. */
  publish(topic: string, frame: string): boolean {
    if (this.over || this.client?.connected !== true) return false;
    this.client.publish(topic, frame, { qos: 0 });
    return true;
  }

  /** A clean DISCONNECT where there is a connection; idempotent, ends within a second or so. */
  async close(): Promise<void> {
    this.over = true;
    this.abort.abort();
    const { client } = this;
    this.client = null;
    if (client !== null) await sayGoodbye(client);
  }

  private async connect(): Promise<void> {
    const { username, password } = await this.access.credentials();
    const socket = await this.open().catch((thrown: unknown) => {
      throw explainTls(toError(thrown), this.access.tls !== undefined);
    });
    // Nobody else listens yet, and an unheard "error" would end the process.
    socket.on("error", () => undefined);
    if (this.over) {
      socket.destroy();
      return;
    }
    this.loggedIn = true;
    const client = mqttOver(socket, { clientId: this.clientId, username, password });
    this.client = client;
    client.on("error", (error) => {
      this.down(explain(error, password));
    });
    client.on("close", () => {
      this.down(new PrintgateError("link-lost", "the cloud ended the connection"));
    });
    client.on("message", (topic, bytes) => {
      if (!this.over) this.listener.message(topic, bytes);
    });
    client.once("connect", () => {
      if (!this.over) this.listener.up();
    });
  }

  private open(): Promise<Socket> {
    const { url, tls } = this.access;
    const { secure, host, port } = brokerAt(url);
    const call = { at: `${host}:${port}`, timeoutMs: CONNECT_TIMEOUT_MS, signal: this.abort.signal };
    if (!secure) return dial<Socket>({ ...call, ready: "connect", connect: () => connectTcp({ host, port }) });
    // An address is no name that a server could choose its certificate by.
    const servername = isIP(host) === 0 ? host : undefined;
    const options = { ...tls, host, port, servername, minVersion: "TLSv1.2", rejectUnauthorized: true } as const;
    return dial<Socket>({ ...call, ready: "secureConnect", connect: () => connectTls(options) });
  }

  private down(reason: PrintgateError): void {
    if (this.over) return;
    void this.close();
    this.listener.down(reason);
  }
}

/** TLS 1.3 brings a broker's word about our own certificate only after the greeting. */
function explain(error: Error & { code?: number | string }, password: string): PrintgateError {
  if (isPrintgateError(error)) return error;
  return demandsCertificate(error) ?? explainMqtt(error, password, CLOUD_REFUSALS);
}

function explainTls(error: PrintgateError, hasOwnTls: boolean): PrintgateError {
  if (error.code === "config-invalid" && hasOwnTls) {
    const message = `the account's TLS configuration can not be used (${error.message})`;
    return new PrintgateError("config-invalid", message, { cause: error });
  }
  if (error.code === "certificate-untrusted" && !hasOwnTls) {
    const remedy = "for a broker of your own, give the account a TLS configuration with its authority";
    return new PrintgateError("certificate-untrusted", `${error.message}; ${remedy}`, { cause: error });
  }
  return demandsCertificate(error) ?? error;
}

function demandsCertificate(error: Error & { code?: number | string }): PrintgateError | null {
  const words = `${String(error.code)} ${error.message}`;
  if (!/CERTIFICATE_REQUIRED|certificate required|handshake failure/i.test(words)) return null;
  const message = "the broker demands a client certificate: give the account a TLS configuration that has one";
  return new PrintgateError("link-lost", message, { cause: error });
}
