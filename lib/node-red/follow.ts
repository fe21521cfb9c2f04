import type { Node, NodeAPI } from "node-red";
import { PrintgateError } from "../errors";
import type { BambuAccount } from "../bambu/cloud/types";
import type { Command } from "../printer/commands";
import { type FirmwareWord, NO_WORD, type Offer } from "../printer/firmware";
import type { LinkState } from "../printer/link";
import type { Pictures } from "../printer/pictures";
import type { Printer } from "../printer/printer";
import type { CommandOutcome } from "../printer/refusals";
import { type PrinterIdentity, type PrinterStatus, UNKNOWN_STATUS } from "../printer/status";
import { accountRemark } from "./accounts/remark";
import type { UsableAccount } from "./accounts/node";
import type { PrinterUser, Seat } from "./printers";
import { type NodeType, readProperties, type Values } from "./properties";
import { lookOf, type Words } from "./look";
import { type Light, onClose, redRing } from "./runtime";
import { identityOf } from "./settings";

/** A printer-config node as the nodes that point to it see it. */
export interface PrinterConfigNode extends Node {
  /** The place of this node at its printer; a PrintgateError when the configuration can not be used. */
  readonly seat: Seat | PrintgateError;
  /** Texts of the printer-config catalogue. */
  readonly words: Words;
  /** The account that the printer is reached through; null = none. */
  readonly account: UsableAccount | null;
}

/** What a node knows of its printer at this moment. */
export interface View {
  readonly printer: PrinterIdentity;
  readonly status: PrinterStatus;
  /** True once the printer's whole state was heard. */
  readonly complete: boolean;
  readonly linkState: LinkState;
  /** What the printer itself says about updates of its firmware. */
  readonly firmware: FirmwareWord;
  /** Whose printer it is; null where that is not configured. */
  readonly account: BambuAccount | null;
  /** Tells what the account's cloud found to be available, once for each version. */
  readonly offer: (found: readonly Offer[]) => void;
  /** Carries a command out once, or says why not; never rejects. */
  readonly send: Printer["send"];
  /** One JPEG, which everybody gets who asks meanwhile. @throws PrintgateError */
  readonly takePicture: Pictures["take"];
  /** The printer's own words; an empty object before it said any. */
  readonly raw: () => Record<string, unknown>;
}

export interface Follower<T extends NodeType> {
  readonly values: Values<T>;
  /** null when there is no usable printer. */
  view(): View | null;
  /** @throws PrintgateError in the words of the red ring, when there is no usable printer */
  demand(): View;
}

/** The nodes that have a printer. */
type FollowerType = "printer-status" | "printer-event" | "printer-command" | "printer-camera" | "firmware-check";

/**
 * Lets a node follow the printer that its `printer` property names: shows the printer's state (or why
 * there is none) below the node and hands on what `user` asks for, until the node closes.
 */
export function followPrinter<T extends FollowerType>(
  RED: NodeAPI,
  node: Node,
  light: Light,
  { type, def, user }: { type: T; def: Record<string, unknown>; user: Partial<PrinterUser> },
): Follower<T> {
  const { values, problems } = readProperties(type, def);
  const found = problems[0] === undefined ? findSeat(RED, values.printer) : unusable(problems[0]);
  if (found instanceof PrintgateError) {
    light.set(redRing(found));
    const demand = (): View => {
      throw found;
    };
    return { values, view: () => null, demand };
  }

  const { seat, words, account } = found;
  const show = (): void => {
    const { status, linkState } = seat.printer ?? NOT_YET;
    light.set(lookOf(status, linkState, words, remarkOf(account, words)));
  };
  show();
  if (account) onClose(node, account.handle.account.subscribe({ state: show }));
  const leave = seat.use({
    ...user,
    ready: (printer) => {
      show();
      user.ready?.(printer);
    },
    unusable: (problem) => {
      light.set(redRing(problem));
      user.unusable?.(problem);
    },
    status: (status, printer) => {
      show();
      user.status?.(status, printer);
    },
    link: (state) => {
      show();
      user.link?.(state);
    },
  });
  onClose(node, leave);
  const view = (): View => viewOf(seat.printer, identityOf(seat.settings), account?.handle.account ?? null);
  return {
    values,
    view: () => (seat.problem === null ? view() : null),
    demand: () => {
      if (seat.problem !== null) throw seat.problem;
      return view();
    },
  };
}

/** Before the flows have started there is no printer yet: what is known then is nothing but its name. */
function viewOf(printer: Printer | null, identity: PrinterIdentity, account: BambuAccount | null): View {
  return {
    printer: printer?.identity ?? identity,
    status: printer?.status ?? UNKNOWN_STATUS,
    complete: printer?.observation?.complete ?? false,
    linkState: (printer ?? NOT_YET).linkState,
    firmware: printer?.observation?.firmware ?? NO_WORD,
    account,
    offer: (found) => printer?.offer(found),
    send: (command, options) => printer?.send(command, options) ?? refuseEarly(command),
    takePicture: async (wish) => {
      if (printer === null) throw new PrintgateError("offline", NOT_STARTED);
      return printer.pictures.take(wish);
    },
    raw: () => printer?.observation?.raw() ?? {},
  };
}

const NOT_STARTED = "the flows have not started yet";

function refuseEarly({ name: command }: Command): Promise<CommandOutcome> {
  return Promise.resolve({ command, confirmed: false, code: "offline", reason: NOT_STARTED });
}

function remarkOf(account: UsableAccount | null, words: Words): string | null {
  if (account === null) return null;
  return accountRemark(account.handle.account.state, words, Date.now()) ?? account.remark;
}

/** What a node sees before its printer is there. */
const NOT_YET = { status: UNKNOWN_STATUS, linkState: { kind: "connecting", after: null } } as const;

interface Found extends Pick<PrinterConfigNode, "words" | "account"> {
  readonly seat: Seat;
}

/** The place at the printer that the config node of this id holds; the node may be missing, disabled, or some other. */
function findSeat(RED: NodeAPI, id: string): Found | PrintgateError {
  const config = RED.nodes.getNode(id) as Partial<PrinterConfigNode> | null;
  if (config?.seat === undefined || config.words === undefined)
    return unusable("the printer configuration is missing or disabled");
  const { seat, words, account = null } = config;
  return seat instanceof PrintgateError ? seat : { seat, words, account };
}

function unusable(words: string): PrintgateError {
  return new PrintgateError("config-invalid", words);
}
