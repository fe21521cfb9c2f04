/**
 * The app session keys of OctoPrint 1.2.0 to 1.3.12, at `/apps/auth`: the server gives an unverified key, the
 * application signs `id:version:key` with its RSA key, the key is verified and opens everything for two hours.
 * Source: OctoPrint notes, order of the checks in 1.3.12. Both terms count from the key's creation. The lazy cleaner
 * of the original, which let keys live longer than promised, is not imitated: a client must not rely on it.
 */
import { createPublicKey, type KeyObject, randomBytes, verify } from "node:crypto";
import { isObject, type JsonObject } from "../json";

export interface RegisteredApp {
  readonly id: string;
  /** "any" where a client that names no version is meant. */
  readonly version: string;
  /** PKCS#1 RSA, base64 without a frame, as it stands in the server's configuration. */
  readonly publicKey: string;
  /** Default true. */
  readonly enabled?: boolean;
}

export interface KeyAnswer {
  readonly status: number;
  /** A string is sent as a web page's text, as the original did. */
  readonly body: JsonObject | string;
}

interface SessionKey {
  readonly createdAt: number;
  verified: boolean;
}

const UNVERIFIED_MS = 60_000;
const VERIFIED_MS = 7_200_000;
/** Its verifier took the hash from the signature itself. */
const HASHES = ["sha1", "sha256", "sha384", "sha512", "md5"];

const says = (status: number, body: string): KeyAnswer => ({ status, body });

/** As the original turned whatever came into text. */
function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : JSON.stringify(value);
}

function readKey(publicKey: string): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "pkcs1" });
  } catch {
    return null;
  }
}

export class SessionKeyDesk {
  private keys = new Map<string, SessionKey>();

  constructor(
    private readonly apps: readonly RegisteredApp[],
    private readonly now: () => number,
  ) {}

  /** GET */
  issue(): KeyAnswer {
    const key = randomBytes(16).toString("hex").toUpperCase();
    const createdAt = this.now();
    this.keys.set(key, { createdAt, verified: false });
    return { status: 200, body: { unverifiedKey: key, validUntil: (createdAt + UNVERIFIED_MS) / 1000 } };
  }

  /** POST. A wrong application or signature burns the key, verified or not. */
  verify(contentType: string | undefined, text: string): KeyAnswer {
    if (contentType?.includes("application/json") !== true) return says(500, "Internal Server Error");
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return says(400, "Bad Request");
    }
    const fields = isObject(body) ? body : {};
    const missing = ["appid", "key", "_sig"].find((name) => fields[name] === undefined);
    if (missing !== undefined) return says(400, `Missing argument: ${missing}`);
    const id = textOf(fields["appid"]);
    const version = fields["appversion"] === undefined ? "any" : textOf(fields["appversion"]);
    const key = textOf(fields["key"]);
    const signature = textOf(fields["_sig"]).replace(/[^A-Za-z0-9+/=]/g, "");
    // Its decoder skipped foreign characters, wrong padding broke it.
    if (signature.length % 4 !== 0) return says(500, "Internal Server Error");

    const app = this.apps.find((one) => one.id === id && one.version === version);
    if (app === undefined || app.enabled === false) return this.burn(key, 401, `Invalid app: ${id}:${version}`);
    const publicKey = readKey(app.publicKey);
    if (publicKey === null) return this.burn(key, 500, "Invalid pubkey stored in server");
    const message = Buffer.from(`${id}:${version}:${key}`);
    const bytes = Buffer.from(signature, "base64");
    if (!HASHES.some((hash) => verify(hash, message, publicKey, bytes)))
      return this.burn(key, 401, "Invalid signature");
    const entry = this.living(key);
    if (entry === null || entry.verified) return says(401, "Invalid key or already verified");
    entry.verified = true;
    return { status: 200, body: { key, validUntil: (entry.createdAt + VERIFIED_MS) / 1000 } };
  }

  /** Whether requests that bear the key are let in. */
  isVerified(key: string): boolean {
    return this.living(key)?.verified ?? false;
  }

  /** A restart of the server loses them all. */
  forget(): void {
    this.keys = new Map();
  }

  private burn(key: string, status: number, text: string): KeyAnswer {
    this.keys.delete(key);
    return says(status, text);
  }

  private living(key: string): SessionKey | null {
    const entry = this.keys.get(key);
    if (entry === undefined) return null;
    return this.now() > entry.createdAt + (entry.verified ? VERIFIED_MS : UNVERIFIED_MS) ? null : entry;
  }
}
