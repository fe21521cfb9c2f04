import type { Duplex } from "node:stream";
import { ErrorWithSubackPacket, type IClientOptions, MqttClient } from "mqtt";
import { type ErrorCode, PrintgateError, redact, toError } from "../errors";

/** The MQTT half of a connection to a Bambu printer or to the cloud, over a socket that was judged before. */

export interface Credentials {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

/** Printers drop a client after 1.5 times this silence; 20 to 30 s is the usual. */
const KEEPALIVE_S = 30;
export const CONNECT_TIMEOUT_MS = 10_000;
const GOODBYE_MS = 1000;

/** Sends CONNECT over the socket. The client never reconnects and keeps nothing for later. */
export function mqttOver(socket: Duplex, credentials: Credentials): MqttClient {
  const options: IClientOptions = {
    ...credentials,
    protocolVersion: 4,
    clean: true,
    keepalive: KEEPALIVE_S,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Reconnecting is the session's: each new socket is judged before anything is written to it.
    reconnectPeriod: 0,
    resubscribe: false,
    // A stale request must not reach a printer.
    queueQoSZero: false,
  };
  return new MqttClient(() => socket, options);
}

/** What a refused login means, by CONNACK return code (MQTT 3.1.1, table 3.1). */
export type Refusals = Readonly<Record<number, readonly [ErrorCode, string]>>;

const PRINTER_REFUSALS: Refusals = {
  1: ["link-lost", "the printer does not speak MQTT 3.1.1"],
  2: ["link-lost", "the printer refused our client id"],
  3: ["link-lost", "the printer takes no more connections at the moment"],
  4: [
    "access-refused",
    "access code refused: read it anew on the printer's screen (it changes when LAN mode or Wi-Fi is reset)",
  ],
  5: [
    "access-refused",
    "access code refused: read it anew on the printer's screen (it changes when LAN mode or Wi-Fi is reset)",
  ],
};

/** How a connection that was up ends, by the code or the words of the error. */
const ENDS: ReadonlyMap<unknown, string> = new Map(
  Object.entries({
    ECONNRESET: "the connection was cut",
    EPIPE: "the connection was cut",
    ETIMEDOUT: "no answer any more",
    "Keepalive timeout": "no answer any more",
    "connack timeout": "no answer to the login",
    EHOSTUNREACH: "the address can not be reached any more",
    ENETUNREACH: "the network can not be reached any more",
  }),
);

/** What an error of the client means to a user. */
export function explainMqtt(
  error: Error & { code?: number | string },
  secret: string,
  refusals: Refusals = PRINTER_REFUSALS,
): PrintgateError {
  const refusal = typeof error.code === "number" ? refusals[error.code] : undefined;
  if (refusal !== undefined) return new PrintgateError(refusal[0], refusal[1], { cause: error });
  const words = ENDS.get(error.code) ?? ENDS.get(error.message) ?? redact(error.message, [secret]);
  return new PrintgateError("link-lost", words, { cause: error });
}

/**
 * Listens to the topic at QoS 0.
 * @throws PrintgateError wrong-serial when the printer refuses (SUBACK 128), link-lost when it goes meanwhile
 */
export async function listenTo(client: MqttClient, topic: string): Promise<void> {
  try {
    await client.subscribeAsync(topic, { qos: 0 });
  } catch (thrown) {
    if (!(thrown instanceof ErrorWithSubackPacket) || (thrown.packet as unknown) === undefined)
      throw new PrintgateError("link-lost", toError(thrown).message, { cause: thrown });
    const refused = "the printer does not let us listen to its reports; is the serial right?";
    throw new PrintgateError("wrong-serial", refused, { cause: thrown });
  }
}

/** A clean DISCONNECT frees the printer's slot at once; a printer that does not listen is left after a second. */
export function sayGoodbye(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    client.removeAllListeners("message");
    client.on("error", () => undefined);
    const timer = setTimeout(() => {
      client.stream.destroy();
      client.end(true);
      resolve();
    }, GOODBYE_MS);
    client.end(!client.connected, {}, () => {
      clearTimeout(timer);
      client.stream.destroy();
      resolve();
    });
  });
}
