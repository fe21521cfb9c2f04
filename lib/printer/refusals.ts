import { type ErrorCode, type PrintgateError, toError } from "../errors";
import { type Command, type CommandName, ruleOf } from "./commands";
import type { LinkState } from "./link";
import type { PrinterStatus } from "./status";

/** What came of a command. Nothing counts as done because it was merely sent. */
export type CommandOutcome =
  | {
      readonly command: CommandName;
      readonly confirmed: true;
      /** The printer answered, or its reported state became what the command wants. */
      readonly by: "reply" | "state";
      readonly seconds: number;
    }
  | (Refusal & { readonly command: CommandName; readonly confirmed: false });

export interface Refusal {
  /**
   * `offline` `wrong-state` `timeout` `link-lost` `refused` `invalid` `not-supported`, another word of the error family,
   * or the printer's own number.
   */
  readonly code: string | number;
  /** A sentence for the user. */
  readonly reason: string;
}

/** The number by which the contract calls "this printer takes signed commands only". */
const SIGNATURE_DEMANDED = 84033543;

/** Why the command can not be sent at this moment; null when it can. */
export function refusalOf(command: Command, status: PrinterStatus, link: LinkState): Refusal | null {
  const rule = ruleOf(command);
  if (rule.needsPrinter === false) return null;
  const offline = offlineReason(status, link);
  if (offline !== null) return { code: "offline", reason: offline };
  if (rule.needsControl && status.control.allowed === false)
    return { code: SIGNATURE_DEMANDED, reason: status.control.reason ?? "the printer takes no commands of others" };
  if (rule.from !== null && !rule.from.includes(status.state)) {
    const now =
      status.state === "unknown" ? "the printer does not say what it is doing" : `the printer is ${status.state}`;
    return { code: "wrong-state", reason: `"${command.name}" ${rule.otherwise ?? "does not fit now"}; ${now}` };
  }
  return null;
}

function offlineReason(status: PrinterStatus, link: LinkState): string | null {
  switch (link.kind) {
    case "live":
      if (status.online) return null;
      return status.lastSeen === null
        ? "the printer has not reported its state yet"
        : "connected, but the printer does not report any more";
    case "waiting":
    case "stopped":
      return `the printer can not be reached: ${link.reason.message}`;
    case "connecting":
      return link.after === null
        ? "the connection to the printer is not there yet"
        : `the printer can not be reached: ${link.after.message}`;
    case "closed":
      return "the connection to the printer is closed";
  }
}

const CODES: Partial<Record<ErrorCode, string>> = {
  "message-invalid": "invalid",
  "request-invalid": "invalid",
  "command-refused": "refused",
};

/** An error that kept a command from being carried out, as the user is told. */
export function refusalFrom(thrown: unknown): Refusal {
  const error: PrintgateError = toError(thrown);
  return { code: CODES[error.code] ?? error.code, reason: error.message };
}
