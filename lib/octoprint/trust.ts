import { readFile } from "node:fs/promises";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { PrintgateError } from "../errors";

/** How the certificate of an OctoPrint behind https is judged. */
export type Trust =
  /** The first certificate is remembered and later ones must be the same. `fingerprint` null = none yet. */
  | { readonly mode: "pin"; readonly fingerprint: string | null; learn(fingerprint: string): Promise<void> }
  /** Signed by an authority of the PEM file, or where none is given by one that Node.js knows; the host's name counts. */
  | { readonly mode: "verify"; readonly caFile: string | null }
  /** No check at all: whoever answers at the address gets the API key. */
  | { readonly mode: "insecure" };

/** Connections to one server, REST and push socket alike. */
export interface Connections {
  readonly agent: HttpAgent;
  /** The fingerprint of the certificate that was seen, `AA:BB:..`; null without TLS. */
  fingerprint(): string | null;
  /** Remembers a first certificate, now that who showed it has proved to be an OctoPrint. */
  learn(): Promise<void>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Prepares connections; nothing is sent before a certificate was judged.
 * @throws PrintgateError `config-invalid` where the CA file can not be read
 */
export async function connectionsTo(base: URL, trust: Trust): Promise<Connections> {
  // A kept connection can close under a request, and a command must not be sent twice.
  const options = { keepAlive: false };
  if (base.protocol === "http:") {
    const agent = new HttpAgent(options);
    const close = (): void => {
      agent.destroy();
    };
    return { agent, fingerprint: () => null, learn: () => Promise.resolve(), close };
  }
  const ca = trust.mode === "verify" && trust.caFile !== null ? await readCa(trust.caFile) : null;
  const agent = new JudgingAgent(options, trust, ca);
  return {
    agent,
    fingerprint: () => agent.seen,
    learn: async () => {
      if (trust.mode === "pin" && trust.fingerprint === null && agent.seen !== null) await trust.learn(agent.seen);
    },
    close: () => {
      agent.destroy();
    },
  };
}

async function readCa(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new PrintgateError("config-invalid", `the certificate file ${path} can not be read`, { cause });
  });
}

/** Hands a socket out when its certificate was judged, and not before: with it goes the API key. */
class JudgingAgent extends HttpsAgent {
  seen: string | null = null;

  constructor(
    options: ConstructorParameters<typeof HttpsAgent>[0],
    private readonly trust: Trust,
    private readonly ca: Buffer | null,
  ) {
    super({ ...options, maxCachedSessions: 0 });
  }

  override createConnection(
    options: ConnectionOptions,
    done: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const { host, port } = options;
    const target: ConnectionOptions = { minVersion: "TLSv1.2", rejectUnauthorized: this.trust.mode === "verify" };
    if (host !== undefined) Object.assign(target, { host }, isName(host) ? { servername: host } : {});
    if (port !== undefined) target.port = port;
    if (this.ca !== null) target.ca = this.ca;
    const fail = (error: Error): void => {
      // Node.js asks for a socket even beside an error; it looks at the error first.
      (done as (error: Error) => void)(error);
    };
    let socket: TLSSocket;
    try {
      socket = connect(target);
    } catch (thrown) {
      // A CA file without a certificate in it, for one.
      fail(thrown instanceof Error ? thrown : new Error("no TLS connection"));
      return;
    }
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }));
    }, CONNECT_TIMEOUT_MS);
    const onError = (error: Error): void => {
      clearTimeout(timer);
      fail(error);
    };
    const onClose = (): void => {
      onError(Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" }));
    };
    socket.once("error", onError).once("close", onClose);
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      socket.off("error", onError).off("close", onClose);
      const problem = this.judge(socket.getPeerCertificate().fingerprint256);
      if (problem === null) {
        done(null, socket);
        return;
      }
      socket.on("error", () => undefined).destroy();
      fail(problem);
    });
  }

  private judge(fingerprint: string): PrintgateError | null {
    if (this.trust.mode === "pin") {
      const expected = this.trust.fingerprint ?? this.seen;
      if (expected !== null && plain(expected) !== plain(fingerprint)) {
        const words = `the server shows another certificate than the one that was learnt: ${fingerprint} instead of ${expected}`;
        return new PrintgateError("certificate-changed", words);
      }
    }
    this.seen = fingerprint;
    return null;
  }
}

const plain = (fingerprint: string): string => fingerprint.replaceAll(":", "").toLowerCase();

/** An address is no server name that TLS would take. */
const isName = (host: string): boolean => !/^[\d.]+$|:/.test(host);
