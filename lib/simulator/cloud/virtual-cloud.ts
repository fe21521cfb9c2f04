/**
 * A maker's cloud without the maker: the REST calls and the MQTT broker that printers and accounts meet at, on ports of
 * its own. Built from the protocol alone, so that it can tell whether a client is right; and it can fail in every known way.
 */
import { PrintgateError } from "../../errors";
import { RunningCloud } from "./running-cloud";
import type { SimulatedCloudOptions, VirtualCloud } from "./types";

export type { FaultPlace } from "../fault-board";
export type { CloudUser } from "./accounts";
export type { Answer } from "./answers";
export type { AttachOptions } from "./attached-printer";
export type { CloudMqtt, MqttFault } from "./broker";
export type { CatalogueFirmware, DeviceCatalogue, DeviceWork } from "./devices";
export type { Fault } from "./faults";
export type { CloudRequest } from "./rest";
export type { PlainDevice, SimulatedCloudOptions, VirtualCloud } from "./types";

function checkOptions({ users, tokenSeconds = 1, codeSeconds = 1 }: SimulatedCloudOptions): void {
  const accounts = new Set(users.map(({ account }) => account));
  const wrong = [
    accounts.size === users.length ? "" : "Two users have the same account.",
    users.every(({ account, uid }) => account !== "" && Number.isSafeInteger(uid)) ? "" : "A user is incomplete.",
    tokenSeconds > 0 && codeSeconds > 0 ? "" : "Tokens and codes must live longer than 0 s.",
  ].filter((text) => text !== "");
  if (wrong.length > 0) throw new PrintgateError("config-invalid", wrong.join(" "));
}

/**
 * Starts a simulated cloud.
 * @throws PrintgateError `config-invalid` for a bad option or a port that can not be had
 */
export async function startVirtualCloud(options: SimulatedCloudOptions): Promise<VirtualCloud> {
  checkOptions(options);
  const cloud = new RunningCloud(options);
  await cloud.open();
  return cloud;
}
