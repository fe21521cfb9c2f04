import type { Node, NodeAPI } from "node-red";
import type { AccountState, CloudDevice, CloudSession, SignInStep, Who } from "../../bambu/cloud/types";
import { PrintgateError, redact, toError } from "../../errors";
import { type AccountCredentials, type AccountSettings, placeOf, readAccountSettings } from "./settings";
import type { AccountHandle } from "./accounts";
import { answer, resolved } from "../admin";
import type { House } from "../composition";

/**
 * What the printer-account dialog, and the list of printers in printer-config, ask the runtime. All answers are JSON;
 * a failure is `{ ok: false, reason }` in words. No answer and no log line holds a token, a password or a code that was
 * typed; an access code only leaves where it was asked for, by somebody who may write.
 *
 * A form names the cloud that is meant, since it may not be deployed yet. Who may only read is told what is known here:
 * nothing is sent to an address that the form brings.
 */

type Handler = ReturnType<NodeAPI["auth"]["needsPermission"]>;
type Request = Parameters<Handler>[0];
type Fields = Readonly<Record<string, unknown>>;

const PATH = "/printgate/accounts";
/** Longer than any real setting, token included. */
const MAX_TEXT = 8192;
/** What the editor shows instead of a stored password, and sends back when it was not changed. */
const UNCHANGED = "__PWRD__";

const served = new WeakSet<NodeAPI["httpAdmin"]>();

/** Who is signed in, for the dialog. */
interface Shown {
  readonly state: AccountState["kind"];
  /** Name and account as far as known; empty = nothing. */
  readonly who: string;
  /** E-mail address or phone number; empty = not known. */
  readonly account: string;
  /** ISO 8601; null = not known. */
  readonly until: string | null;
  /** By the token in the credentials, not by a session of the dialog. */
  readonly pasted: boolean;
}

/** Adds the routes, once to each admin server. */
export function addAccountRoutes(RED: NodeAPI, { accounts, sessions }: House): void {
  const app = RED.httpAdmin;
  if (served.has(app)) return;
  served.add(app);
  const read = RED.auth.needsPermission("printer-account.read");
  const write = RED.auth.needsPermission("printer-account.write");

  const visited = async (request: Request): Promise<AccountHandle> => {
    const handle = accounts.visit(idIn(request), settingsIn(RED, request));
    await handle.ready;
    return handle;
  };
  const shown = async (id: string, settings: AccountSettings): Promise<Shown> => {
    const running = accounts.look(id, settings);
    await running?.ready;
    const session = await sessions.of(id, placeOf(settings)).load();
    const state = running?.account.state ?? stateOf(session);
    // Without a session in the store it may be one that could not be saved.
    const pasted = session?.pasted ?? (state.kind !== "signed-out" && running?.settings.pastedToken !== "");
    return { ...showState(state), pasted };
  };

  const state = (request: Request): Promise<object> => shown(idIn(request), settingsIn(RED, request));

  const signIn = async (request: Request): Promise<object> => {
    const step = stepIn(bodyOf(request)["step"]);
    const { account, settings } = await visited(request);
    const reply = await withoutSecrets(() => account.signIn(step), secretsOf(step));
    return reply.next === "done" ? { next: "done", ...(await shown(idIn(request), settings)) } : reply;
  };

  const check = async (request: Request): Promise<object> => {
    const settings = settingsIn(RED, request);
    const { pastedToken } = settings;
    if (pastedToken === "") throw invalid("no access token");
    const who = await withoutSecrets(() => accounts.tryToken(settings), [pastedToken]);
    return { who: nameOf(who) };
  };

  const signOut = async (request: Request): Promise<object> => {
    const { account, settings } = await visited(request);
    await account.signOut();
    return shown(idIn(request), settings);
  };

  const list = async (request: Request): Promise<object> => {
    const { account } = await visited(request);
    return { devices: (await account.devices({ fresh: bodyOf(request)["fresh"] === true })).map(showDevice) };
  };

  const accessCode = async (request: Request): Promise<object> => {
    const { account } = await visited(request);
    const serial = String(request.params["serial"]).toUpperCase();
    const device = (await account.devices()).find((one) => one.serial === serial);
    if (device === undefined) throw invalid("the account has no such printer any more");
    return { accessCode: device.accessCode };
  };

  const route = (work: (request: Request) => Promise<object>): Handler => answer(async (request) => work(request));
  app.post(`${PATH}/:id/state`, read, route(state));
  app.post(`${PATH}/:id/sign-in`, write, route(signIn));
  app.post(`${PATH}/:id/check-token`, write, route(check));
  app.post(`${PATH}/:id/sign-out`, write, route(signOut));
  app.post(`${PATH}/:id/devices`, write, route(list));
  app.post(`${PATH}/:id/devices/:serial/access-code`, write, route(accessCode));
}

