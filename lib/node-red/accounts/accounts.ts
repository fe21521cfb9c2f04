import type { EventEmitter } from "node:events";
import { cloudHub, type CloudHub } from "../../bambu/cloud/hub";
import type { BambuAccount, SessionStore, Who } from "../../bambu/cloud/types";
import { PrintgateError, toError } from "../../errors";
import { sameValue } from "../../printer/status";
import { Deploys } from "../deploys";
import { type AccountSettings, placeOf } from "./settings";
import type { Sessions } from "./sessions";

export interface AccountLog {
  warn(message: string): void;
}

export type MakeAccount = (settings: AccountSettings, store: SessionStore, log: AccountLog) => BambuAccount;

/** An account that is there, for the nodes and dialogs that use it. */
export interface AccountHandle {
  readonly account: BambuAccount;
  /** The one connection of all its printers. */
  readonly hub: CloudHub;
  readonly settings: AccountSettings;
  /** Resolves when the session was read. Never rejects. */
  readonly ready: Promise<void>;
  /** Asks the cloud for its printers, for their models: now, and after each sign-in. Never rejects, says nothing. */
  learnModels(): Promise<void>;
  /** The model of a printer of the account; null while it is not known. */
  modelOf(serial: string): string | null;
}

/** What a printer-account node holds as long as it lives. */
export interface AccountSeat {
  readonly handle: AccountHandle;
  release(): void;
}

interface Holder {
  readonly nodeId: string;
  readonly log: AccountLog;
}

interface Entry {
  readonly accountId: string;
  readonly handle: AccountHandle;
  readonly holders: Set<Holder>;
  /** A dialog uses it, and its steps of signing in live in memory. */
  visit: NodeJS.Timeout | null;
}

/** A person looks for the code in another program; and goes for a coffee. */
const VISIT_MS = 30 * 60_000;

interface AccountsOptions {
  readonly make: MakeAccount;
  readonly sessions: Sessions;
  /** Where an account speaks that no node has yet. */
  readonly log: AccountLog;
  readonly visitMs?: number;
  readonly restartMs?: number;
}

/**
 * The accounts of this process, by the id of their node. A redeploy that leaves an account's settings as they were
 * finds it as it was: its session, its caches, its count of requests. One that a dialog made before the first deploy
 * waits for its node; when that comes too late, the session is found in the store.
 */
export class Accounts {
  private readonly entries = new Set<Entry>();
  private readonly leaving = new Set<Promise<void>>();
  private readonly deploys: Deploys;

  constructor(private readonly options: AccountsOptions) {
    this.deploys = new Deploys(() => {
      for (const entry of this.entries) if (entry.holders.size === 0 && entry.visit === null) this.stop(entry);
    }, options.restartMs);
  }

  /** Follows Node-RED through its deploys; the answer stops that. */
  follow(events: EventEmitter): () => void {
    return this.deploys.follow(events);
  }

  /**
   * A place for a printer-account node.
   * @param accountId whose session it is: of an instance of a subflow the id of the node in the template
   */
  claim({ nodeId, accountId }: { nodeId: string; accountId: string }, settings: AccountSettings, log: AccountLog) {
    const entry =
      this.find(accountId, ({ handle }) => sameValue(handle.settings, settings)) ?? this.begun(accountId, settings);
    const holder: Holder = { nodeId, log };
    entry.holders.add(holder);
    const release = (): void => {
      entry.holders.delete(holder);
      this.deploys.changed();
    };
    return { handle: entry.handle, release } satisfies AccountSeat;
  }

  /** The account that a dialog speaks of: the one that runs where its form names the same cloud, else one of its own. */
  visit(accountId: string, settings: AccountSettings): AccountHandle {
    const entry = this.find(accountId, ({ handle }) => isSameCloud(handle.settings, settings));
    const visited = entry ?? this.begun(accountId, settings);
    if (visited.visit !== null) clearTimeout(visited.visit);
    visited.visit = setTimeout(() => {
      visited.visit = null;
      this.deploys.changed();
    }, this.options.visitMs ?? VISIT_MS).unref();
    return visited.handle;
  }

