/** What the printer's file server and its sessions share. */
import type { TLSSocket } from "node:tls";
import type { PrinterCertificate } from "./certificate";

/** What a test can make go wrong. */
export interface FileFaults {
  /** After so many bytes of an upload both connections are cut; what came so far stays on the card. */
  cutAfter: number | null;
  /** Bytes that the card can hold. */
  space: number;
  /** SIZE answers with so many bytes more. */
  wrongBy: number;
  /** RNFR and RNTO are not known. */
  noRename: boolean;
  /** New connections are turned away with 421. */
  full: boolean;
  /** After an upload was cut nobody is let in any more, as if the printer had been switched off. */
  goneAfterCut: boolean;
  /** The end of an upload is never confirmed. */
  neverConfirms: boolean;
}

export interface FileServerOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly certificate: PrinterCertificate;
  /** Asked at each login. */
  readonly accessCode: () => string;
  /** Survives a power cycle, as a card does. */
  readonly files: Map<string, Buffer>;
  readonly faults: FileFaults;
}

export const NO_FAULTS: FileFaults = {
  cutAfter: null,
  space: Number.POSITIVE_INFINITY,
  wrongBy: 0,
  noRename: false,
  full: false,
  goneAfterCut: false,
  neverConfirms: false,
};

/** A port for one data connection, waiting for its client. */
export interface DataPort {
  readonly port: number;
  /** The connection, its TLS handshake done; null when nobody came or the session was not resumed. */
  accept(): Promise<TLSSocket | null>;
  close(): void;
}
