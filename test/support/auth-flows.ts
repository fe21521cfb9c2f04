import { scryptSync } from "node:crypto";
import { formatPasswordHash } from "../../lib/auth/login/passwords";
import authGate from "../../nodes/auth-gate";
import authLogin from "../../nodes/auth-login";
import authPolicy from "../../nodes/auth-policy";
import authRequest from "../../nodes/auth-request";
import authResponse from "../../nodes/auth-response";
import authServer from "../../nodes/auth-server";
import { useStore } from "../../lib/node-red/composition";
import { memoryStore } from "../../lib/node-red/store";
import { ask, type Flow, load, startNodeRed, withRed } from "./helper";

/** Nothing is kept from one test to the next: whoever registered in one is nobody in another. */
const freshStore = withRed((RED) => {
  useStore(RED.events, memoryStore());
});

export const AUTH_NODES = [freshStore, authPolicy, authGate, authLogin, authRequest, authResponse, authServer];

export const tab: Flow[number] = { id: "tab1", type: "tab", label: "tab" };

export const policy = (difference: object = {}): Flow[number] => ({
  ...{ id: "policy1", type: "auth-policy", name: "workshop", provider: "rules", rules: [], apps: [] },
  ...difference,
});

/** A gate with a collector at each output: granted, denied, error. */
export const gate = (difference: object = {}): Flow => [
  {
    ...{ id: "gate1", z: "tab1", type: "auth-gate", policy: "policy1", action: "msg" },
    wires: [["granted"], ["denied"], ["error"]],
    ...difference,
  },
  ...["granted", "denied", "error"].map((id) => ({ id, z: "tab1", type: "helper" })),
];

export const login = (method: string, difference: object = {}): Flow[number] => ({
  ...{ id: "login1", z: "tab1", type: "auth-login", policy: "policy1", method, wires: [[], [], []] },
  ...difference,
});

/** Node-RED with these nodes, from a fresh start. */
export async function start(flow: Flow, credentials: object = {}): Promise<void> {
  await startNodeRed();
  await load(AUTH_NODES, [tab, ...flow], credentials);
}

export const CREDENTIALS = (users: object[]): object => ({ policy1: { users: JSON.stringify(users) } });

/** Somebody who logged in. */
export const client = (userId: string, difference: object = {}) => ({
  tenantId: "default",
  type: "MQTT",
  metadata: { userId, ...difference },
});

/** What a node with several outputs answered: the message, and the output's number from 1. */
export async function through(id: string, msg: object): Promise<{ output: number; msg: any; error: unknown }> {
  const { sent, error } = await ask(id, msg);
  const leaving = [sent[0] ?? []].flat() as unknown[];
  const at = leaving.findIndex((one) => one !== null);
  return { output: at + 1, msg: leaving[at], error };
}

/** A hash that costs next to nothing: for tests only. */
export function cheapHash(password: string): string {
  const [cost, salt] = [{ ln: 4, r: 8, p: 1 }, Buffer.from("just for a test!")];
  const key = scryptSync(password, salt, 32, { N: 2 ** cost.ln, r: cost.r, p: cost.p });
  return formatPasswordHash({ ...cost, salt, key });
}
