import type { NodeAPI } from "node-red";
import { findRuleProblems } from "../../auth/rules/rules";
import { PrintgateError, toError } from "../../errors";
import { answer, resolved } from "../admin";
import type { AuthPolicyNode } from "./follow";
import type { PolicyCredentials } from "./policies";
import { tryPolicy, tryRules, type TrialQuestion } from "./trial";
import { rowsIn, type ShownUser, showUsers, type UserChange, withoutUser, withUser } from "./user-list";

/**
 * What the auth-policy dialog asks the runtime. All answers are JSON; a failure is `{ ok: false, reason }` in words. No
 * answer and no log line holds a password, or the hash of one.
 *
 * A change of the users counts at once. It is part of the node's credential, which Node-RED writes with the next
 * deploy, encrypted.
 */

type Handler = ReturnType<NodeAPI["auth"]["needsPermission"]>;
type Request = Parameters<Handler>[0];
type Fields = Readonly<Record<string, unknown>>;

const PATH = "/printgate/policies";
/** A list of some ten thousand rules; more comes from no dialog. */
const MAX_RULES = 2 * 1024 * 1024;
const MAX_USERS = 256 * 1024;
const MAX_FORM = 16 * 1024;

const served = new WeakSet<NodeAPI["httpAdmin"]>();

/** Adds the routes, once to each admin server. */
export function addPolicyRoutes(RED: NodeAPI): void {
  const app = RED.httpAdmin;
  if (served.has(app)) return;
  served.add(app);
  const read = RED.auth.needsPermission("auth-policy.read");
  const write = RED.auth.needsPermission("auth-policy.write");

  const list = (request: Request): object => ({ users: shownUsers(RED, idIn(request)) });

  const put = async (request: Request): Promise<object> => {
    const id = idIn(request);
    const rows = await withUser(rowsIn(credentialsOf(RED, id).users), changeIn(request));
    await keep(RED, id, JSON.stringify(rows));
    return { users: shownUsers(RED, id) };
  };

  const remove = async (request: Request): Promise<object> => {
    const id = idIn(request);
    const name = textIn(request.params["name"], "the name");
    await nodeOf(RED, id)?.handle.users.forget(name);
    const rows = rowsIn(credentialsOf(RED, id).users);
    await keep(RED, id, JSON.stringify(withoutUser(rows, name)));
    return { users: shownUsers(RED, id) };
  };

  const replace = async (request: Request): Promise<object> => {
    const id = idIn(request);
    const text = textIn(bodyOf(request, MAX_USERS)["users"], "the list", MAX_USERS);
    // A variable is taken as it is; a list must be one.
    if (!/^\$\{[^}]+\}$/.test(text.trim())) rowsIn(text);
    await keep(RED, id, text);
    return { users: shownUsers(RED, id) };
  };

  const judge = (request: Request): object => ({
    problems: findRuleProblems(substituted(RED, idIn(request), bodyOf(request, MAX_RULES)["rules"])),
  });

  const attempt = async (request: Request): Promise<object> => {
    const { rules, question } = bodyOf(request, MAX_RULES);
    const asked = (typeof question === "object" && question !== null ? question : {}) as TrialQuestion;
    const id = idIn(request);
    if (rules !== undefined) return { trial: tryRules(substituted(RED, id, rules), asked) };
    const handle = nodeOf(RED, id)?.handle;
    if (handle === undefined) throw invalid("the policy is not deployed");
    return { trial: await tryPolicy(handle, asked) };
  };

  const route = (work: (request: Request) => object | Promise<object>): Handler =>
    answer(async (request) => work(request));
  // One change after the other: each is made of the list that the one before left.
  let last: Promise<unknown> = Promise.resolve();
  const change = (work: (request: Request) => Promise<object>): Handler =>
    answer((request) => {
      const turn = last.then(() => work(request));
      last = turn.catch(() => undefined);
      return turn;
    });
  app.get(`${PATH}/:id/users`, read, route(list));
  app.post(`${PATH}/:id/users`, write, change(put));
  app.post(`${PATH}/:id/users/replace`, write, change(replace));
  app.delete(`${PATH}/:id/users/:name`, write, change(remove));
  app.post(`${PATH}/:id/problems`, read, route(judge));
  app.post(`${PATH}/:id/try`, read, route(attempt));
}

/** The users of the credential and those that registered themselves. */
function shownUsers(RED: NodeAPI, id: string): readonly ShownUser[] {
  const users = showUsers(rowsIn(credentialsOf(RED, id).users));
  const registered = nodeOf(RED, id)?.handle.users.registrations ?? [];
  return [
    ...users,
    ...showUsers(registered.map(({ row }) => row)).map((user) => ({
      ...user,
      registered: true,
      problem: users.some(({ name }) => name === user.name) ? "an earlier one is the same" : user.problem,
    })),
  ];
}

async function keep(RED: NodeAPI, id: string, users: string): Promise<void> {
  await RED.nodes.addCredentials(id, { ...credentialsOf(RED, id), users });
  const node = nodeOf(RED, id);
  node?.handle.users.replace(resolved(RED, node, users));
}

/** The deployed policy of an id; null where there is none yet. */
function nodeOf(RED: NodeAPI, id: string): AuthPolicyNode | null {
  return RED.nodes.getNode(id) as AuthPolicyNode | null;
}

/** @throws PrintgateError `config-invalid` where the id belongs to something else: its secrets are none of ours */
function credentialsOf(RED: NodeAPI, id: string): PolicyCredentials {
  const node = RED.nodes.getNode(id) as { type?: string } | null;
  const kept = (): object | undefined => RED.nodes.getCredentials(id);
  const credentials = kept() ?? {};
  const isOurs =
    (node === null || node.type === "auth-policy") && Object.keys(credentials).every((key) => key === "users");
  if (!isOurs) throw invalid("this is no policy");
  return credentials;
}

/** Rules with variables replaced the way Node-RED does it at a deploy. */
function substituted(RED: NodeAPI, id: string, value: unknown): unknown {
  if (typeof value === "string") return resolved(RED, nodeOf(RED, id), value);
  if (Array.isArray(value)) return value.map((one) => substituted(RED, id, one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, substituted(RED, id, one)]));
}

function idIn({ params }: Request): string {
  const id = textIn(params["id"], "the id");
  if (!/^[\w.-]{1,128}$/.test(id)) throw invalid("this is no policy");
  return id;
}

function bodyOf({ body }: Request, limit: number): Fields {
  const isFields = typeof body === "object" && body !== null && !Array.isArray(body);
  if (!isFields || JSON.stringify(body).length > limit) throw invalid("the form can not be read");
  return body as Fields;
}

const MAX_TEXT = 1024;

function textIn(value: unknown, what: string, limit = MAX_TEXT): string {
  if (typeof value !== "string" || value === "" || value.length > limit)
    throw invalid(`${what} is missing, or longer than ${limit} characters`);
  return value;
}

const CHANGEABLE = ["password", "certFingerprint", "tenantId", "userId"] as const;

function changeIn(request: Request): UserChange {
  const body = bodyOf(request, MAX_FORM);
  const given = CHANGEABLE.filter((name) => body[name] !== undefined && body[name] !== "");
  const texts = Object.fromEntries(given.map((name) => [name, textIn(body[name], name)]));
  const { attrs } = body;
  return {
    username: textIn(body["username"], "the user name"),
    ...texts,
    ...(attrs !== undefined && { attrs: attrs as Readonly<Record<string, string>> }),
  };
}

function invalid(words: string): PrintgateError {
  return toError(new PrintgateError("config-invalid", words));
}
