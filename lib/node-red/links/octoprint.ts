import { octoprint, type OctoprintOptions, probe } from "../../octoprint/session";
import { enteredKey, type KeySource, sessionKeys } from "../../octoprint/session-keys";
import type { Trust } from "../../octoprint/trust";
import type { Pins } from "./pins";
import { preparedLink } from "./prepared-link";
import type { PrinterSettings } from "../settings";
import type { Way } from "./way";

/** Any printer that an OctoPrint drives. */
export const viaOctoprint: Way = {
  link: (settings, { pins }) =>
    preparedLink({ name: "octoprint", vendor: "octoprint" }, async () => ({
      link: octoprint(optionsFrom(settings, await octoprintTrust(settings, pins))),
      putAway: () => Promise.resolve(),
    })),
  tryOut: async (settings, { pins }) => {
    const found = await probe(optionsFrom(settings, forgetful(await octoprintTrust(settings, pins))));
    const { away, model, status } = found.observation;
    const server = status.firmware.modules[0]?.installed ?? "";
    return {
      // Whom we have spoken to; what the printer is called it says only when it is asked, while nothing prints.
      model: model ?? `OctoPrint ${server}`.trim(),
      firmware: status.firmware.installed,
      fingerprint: found.fingerprint,
      remark: away === true ? "The printer itself is off, or not connected to OctoPrint." : status.control.reason,
    };
  },
};

/** @throws PrintgateError `config-invalid` for an app key that is none */
function optionsFrom(settings: PrinterSettings, trust: Trust): OctoprintOptions {
  const { url, staleAfterMs } = settings;
  return { url, keys: keysFrom(settings), trust, staleAfterMs };
}

function keysFrom({ apiKey, appId, appVersion, appKey }: PrinterSettings): KeySource {
  return apiKey === "" ? sessionKeys({ id: appId, version: appVersion, privateKey: appKey }) : enteredKey(apiKey);
}

/** How the server's certificate is judged. A fingerprint in the properties goes before the learnt one. */
export async function octoprintTrust(
  { id, tls, fingerprint, ca }: Pick<PrinterSettings, "id" | "tls" | "fingerprint" | "ca">,
  pins: Pins,
): Promise<Trust> {
  switch (tls) {
    case "insecure":
      return { mode: "insecure" };
    case "verify":
      return { mode: "verify", caFile: ca === "" ? null : ca };
    case "pin": {
      const known = fingerprint === "" ? await pins.read(id) : fingerprint;
      return { mode: "pin", fingerprint: known, learn: (learnt) => pins.learn(id, learnt) };
    }
  }
}

/** The same for a trial: nothing is learnt by it. */
export function forgetful(trust: Trust): Trust {
  return trust.mode === "pin" ? { ...trust, learn: () => Promise.resolve() } : trust;
}
