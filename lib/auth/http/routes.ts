/** The calls: BifroMQ's webhook, registration, OctoPrint's app handshake, and the metrics. */
import { timingSafeEqual } from "node:crypto";
import { headerOf, type Headers } from "../login/credentials";
import { createSecretDigest } from "../login/passwords";
import type { Action, AuthResult, ClientInfo, Identity, Mqtt3AuthData, Unknown } from "../provider";
import { clientOf, freeAttributes, type Request } from "../request";
import { filterProblem, nameProblem, textProblem } from "../topics";
import { readUser } from "../login/users";
import { mqtt3AuthResultJson, readAction, readMqtt3AuthData } from "../wire";
import type { Json } from "../wire-json";
import type { AuditRecord, HttpParts, HttpRequest } from "./types";

/** What a route says: to the asker, and to the books. */
export interface RouteAnswer {
  readonly status: number;
  /** Text as it is, anything else as JSON. */
  readonly body: string | Exclude<Json, string>;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly result: AuditRecord["result"];
  readonly reason: string;
  readonly client?: ClientInfo;
  readonly action?: Action;
}

export interface Call {
  readonly request: HttpRequest;
  readonly parts: HttpParts;
  readonly json: unknown;
}

export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Null: not written into the books. */
  readonly audited: AuditRecord["method"] | null;
  readonly takes: "json" | "nothing";
  /** Off: as if the path did not exist. */
  readonly isOn: (parts: HttpParts) => boolean;
  /** An answer before the body is read. */
  before?(request: HttpRequest, parts: HttpParts): RouteAnswer | undefined;
  handle(call: Call): Promise<RouteAnswer>;
}

const badRequest = (reason: string): RouteAnswer => ({ status: 400, body: { error: reason }, result: "error", reason });

/** A client as far as its login data tell; `who` is proven, or what it claims. */
function clientOfData(data: Mqtt3AuthData, who: Partial<Identity>): ClientInfo {
  const { clientId = "", channelId, remoteAddr: address } = data;
  const { tenantId = "", userId = data.username ?? "", attrs = {} } = who;
  // A broker sends this call for clients of every version, so the version is not known.
  const known = { clientId: clientId === "" ? channelId : clientId, channelId, address };
  return clientOf({ tenantId, userId, attrs }, known);
}

async function judgeLogin({ parts, json }: Call): Promise<RouteAnswer> {
  const data = readMqtt3AuthData(json);
  if (data.kind === "malformed") return badRequest(data.reason);
  const { value } = data;
  const result: AuthResult = await parts.attempts.run(value.remoteAddr, () => parts.policy.auth(value));
  const answer = (said: AuthResult): Exclude<Json, string> => mqtt3AuthResultJson(said) as Exclude<Json, string>;
  if (result.result === "ok") {
    // A broker writes over the reserved names as it comes to know them: until then it would believe these.
    const identity = { ...result.identity, attrs: freeAttributes(result.identity.attrs) };
    const client = clientOfData(value, identity);
    return { status: 200, body: answer({ ...result, identity }), result: "ok", reason: "logged in", client };
  }
  const { tenantId, userId, code, reason = code } = result;
  const client = clientOfData(value, {
    ...(tenantId !== undefined && { tenantId }),
    ...(userId !== undefined && { userId }),
  });
  return { status: 200, body: answer(result), result: code === "Error" ? "error" : "rejected", reason, client };
}

const NAMES = ["tenant_id", "user_id"] as const;
/** The wire names tenant and user and nothing else. */
const UNKNOWN_ALWAYS: readonly Unknown[] = ["clientId", "address"];

function namesOf(headers: Headers): { tenantId: string; userId: string } | undefined {
  const [tenantId, userId] = NAMES.map((name) => headerOf(headers, name));
  return tenantId === undefined || userId === undefined ? undefined : { tenantId, userId };
}

/** What is wrong with the words of an action, or null. */
function problemOf(action: Action): string | null {
  const wrong =
    action.kind === "pub"
      ? nameProblem(action.topic)
      : action.kind === "conn"
        ? null
        : filterProblem(action.topicFilter);
  return wrong ?? (action.userProps.flat().some((word) => textProblem(word) !== null) ? "a user property" : null);
}

function requestOf(client: ClientInfo, action: Action): Request {
  const topic = action.kind === "pub" ? action.topic : action.kind === "conn" ? null : action.topicFilter;
  const problem = problemOf(action);
  const item = problem === null ? { topic, action } : { topic, problem };
  return { kind: action.kind, client, items: [item], isList: false };
}

const beforeCheck = ({ headers }: HttpRequest): RouteAnswer | undefined =>
  namesOf(headers) === undefined ? badRequest("the headers tenant_id and user_id are needed, each once") : undefined;

