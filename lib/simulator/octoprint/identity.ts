/** The TLS identity of a simulated server in this machine. */
export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
  /** The authority that signed it. */
  readonly caPem: string;
}

const DAY_MS = 24 * 3600_000;

/** Good for 127.0.0.1 and localhost, a year long. */
export async function makeServerIdentity(): Promise<ServerIdentity> {
  // Loaded on demand: only who simulates a server with TLS needs it.
  const { generate } = await import("selfsigned");
  const common = {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(Date.now() + 365 * DAY_MS),
  } as const;
  const authority = await generate([{ name: "commonName", value: "Virtual OctoPrint authority" }], {
    ...common,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: "commonName", value: "localhost" }], {
    ...common,
    extensions: [
      { name: "basicConstraints", cA: false },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
    ca: { key: authority.private, cert: authority.cert },
  });
  return { key: leaf.private, cert: leaf.cert, caPem: authority.cert };
}
