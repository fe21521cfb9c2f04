/**
 * The only error family of the package. Every message is a sentence that may be shown to a user:
 * it names what went wrong and, where there is one, the remedy. It never holds a secret.
 */
export type ErrorCode =
  /** A property is missing, malformed, or an environment variable it names is not set. */
  | "config-invalid"
  /** Two config nodes name the same printer with different settings. */
  | "config-conflict"
  /** No TCP or TLS connection could be made. */
  | "unreachable"
  /** The printer answered the access code with a refusal. */
  | "access-refused"
  /** The certificate names another printer than the configured serial. */
  | "wrong-serial"
  /** The certificate is not the one that was pinned. */
  | "certificate-changed"
  /** The certificate is not signed by the given authority. */
  | "certificate-untrusted"
  /** An open connection ended. */
  | "link-lost"
  /** An open connection is up but no report arrives. */
  | "silent"
  /** What a printer sent can not be used. */
  | "bad-frame"
  /** The package's own files could not be read or written. */
  | "store"
  /** Something took longer than it may. */
  | "timeout"
  /** Who decides about permissions could not be asked, or gave an answer that is none. */
  | "provider-failed"
  /** The account's token is no longer accepted: sign in again. */
  | "account-expired"
  /** A cloud or server refused a name, password, code, key or a permission. */
  | "account-refused"
  /** A network edge (Cloudflare, a rate limit) turned the request away before the server saw it. */
  | "blocked"
  /** The server says that the request is wrong. */
  | "request-invalid"
  /** An answer came that can not be used. */
  | "bad-answer"
  /** Nobody is signed in. */
  | "signed-out"
  /** There is no connection over which a command could go. */
  | "offline"
  /** This printer, or the way to it, can not do that. */
  | "not-supported"
  /** The printer refused a command. */
  | "command-refused"
  /** A command does not fit what the printer is doing. */
  | "wrong-state"
  /** A message does not say what it should. */
  | "message-invalid"
  /** A file could not be brought to the printer. */
  | "upload-failed"
  /** No picture could be had. */
  | "camera-failed"
  /** An error that did not come from this package. */
  | "unexpected";

export class PrintgateError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = "PrintgateError";
  }
}

/** Narrows to this family, optionally to one code. */
export function isPrintgateError(value: unknown, code?: ErrorCode): value is PrintgateError {
  return value instanceof PrintgateError && (code === undefined || value.code === code);
}

/** Whatever was thrown, as a member of the family. Never throws itself. */
export function toError(thrown: unknown): PrintgateError {
  if (thrown instanceof PrintgateError) return thrown;
  if (thrown instanceof Error)
    return new PrintgateError("unexpected", thrown.message || thrown.name, { cause: thrown });
  return new PrintgateError(
    "unexpected",
    typeof thrown === "string" ? thrown : "something that is not an error was thrown",
  );
}

/** The text with each secret replaced by `***`. Secrets shorter than four characters are left: they would blank ordinary words. */
export function redact(text: string, secrets: readonly (string | undefined)[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret !== undefined && secret.length >= 4) clean = clean.split(secret).join("***");
  }
  return clean;
}
