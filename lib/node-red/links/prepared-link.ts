import { PrintgateError, toError } from "../../errors";
import type { Link, LinkListener } from "../../printer/link";
import type { LinkName } from "../../printer/status";

/** A link that can be opened now, and what must be put away after it. */
export interface Prepared {
  readonly link: Link;
  readonly putAway: () => Promise<void>;
}

/** From an opening to its closing. */
interface Run {
  prepared: Promise<Prepared | null>;
  link: Link | null;
  closed: boolean;
}

/** A link that must be prepared first: it counts as connecting meanwhile, and as stopped if that fails. */
export function preparedLink(
  { name, vendor }: { readonly name: LinkName; readonly vendor: Link["vendor"] },
  prepare: () => Promise<Prepared>,
): Link {
  let current: Run | null = null;

  const begin = async (listener: LinkListener, run: Run): Promise<Prepared | null> => {
    try {
      const prepared = await prepare();
      if (run.closed) return prepared;
      run.link = prepared.link;
      prepared.link.open(listener);
      return prepared;
    } catch (thrown) {
      if (!run.closed) listener.state({ kind: "stopped", reason: toError(thrown) });
      return null;
    }
  };

  return {
    // A link of several ways says itself which one it is on.
    get name() {
      return current?.link?.name ?? name;
    },
    vendor,
    get hasStandIn() {
      return current?.link?.hasStandIn === true;
    },
    open: (listener) => {
      if (current) return;
      const run: Run = { prepared: Promise.resolve(null), link: null, closed: false };
      run.prepared = begin(listener, run);
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
    renew: () => {
      void current?.prepared.then((prepared) => {
        prepared?.link.renew?.();
      });
    },
    send: async (command, options) => {
      const prepared = await current?.prepared;
      if (!prepared) throw new PrintgateError("offline", "there is no connection to the printer");
      return prepared.link.send(command, options);
    },
    snapshot: async (options) => {
      const prepared = await current?.prepared;
      if (!prepared) throw new PrintgateError("offline", "there is no connection to the printer");
      if (!prepared.link.snapshot) throw new PrintgateError("not-supported", "this connection carries no pictures");
      return prepared.link.snapshot(options);
    },
  };
}
