import { PrintgateError } from "../errors";
import type { Command, PrintOrder } from "../printer/commands";
import type { CommandReply, SendOptions } from "../printer/link";
import { requestOf } from "./command-frames";
import type { Conversation } from "./conversation";
import { demandsSignature, SIGNATURE_REFUSAL, verdictOf } from "./replies";
import { frameOf, type Request } from "./requests";

/**
 * Brings what is to be printed to the printer and answers with the order for the file that is there then.
 * @throws PrintgateError upload-failed; then nothing of it is left on the printer that could be printed
 */
export type Upload = (order: PrintOrder, options: SendOptions) => Promise<PrintOrder>;

/**
 * Says a command once and waits for the answer, as long as anybody wants to know.
 * @param upload null = this way to the printer carries no files
 * @throws PrintgateError `offline`, `link-lost`, `not-supported`, `message-invalid`, what `upload` and `leaving` throw
 */
export async function carryOut(
  conversation: Conversation,
  command: Command,
  options: SendOptions,
  upload: Upload | null,
): Promise<CommandReply> {
  if (command.name === "rename")
    throw new PrintgateError(
      "not-supported",
      "a printer is renamed through the account, which this connection has none of",
    );
  if (command.name === "print" && command.order.content !== null) {
    if (upload === null)
      throw new PrintgateError("not-supported", "no file can be brought to the printer over this connection");
    const order = await upload(command.order, options);
    options.leaving?.();
    return ask(conversation, requestOf({ name: "print", order }, conversation.known), options.signal);
  }
  if (command.name === "refresh") conversation.refresh();
  return ask(conversation, requestOf(command, conversation.known), options.signal);
}

/** Everything that listens is released when the answer is there, when nobody waits any more, and when the connection ends. */
function ask(conversation: Conversation, request: Request, signal: AbortSignal): Promise<CommandReply> {
  const alertStood = demandsSignature(conversation.known.status);
  return new Promise((resolve, reject) => {
    let id: string | null = null;
    const release = (): void => {
      leave();
      signal.removeEventListener("abort", giveUp);
    };
    const answer = (reply: CommandReply): void => {
      release();
      resolve(reply);
    };
    const fail = (error: PrintgateError): void => {
      release();
      reject(error);
    };
    const giveUp = (): void => {
      fail(new PrintgateError("timeout", "nobody waits for the printer's answer any more"));
    };
    const leave = conversation.listen({
      reply: ({ section, command, sequenceId, body }) => {
        if (section !== request.section || command !== request.command || sequenceId !== id) return;
        const verdict = verdictOf(body);
        if (verdict !== null) answer(verdict);
      },
      // Some firmware raises its alert and says nothing else.
      report: ({ status }) => {
        if (request.section === "print" && !alertStood && demandsSignature(status)) answer(SIGNATURE_REFUSAL);
      },
      ended: (reason) => {
        const words = `${reason.message}; whether the command was carried out is not known`;
        fail(new PrintgateError("link-lost", words, { cause: reason }));
      },
    });
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) {
      giveUp();
      return;
    }
    id = conversation.say((sequenceId) => frameOf(request, sequenceId));
    if (id === null) fail(new PrintgateError("offline", "there is no connection to the printer"));
  });
}
