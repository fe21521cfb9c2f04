import { type Document, fileNameOf, type Store } from "../store";

/** The certificate that a printer showed on its first use. */
interface Pin {
  readonly fingerprint: string;
  /** ISO 8601 */
  readonly learntAt: string;
}

/** Learnt fingerprints by serial. They live in the package's store, not in the flow: a flow is copied between printers. */
export interface Pins {
  read(serial: string): Promise<string | null>;
  /** @throws PrintgateError `store` */
  learn(serial: string, fingerprint: string): Promise<void>;
  /** @throws PrintgateError `store` */
  forget(serial: string): Promise<void>;
}

export function pinsIn(store: Store): Pins {
  const pinOf = (serial: string): Document<Pin | null> => store.document(`fingerprints/${fileNameOf(serial)}`, isPin);
  return {
    read: async (serial) => (await pinOf(serial).load())?.fingerprint ?? null,
    learn: (serial, fingerprint) => pinOf(serial).save({ fingerprint, learntAt: new Date().toISOString() }),
    forget: (serial) => pinOf(serial).save(null),
  };
}

/** `null` is a document too: the pin was forgotten. */
function isPin(value: unknown): value is Pin | null {
  return value === null || (typeof value === "object" && typeof (value as Partial<Pin>).fingerprint === "string");
}
