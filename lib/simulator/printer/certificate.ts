/** A printer's TLS identity: a leaf whose CN is the serial, without other names, signed by a throw-away authority. */
import { X509Certificate } from "node:crypto";

/** PEM texts. `cert` holds the leaf and, after it, the authority that signed it. */
export interface PrinterCertificate {
  readonly key: string;
  readonly cert: string;
}

const YEARS_VALID = 20;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Makes an identity; about 20 ms (elliptic curve, as key generation for RSA would take ten times that). */
export async function makeCertificate(serial: string): Promise<PrinterCertificate> {
  // Loaded on demand: only who runs a virtual printer needs it.
  const { generate } = await import("selfsigned");
  const notBeforeDate = new Date(Date.now() - 24 * 3600_000);
  const notAfterDate = new Date(notBeforeDate);
  notAfterDate.setFullYear(notAfterDate.getFullYear() + YEARS_VALID);
  const common = { keyType: "ec", algorithm: "sha256", notBeforeDate, notAfterDate } as const;
  const authority = await generate([{ name: "commonName", value: "Virtual printer authority" }], {
    ...common,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: "commonName", value: serial }], {
    ...common,
    extensions: [{ name: "basicConstraints", cA: false }],
    ca: { key: authority.private, cert: authority.cert },
  });
  return { key: leaf.private, cert: `${leaf.cert.trim()}\n${authority.cert.trim()}\n` };
}

/** The first certificate of the PEM text. */
export function leafOf({ cert }: PrinterCertificate): string {
  return cert.match(BLOCK)?.[0] ?? cert;
}

/** The last certificate: the authority, or the leaf itself where it signed itself. */
export function authorityOf({ cert }: PrinterCertificate): string {
  return cert.match(BLOCK)?.at(-1) ?? cert;
}

/** SHA-256 of the leaf as `AA:BB:..`. */
export function fingerprintOf(certificate: PrinterCertificate): string {
  return new X509Certificate(leafOf(certificate)).fingerprint256;
}
