import { randomBytes } from "node:crypto";
import { withAccount } from "../../bambu/cloud/with-account";
import { discover } from "../../bambu/discovery";
import { probe } from "../../bambu/probe";
import { bambuLan } from "../../bambu/session";
import { PrintgateError } from "../../errors";
import { startVirtualPrinter } from "../../simulator/printer/virtual-printer";
import { preparedLink } from "./prepared-link";
import type { Pins } from "./pins";
import type { PrinterSettings } from "../settings";
import { type Finding, LISTEN_SECONDS, type Surroundings, type Way } from "./way";

type LanOptions = Parameters<typeof bambuLan>[0];

/** How a printer is reached, and what must be put away afterwards. */
interface Access {
  readonly options: LanOptions;
  readonly putAway: () => Promise<void>;
}

/** MQTT over TLS to a Bambu Lab printer in the network. */
export const lan: Way = bambuWay("lan", lanAccess);
/** A virtual printer of our own, reached through the very code that reaches a real one. */
export const simulated: Way = bambuWay("simulated", simulatedAccess);

function bambuWay(
  name: "lan" | "simulated",
  accessOf: (settings: PrinterSettings, around: Surroundings) => Promise<Access>,
): Way {
  return {
    link: (settings, around) =>
      preparedLink({ name, vendor: "bambu" }, async () => {
        const { options, putAway } = await accessOf(settings, around);
        const link = bambuLan(options);
        // An account that is optional here still tells when its sign-in ends, and gives the printer its name.
        const account = name === "lan" ? around.accounts.of(settings.account)?.account : undefined;
        return { link: account === undefined ? link : withAccount(link, account, settings.id), putAway };
      }),
    tryOut: async (settings, around) => {
      const { options, putAway } = await accessOf(await located(settings), around);
      return tryAccess(options).finally(putAway);
    },
  };
}

/** Calls the printer of these settings in the network once. Learns no certificate. @throws PrintgateError */
export async function tryLan(settings: PrinterSettings, around: Surroundings): Promise<Finding> {
  const { options } = await lanAccess(await located(settings), around);
  return tryAccess(options);
}

/** Learns no certificate. */
async function tryAccess(options: LanOptions): Promise<Finding> {
  const { trust } = options;
  const forgetful = trust.mode === "pin" ? { ...trust, learn: () => Promise.resolve() } : trust;
  const found = await probe({ ...options, trust: forgetful });
  if (!found.ok) throw new PrintgateError("unreachable", found.reason);
  return { model: found.model, firmware: found.firmware, fingerprint: found.fingerprint, remark: null };
}

/** A printer without a host is called where it announces itself. */
async function located(settings: PrinterSettings): Promise<PrinterSettings> {
  if (settings.connection === "simulated" || settings.host !== "") return settings;
  const found = (await discover({ seconds: LISTEN_SECONDS })).find(({ serial }) => serial === settings.id);
  if (found) return { ...settings, host: found.address };
  throw new PrintgateError("unreachable", `no printer with serial ${settings.id} announces itself; give its host`);
}

/** How the printer of these settings is called in the network. */
export async function lanAccess(settings: PrinterSettings, { pins, sightings }: Surroundings): Promise<Access> {
  const { id: serial, host, port, ftpPort, cameraPort, accessCode, staleAfterMs } = settings;
  const ports = { ftp: ftpPort, camera: cameraPort };
  const trust = await trustFor(settings, pins);
  const options: LanOptions = { serial, host, port, ports, accessCode, trust, staleAfterMs, sightings, name: "lan" };
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

async function simulatedAccess({ id, model, timeScale, staleAfterMs }: PrinterSettings): Promise<Access> {
  const access = { serial: id, accessCode: randomBytes(4).toString("hex"), host: "127.0.0.1" };
  const machine = await startVirtualPrinter({ ...access, port: 0, model, timeScale, jobs: "endless" });
  const { port, fingerprint, doors } = machine;
  // So that a flow that prints by name finds something.
  doors.files.set("/bracket.3mf", Buffer.from("a simulated print"));
  const ports = { ftp: doors.ftpPort, camera: doors.cameraPort };
  const trust = { mode: "pin", fingerprint, learn: () => Promise.resolve() } as const;
  const options: LanOptions = { ...access, port, ports, trust, staleAfterMs, name: "simulated" };
  return { options, putAway: () => machine.close() };
}
