import { isDeepStrictEqual } from "node:util";
import type { Action, ActionKind, ClientInfo, Identity, Qos, UserProps } from "./provider";
import { filterProblem, nameProblem, textProblem } from "./topics";

/**
 * What a message asks for, and on whose behalf. Everything is copied out of the message at once, so that the
 * question can not change while it is being answered.
 */

/** Metadata that the login itself fills in; no attribute may. */
export const RESERVED = [
  "ver",
  "userId",
  "clientId",
  "channelId",
  "address",
  "broker",
  "sessionType",
  "respInfo",
] as const;

export type ReservedName = (typeof RESERVED)[number];

const RESERVED_NAMES: ReadonlySet<string> = new Set(RESERVED);

/** Whether the name is metadata that attributes can not set. */
export function isReserved(name: string): name is ReservedName {
  return RESERVED_NAMES.has(name);
}

/** A message without identity: nobody in particular. Only rules without `who` can match. */
export const ANONYMOUS: ClientInfo = { tenantId: "", type: "", metadata: {} };

/** The attributes without those that have a reserved name. */
export function freeAttributes(attrs: Identity["attrs"]): Identity["attrs"] {
  return Object.fromEntries(Object.entries(attrs).filter(([name]) => !isReserved(name)));
}

/**
 * The client that a login made. Attributes with a reserved name are dropped; an empty or absent reserved value
 * is left out.
 */
export function clientOf(
  identity: Identity,
  known: Readonly<Partial<Record<Exclude<ReservedName, "userId">, string>>>,
  type = "MQTT",
): ClientInfo {
  const attrs = Object.entries(freeAttributes(identity.attrs));
  const reserved = Object.entries({ ...known, userId: identity.userId }).filter(
    ([name, value]) => isReserved(name) && value !== "",
  );
  return { tenantId: identity.tenantId, type, metadata: Object.fromEntries([...attrs, ...reserved]) };
}

/** One thing that is asked; with a `problem`, why it can not be: the end of a sentence. */
export type Item =
  | { readonly topic: string | null; readonly action: Action }
  | { readonly topic: string | null; readonly problem: string };

export interface Request {
  readonly kind: ActionKind;
  readonly client: ClientInfo;
  /** At least one. All of them must pass. */
  readonly items: readonly Item[];
  /** The message asked with a list, and wants an answer to each. */
  readonly isList: boolean;
}

export interface Asked {
  readonly message: object;
  /** "msg" = `msg.action` says it. */
  readonly kind: ActionKind | "msg";
  /** Where the topic is not `msg.topic`. */
  readonly topic?: { readonly value: unknown };
  /** Where the identity is not `msg.client`. */
  readonly client?: { readonly value: unknown };
}

/** Node-RED's words for the actions, as its MQTT nodes read them in `msg.action`. */
const ACTION_WORDS: ReadonlyMap<unknown, ActionKind> = new Map([
  [undefined, "pub"],
  ["publish", "pub"],
  ["subscribe", "sub"],
  ["unsubscribe", "unsub"],
  ["connect", "conn"],
]);

/** What is wrong with a message. Never leaves this file. */
class Problem {
  constructor(readonly text: string) {}
}

/**
 * The property, if it is the message's own and plain. A getter could tell the next node something else than
 * it told us, and so could a prototype.
 */
function ownValue(holder: object, name: string): unknown {
  if (!(name in holder)) return undefined;
  const property = Object.getOwnPropertyDescriptor(holder, name);
  if (property === undefined) return new Problem(`${name} is inherited`);
  return "value" in property ? (property.value as unknown) : new Problem(`${name} is no plain value`);
}

