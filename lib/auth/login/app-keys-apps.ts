/** The rows of `apps`: which app, in which version, signs with which key, and who it is when it does. */
import { createPublicKey, type KeyObject } from "node:crypto";
import type { Identity } from "../provider";
import { attrsOf, DEFAULT_TENANT, readRows, type Row, type RowReading, type Rows, textOf, whyMisshapen } from "./users";

/** The version of a client that names none, as OctoPrint took it: an ordinary version, not a pattern. */
export const ANY_VERSION = "any";

export interface AppRow {
  readonly id: string;
  readonly version: string;
  readonly publicKey: KeyObject;
  /** Of the signature (RSASSA-PKCS1-v1_5); never chosen by the message. */
  readonly hash: "sha1" | "sha256";
  readonly enabled: boolean;
  readonly identity: Identity;
}

const TEXTS = ["id", "version", "publicKey", "hash", "tenantId", "userId"];
const HASHES = ["sha1", "sha256"] as const;
const SWITCH: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [undefined, true],
  [true, true],
  [false, false],
  ["true", true],
  ["false", false],
]);

/**
 * An RSA public key: PEM, or PKCS#1 DER as bare base64 (the PEM without its borders and line
 * breaks). A private key pasted here by mistake is none.
 */
function publicKeyOf(text: string): KeyObject | undefined {
  try {
    const key = /^\s*-----BEGIN (RSA )?PUBLIC KEY-----/.test(text)
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.from(text, "base64"), format: "der", type: "pkcs1" });
    // An exponent of 1 would make every message its own signature.
    const exponent = key.asymmetricKeyDetails?.publicExponent ?? 0n;
    return key.asymmetricKeyType === "rsa" && exponent >= 3n ? key : undefined;
  } catch {
    return undefined;
  }
}

function readApp(row: Row, minModulusBits: number): RowReading<AppRow> {
  const misshapen = whyMisshapen(row, TEXTS, ["attrs", "enabled"]);
  if (misshapen !== undefined) return { reason: misshapen };
  const [id, version = ANY_VERSION, keyText] = ["id", "version", "publicKey"].map((name) => textOf(row, name));
  const attrs = attrsOf(row);
  const hash = HASHES.find((known) => known === (textOf(row, "hash") ?? "sha1"));
  const enabled = SWITCH.get(row["enabled"] ?? undefined);
  if (id === undefined) return { reason: "id is missing" };
  // The signed words are joined with colons: with one inside, two apps could sign the same message.
  if (id.includes(":") || version.includes(":")) return { reason: "id and version may hold no colon" };
  if (keyText === undefined) return { reason: "publicKey is missing" };
  if (hash === undefined) return { reason: "hash is neither sha1 nor sha256" };
  if (enabled === undefined) return { reason: "enabled is neither true nor false" };
  if (attrs === undefined) return { reason: "attrs is not an object of strings" };
  const publicKey = publicKeyOf(keyText);
  if (publicKey === undefined) return { reason: "publicKey is no RSA public key" };
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < minModulusBits) return { reason: `publicKey has ${bits} bits, fewer than ${minModulusBits}` };
  const identity = {
    tenantId: textOf(row, "tenantId") ?? DEFAULT_TENANT,
    userId: textOf(row, "userId") ?? id,
    attrs,
  };
  return { row: { id, version, publicKey, hash, enabled, identity } };
}

/**
 * The `apps` of a policy, JSON text or parsed. `userId` defaults to the app's id, `tenantId` to
 * "default", `version` to "any", `hash` to the protocol's SHA-1.
 */
export const parseApps = (list: unknown, options: { readonly minModulusBits: number }): Rows<AppRow> =>
  readRows(list, {
    read: (row) => readApp(row, options.minModulusBits),
    nameField: "id",
    keysOf: ({ id, version }) => [`${id}:${version}`],
  });
