import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { PrintgateError } from "../errors";
import type { OctoprintClient } from "./client";
import { numberOf, own, textOf } from "./wire";

/** Where the API key comes from: it was entered, or is made by the handshake of the App Session Keys. */
export interface KeySource {
  /** A key that holds now. @throws PrintgateError what the client throws, `account-refused`, `bad-answer` */
  key(client: OctoprintClient, signal?: AbortSignal): Promise<string>;
  /** The key was refused: it must not be handed out again where another one can be had. */
  refused(): void;
  /** Ms until the key should be asked for again; null = it stays. */
  renewInMs(now: number): number | null;
}

export function enteredKey(key: string): KeySource {
  return { key: () => Promise.resolve(key), refused: () => undefined, renewInMs: () => null };
}

/** An app that is registered with OctoPrint. */
export interface App {
  readonly id: string;
  /** Empty = the app is registered for any version. */
  readonly version: string;
  /** PEM: PKCS#1 or PKCS#8. */
  readonly privateKey: string;
}

/** Seconds for which an unverified key holds; both times that the server names count from its creation. */
const UNVERIFIED_SECONDS = 60;
/** The new key is made so long before the old one ends, or after nine tenths of its time. */
const RENEW_BEFORE_MS = 300_000;
/** A key that would end sooner is none to work with. */
const SHORTEST_MS = 5000;

/**
 * The private key of an app. A field of one line takes the line breaks out of a PEM, which are put back.
 * @throws PrintgateError `config-invalid`, without a word of the key
 */
export function readAppKey(pem: string): KeyObject {
  const [, label = "", body = ""] = /-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----/s.exec(pem) ?? [];
  const lines = body.replace(/\s+/g, "").match(/.{1,64}/g) ?? [];
  let key: KeyObject;
  try {
    key = createPrivateKey(`-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`);
  } catch {
    throw new PrintgateError("config-invalid", "the app key is no private key in PEM form");
  }
  if (key.asymmetricKeyType !== "rsa") throw new PrintgateError("config-invalid", "the app key is no RSA key");
  return key;
}

/** RSA with SHA-1, PKCS#1 v1.5, over `id:version:key`, in base64: the signature that App Session Keys ask for. */
export function signatureOf(app: Pick<App, "id" | "version">, key: string, privateKey: KeyObject): string {
  return sign("sha1", Buffer.from(`${app.id}:${app.version === "" ? "any" : app.version}:${key}`), privateKey).toString(
    "base64",
  );
}

/**
 * App Session Keys (OctoPrint 1.2.0 to 1.3.12): a key is asked for, signed with the app's private key, and then is as good as any
 * API key until it ends. The server's clock is not ours: only how far its two times lie apart is used.
 * @throws PrintgateError `config-invalid`
 */
export function sessionKeys(app: App, now: () => number = Date.now): KeySource {
  const privateKey = readAppKey(app.privateKey);
  if (/:/.test(app.id + app.version))
    throw new PrintgateError("config-invalid", "app id and app version must not hold a colon");
  let held: { key: string; renewAt: number } | null = null;
  let making: Promise<string> | null = null;

  const make = async (client: OctoprintClient, signal?: AbortSignal): Promise<string> => {
    const at = now();
    const question = { key: null, path: "apps/auth", ...(signal ? { signal } : {}) };
    const given = (await client.ask(question).catch(explainAbsence)).body;
    const unverified = textOf(own(given, "unverifiedKey"));
    const firstEnd = numberOf(own(given, "validUntil"));
    if (unverified === null || firstEnd === null || unverified.includes(":")) throw noHandshake();
    const { id: appid, version } = app;
    const signed = { appid, key: unverified, _sig: signatureOf(app, unverified, privateKey) };
    const json = version === "" ? signed : { ...signed, appversion: version };
    const { body } = await client.ask({ ...question, method: "POST", json }).catch(explainRefusal);
    const key = textOf(own(body, "key"));
    const end = numberOf(own(body, "validUntil"));
    if (key === null || end === null) throw noHandshake();
    const lifeMs = Math.max(SHORTEST_MS, (end - firstEnd + UNVERIFIED_SECONDS) * 1000);
    held = { key, renewAt: at + Math.max(lifeMs - RENEW_BEFORE_MS, lifeMs * 0.9) };
    return key;
  };

  return {
    key: (client, signal) => {
      if (held !== null && now() < held.renewAt) return Promise.resolve(held.key);
      // Whoever asks meanwhile gets the same one: each handshake makes a new key.
      making ??= make(client, signal).finally(() => {
        making = null;
      });
      return making;
    },
    refused: () => {
      held = null;
    },
    renewInMs: (at) => (held === null ? 0 : Math.max(0, held.renewAt - at)),
  };
}

function noHandshake(): PrintgateError {
  return new PrintgateError("bad-answer", "this server's answer is no handshake of App Session Keys");
}

function explainAbsence(thrown: unknown): never {
  if (thrown instanceof PrintgateError && thrown.code === "bad-answer")
    throw new PrintgateError(
      "bad-answer",
      "this server has no App Session Keys (OctoPrint had them from 1.2.0 to 1.3.12); use an API key",
      { cause: thrown },
    );
  throw thrown;
}

function explainRefusal(thrown: unknown): never {
  if (thrown instanceof PrintgateError && thrown.code === "account-refused")
    throw new PrintgateError(
      "account-refused",
      "OctoPrint does not know this app and version, or its key is another one",
      {
        cause: thrown,
      },
    );
  throw thrown;
}
