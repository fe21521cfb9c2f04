/**
 * A printer without hardware: MQTT over TLS on a port of its own, reports and replies as the chosen model words them.
 * Built from the protocol alone, so that it can tell whether a client is right.
 */
import { PrintgateError } from "../../errors";
import { makeCertificate } from "./certificate";
import { findProfile } from "./machine/profiles";
import { RunningPrinter } from "./running-printer";
import type { VirtualPrinter, VirtualPrinterOptions } from "./types";

export type { FirmwareOffer } from "./machine/firmware";
export { findProfile, PRINTER_PROFILES } from "./machine/profiles";
export type { InstalledFirmware, VirtualPrinter, VirtualPrinterOptions } from "./types";
export type { StateChange } from "./uplink";

function checkOptions({ serial, accessCode, timeScale = 1, reportIntervalMs = 1000 }: VirtualPrinterOptions): void {
  const wrong = [
    /^[\w.-]{1,64}$/.test(serial) ? "" : `"${serial}" is not a serial.`,
    accessCode === "" ? "The access code is missing." : "",
    Number.isFinite(timeScale) && timeScale >= 0 ? "" : "The time scale must be 0 or more.",
    reportIntervalMs > 0 ? "" : "The report interval must be more than 0 ms.",
  ].filter((text) => text !== "");
  if (wrong.length > 0) throw new PrintgateError("config-invalid", wrong.join(" "));
}

/**
 * Starts a virtual printer.
 * @throws PrintgateError `config-invalid` for an unknown model, a bad option or a port that can not be had
 */
export async function startVirtualPrinter(options: VirtualPrinterOptions): Promise<VirtualPrinter> {
  const profile = findProfile(options.model);
  checkOptions(options);
  const printer = new RunningPrinter(options, profile, options.certificate ?? (await makeCertificate(options.serial)));
  await printer.open();
  return printer;
}
