import type { SecureContextOptions } from "node:tls";
import type { NodeAPI } from "node-red";
import type { Region } from "../../bambu/cloud/types";
import { PrintgateError } from "../../errors";
import { readProperties, unsetVariable, variableIn } from "../properties";

/** Secrets of a printer-account node, as Node-RED keeps them. */
export interface AccountCredentials {
  accessToken?: string;
}

/** What is taken of a core `tls-config` node: its files. That the server is verified is not left to it. */
export type AccountTls = Pick<SecureContextOptions, "key" | "cert" | "ca" | "passphrase">;

/** Everything that is needed to reach an account; checked. */
export interface AccountSettings {
  readonly region: Region;
  /** Without a trailing slash; empty = the region's. */
  readonly apiUrl: string;
  readonly mqttUrl: string;
  /** null = the public authorities. */
  readonly tls: AccountTls | null;
  /** Empty = none. */
  readonly pastedToken: string;
}

/** A core `tls-config` node, as far as Node-RED's own nodes use it. */
interface TlsNode {
  readonly type: string;
  readonly valid?: boolean;
  addTLSOptions?(options: object): AccountTls;
}

/**
 * The settings that a printer-account node describes.
 * @throws PrintgateError `config-invalid` with the first thing that is wrong
 */
export function readAccountSettings(
  RED: NodeAPI,
  def: Readonly<Record<string, unknown>>,
  credentials: AccountCredentials,
): AccountSettings {
  const { values, problems } = readProperties("printer-account", def);
  const pastedToken = (credentials.accessToken ?? "").trim();
  const unset = variableIn(pastedToken);
  const problem = problems[0] ?? (unset === null ? undefined : unsetVariable(unset));
  if (problem !== undefined) throw new PrintgateError("config-invalid", problem);
  const { region, apiUrl, mqttUrl, tlsConfig } = values;
  const tls = tlsConfig === "" ? null : tlsOf(RED, tlsConfig);
  return { region, apiUrl: withoutSlash(apiUrl), mqttUrl: withoutSlash(mqttUrl), tls, pastedToken };
}

function tlsOf(RED: NodeAPI, id: string): AccountTls {
  const node = RED.nodes.getNode(id) as unknown as TlsNode | null;
  if (node?.type !== "tls-config" || node.addTLSOptions === undefined)
    throw new PrintgateError("config-invalid", "the TLS configuration is missing, disabled or not deployed yet");
  if (node.valid === false)
    throw new PrintgateError("config-invalid", "the TLS configuration can not be used: see its own message in the log");
  const { key, cert, ca, passphrase } = node.addTLSOptions({});
  return {
    ...(key !== undefined && { key }),
    ...(cert !== undefined && { cert }),
    ...(ca !== undefined && { ca }),
    ...(passphrase !== undefined && { passphrase }),
  };
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

/** Which cloud this is: a session of one says nothing to another, and must not be shown to it. */
export function placeOf({ region, apiUrl }: Pick<AccountSettings, "region" | "apiUrl">): string {
  return apiUrl === "" ? region : apiUrl.toLowerCase();
}

/** What is dangerous and yet done as told, in sentences for the log. */
export function warningsOf({ apiUrl, mqttUrl }: AccountSettings): string[] {
  return [apiUrl, mqttUrl]
    .filter((url) => /^(http|mqtt):/i.test(url))
    .map((url) => `${url} is not encrypted: whoever listens on the way gets the account's token`);
}
