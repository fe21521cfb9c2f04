import { createHash } from "node:crypto";
import { PrintgateError } from "../errors";
import { isPrinterId, type PrinterIdentity } from "../printer/status";
import { readProperties, unsetVariable, type Values, variableIn } from "./properties";

/** Names of the secrets of a printer-config node. */
export const SECRETS = ["accessCode", "apiKey", "appKey"] as const;

/** Secrets of a printer-config node, as Node-RED keeps them. */
export type PrinterCredentials = Partial<Record<(typeof SECRETS)[number], string>>;

/** Everything that is needed to reach a printer; checked, in the units of the code. */
export interface PrinterSettings extends Omit<Values<"printer-config">, "name" | "serial" | "staleAfter"> {
  /** The serial, upper case; for OctoPrint whatever the printer is called in topics. */
  readonly id: string;
  readonly name: string;
  readonly staleAfterMs: number;
  /** Empty where the printer itself is not called. */
  readonly accessCode: string;
  /** Of OctoPrint; empty where an app makes its own keys. */
  readonly apiKey: string;
  /** The private key of an app that OctoPrint knows; empty where there is an API key. */
  readonly appKey: string;
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
  const { name, serial, staleAfter, ...rest } = values;
  const { connection } = rest;
  const need = connection === "octoprint" ? (values.appId === "" ? API_KEY : APP_KEY) : (NEEDS[connection] ?? null);
  const { secrets, problem } = readSecrets(need, credentials);
  const all = [...problems, ...(problem === null ? [] : [problem])];
  const id = serial === "" && connection === "simulated" ? inventedSerial(nodeId) : serial;
  if (all.length === 0 && !isPrinterId(id)) all.push("serial must not hold /, +, # or spaces");
  if (all[0] !== undefined) throw new PrintgateError("config-invalid", all[0]);

  return {
    ...rest,
    id,
    name: name === "" ? id : name,
    staleAfterMs: staleAfter * 1000,
    ...secrets,
  };
}

/** The secrets of which one must be there, the first that is counts, and what is said when none is. */
interface Need {
  readonly oneOf: readonly (keyof PrinterCredentials)[];
  readonly missing: string;
}

const ACCESS_CODE: Need = { oneOf: ["accessCode"], missing: "no access code" };
const API_KEY: Need = { oneOf: ["apiKey"], missing: "no API key" };
const APP_KEY: Need = { oneOf: ["apiKey", "appKey"], missing: "neither an API key nor an app key" };
const NEEDS: Readonly<Partial<Record<PrinterSettings["connection"], Need>>> = { lan: ACCESS_CODE, auto: ACCESS_CODE };

/** The secret that is used; all others are none of this connection's business. */
function readSecrets(
  need: Need | null,
  credentials: PrinterCredentials,
): { readonly secrets: Readonly<Record<keyof PrinterCredentials, string>>; readonly problem: string | null } {
  const none = { accessCode: "", apiKey: "", appKey: "" };
  if (need === null) return { secrets: none, problem: null };
  const given = need.oneOf
    .map((key) => [key, (credentials[key] ?? "").trim()] as const)
    .find(([, text]) => text !== "");
  if (given === undefined) return { secrets: none, problem: need.missing };
  const unset = variableIn(given[1]);
  return { secrets: { ...none, [given[0]]: given[1] }, problem: unset === null ? null : unsetVariable(unset) };
}

/** The same for the same node over restarts, different for different nodes. */
function inventedSerial(nodeId: string): string {
  return `SIM-${createHash("sha256").update(nodeId).digest("hex").slice(0, 8).toUpperCase()}`;
}

/** What two nodes with the same serial must agree on, and how it is called in a sentence. */
const SHARED: readonly (readonly [keyof PrinterSettings, string])[] = [
  ["connection", "connection"],
  ["account", "account"],
  ["url", "address"],
  ["host", "host"],
  ["port", "port"],
  ["ftpPort", "port for files"],
  ["cameraPort", "port of the camera"],
  ["accessCode", "access code"],
  ["apiKey", "API key"],
  ["appId", "app"],
  ["appVersion", "app version"],
  ["appKey", "app key"],
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
  const vendor = settings.connection === "octoprint" ? "octoprint" : "bambu";
  return { id: settings.id, name: settings.name, vendor, model: null, link: null };
}

/** Addresses that never leave this machine. */
const LOOPBACK = /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|$)/i;

/** What is dangerous and yet done as told, in a sentence for the log; null = nothing. */
export function warningOf({ url }: Pick<PrinterSettings, "url">): string | null {
  if (!/^http:/i.test(url) || LOOPBACK.test(url)) return null;
  return `${url} is not encrypted: whoever listens on the way gets the API key`;
}
