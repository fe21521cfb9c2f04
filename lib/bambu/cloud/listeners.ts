import { toError } from "../../errors";
import type { Notice } from "../../printer/link";
import type { AccountListener, AccountState } from "./types";

/** Those who listen to an account. One that throws disturbs neither the others nor the account. */
export interface Listeners {
  add(listener: AccountListener): () => void;
  /** User or password of the broker are others. */
  addCredentials(listener: () => void): () => void;
  tellState(state: AccountState): void;
  /** Kept until somebody listens: an account may be loaded before the printers that use it. */
  tellNotice(notice: Notice): void;
  /** What nobody has heard is no longer true. */
  forgetNotices(): void;
  tellCredentials(): void;
  /** Whether somebody would hear a notice. */
  readonly hearNotices: boolean;
  clear(): void;
}

export function createListeners(log: (message: string) => void): Listeners {
  const listeners = new Set<AccountListener>();
  const credentials = new Set<{ readonly tell: () => void }>();
  let unheard: Notice[] = [];

  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (thrown) {
      log(`a listener of the account failed: ${toError(thrown).message}`);
    }
  };
  const hearNotices = (): boolean => [...listeners].some((listener) => listener.notice !== undefined);
  const tellNotice = (notice: Notice): void => {
    for (const listener of [...listeners]) {
      guarded(() => {
        listener.notice?.(notice);
      });
    }
  };

  return {
    add(listener) {
      listeners.add(listener);
      if (unheard.length > 0) {
        // Later, so that all nodes of one start are there.
        setImmediate(() => {
          if (!hearNotices()) return;
          for (const notice of unheard.splice(0)) tellNotice(notice);
        });
      }
      return () => {
        listeners.delete(listener);
      };
    },
    addCredentials(tell) {
      const entry = { tell };
      credentials.add(entry);
      return () => {
        credentials.delete(entry);
      };
    },
    tellState(state) {
      for (const listener of [...listeners]) {
        guarded(() => {
          listener.state?.(state);
        });
      }
    },
    tellNotice(notice) {
      if (hearNotices()) tellNotice(notice);
      // One of a kind: only the newest is still true.
      else unheard = [...unheard.filter(({ event }) => event !== notice.event), notice];
    },
    forgetNotices() {
      unheard = [];
    },
    tellCredentials() {
      for (const { tell } of [...credentials]) guarded(tell);
    },
    get hearNotices() {
      return hearNotices();
    },
    clear() {
      listeners.clear();
      credentials.clear();
      unheard = [];
    },
  };
}