/** As `ownValue`, where null is as good as absent. */
function optional(holder: object, name: string): unknown {
  return ownValue(holder, name) ?? undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Whether everything that can be read of the object is its own: a map, or an object with an ancestor, would look
 * like nobody here and like somebody elsewhere. Objects of another realm (a function node's) are plain, too.
 */
function isPlain(value: object): boolean {
  const parent: unknown = Object.getPrototypeOf(value);
  return parent === null || Object.getPrototypeOf(parent) === null;
}

/**
 * Reads what a message asks for. Never throws: what can not be asked is an item with a problem.
 * Without an identity it is the anonymous client.
 */
export function readRequest(asked: Asked): Request {
  try {
    return readAll(asked);
  } catch {
    // A getter or a proxy that throws; of what it says nothing is shown.
    const kind = asked.kind === "msg" ? "pub" : asked.kind;
    return refuseAll(kind, ANONYMOUS, "the message can not be read");
  }
}

/** A request of which nothing is asked. */
function refuseAll(kind: ActionKind, client: ClientInfo, problem: string): Request {
  return { kind, client, items: [{ topic: null, problem }], isList: false };
}

function readAll(asked: Asked): Request {
  const { message } = asked;
  const word = asked.kind === "msg" ? optional(message, "action") : undefined;
  const kind = asked.kind === "msg" ? ACTION_WORDS.get(word) : asked.kind;
  const client = readClient(asked.client ? asked.client.value : ownValue(message, "client"));
  const whole = (problem: string): Request =>
    refuseAll(kind ?? "pub", client instanceof Problem ? ANONYMOUS : client, problem);
  if (kind === undefined)
    return whole(
      word instanceof Problem ? word.text : "the action is none of publish, subscribe, unsubscribe and connect",
    );
  if (client instanceof Problem) return whole(client.text);
  const userProps = readUserProps(optional(message, "userProperties"));
  if (userProps instanceof Problem) return whole(userProps.text);
  if (kind === "conn") {
    return { kind, client, items: [{ topic: null, action: { kind, userProps } }], isList: false };
  }
  const topic = asked.topic ? asked.topic.value : ownValue(message, "topic");
  if (topic instanceof Problem) return whole(topic.text);
  if (kind === "pub") return { kind, client, items: [readPublish(topic, message, userProps)], isList: false };
  const list: readonly unknown[] = Array.isArray(topic) ? Array.from<unknown>(topic) : [topic];
  if (list.length === 0) return whole("the list of topics is empty");
  const items = list.map((entry) => readSubscription(entry, kind, userProps));
  return { kind, client, items, isList: Array.isArray(topic) };
}

/** Whether the message still asks for exactly this. For after a wait, in which somebody may have changed it. */
export function stillAsks(request: Request, asked: Asked): boolean {
  return isDeepStrictEqual(readRequest(asked), request);
}

function readPublish(topic: unknown, message: object, userProps: UserProps): Item {
  const qos = readQos(optional(message, "qos"), 0);
  const retain = optional(message, "retain") ?? false;
  if (typeof topic !== "string") return { topic: null, problem: topicMissing(topic) };
  const wrong = nameProblem(topic);
  if (wrong !== null) return { topic, problem: `the topic is no topic name: ${wrong}` };
  if (qos instanceof Problem) return { topic, problem: qos.text };
  if (typeof retain !== "boolean") return { topic, problem: "retain is neither true nor false" };
  return { topic, action: { kind: "pub", topic, qos, isRetained: retain, userProps } };
}

/** A filter by itself, or as Node-RED's dynamic subscription writes it: `{ topic, qos }`. */
function readSubscription(entry: unknown, kind: "sub" | "unsub", userProps: UserProps): Item {
  const topic = isObject(entry) ? ownValue(entry, "topic") : entry;
  // Node-RED subscribes with 2 where nothing is said.
  const qos = readQos(isObject(entry) ? optional(entry, "qos") : undefined, 2);
  if (topic instanceof Problem) return { topic: null, problem: topic.text };
  if (typeof topic !== "string") return { topic: null, problem: topicMissing(topic) };
  const wrong = filterProblem(topic);
  if (wrong !== null) return { topic, problem: `the topic is no topic filter: ${wrong}` };
  if (qos instanceof Problem) return { topic, problem: qos.text };
  return {
    topic,
    action: kind === "sub" ? { kind, topicFilter: topic, qos, userProps } : { kind, topicFilter: topic, userProps },
  };
}

function topicMissing(topic: unknown): string {
  return topic === undefined || topic === null ? "the topic is missing" : "the topic is no string";
}

function readQos(value: unknown, otherwise: Qos): Qos | Problem {
  if (value === undefined) return otherwise;
  return value === 0 || value === 1 || value === 2 ? value : new Problem("qos is none of 0, 1 and 2");
}

/** `{ name: value }` as Node-RED carries them, or `{ name: [values] }` for a name that is said more than once. */
function readUserProps(value: unknown): UserProps | Problem {
  if (value === undefined) return [];
  if (value instanceof Problem) return value;
  const wrong = new Problem("userProperties is no object of strings");
  if (!isObject(value)) return wrong;
  const pairs: [string, string][] = [];
  for (const [name, held] of Object.entries(value) as [string, unknown][]) {
    for (const one of Array.isArray(held) ? Array.from<unknown>(held) : [held]) {
      if (typeof one !== "string" || textProblem(name) !== null || textProblem(one) !== null) return wrong;
      pairs.push([name, one]);
    }
  }
  return pairs;
}

/** The pairs as Node-RED carries them: an object, with a list for a name that is said more than once. */
export function asUserProperties(pairs: UserProps): Record<string, string | readonly string[]> {
  if (pairs.length === 0) return {};
  const held = new Map<string, string[]>();
  for (const [name, value] of pairs) held.set(name, [...(held.get(name) ?? []), value]);
  // Made from entries, so that names that every object has do no harm.
  return Object.fromEntries(
    [...held].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : values]),
  );
}

