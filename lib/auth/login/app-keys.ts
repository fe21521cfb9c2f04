/**
 * OctoPrint's App Session Keys, the server's side: an app asks for a key, signs it together with
 * its id and version, and the key becomes its session. The order of checks, the burning of keys
 * and the times are those of OctoPrint 1.3.12, the last release that had it; unlike there, every
 * key's own expiry counts whenever the key is used, and a disabled or unknown version never falls
 * back to another one.
 */
import { constants, randomBytes, verify } from "node:crypto";
import { ANY_VERSION, type AppRow } from "./app-keys-apps";
import { createSecretDigest } from "./passwords";
import type { Identity, RejectCode } from "../provider";

/** Seconds from its creation in which a key may be verified. */
const UNVERIFIED_SECONDS = 60;

/** The words of the wire: `validUntil` in seconds since 1970, with fractions. */
export interface IssuedKey {
  readonly unverifiedKey: string;
  readonly validUntil: number;
}

export type Verification =
  | { readonly kind: "verified"; readonly key: string; readonly validUntil: number; readonly identity: Identity }
  /** The request can not be understood; the key is as good as before. */
  | { readonly kind: "malformed"; readonly reason: string }
  /** Refused, and an unverified key of that name is gone. */
  | { readonly kind: "refused"; readonly code: RejectCode; readonly reason: string };

export interface AppKeys {
  /** A new key of 32 hex digits; undefined while too many wait for their verification. */
  issue(): IssuedKey | undefined;
  /** `{ appid, appversion, key, _sig }`, parsed. Never throws. */
  verify(request: unknown): Verification;
  /** Whose verified key this is; undefined when it is none or its time is over. */
  identify(key: string): Identity | undefined;
  identities(): readonly Identity[];
}

export interface AppKeysOptions {
  readonly apps: readonly AppRow[];
  /** How long a verified key is good, counted from its creation. */
  readonly sessionSeconds: number;
  /** Wall clock in milliseconds since 1970. */
  readonly now?: () => number;
  /** Unverified keys at once. */
  readonly pendingLimit?: number;
  /** Verified keys at once; the oldest ends first. */
  readonly sessionLimit?: number;
}

interface Session {
  readonly identity: Identity;
  readonly untilMs: number;
}

const ARGUMENTS = ["appid", "key", "_sig"] as const;

/** The bytes of strict base64: the one spelling they have, padding and all. */
function strictBytes(value: unknown): Buffer | undefined {
  const bytes = typeof value === "string" ? Buffer.from(value, "base64") : undefined;
  return bytes?.toString("base64") === value ? bytes : undefined;
}

function isSigned(app: AppRow, message: string, signature: Buffer): boolean {
  const key = { key: app.publicKey, padding: constants.RSA_PKCS1_PADDING };
  try {
    return verify(app.hash, Buffer.from(message), key, signature);
  } catch {
    // A build of OpenSSL may forbid SHA-1: then nothing is signed with it.
    return false;
  }
}

const refused = (code: RejectCode, reason: string): Verification => ({ kind: "refused", code, reason });
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** A store of keys for these apps; in memory, as sessions end with the process. */
export function createAppKeys(options: AppKeysOptions): AppKeys {
  const { sessionSeconds, now = Date.now, pendingLimit = 1000, sessionLimit = 10_000 } = options;
  const apps = new Map(options.apps.map((app) => [`${app.id}:${app.version}`, app] as const));
  // Keyed by a digest: how long a look-up takes says nothing about the keys that are there.
  const digest = createSecretDigest();
  const nameOf = (key: string): string => digest(key).toString("base64");
  /** When each was created. */
  const pending = new Map<string, number>();
  const sessions = new Map<string, Session>();

  const pendingUntil = (createdMs: number): number => createdMs + UNVERIFIED_SECONDS * 1000;

  /** Memory only: whether a key is good is asked of the key itself. */
  function dropExpired(): void {
    for (const [name, createdMs] of pending) if (pendingUntil(createdMs) < now()) pending.delete(name);
  }

  /** Steps 7 to 11 of the old server: app, signature, key. */
  function judge(request: Readonly<Record<string, unknown>>, key: string, signature: Buffer): Verification {
    const id = text(request["appid"]) ?? "";
    const version = text(request["appversion"] ?? ANY_VERSION) ?? "";
    const app = [id, version, key].some((part) => part.includes(":")) ? undefined : apps.get(`${id}:${version}`);
    if (app?.enabled !== true) return refused("NotAuthorized", "the app is not registered in this version");
    if (!isSigned(app, `${id}:${version}:${key}`, signature)) return refused("BadPass", "the signature is not right");
    const createdMs = pending.get(nameOf(key));
    const at = now();
    const untilMs = (createdMs ?? -Infinity) + sessionSeconds * 1000;
    if (createdMs === undefined || pendingUntil(createdMs) < at || untilMs < at)
      return refused("NotAuthorized", "the key is unknown, expired or verified already");
    sessions.set(nameOf(key), { identity: app.identity, untilMs });
    const [oldest] = sessions.keys();
    if (oldest !== undefined && sessions.size > sessionLimit) sessions.delete(oldest);
    return { kind: "verified", key, validUntil: untilMs / 1000, identity: app.identity };
  }

  return {
    issue() {
      if (pending.size >= pendingLimit) dropExpired();
      if (pending.size >= pendingLimit) return undefined;
      const unverifiedKey = randomBytes(16).toString("hex").toUpperCase();
      const createdMs = now();
      pending.set(nameOf(unverifiedKey), createdMs);
      return { unverifiedKey, validUntil: pendingUntil(createdMs) / 1000 };
    },
    verify(request) {
      const given = (typeof request === "object" && request !== null ? request : {}) as Record<string, unknown>;
      const missing = ARGUMENTS.find((name) => !Object.hasOwn(given, name) || (given[name] ?? null) === null);
      if (missing !== undefined) return { kind: "malformed", reason: `missing argument: ${missing}` };
      const signature = strictBytes(given["_sig"]);
      if (signature === undefined) return { kind: "malformed", reason: "_sig is not base64" };
      const key = text(given["key"]) ?? "";
      const verification = judge(given, key, signature);
      // Verified or burnt, it is pending no more; a session of that name is left alone.
      pending.delete(nameOf(key));
      return verification;
    },
    identify(key) {
      const session = sessions.get(nameOf(key));
      return session !== undefined && now() <= session.untilMs ? session.identity : undefined;
    },
    identities: () => options.apps.filter((app) => app.enabled).map((app) => app.identity),
  };
}
