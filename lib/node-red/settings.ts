import { createHash } from "node:crypto";
import { PrintgateError } from "../errors";
import { isPrinterId, type PrinterIdentity } from "../printer/status";
import { readProperties, unsetVariable, type Values, variableIn } from "./properties";

/** Secrets of a printer-config node, as Node-RED keeps them. */
export interface PrinterCredentials {
  accessCode?: string;
}

/** Everything that is needed to reach a printer; checked, in the units of the code. */
export interface PrinterSettings extends Pick<
  Values<"printer-config">,
  | "connection"
  | "account"
  | "host"
  | "port"
  | "ftpPort"
  | "cameraPort"
  | "tls"
  | "fingerprint"
  | "ca"
  | "model"
  | "timeScale"
> {
  /** The serial, upper case. */
  readonly id: string;
  readonly name: string;
  readonly staleAfterMs: number;
  /** Empty where the printer itself is not called. */
  readonly accessCode: string;
}

/**
 * The settings that a printer-config node describes.
 * @param nodeId the id of the node, from which a simulated printer without a serial gets a stable one
 * @throws PrintgateError `config-invalid` with the first thing that is wrong
 */
export function readSettings(
  def: Readonly<Record<string, unknown>>,
  credentials: PrinterCredentials,
  nodeId: string,
): PrinterSettings {
  const { values, problems } = readProperties("printer-config", def);
  const accessCode = (credentials.accessCode ?? "").trim();
  const unset = variableIn(accessCode);
  const all = [...problems];
  const isCalled = values.connection === "lan" || values.connection === "auto";
  if (isCalled) {
    if (accessCode === "") all.push("no access code");
    else if (unset !== null) all.push(unsetVariable(unset));
  }
  const id = values.serial === "" && values.connection === "simulated" ? inventedSerial(nodeId) : values.serial;
  if (all.length === 0 && !isPrinterId(id)) all.push("serial must not hold /, +, # or spaces");
  if (all[0] !== undefined) throw new PrintgateError("config-invalid", all[0]);

  const { connection, account, host, port, ftpPort, cameraPort, tls, fingerprint, ca, model, timeScale, staleAfter } =
    values;
  return {
    id,
    name: values.name === "" ? id : values.name,
    ...{ connection, account, host, port, ftpPort, cameraPort, tls, fingerprint, ca, model, timeScale },
    staleAfterMs: staleAfter * 1000,
    accessCode: isCalled ? accessCode : "",
  };
}

/** The same for the same node over restarts, different for different nodes. */
function inventedSerial(nodeId: string): string {
  return `SIM-${createHash("sha256").update(nodeId).digest("hex").slice(0, 8).toUpperCase()}`;
}

/** What two nodes with the same serial must agree on, and how it is called in a sentence. */
const SHARED: readonly (readonly [keyof PrinterSettings, string])[] = [
  ["connection", "connection"],
  ["account", "account"],
  ["host", "host"],
  ["port", "port"],
  ["ftpPort", "port for files"],
  ["cameraPort", "port of the camera"],
  ["accessCode", "access code"],
  ["tls", "certificate check"],
  ["fingerprint", "fingerprint"],
  ["ca", "CA file"],
  ["model", "model"],
  ["timeScale", "time scale"],
];

/** In what two settings of the same printer differ, in words; empty = they can share one connection. */
export function differences(a: PrinterSettings, b: PrinterSettings): string[] {
  return SHARED.filter(([key]) => a[key] !== b[key]).map(([, words]) => words);
}

/** Who the printer is, as far as the settings tell. */
export function identityOf(settings: PrinterSettings): PrinterIdentity {
  return { id: settings.id, name: settings.name, vendor: "bambu", model: null, link: null };
}
