import { PrintgateError } from "../../errors";
import type { Command } from "../../printer/commands";
import type { CommandReply, Link, LinkListener, SendOptions } from "../../printer/link";
import type { BambuAccount } from "./types";

/**
 * A link to a printer of an account, whichever way it goes: what concerns the account is heard while the link is open,
 * connected or not, and what only the account can do is done there.
 */
export function withAccount(link: Link, account: Pick<BambuAccount, "subscribe" | "rename">, serial: string): Link {
  let unsubscribe: (() => void) | null = null;
  return {
    get name() {
      return link.name;
    },
    vendor: link.vendor,
    hasStandIn: link.hasStandIn === true,
    open(listener: LinkListener) {
      unsubscribe?.();
      unsubscribe = account.subscribe({
        notice(notice) {
          listener.notice?.(notice);
        },
      });
      link.open(listener);
    },
    async close() {
      unsubscribe?.();
      unsubscribe = null;
      await link.close();
    },
    refresh() {
      link.refresh();
    },
    renew() {
      link.renew?.();
    },
    async send(command: Command, options: SendOptions): Promise<CommandReply> {
      if (command.name !== "rename") return link.send(command, options);
      // The name is the cloud's: the printer needs not be reachable for it.
      await account.rename(serial, command.to);
      return { kind: "done" };
    },
    async snapshot(options) {
      if (!link.snapshot) throw new PrintgateError("not-supported", "no pictures come through the cloud");
      return link.snapshot(options);
    },
  };
}
