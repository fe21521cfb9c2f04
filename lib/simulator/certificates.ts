/** Certificates that simulated peers show, made at run time. */
import { randomBytes } from "node:crypto";
import type { SelfsignedOptions } from "selfsigned";

export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
  /** The authority that signed it. */
  readonly caPem: string;
}

export interface ApplicationPapers {
  /** Three certificates: leaf, intermediate, root. */
  readonly chain: string;
  /** A revocation list by its frame; what is inside is noise. */
  readonly revocations: string;
}

/** PEM texts. */
export interface Pair {
  readonly private: string;
  readonly cert: string;
}

type Extensions = NonNullable<SelfsignedOptions["extensions"]>;

const DAY_MS = 24 * 3600_000;
export const AUTHORITY = [
  { name: "basicConstraints", cA: true, critical: true },
  { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
] satisfies Extensions;
export const LEAF = [{ name: "basicConstraints", cA: false }] satisfies Extensions;

/**
 * Valid since yesterday; signed by itself where there is no signer. Some 10 ms: elliptic curve, as key generation for
 * RSA would take ten times that.
 */
export async function issue(name: string, extensions: Extensions, signer?: Pair, days = 365): Promise<Pair> {
  // Loaded on demand: only who runs a simulated peer needs it.
  const { generate } = await import("selfsigned");
  return generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(Date.now() + days * DAY_MS),
    extensions,
    ...(signer === undefined ? {} : { ca: { key: signer.private, cert: signer.cert } }),
  });
}

/** Good for 127.0.0.1 and localhost. */
export async function makeServerIdentity(): Promise<ServerIdentity> {
  const authority = await issue("Virtual server authority", AUTHORITY);
  const leaf = await issue(
    "localhost",
    [
      ...LEAF,
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
    authority,
  );
  return { key: leaf.private, cert: leaf.cert, caPem: authority.cert };
}

export async function makeApplicationPapers(): Promise<ApplicationPapers> {
  const root = await issue("application_root.example.org", AUTHORITY);
  const middle = await issue("SIM00000001.example.org", AUTHORITY, root);
  const leaf = await issue("SIM00000001-00000001", LEAF, middle);
  const noise =
    randomBytes(180)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return {
    chain: `${[leaf, middle, root].map(({ cert }) => cert.trim()).join("\n")}\n`,
    revocations: `-----BEGIN X509 CRL-----\n${noise.join("\n")}\n-----END X509 CRL-----\n`,
  };
}
