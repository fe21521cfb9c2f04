import { PrintgateError } from "../../errors";
import { textOf, type Fields } from "../values";
import type { CloudClient } from "./client";

/**
 * The cloud's endpoint for the certificate with which the maker's own programs sign commands. It is here for those who
 * own such an identity: what it takes is a token and a key that this package neither has nor can make, and nothing in
 * the package calls it. It has nothing to do with the login to the cloud's MQTT broker.
 */
export interface SigningCertificate {
  /** PEM. */
  readonly leaf: string;
  readonly intermediate: string;
  readonly root: string;
  /** PEM, each a revocation list. */
  readonly revocations: readonly string[];
  /** Base64, encrypted for whoever holds the matching key; opaque here. */
  readonly encryptedKey: string;
}

/**
 * @param asked `applicationToken` and `wrappedKey` are the caller's own, already base64url; `token` may be left out
 * @throws PrintgateError as CloudClient.ask, `bad-answer` for an answer of another shape
 */
export async function fetchSigningCertificate(
  client: CloudClient,
  asked: { readonly applicationToken: string; readonly wrappedKey: string; readonly token?: string },
): Promise<SigningCertificate> {
  const { body } = await client.ask({
    what: "a signing certificate",
    method: "GET",
    at: "api",
    path: `/v1/iot-service/api/user/applications/${encodeURIComponent(asked.applicationToken)}/cert`,
    query: { aes256: asked.wrappedKey, ver: "1" },
    ...(asked.token === undefined ? {} : { token: asked.token }),
    refusals: [
      { status: 400, code: OUTDATED, is: "request-invalid", says: OUTDATED_WORDS },
      { status: 403, code: OUTDATED, is: "account-refused", says: OUTDATED_WORDS },
    ],
  });
  return signingCertificateOf(body);
}

const OUTDATED = 101;
const OUTDATED_WORDS = "the cloud says that the application behind this token is outdated";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\w+/=\s]+?-----END CERTIFICATE-----/g;
const REVOCATIONS = /^\s*-----BEGIN X509 CRL-----[\w+/=\s]+-----END X509 CRL-----\s*$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Reads the answer: a chain of exactly three, from leaf to root. @throws PrintgateError `bad-answer` */
export function signingCertificateOf(body: Readonly<Fields>): SigningCertificate {
  const chain = typeof body.cert === "string" ? [...body.cert.matchAll(CERTIFICATE)].map(([pem]) => `${pem}\n`) : [];
  const [leaf, intermediate, root] = chain;
  if (leaf === undefined || intermediate === undefined || root === undefined || chain.length !== 3)
    throw bad(`a chain of ${chain.length} certificates instead of three`);
  const revocations: readonly unknown[] = Array.isArray(body.crl) ? body.crl : [];
  if (!revocations.every(isRevocationList)) throw bad("a revocation list that is none");
  const { key } = body;
  if (typeof key !== "string" || textOf(key) === null || !BASE64.test(key)) throw bad("no encrypted key");
  return { leaf, intermediate, root, revocations, encryptedKey: key };
}

function isRevocationList(value: unknown): value is string {
  return typeof value === "string" && REVOCATIONS.test(value);
}

function bad(what: string): PrintgateError {
  return new PrintgateError("bad-answer", `the cloud's answer to the request for a signing certificate has ${what}`);
}
