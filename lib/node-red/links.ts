import { randomBytes } from "node:crypto";
import { discover, type Sightings } from "../bambu/discovery";
import { probe } from "../bambu/probe";
import { bambuLan } from "../bambu/session";
import { PrintgateError, toError } from "../errors";
import type { Link, LinkListener } from "../printer/link";
import { startVirtualPrinter } from "../simulator/virtual-printer";
import type { Pins } from "./pins";
import type { PrinterSettings } from "./settings";

/** How long to listen for printers: they announce themselves every five seconds or so. */
export const LISTEN_SECONDS = 6;

type LanOptions = Parameters<typeof bambuLan>[0];

/** How a printer is reached, and what must be put away afterwards. */
interface Way {
  readonly options: LanOptions;
  readonly putAway: () => Promise<void>;
}

/** What "Test connection" tells. */
export interface Finding {
  readonly model: string | null;
  readonly firmware: string | null;
  /** Of the certificate, where it was looked at. */
  readonly fingerprint: string | null;
}

/** What links share. */
export interface Surroundings {
  readonly pins: Pins;
  /** Printers that announce themselves: by it a printer is found again when its address changes. */
  readonly sightings: Sightings;
}

/** The link that the settings describe. */
export function linkFor(settings: PrinterSettings, around: Surroundings): Link {
  return preparedLink(settings.connection, async () => {
    const { options, putAway } = await wayTo(settings, around);
    return { link: bambuLan(options), putAway };
  });
}

/**
 * Connects once, asks who is there and leaves. Learns no certificate.
 * @throws PrintgateError in words that name the trouble
 */
export async function tryPrinter(settings: PrinterSettings, around: Surroundings): Promise<Finding> {
  const { options, putAway } = await wayTo(await located(settings), around);
  const { trust } = options;
  const forgetful = trust.mode === "pin" ? { ...trust, learn: () => Promise.resolve() } : trust;
  try {
    const found = await probe({ ...options, trust: forgetful });
    if (!found.ok) throw new PrintgateError("unreachable", found.reason);
    return { model: found.model, firmware: found.firmware, fingerprint: found.fingerprint };
  } finally {
    await putAway();
  }
}

/** A printer without a host is called where it announces itself. */
async function located(settings: PrinterSettings): Promise<PrinterSettings> {
  if (settings.connection !== "lan" || settings.host !== "") return settings;
  const found = (await discover({ seconds: LISTEN_SECONDS })).find(({ serial }) => serial === settings.id);
  if (found) return { ...settings, host: found.address };
  throw new PrintgateError("unreachable", `no printer with serial ${settings.id} announces itself; give its host`);
}

function wayTo(settings: PrinterSettings, around: Surroundings): Promise<Way> {
  switch (settings.connection) {
    case "lan":
      return lanWay(settings, around);
    case "simulated":
      return simulatedWay(settings);
  }
}

async function lanWay(settings: PrinterSettings, { pins, sightings }: Surroundings): Promise<Way> {
  const { id: serial, host, port, accessCode, staleAfterMs } = settings;
  const trust = await trustFor(settings, pins);
  const options: LanOptions = { serial, host, port, accessCode, trust, staleAfterMs, sightings, name: "lan" };
  return { options, putAway: () => Promise.resolve() };
}

/** How the printer's certificate is judged. A fingerprint in the properties goes before the learnt one. */
async function trustFor(settings: PrinterSettings, pins: Pins): Promise<LanOptions["trust"]> {
  switch (settings.tls) {
    case "insecure":
      return { mode: "insecure" };
    case "verify":
      return { mode: "verify", caFile: settings.ca };
    case "pin": {
      const fingerprint = settings.fingerprint === "" ? await pins.read(settings.id) : settings.fingerprint;
      return { mode: "pin", fingerprint, learn: (learnt) => pins.learn(settings.id, learnt) };
    }
  }
}

/** A virtual printer of our own, reached through the very code that reaches a real one. */
async function simulatedWay({ id, model, timeScale, staleAfterMs }: PrinterSettings): Promise<Way> {
  const access = { serial: id, accessCode: randomBytes(4).toString("hex"), host: "127.0.0.1" };
  const machine = await startVirtualPrinter({ ...access, port: 0, model, timeScale, jobs: "endless" });
  const { port, fingerprint } = machine;
  const trust = { mode: "pin", fingerprint, learn: () => Promise.resolve() } as const;
  const options: LanOptions = { ...access, port, trust, staleAfterMs, name: "simulated" };
  return { options, putAway: () => machine.close() };
}

interface Prepared {
  readonly link: Link;
  readonly putAway: () => Promise<void>;
}

/** A link that must be prepared first: it counts as connecting meanwhile, and as stopped if that fails. */
export function preparedLink(name: "lan" | "simulated", prepare: () => Promise<Prepared>): Link {
  let current: { prepared: Promise<Prepared | null>; closed: boolean } | null = null;

  const begin = async (listener: LinkListener, isClosed: () => boolean): Promise<Prepared | null> => {
    try {
      const prepared = await prepare();
      if (!isClosed()) prepared.link.open(listener);
      return prepared;
    } catch (thrown) {
      if (!isClosed()) listener.state({ kind: "stopped", reason: toError(thrown) });
      return null;
    }
  };

  return {
    name,
    vendor: "bambu",
    open: (listener) => {
      if (current) return;
      const run = { prepared: Promise.resolve<Prepared | null>(null), closed: false };
      run.prepared = begin(listener, () => run.closed);
      current = run;
    },
    close: async () => {
      const run = current;
      if (!run) return;
      current = null;
      run.closed = true;
      const prepared = await run.prepared;
      await prepared?.link.close();
      await prepared?.putAway();
    },
    refresh: () => {
      void current?.prepared.then((prepared) => {
        prepared?.link.refresh();
      });
    },
  };
}