function readClient(value: unknown): ClientInfo | Problem {
  if (value === undefined || value === null) return ANONYMOUS;
  if (value instanceof Problem) return value;
  if (!isObject(value)) return new Problem("the identity is no object");
  const {
    tenantId = "",
    type = "",
    metadata = {},
  } = {
    tenantId: ownValue(value, "tenantId"),
    type: ownValue(value, "type"),
    metadata: ownValue(value, "metadata"),
  };
  if (typeof tenantId !== "string") return new Problem("the identity's tenantId is no string");
  if (typeof type !== "string") return new Problem("the identity's type is no string");
  if (metadata instanceof Problem) return metadata;
  if (!isObject(metadata) || !isPlain(metadata)) return new Problem("the identity's metadata is no plain object");
  // Copied first and judged then: a getter is asked once. A spread defines, so that no name does harm.
  const copy = { ...metadata } as Record<string, string>;
  for (const name of Object.keys(copy))
    if (typeof copy[name] !== "string") return new Problem("the identity's metadata holds something that is no string");
  return { tenantId, type, metadata: copy };
}

/** What became of a question, in words that decide where the message leaves. */
export type Outcome = "granted" | "denied" | "error" | "invalid";

/**
 * The reason code of MQTT 5 that says the outcome: 0x00 or the granted qos, 0x87 not authorised, 0x83
 * implementation specific, 0x80 unspecified, 0x90 and 0x8F invalid topic name and filter, 0x82 protocol error.
 */
export function reasonCodeOf(outcome: Outcome, kind: ActionKind, qos: Qos = 0): number {
  return outcome === "granted" && kind === "sub" ? qos : REASON_CODES[outcome][kind];
}

const REASON_CODES: Readonly<Record<Outcome, Readonly<Record<ActionKind, number>>>> = {
  granted: { pub: 0, sub: 0, unsub: 0, conn: 0 },
  denied: { pub: 135, sub: 135, unsub: 135, conn: 135 },
  error: { pub: 131, sub: 135, unsub: 135, conn: 128 },
  invalid: { pub: 144, sub: 143, unsub: 143, conn: 130 },
};
