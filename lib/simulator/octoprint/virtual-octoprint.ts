/**
 * An OctoPrint without Python: REST interface, push socket, application keys and, where apps are registered, the app
 * session keys of old servers, with a printer behind it. Built from what OctoPrint 1.11.8 was seen to do, so that it
 * can tell whether a client is right.
 */
import { PrintgateError } from "../../errors";
import { makeServerIdentity, type ServerIdentity } from "../certificates";
import { RunningOctoprint } from "./running-octoprint";
import type { VirtualOctoprint, VirtualOctoprintOptions } from "./types";

export type { FaultPlace } from "../fault-board";
export { PERMISSIONS, type Permission, READ_ONLY } from "./access";
export type { Fault } from "./faults";
export type { OctoprintRequest } from "./rest";
export type { RegisteredApp } from "./session-keys";
export type { PrintOrder, VirtualOctoprint, VirtualOctoprintOptions } from "./types";

function checkOptions({ prefix = "", timeScale = 1, transitionSeconds = 1, tools = 1 }: VirtualOctoprintOptions): void {
  const wrong = [
    prefix === "" || /^(?:\/[\w.-]+)+$/.test(prefix)
      ? ""
      : `"${prefix}" is not a prefix: it begins with / and ends without.`,
    Number.isFinite(timeScale) && timeScale >= 0 ? "" : "The time scale must be 0 or more.",
    Number.isFinite(transitionSeconds) && transitionSeconds >= 0 ? "" : "The transition seconds must be 0 or more.",
    Number.isInteger(tools) && tools >= 1 && tools <= 16 ? "" : "A printer has 1 to 16 nozzles.",
  ].filter((text) => text !== "");
  if (wrong.length > 0) throw new PrintgateError("config-invalid", wrong.join(" "));
}

/**
 * Starts a simulated OctoPrint.
 * @throws PrintgateError `config-invalid` for a bad option or a port that can not be had
 */
export async function startVirtualOctoprint(options: VirtualOctoprintOptions = {}): Promise<VirtualOctoprint> {
  checkOptions(options);
  const identity: ServerIdentity | null = options.tls === true ? await makeServerIdentity() : null;
  const octoprint = new RunningOctoprint(options, identity);
  await octoprint.start();
  return octoprint;
}
