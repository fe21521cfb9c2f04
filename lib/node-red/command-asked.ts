import { type CommandName, isCommandName } from "../printer/commands";
import { isPlainObject, ownValue } from "../printer/payloads";
import { topicOf } from "../printer/status";

/** Which command a message asks for, or why it is not carried out. */
export type Asked =
  | { readonly kind: "command"; readonly command: CommandName }
  /** `command` = the word that was asked for, as far as there is one. */
  | { readonly kind: "refused"; readonly command: string | null; readonly reason: string };

export interface Setting {
  readonly printerId: string;
  /** The node's own command; empty = the message says. */
  readonly configured: CommandName | "";
}

const COMMAND_TOPIC = /^printers\/([^/]+)\/commands\/([^/]+)$/;
/** What only looks like one: an empty level, other letters, something before or behind it. */
const ALIKE = /^\/*printers\/(.*\/)?commands(\/|$)/i;

/**
 * A topic `printers/<id>/commands/<command>` decides, since that is what a gate has judged; else the node's own command,
 * else `msg.command`. Where two of them differ, nobody can say which one was judged, so nothing is done. The same for a
 * message that carries the verdict of a gate about something else than what it asks for.
 *
 * Only the message's own plain members are read, each once: neither a prototype nor a getter can answer differently the
 * next time.
 */
export function commandAsked(msg: object, setting: Setting): Asked {
  const topic = ownValue(msg, "topic");
  const said = ownValue(msg, "command");
  for (const [key, value] of [
    ["topic", topic],
    ["command", said],
  ] as const)
    if (!isText(value) && (value !== undefined || isComputed(msg, key))) return refuse(`msg.${key} must be text`);
  const asked = decide(textOf(topic), textOf(said), setting);
  return asked.kind === "command" ? checkVerdict(msg, asked.command, textOf(topic), setting) : asked;
}

function decide(topic: string, said: string, { printerId, configured }: Setting): Asked {
  const match = COMMAND_TOPIC.exec(topic);
  if (match === null) {
    if (ALIKE.test(topic)) return refuse("msg.topic is no command topic; it must be printers/<id>/commands/<command>");
    const word = configured === "" ? said : configured;
    return word === "" ? refuse("no command: neither msg.topic nor the node nor msg.command names one") : named(word);
  }
  const [, id, word = ""] = match;
  if (id !== printerId) return refuse("msg.topic names another printer", word);
  if (configured !== "" && configured !== word)
    return refuse(`msg.topic asks for another command than "${configured}", which this node is set to`, word);
  if (said !== "" && said !== word) return refuse("msg.command asks for another command than msg.topic", word);
  return named(word);
}

function named(word: string): Asked {
  return isCommandName(word) ? { kind: "command", command: word } : refuse("there is no such command", word);
}

/**
 * A gate writes `msg.auth`. What it has judged must be what is done: a verdict about a subscription, or about another
 * topic, is no leave to heat a printer. A command that the node itself is set to is the choice of whoever made the flow.
 */
function checkVerdict(msg: object, command: CommandName, topic: string, setting: Setting): Asked {
  const asked: Asked = { kind: "command", command };
  if (isComputed(msg, "auth")) return refuse("msg.auth must be plain", command);
  const verdict = ownValue(msg, "auth");
  if (!isPlainObject(verdict)) return asked;
  const result = ownValue(verdict, "result");
  if (typeof result !== "string" || !VERDICTS.has(result)) return asked;
  if (!GOOD_VERDICTS.has(result)) return refuse(`the message was not let through: msg.auth says "${result}"`, command);
  // A login says who it is, not what they may do.
  if (result !== "granted") return asked;
  const action = ownValue(verdict, "action");
  const fixed = setting.configured !== "" && !COMMAND_TOPIC.test(topic);
  const judged = fixed
    ? action === "pub" || action === "conn"
    : action === "pub" && ownValue(verdict, "topic") === topicOf.command(setting.printerId, command);
  return judged ? asked : refuse("the gate before this node has judged something else than this command", command);
}

/** Of what no command is, but is repeated in the answer. */
const LONGEST_WORD = 64;
/** Results of auth-gate and auth-login; other nodes may keep other things in `msg.auth`. */
const VERDICTS: ReadonlySet<string> = new Set(["granted", "denied", "error", "ok", "rejected", "continue"]);
const GOOD_VERDICTS: ReadonlySet<string> = new Set(["granted", "ok"]);

function isText(value: unknown): boolean {
  return typeof value === "string" || value === null;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** True for a member that is computed when it is read. */
function isComputed(msg: object, key: string): boolean {
  const own = Object.getOwnPropertyDescriptor(msg, key);
  return own !== undefined && !("value" in own);
}

function refuse(reason: string, word = ""): Asked {
  return { kind: "refused", command: word === "" ? null : word.slice(0, LONGEST_WORD), reason };
}
