import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import type { CloudSession, SessionStore } from "../../bambu/cloud/types";
import { toError } from "../../errors";
import type { InstallationKey } from "../installation-key";
import { fileNameOf, type Store } from "../store";

/** AES-256-GCM, each part base64. Bound to its place: a file that was moved to another account opens there as little. */
interface Sealed {
  readonly sealed: 1;
  readonly iv: string;
  readonly tag: string;
  readonly data: string;
}

export interface Sessions {
  /**
   * Where the session of an account is kept.
   * @param accountId the id of the account's node
   * @param place the cloud that it belongs to: a token is never shown to another one
   */
  of(accountId: string, place: string): SessionStore;
}

interface SessionsOptions {
  readonly store: Store;
  readonly key: InstallationKey;
  /** Gets a sentence when a session can not be used. */
  readonly warn: (message: string) => void;
}

/** The signed-in sessions of all accounts, encrypted in the package's store. */
export function sessionsIn({ store, key, warn }: SessionsOptions): Sessions {
  return {
    of: (accountId, place) => {
      const name = nameOf(accountId, place);
      const document = store.document(name, isSealed);
      return {
        load: async () => {
          const kept = await document.load();
          if (kept === null) return null;
          const secret = await key.read().catch((thrown: unknown) => {
            warn(toError(thrown).message);
            return null;
          });
          // Without the key nothing is known of the file: it stays where it is.
          if (secret === null) return null;
          const session = readSession(opened(kept, secret, name));
          if (session !== null) return session;
          const why = "is of a newer release, or can not be opened with the key of this installation";
          await document.setAside(`${why}: sign in to the account again`);
          return null;
        },
        save: async (session) => {
          await document.save(session === null ? null : seal(session, await key.read(), name));
        },
      };
    },
  };
}

/** One file an account and place. The digest keeps addresses of any length out of file names. */
function nameOf(accountId: string, place: string): string {
  return `accounts/${fileNameOf(accountId)}-${createHash("sha256").update(place).digest("hex").slice(0, 12)}`;
}

function seal(session: CloudSession, key: Buffer, name: string): Sealed {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(name));
  const data = Buffer.concat([cipher.update(JSON.stringify(session), "utf8"), cipher.final()]);
  const text = (bytes: Buffer): string => bytes.toString("base64");
  return { sealed: 1, iv: text(iv), tag: text(cipher.getAuthTag()), data: text(data) };
}

/** What was sealed; undefined when the key is another, or a bit is. */
function opened({ iv, tag, data }: Sealed, key: Buffer, name: string): unknown {
  try {
    const bytes = (text: string): Buffer => Buffer.from(text, "base64");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes(iv), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(name)).setAuthTag(bytes(tag));
    const text = Buffer.concat([decipher.update(bytes(data)), decipher.final()]).toString("utf8");
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** `null` is a document, too: signed out. */
function isSealed(value: unknown): value is Sealed | null {
  if (value === null) return true;
  const { sealed, iv, tag, data } = (typeof value === "object" ? value : {}) as Partial<Sealed>;
  return sealed === 1 && [iv, tag, data].every((part) => typeof part === "string");
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const textOr = (value: unknown): string | null => (isText(value) ? value : null);
const timeOr = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

/**
 * A session as any release wrote it; null when it is none. What an earlier release did not know gets its neutral
 * value: nobody opted in to beta firmware, nothing was told yet.
 */
export function readSession(value: unknown): CloudSession | null {
  if (typeof value !== "object" || value === null) return null;
  const kept = value as Readonly<Record<string, unknown>>;
  if (!isText(kept["accessToken"]) || (kept["version"] ?? 1) !== 1) return null;
  const warned = Array.isArray(kept["warned"]) ? kept["warned"] : [];
  return {
    version: 1,
    accessToken: kept["accessToken"],
    refreshToken: textOr(kept["refreshToken"]),
    expiresAt: timeOr(kept["expiresAt"]),
    refreshExpiresAt: timeOr(kept["refreshExpiresAt"]),
    uid: textOr(kept["uid"]),
    account: textOr(kept["account"]),
    name: textOr(kept["name"]),
    firmwareBetaOpen: kept["firmwareBetaOpen"] === true,
    warned: warned.filter((days): days is number => typeof days === "number"),
    expired: kept["expired"] === true,
    pasted: kept["pasted"] === true,
  };
}
