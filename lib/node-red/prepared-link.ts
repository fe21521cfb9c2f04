import { PrintgateError, toError } from "../errors";
import type { Link, LinkListener } from "../printer/link";
import type { LinkName } from "../printer/status";

/** A link that can be opened now, and what must be put away after it. */
export interface Prepared {
  readonly link: Link;
  readonly putAway: () => Promise<void>;
}

/** A link that must be prepared first: it counts as connecting meanwhile, and as stopped if that fails. */
export function preparedLink(
  { name, vendor }: { readonly name: LinkName; readonly vendor: Link["vendor"] },
  prepare: () => Promise<Prepared>,
): Link {
  let current: { prepared: Promise<Prepared | null>; closed: boolean } | null = null;

  const begin = async (listener: LinkListener, isClosed: () => boolean): Promise<Prepared | null> => {
    try {
      const prepared = await prepare();
      if (!isClosed()) prepared.link.open(listener);
      return prepared;
    } catch (thrown) {
      if (!isClosed()) listener.state({ kind: "stopped", reason: toError(thrown) });
      return null;
    }
  };

  return {
    name,
    vendor,
    open: (listener) => {
      if (current) return;
      const run = { prepared: Promise.resolve<Prepared | null>(null), closed: false };
      run.prepared = begin(listener, () => run.closed);
      current = run;
    },
    close: async () => {
      const run = current;
      if (!run) return;
      current = null;
      run.closed = true;
      const prepared = await run.prepared;
      await prepared?.link.close();
      await prepared?.putAway();
    },
    refresh: () => {
      void current?.prepared.then((prepared) => {
        prepared?.link.refresh();
      });
    },
    send: async (command, options) => {
      const prepared = await current?.prepared;
      if (!prepared) throw new PrintgateError("offline", "there is no connection to the printer");
      return prepared.link.send(command, options);
    },
  };
}
