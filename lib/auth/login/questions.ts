/**
 * What a message asks to be logged in as: one row a method of `auth-login`, each reading its part
 * of the message and nothing else. Pure; never throws.
 */
import { readHttpCredentials, type Headers } from "./credentials";
import type { AuthData, ExtendedAuthData, RejectCode } from "../provider";
import { readExtendedAuthData, readMqtt3AuthData, readMqtt5AuthData } from "../wire";
import { parseJson, type Reading } from "../wire-json";

export type LoginMethod = "password" | "http" | "session-key" | "msg";

/** The parts of a message that a login reads. */
export interface LoginMessage {
  /** `password`: `{ username, password, clientId? }`. */
  readonly credentials?: unknown;
  /** `http`: the request of an `http in`. For the other methods it tells the address. */
  readonly req?: unknown;
  /** `session-key`: empty, or the signed request. */
  readonly payload?: unknown;
  /** `msg`: MQTT3AuthData, MQTT5AuthData or MQTT5ExtendedAuthData. */
  readonly authData?: unknown;
}

/** What is known of the client beside who it says it is; goes into ClientInfo. */
export interface Known {
  readonly ver?: string;
  readonly clientId?: string;
  readonly channelId?: string;
  readonly address?: string;
}

export type Question = { readonly known: Known } & (
  | { readonly kind: "auth"; readonly data: AuthData }
  | { readonly kind: "extended"; readonly data: ExtendedAuthData }
  /** A session key, as Bearer token or API key. */
  | { readonly kind: "key"; readonly key: string }
  /** The first step of the app handshake, and the second. */
  | { readonly kind: "issue" }
  | { readonly kind: "verify"; readonly request: unknown }
  /** There is nothing to judge. */
  | { readonly kind: "unusable"; readonly code: RejectCode; readonly reason: string }
);

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !(value instanceof Uint8Array) ? (value as Fields) : {};
const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);

/** Who sent the request, as Express says it (its trust in proxies included), else the socket. */
function addressOf(req: unknown): Pick<Known, "address"> {
  const request = fieldsOf(req);
  const address = [request["ip"], fieldsOf(request["socket"])["remoteAddress"]].find(
    (given): given is string => typeof given === "string" && given !== "",
  );
  return address === undefined ? {} : { address };
}

function passwordData(
  { address, clientId }: Known,
  credentials: { readonly username: string; readonly password: Uint8Array },
): AuthData {
  return {
    version: "3",
    isMQIsdp: false,
    ...credentials,
    ...(clientId !== undefined && { clientId }),
    remoteAddr: address ?? "",
    remotePort: 0,
    channelId: "",
  };
}

function askPassword({ credentials, req }: LoginMessage): Question {
  const given = fieldsOf(credentials);
  const [username, password, clientId] = ["username", "password", "clientId"].map((name) => own(given, name));
  const known: Known = {
    ...addressOf(req),
    ...(typeof clientId === "string" && clientId !== "" && { clientId }),
  };
  const bytes = typeof password === "string" ? Buffer.from(password) : password;
  if (typeof username !== "string" || username === "" || !(bytes instanceof Uint8Array))
    return { kind: "unusable", known, code: "NotAuthorized", reason: "msg.credentials has no user name and password" };
  return { kind: "auth", known, data: passwordData(known, { username, password: bytes }) };
}

function askHttp({ req }: LoginMessage): Question {
  const known: Known = { ver: "http", ...addressOf(req) };
  const credentials = readHttpCredentials(fieldsOf(fieldsOf(req)["headers"]) as Headers);
  switch (credentials.kind) {
    case "basic": {
      const { username, password } = credentials;
      return { kind: "auth", known, data: passwordData(known, { username, password: Buffer.from(password) }) };
    }
    case "key":
      return { kind: "key", known, key: credentials.key };
    case "none":
      return { kind: "unusable", known, code: "NotAuthorized", reason: credentials.reason };
  }
}

const isEmpty = (payload: unknown): boolean =>
  payload === undefined ||
  payload === null ||
  payload === "" ||
  (payload instanceof Uint8Array && payload.length === 0) ||
  (typeof payload === "object" && Object.keys(payload).length === 0);

function askSessionKey({ payload, req }: LoginMessage): Question {
  const known = addressOf(req);
  if (isEmpty(payload)) return { kind: "issue", known };
  const isText = typeof payload === "string" || payload instanceof Uint8Array;
  const request: Reading<unknown> = isText ? parseJson(payload) : { kind: "read", value: payload };
  if (request.kind === "read") return { kind: "verify", known, request: request.value };
  return { kind: "unusable", known, code: "Error", reason: "msg.payload is not JSON" };
}

/** What MQTT data says of its client. A client that sent no id is named by its connection, as in BifroMQ. */
function knownOf(data: AuthData): Known {
  const { clientId = "", channelId, remoteAddr } = data;
  const ver = data.version === "5" ? "5" : data.isMQIsdp ? "3" : "4";
  return { ver, clientId: clientId === "" ? channelId : clientId, channelId, address: remoteAddr };
}

const MQTT5_ONLY = ["userProps", "responseInfo"];

function askMsg({ authData }: LoginMessage): Question {
  const given = fieldsOf(authData);
  const unusable = (reason: string): Question => ({ kind: "unusable", known: {}, code: "Error", reason });
  if (Object.hasOwn(given, "initial") || Object.hasOwn(given, "auth")) {
    const extended = readExtendedAuthData(given);
    if (extended.kind === "malformed") return unusable(extended.reason);
    const { value } = extended;
    return { kind: "extended", known: value.step === "initial" ? knownOf(value.basic) : { ver: "5" }, data: value };
  }
  // The wire does not name the version: what only MQTT 5 has tells it, unless the flow does.
  const version = own(given, "version") ?? (MQTT5_ONLY.some((name) => (own(given, name) ?? null) !== null) ? "5" : "4");
  const plain: Reading<AuthData> =
    version === "5" || version === 5 ? readMqtt5AuthData(authData) : readMqtt3AuthData(authData);
  return plain.kind === "malformed"
    ? unusable(plain.reason)
    : { kind: "auth", known: knownOf(plain.value), data: plain.value };
}

const METHODS: Readonly<Record<LoginMethod, (message: LoginMessage) => Question>> = {
  password: askPassword,
  http: askHttp,
  "session-key": askSessionKey,
  msg: askMsg,
};

/** What the message asks, read by the method. */
export const readLogin = (method: LoginMethod, message: LoginMessage): Question => METHODS[method](message);
