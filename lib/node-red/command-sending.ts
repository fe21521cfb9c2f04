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
import { UploadProgress } from "./upload-progress";

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
    /** null: of a stream whose length nobody told. */
    readonly totalBytes: number | null;
    readonly percent: number | null;
  };
}

/** `command` null, or a word that is no command, where the message does not ask for one in a way that can be followed. */
export type Outcome = CommandOutcome | (Refusal & { readonly command: string | null; readonly confirmed: false });

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
  const progress = new UploadProgress(signal, (sentBytes, totalBytes) => {
    asking.progress(reportOf(command.name, msg, view, { sentBytes, totalBytes }));
  });
  try {
    const outcome = await view.send(command, {
      ...{ timeoutMs, signal },
      progress: (sentBytes, totalBytes) => {
        progress.note(sentBytes, totalBytes);
      },
    });
    if (outcome.confirmed) await progress.told();
    return outcome;
  } finally {
    progress.close();
  }
}

function reportOf(
  command: CommandName,
  { _msgid }: NodeMessage,
  { printer }: View,
  { sentBytes, totalBytes }: Pick<ProgressReport["payload"], "sentBytes" | "totalBytes">,
): ProgressReport {
  const percent = totalBytes === null ? null : Math.floor((sentBytes / totalBytes) * 100);
  const payload = { command, sentBytes, totalBytes, percent };
  const about = { topic: topicOf.command(printer.id, command), payload, printer: copyOf(printer) };
  return _msgid === undefined ? about : { _msgid, ...about };
}

/** Over something that is there already it is defined: a setter could keep it from being what it says. */
function put(msg: NodeMessage, key: string, value: unknown): void {
  Object.defineProperty(msg, key, { value, writable: true, enumerable: true, configurable: true });
}
