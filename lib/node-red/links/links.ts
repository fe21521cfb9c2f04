import type { Link } from "../../printer/link";
import { lan, simulated } from "./bambu";
import { auto, cloud } from "./cloud";
import { viaOctoprint } from "./octoprint";
import type { PrinterSettings } from "../settings";
import type { Finding, Surroundings, Way } from "./way";

const WAYS: Readonly<Record<PrinterSettings["connection"], Way>> = {
  ...{ lan, cloud, auto, simulated },
  octoprint: viaOctoprint,
};

/** The link that the settings describe. */
export function linkFor(settings: PrinterSettings, around: Surroundings): Link {
  return WAYS[settings.connection].link(settings, around);
}

/**
 * Connects once, asks who is there and leaves. Learns no certificate.
 * @throws PrintgateError in words that name the trouble
 */
export function tryPrinter(settings: PrinterSettings, around: Surroundings): Promise<Finding> {
  return WAYS[settings.connection].tryOut(settings, around);
}
