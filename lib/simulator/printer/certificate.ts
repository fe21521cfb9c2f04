/** A printer's TLS identity: a leaf whose CN is the serial, without other names, signed by a throw-away authority. */
import { X509Certificate } from "node:crypto";
import { AUTHORITY, issue, LEAF } from "../certificates";

/** PEM texts. `cert` holds the leaf and, after it, the authority that signed it. */
export interface PrinterCertificate {
  readonly key: string;
  readonly cert: string;
}

/** Twenty years. */
const DAYS_VALID = 20 * 365;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Makes an identity, in some 20 ms. */
export async function makeCertificate(serial: string): Promise<PrinterCertificate> {
  const authority = await issue("Virtual printer authority", AUTHORITY, undefined, DAYS_VALID);
  const leaf = await issue(serial, LEAF, authority, DAYS_VALID);
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