  /** What `visit` would find, if it is there. */
  look(accountId: string, settings: AccountSettings): AccountHandle | null {
    return this.find(accountId, ({ handle }) => isSameCloud(handle.settings, settings))?.handle ?? null;
  }

  /** The account of a node that is deployed, else the one that a dialog opened for it. */
  of(nodeId: string): AccountHandle | null {
    const entries = [...this.entries];
    const held = entries.find(({ holders }) => [...holders].some((holder) => holder.nodeId === nodeId));
    return (held ?? entries.find(({ accountId }) => accountId === nodeId))?.handle ?? null;
  }

  /**
   * Asks the cloud whose pasted token this is, and keeps nothing.
   * @throws PrintgateError in words that name the trouble
   */
  async tryToken(settings: AccountSettings): Promise<Who> {
    const forgetful: SessionStore = { load: () => Promise.resolve(null), save: () => Promise.resolve() };
    const account = this.options.make({ ...settings, pastedToken: "" }, forgetful, { warn: () => undefined });
    try {
      await account.open();
      const reply = await account.signIn({ kind: "token", accessToken: settings.pastedToken });
      if (reply.next !== "done") throw new PrintgateError("bad-answer", "the cloud did not say whose token this is");
      return reply.who;
    } finally {
      await account.close();
    }
  }

  /** Ends them all. */
  async close(): Promise<void> {
    for (const entry of this.entries) this.stop(entry);
    await Promise.all(this.leaving);
  }

  /** One that a node holds goes before one that only a dialog has. */
  private find(accountId: string, fits: (entry: Entry) => boolean): Entry | undefined {
    const fitting = [...this.entries].filter((entry) => entry.accountId === accountId && fits(entry));
    return fitting.find(({ holders }) => holders.size > 0) ?? fitting[0];
  }

  private begun(accountId: string, settings: AccountSettings): Entry {
    // Two that keep one session must not both be at work: whoever has no node gives way.
    for (const entry of this.entries) {
      const isTwin = entry.accountId === accountId && placeOf(entry.handle.settings) === placeOf(settings);
      if (isTwin && entry.holders.size === 0) this.stop(entry);
    }
    const holders = new Set<Holder>();
    const log: AccountLog = {
      warn: (message) => {
        const [holder] = holders;
        (holder?.log ?? this.options.log).warn(message);
      },
    };
    const store = this.options.sessions.of(accountId, placeOf(settings));
    const account = this.options.make(settings, store, log);
    const ready = Promise.all(this.leaving)
      .then(() => account.open())
      .catch((thrown: unknown) => {
        log.warn(toError(thrown).message);
      });
    const models = modelsOf(account, ready);
    const entry: Entry = {
      accountId,
      handle: { account, hub: cloudHub(account.mqtt), settings, ready, ...models },
      holders,
      visit: null,
    };
    this.entries.add(entry);
    return entry;
  }

  private stop(entry: Entry): void {
    this.entries.delete(entry);
    if (entry.visit !== null) clearTimeout(entry.visit);
    entry.visit = null;
    const gone: Promise<void> = entry.handle.ready
      .then(() => entry.handle.account.close())
      .catch((thrown: unknown) => {
        this.options.log.warn(toError(thrown).message);
      })
      .finally(() => this.leaving.delete(gone));
    this.leaving.add(gone);
  }
}

/** The models of an account's printers. Whoever asked before somebody signed in is served when that is done. */
function modelsOf(account: BambuAccount, ready: Promise<void>): Pick<AccountHandle, "learnModels" | "modelOf"> {
  const models = new Map<string, string | null>();
  let wanted = false;
  const learn = async (): Promise<void> => {
    const devices = await account.devices().catch(() => []);
    for (const { serial, model } of devices) models.set(serial, model);
  };
  account.subscribe({
    state: ({ kind }) => {
      if (wanted && kind === "signed-in") void learn();
    },
  });
  return {
    learnModels: async () => {
      wanted = true;
      await ready;
      await learn();
    },
    modelOf: (serial) => models.get(serial) ?? null,
  };
}

/** The REST side alone: to whom the dialog speaks does not depend on where reports come from. */
function isSameCloud(a: AccountSettings, b: AccountSettings): boolean {
  return placeOf(a) === placeOf(b) && sameValue(a.tls, b.tls);
}
