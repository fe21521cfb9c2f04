import { readFile } from "node:fs/promises";
import { connect, type ConnectionOptions, type PeerCertificate, type TLSSocket } from "node:tls";
import { isPrintgateError, PrintgateError, toError } from "../errors";

/**
 * How a printer's certificate is judged. Bambu printers present a certificate whose common name is
 * their serial, without a host name in it, signed by the maker's own authority; some newer models
 * send the leaf alone. So host names are never compared, the common name is.
 */
export type Trust =
  /** The first certificate is remembered and later ones must be the same. `fingerprint` null = none yet. */
  | { readonly mode: "pin"; readonly fingerprint: string | null; learn(fingerprint: string): Promise<void> }
  /** The chain must end at an authority of this PEM file. */
  | { readonly mode: "verify"; readonly caFile: string }
  /** No check at all: whoever answers at the address gets the access code. */
  | { readonly mode: "insecure" };

export interface SecureTarget {
  readonly host: string;
  readonly port: number;
  readonly serial: string;
  readonly trust: Trust;
  readonly timeoutMs: number;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

export interface SecureSocket {
  readonly socket: TLSSocket;
  /** SHA-256 of the leaf, `AA:BB:…`. */
  readonly fingerprint: string;
}

/**
 * Opens a TLS connection (1.2 or later: the measured printers speak 1.2 only) and judges the
 * certificate before a single byte of ours is written, so that no impostor ever sees the access code.
 *
 * @throws PrintgateError unreachable | wrong-serial | certificate-changed | certificate-untrusted | config-invalid
 */
export async function openTls(target: SecureTarget): Promise<SecureSocket> {
  const socket = await handshake(target, await optionsFor(target));
  // Nobody else listens yet, and an unheard "error" would end the process.
  socket.on("error", () => undefined);
  try {
    const certificate = socket.getPeerCertificate();
    judge(certificate, target);
    return { socket, fingerprint: certificate.fingerprint256 };
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

async function optionsFor({ host, port, serial, trust }: SecureTarget): Promise<ConnectionOptions> {
  // IPv6 addresses are pasted with the brackets that they have in a URL.
  const address = host.replace(/^\[(.*)\]$/, "$1");
  const base: ConnectionOptions = { host: address, port, servername: serial, minVersion: "TLSv1.2" };
  if (trust.mode !== "verify") return { ...base, rejectUnauthorized: false };
  const ca = await readFile(trust.caFile).catch((cause: unknown) => {
    throw new PrintgateError("config-invalid", `the certificate file ${trust.caFile} can not be read`, { cause });
  });
  // Some models leave out the chain: a file that holds their issuer, which is no root, must be enough.
  return { ...base, ca, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
}

function handshake({ host, port, timeoutMs, signal }: SecureTarget, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    let socket: TLSSocket;
    try {
      socket = connect({ ...options, timeout: timeoutMs });
    } catch (thrown) {
      // An authority file without a certificate in it, for one.
      reject(new PrintgateError("config-invalid", toError(thrown).message, { cause: thrown }));
      return;
    }
    const at = `${host}:${port}`;
    const settle = (end: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError).off("close", onClose).off("timeout", onTimeout).setTimeout(0);
      end();
    };
    const fail = (error: PrintgateError) => {
      settle(() => {
        socket.on("error", () => undefined).destroy();
        reject(error);
      });
    };
    const onError = (cause: Error) => {
      fail(explain(cause, at));
    };
    const onClose = () => {
      fail(new PrintgateError("unreachable", `${at} ended the connection during the greeting`));
    };
    const onTimeout = () => {
      fail(new PrintgateError("unreachable", `${at}: no answer`));
    };
    const onAbort = () => {
      fail(new PrintgateError("unreachable", `the connection to ${at} was given up`));
    };
    socket.once("error", onError).once("close", onClose).once("timeout", onTimeout);
    socket.once("secureConnect", () => {
      settle(() => {
        resolve(socket);
      });
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** What the usual failures mean to a user. */
const NETWORK_FAULTS: Record<string, string> = {
  ECONNREFUSED: "nothing answers there (connection refused)",
  EHOSTUNREACH: "the address can not be reached",
  ENETUNREACH: "the network can not be reached",
  ENOTFOUND: "the name is not known",
  EAI_AGAIN: "the name could not be looked up",
  ETIMEDOUT: "no answer",
  ECONNRESET: "the connection was cut during the greeting",
};

/** How OpenSSL's verdicts on a certificate chain are spelt, for example UNABLE_TO_VERIFY_LEAF_SIGNATURE. */
const CHAIN_FAULT = /CERT|SIGNATURE|ISSUER/;

function explain(cause: Error & { code?: string }, at: string): PrintgateError {
  if (isPrintgateError(cause)) return cause;
  const code = cause.code ?? "";
  if (CHAIN_FAULT.test(code)) {
    const message = `the certificate of ${at} is not signed by the given authority (${code})`;
    return new PrintgateError("certificate-untrusted", message, { cause });
  }
  return new PrintgateError("unreachable", `${at}: ${NETWORK_FAULTS[code] ?? cause.message}`, { cause });
}

function judge(certificate: PeerCertificate, { host, serial, trust }: SecureTarget): void {
  if (trust.mode === "insecure") return;
  // An empty object where the peer sent none.
  const name = (certificate as Partial<PeerCertificate>).subject?.CN;
  const names = Array.isArray(name) ? name : [name];
  if (!names.includes(serial)) {
    const says = typeof name === "string" && name !== "" ? `"${name.slice(0, 40)}"` : "something without a serial";
    throw new PrintgateError("wrong-serial", `the printer at ${host} is ${says}, not "${serial}"`);
  }
  if (trust.mode === "verify" || trust.fingerprint === null) return;
  const presented = certificate.fingerprint256;
  if (plain(presented) === plain(trust.fingerprint)) return;
  throw new PrintgateError(
    "certificate-changed",
    `the certificate of ${serial} has changed: ${trust.fingerprint} was expected, ${presented} was presented; ` +
      `if the printer was reset or updated, forget the old one in the printer's settings (button Forget, or empty the field)`,
  );
}

/** Fingerprints are pasted with and without colons, in either case. */
const plain = (fingerprint: string): string => fingerprint.replace(/[^0-9a-f]/gi, "").toLowerCase();
