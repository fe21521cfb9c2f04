import type { Node, NodeAPI } from "node-red";
import { PrintgateError } from "../../errors";
import type { AccountHandle } from "./accounts";
import { orProblem } from "../runtime";
import type { PrinterSettings } from "../settings";

/** A printer-account node as the nodes that point to it see it. */
export interface PrinterAccountNode extends Node {
  /** A PrintgateError when the configuration can not be used. */
  readonly account: AccountHandle | PrintgateError;
  /** What is dangerous about it, short enough for the canvas; null = nothing. */
  readonly remark: string | null;
}

export interface UsableAccount {
  readonly handle: AccountHandle;
  readonly remark: string | null;
}

/**
 * The account that the node of this id holds; the node may be missing, disabled, or some other.
 * @throws PrintgateError `config-invalid`
 */
function accountOf(RED: NodeAPI, id: string): UsableAccount {
  const node = RED.nodes.getNode(id) as Partial<PrinterAccountNode> | null;
  const { account, remark = null } = node ?? {};
  if (account === undefined || node?.type !== "printer-account")
    throw new PrintgateError("config-invalid", "the account is missing or disabled");
  if (account instanceof PrintgateError)
    throw new PrintgateError("config-invalid", `the account can not be used: ${account.message}`);
  return { handle: account, remark };
}

/**
 * The account of a printer; null = none. One that is reached in the network does not depend on it: there a sentence in
 * the log is enough.
 * @throws PrintgateError `config-invalid` where the printer is reached through the account
 */
export function accountFor(
  RED: NodeAPI,
  { account, connection }: Pick<PrinterSettings, "account" | "connection">,
  log: { warn(message: string): void },
): UsableAccount | null {
  const found = account === "" ? null : orProblem(() => accountOf(RED, account));
  if (!(found instanceof PrintgateError)) return found;
  if (connection !== "lan") throw found;
  log.warn(`${found.message}: nobody can be asked about firmware but the printer itself`);
  return null;
}