/** What a session says that no running account has. */
function stateOf(session: CloudSession | null): AccountState {
  if (session === null) return { kind: "signed-out" };
  if (session.expired) return { kind: "expired", who: session };
  return { kind: "signed-in", who: session, until: session.expiresAt };
}

function showState(state: AccountState): Omit<Shown, "pasted"> {
  if (state.kind === "signed-out") return { state: state.kind, who: "", account: "", until: null };
  const { account } = state.who;
  const who = nameOf(state.who);
  const until = state.kind === "signed-in" && state.until !== null ? new Date(state.until).toISOString() : null;
  return { state: state.kind, who, account: account ?? "", until };
}

function nameOf({ name, account }: Pick<Who, "name" | "account">): string {
  return name !== null && account !== null ? `${name} (${account})` : (name ?? account ?? "");
}

function showDevice({ serial, name, model, online, accessCode }: CloudDevice): object {
  return { serial, name, model, online, hasAccessCode: accessCode !== null && accessCode !== "" };
}

const STEPS: Readonly<Record<SignInStep["kind"], readonly string[]>> = {
  password: ["account", "password"],
  "send-code": ["account"],
  code: ["account", "code"],
  tfa: ["code"],
  ticket: ["ticket"],
  token: ["accessToken"],
};
/** What a step holds that nobody may read again. */
const SECRET_FIELDS = ["password", "code", "ticket", "accessToken"] as const;

/** The step that the dialog sent, with nothing in it but what belongs there. */
function stepIn(value: unknown): SignInStep {
  const { kind } = (typeof value === "object" && value !== null ? value : {}) as { kind?: unknown };
  const fields = typeof kind === "string" && Object.hasOwn(STEPS, kind) ? STEPS[kind as SignInStep["kind"]] : null;
  if (fields === null) throw invalid("the form can not be read");
  const given = fields.map((name): [string, string] => {
    const text = (value as Fields)[name];
    if (typeof text !== "string" || text.length > MAX_TEXT) throw invalid("the form can not be read");
    // A password may begin or end with a space; nothing else does.
    return [name, name === "password" ? text : text.trim()];
  });
  return { kind, ...Object.fromEntries(given) } as SignInStep;
}

function secretsOf(step: SignInStep): string[] {
  return SECRET_FIELDS.flatMap((name) => (name in step ? [String((step as unknown as Fields)[name])] : []));
}

/** A server may repeat in its answer what it was sent. */
async function withoutSecrets<T>(work: () => Promise<T>, secrets: readonly string[]): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const { code, message } = toError(thrown);
    throw new PrintgateError(code, redact(message, secrets));
  }
}

/** The settings of the form as the node would get them, its own stored token included. */
function settingsIn(RED: NodeAPI, request: Request): AccountSettings {
  const id = idIn(request);
  const node = RED.nodes.getNode(id) as Node | null;
  // The secrets of another node are none of ours.
  if (node !== null && node.type !== "printer-account") throw invalid("this is no account");
  const { form } = bodyOf(request);
  const fields = typeof form === "object" && form !== null && !Array.isArray(form) ? Object.entries(form) : [];
  const isShort = ([, value]: [string, unknown]): boolean => typeof value === "string" && value.length <= MAX_TEXT;
  if (fields.length === 0 || fields.length > 20 || !fields.every(isShort)) throw invalid("the form can not be read");
  const def = Object.fromEntries(fields.map(([key, value]) => [key, resolved(RED, node, value)]));
  const typed = def["accessToken"];
  const token = typed === UNCHANGED || typed === undefined ? storedToken(RED, id) : typed;
  return readAccountSettings(RED, def, { accessToken: typeof token === "string" ? token : "" });
}

/** @throws PrintgateError `config-invalid` where the credentials of this id are those of something else */
function storedToken(RED: NodeAPI, id: string): unknown {
  const kept = (): (AccountCredentials & object) | undefined => RED.nodes.getCredentials(id);
  const credentials = kept() ?? {};
  if (!Object.keys(credentials).every((key) => key === "accessToken")) throw invalid("this is no account");
  return resolved(RED, RED.nodes.getNode(id), credentials.accessToken ?? "");
}

function idIn({ params }: Request): string {
  const { id } = params;
  if (typeof id !== "string" || !/^[\w.-]{1,128}$/.test(id)) throw invalid("this is no account");
  return id;
}

function bodyOf({ body }: Request): Fields {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("the form can not be read");
  return body as Fields;
}

function invalid(words: string): PrintgateError {
  return new PrintgateError("config-invalid", words);
}
