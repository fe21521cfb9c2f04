import { readFile } from "node:fs/promises";
import { connect, type ConnectionOptions, type PeerCertificate, type TLSSocket } from "node:tls";
import { PrintgateError } from "../errors";
import { dial } from "./dial";

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
  const { host, port, timeoutMs, signal } = target;
  const options = await tlsOptionsFor(target);
  const socket = await dial({
    at: `${host}:${port}`,
    connect: () => connect({ ...options, timeout: timeoutMs }),
    ready: "secureConnect",
    timeoutMs,
    signal,
  });
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

/**
 * How a TLS connection to the target is made; whom it found must be judged before anything is written.
 * @throws PrintgateError config-invalid
 */
export async function tlsOptionsFor({
  host,
  port,
  serial,
  trust,
}: Pick<SecureTarget, "host" | "port" | "serial" | "trust">): Promise<ConnectionOptions> {
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

/** @throws PrintgateError wrong-serial, certificate-changed */
export function judge(
  certificate: PeerCertificate,
  { host, serial, trust }: Pick<SecureTarget, "host" | "serial" | "trust">,
): void {
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
