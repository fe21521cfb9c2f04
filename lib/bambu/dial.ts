import type { Socket } from "node:net";
import { isPrintgateError, PrintgateError, toError } from "../errors";

export interface Call<S extends Socket> {
  /** Who is called, for sentences: `host:port`. */
  readonly at: string;
  /** Begins to connect. */
  readonly connect: () => S;
  /** What the socket says when it is there. */
  readonly ready: "connect" | "secureConnect";
  readonly timeoutMs: number;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

/**
 * Waits for a connection. Nobody listens to the socket that it resolves with: an "error" that is not heard would end
 * the process, so the caller listens at once.
 * @throws PrintgateError unreachable | certificate-untrusted | config-invalid
 */
export function dial<S extends Socket>({ at, connect, ready, timeoutMs, signal }: Call<S>): Promise<S> {
  return new Promise((resolve, reject) => {
    let socket: S;
    try {
      socket = connect();
    } catch (thrown) {
      // An authority file without a certificate in it, for one.
      reject(new PrintgateError("config-invalid", toError(thrown).message, { cause: thrown }));
      return;
    }
    socket.setTimeout(timeoutMs);
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
      fail(explainDial(cause, at));
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
    socket.once(ready, () => {
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

/** Certificates that are signed as they should be, and yet are not the right ones. */
const CERTIFICATE_FAULTS: Record<string, string> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "is for another host",
  CERT_HAS_EXPIRED: "has expired; is the clock of this machine right?",
  CERT_NOT_YET_VALID: "is not valid yet; is the clock of this machine right?",
};

/** How OpenSSL's verdicts on a certificate chain are spelt, for example UNABLE_TO_VERIFY_LEAF_SIGNATURE. */
const CHAIN_FAULT = /CERT|SIGNATURE|ISSUER/;

function explainDial(cause: Error & { code?: string }, at: string): PrintgateError {
  if (isPrintgateError(cause)) return cause;
  const code = cause.code ?? "";
  if (CHAIN_FAULT.test(code)) {
    const fault = CERTIFICATE_FAULTS[code] ?? `is not signed by a trusted authority (${code})`;
    return new PrintgateError("certificate-untrusted", `the certificate of ${at} ${fault}`, { cause });
  }
  return new PrintgateError("unreachable", `${at}: ${NETWORK_FAULTS[code] ?? cause.message}`, { cause });
}