async function judgeCheck({ request, parts, json }: Call): Promise<RouteAnswer> {
  const { tenantId, userId } = namesOf(request.headers) ?? { tenantId: "", userId: "" };
  const reading = readAction(json);
  if (reading.kind === "malformed") return badRequest(reading.reason);
  const action = reading.value;
  const attrs = parts.attributesOf(tenantId, userId);
  const client = clientOf({ tenantId, userId, attrs: attrs ?? {} }, {});
  const unknown = new Set<Unknown>(attrs === undefined ? [...UNKNOWN_ALWAYS, "attrs"] : UNKNOWN_ALWAYS);
  const { result, reason } = await parts.policy.ask(requestOf(client, action), unknown);
  return { status: 200, body: result === "granted" ? "true" : "false", result, reason, client, action };
}

const digest = createSecretDigest();

/** The secret in either header; compared by digest, so that neither length nor beginning is told by time. */
function knowsSecret(headers: Headers, secret: string): boolean {
  const bearer = /^Bearer +(.+)$/i.exec(headerOf(headers, "authorization") ?? "")?.[1];
  const given = headerOf(headers, "x-registration-secret") ?? bearer;
  return secret !== "" && given !== undefined && timingSafeEqual(digest(given), digest(secret));
}

/** Header text that means the same in every encoding somebody may have meant. */
const isPlain = (value: string | undefined): value is string =>
  value !== undefined && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value);

async function register({ request, parts }: Call): Promise<RouteAnswer> {
  const { registration } = parts;
  const { headers } = request;
  // Guessing the secret is limited by the caller's address, like guessing a password.
  const known = await parts.attempts.run(request.remoteAddress, () =>
    Promise.resolve<AuthResult>(
      registration !== undefined && knowsSecret(headers, registration.secret)
        ? { result: "ok", identity: { tenantId: "", userId: "", attrs: {} } }
        : { result: "rejected", code: "NotAuthorized", reason: "the registration secret is missing or wrong" },
    ),
  );
  if (known.result === "rejected" || registration === undefined) {
    const reason = known.result === "rejected" ? (known.reason ?? known.code) : "there is no registration";
    return { status: 401, body: { error: reason }, result: "rejected", reason };
  }
  const [tenantId, userId, password] = [...NAMES, "password"].map((name) => headerOf(headers, name));
  if (!isPlain(tenantId) || !isPlain(userId) || !isPlain(password))
    return badRequest("the headers tenant_id, user_id and password are needed, each once and in plain ASCII");
  const client = clientOf({ tenantId, userId, attrs: {} }, {});
  const user = readUser({ username: userId, userId, tenantId, password });
  if ("reason" in user) return { ...badRequest(user.reason), client };
  // Somebody may be known by this name who logs in by another one, or is an app: nobody becomes him by registering.
  const isFree = parts.attributesOf(tenantId, userId) === undefined;
  if (isFree && (await registration.register(user.row)))
    return { status: 200, body: "registered", result: "ok", reason: "registered", client };
  const reason = "the user is registered already";
  return { status: 400, body: { error: reason }, result: "rejected", reason, client };
}

function issueKey({ parts }: Call): Promise<RouteAnswer> {
  const issued = parts.appKeys.issue();
  const full = "too many keys wait for their verification";
  return Promise.resolve(
    issued === undefined
      ? { status: 503, body: { error: full }, headers: { "Retry-After": "60" }, result: "error", reason: full }
      : { status: 200, body: { ...issued }, result: "continue", reason: "a key was issued" },
  );
}

function verifyKey({ parts, json }: Call): Promise<RouteAnswer> {
  const verification = parts.appKeys.verify(json);
  const { kind } = verification;
  if (kind === "malformed") return Promise.resolve(badRequest(verification.reason));
  if (kind === "refused") {
    const { reason } = verification;
    return Promise.resolve({ status: 401, body: { error: reason }, result: "rejected", reason });
  }
  const { key, validUntil, identity } = verification;
  const client = clientOf(identity, {});
  return Promise.resolve({
    status: 200,
    body: { key, validUntil },
    result: "ok",
    reason: "the key is verified",
    client,
  });
}

function tellMetrics({ parts: { metrics } }: Call): Promise<RouteAnswer> {
  const [body, contentType] = [metrics?.text() ?? "", metrics?.contentType ?? "text/plain"];
  return Promise.resolve({ status: 200, body, contentType, result: "ok", reason: "" });
}

const always = (): boolean => true;

/** Method and path of every call. */
export const ROUTES: readonly Route[] = [
  { method: "POST", path: "/auth", audited: "auth", takes: "json", isOn: always, handle: judgeLogin },
  {
    method: "POST",
    path: "/check",
    audited: "check",
    takes: "json",
    isOn: always,
    before: beforeCheck,
    handle: judgeCheck,
  },
  {
    method: "POST",
    path: "/register",
    audited: "register",
    takes: "nothing",
    isOn: ({ registration }) => registration !== undefined,
    handle: register,
  },
  { method: "GET", path: "/apps/auth", audited: "key", takes: "nothing", isOn: always, handle: issueKey },
  { method: "POST", path: "/apps/auth", audited: "session", takes: "json", isOn: always, handle: verifyKey },
  {
    method: "GET",
    path: "/metrics",
    audited: null,
    takes: "nothing",
    isOn: ({ metrics }) => metrics !== undefined,
    handle: tellMetrics,
  },
];
