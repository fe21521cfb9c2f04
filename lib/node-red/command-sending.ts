import type { NodeMessage } from "node-red";
import { PrintgateError } from "../errors";
import { readCommand } from "../printer/command-reading";
import type { Command, CommandName } from "../printer/commands";
import { ownValue } from "../printer/payloads";
import { type CommandOutcome, type Refusal, refusalFrom } from "../printer/refusals";
import { topicOf } from "../printer/status";
import { type Asked, commandAsked } from "./command-asked";
import type { View } from "./follow";
import { copyOf } from "./runtime";

export interface Asking {
  /** The node's own command; empty = the message says. */
  readonly configured: CommandName | "";
  readonly timeoutMs: number;
  /** Aborted when the node goes. */
  readonly signal: AbortSignal;
  /** It is on its way. */
  begun(command: CommandName): void;
  /** Of an upload, at most once a second. */
  progress(report: ProgressReport): void;
}

/** What leaves the third output. */
export interface ProgressReport extends NodeMessage {
  readonly payload: {
    readonly command: CommandName;
    readonly sentBytes: number;
    readonly totalBytes: number;
    readonly percent: number;
  };
}

/** `command` null, or a word that is no command, where the message does not ask for one in a way that can be followed. */
export type Outcome = CommandOutcome | (Refusal & { readonly command: string | null; readonly confirmed: false });

const PROGRESS_EVERY_MS = 1000;

/**
 * Carries out what a message asks for and makes the answer of that message: topic, printer and payload are set, its other
 * properties are kept.
 * @throws PrintgateError link-lost when the node went before there was an outcome
 */
export async function sendAsked(
  msg: NodeMessage,
  view: View,
  asking: Asking,
): Promise<{ readonly outcome: Outcome; readonly answer: NodeMessage }> {
  const { id } = view.printer;
  const asked = commandAsked(msg, { printerId: id, configured: asking.configured });
  const outcome = await outcomeOf(asked, msg, view, asking);
  if (asking.signal.aborted)
    throw new PrintgateError("link-lost", "the node was closed before the printer had answered");
  // What asks for nothing that could be done keeps its topic: ours would look as if it had been understood.
  if (asked.kind === "command") put(msg, "topic", topicOf.command(id, asked.command));
  put(msg, "payload", outcome);
  put(msg, "printer", copyOf(view.printer));
  return { outcome, answer: msg };
}

async function outcomeOf(asked: Asked, msg: NodeMessage, view: View, asking: Asking): Promise<Outcome> {
  if (asked.kind === "refused")
    return { command: asked.command, confirmed: false, code: "invalid", reason: asked.reason };
  let command: Command;
  try {
    command = readCommand(asked.command, ownValue(msg, "payload"));
  } catch (thrown) {
    return { command: asked.command, confirmed: false, ...refusalFrom(thrown) };
  }
  asking.begun(command.name);
  const { timeoutMs, signal } = asking;
  return view.send(command, { timeoutMs, signal, progress: progressOf(command.name, msg, view, asking) });
}

function progressOf(
  command: CommandName,
  { _msgid }: NodeMessage,
  { printer }: View,
  { progress }: Pick<Asking, "progress">,
) {
  let nextAt = 0;
  return (sentBytes: number, totalBytes: number): void => {
    const now = performance.now();
    if (now < nextAt) return;
    nextAt = now + PROGRESS_EVERY_MS;
    const percent = totalBytes > 0 ? Math.floor((sentBytes / totalBytes) * 100) : 0;
    const payload = { command, sentBytes, totalBytes, percent };
    const about = { topic: topicOf.command(printer.id, command), payload, printer: copyOf(printer) };
    progress(_msgid === undefined ? about : { _msgid, ...about });
  };
}

/** Over something that is there already it is defined: a setter could keep it from being what it says. */
function put(msg: NodeMessage, key: string, value: unknown): void {
  Object.defineProperty(msg, key, { value, writable: true, enumerable: true, configurable: true });
}
