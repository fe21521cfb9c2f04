import type { EventEmitter } from "node:events";
import { PrintgateError, toError } from "../errors";
import type { PrinterEvent } from "../printer/events";
import type { LinkState } from "../printer/link";
import type { Printer } from "../printer/printer";
import { type PrinterIdentity, type PrinterStatus, sameValue } from "../printer/status";
import { Deploys } from "./deploys";
import { differences, type PrinterSettings } from "./settings";

/** A node that uses a printer. Nothing here may throw; what does is logged and harms no other user. */
export interface PrinterUser {
  /** The flows run and this is the printer: now, or again when another one took its place. */
  ready(printer: Printer): void;
  /** The printer can not be used, and why. */
  unusable(problem: PrintgateError): void;
  status?(status: PrinterStatus, printer: PrinterIdentity): void;
  event?(event: PrinterEvent, printer: PrinterIdentity): void;
  link?(state: LinkState): void;
}

/** What a printer-config node holds as long as it lives. */
export interface Seat {
  readonly settings: PrinterSettings;
  /** Another node has the same serial with other settings; null while this one is usable. */
  readonly problem: PrintgateError | null;
  /** null until the flows run, while nobody uses it, and while there is a problem. */
  readonly printer: Printer | null;
  /** Adds a user; the answer takes it away again. */
  use(user: PrinterUser): () => void;
  /** Gives the seat up; resolves when the connection, if it was the last one's, is closed. */
  release(): Promise<void>;
}

export interface Log {
  warn(message: string): void;
}

interface Holder extends Seat {
  readonly nodeId: string;
  readonly log: Log;
  readonly users: Set<PrinterUser>;
  problem: PrintgateError | null;
  printer: Printer | null;
}

/** All that is known under one printer id. */
interface Entry {
  readonly id: string;
  /** In the order in which the nodes came. */
  readonly holders: Set<Holder>;
  /** The node whose settings count. It keeps the place over a redeploy. */
  rulerId: string | null;
  running: { readonly printer: Printer; readonly settings: PrinterSettings; leave(): Promise<void> } | null;
  /** Users that have been told about the running printer. */
  readonly told: Set<PrinterUser>;
  /** Events that came while flows were exchanged: a receiver may be missing for that moment. */
  readonly held: { readonly event: PrinterEvent; readonly printer: PrinterIdentity }[];
}

/**
 * The printers of this process by id: two config nodes with the same serial share one connection,
 * because a printer takes few. Whatever changes is settled when the flows have started, so that no
 * event leaves before its receivers exist, a redeployed node finds the connection still open, and
 * an edited config node keeps its place before one that only waits for it.
 */
export class Printers {
  private readonly entries = new Map<string, Entry>();
  /** Connections on their way out: the same printer is called again only after them. */
  private readonly leaving = new Map<string, Promise<void>>();
  private readonly deploys: Deploys;

  constructor(
    private readonly makePrinter: (settings: PrinterSettings, log: Log) => Printer,
    restartMs?: number,
  ) {
    this.deploys = new Deploys(() => {
      for (const entry of this.entries.values()) this.settle(entry);
    }, restartMs);
  }

  /** Follows Node-RED through its deploys; the answer stops that. */
  follow(events: EventEmitter): () => void {
    return this.deploys.follow(events);
  }

  /** A place for a config node. `nodeId` is the node's own, `log` its log. */
  claim(nodeId: string, settings: PrinterSettings, log: Log): Seat {
    const entry = this.entryOf(settings.id);
    const holder: Holder = {
      ...{ nodeId, settings, log, users: new Set(), problem: null, printer: null },
      use: (user) => {
        holder.users.add(user);
        this.deploys.changed();
        return () => {
          holder.users.delete(user);
          entry.told.delete(user);
          this.deploys.changed();
        };
      },
      release: () => {
        entry.holders.delete(holder);
        holder.printer = null;
        this.deploys.changed();
        return entry.holders.size > 0 ? Promise.resolve() : this.stop(entry);
      },
    };
    entry.holders.add(holder);
    this.deploys.changed();
    return holder;
  }

  /** The printers that are in use at this moment. */
  list(): readonly Printer[] {
    return [...this.entries.values()].flatMap(({ running }) => (running ? [running.printer] : []));
  }

  /** Connects anew to a printer, after something it depends on (a learnt certificate, say) was changed. */
  async restart(id: string): Promise<void> {
    const entry = this.entries.get(id);
    if (!entry) return;
    await this.stop(entry);
    if (!this.deploys.underWay) this.settle(entry);
  }

  private entryOf(id: string): Entry {
    const known = this.entries.get(id);
    if (known) return known;
    const entry: Entry = { id, holders: new Set(), rulerId: null, running: null, told: new Set(), held: [] };
    this.entries.set(id, entry);
    return entry;
  }

  private settle(entry: Entry): void {
    const holders = [...entry.holders];
    const ruler = holders.find(({ nodeId }) => nodeId === entry.rulerId) ?? holders[0];
    if (!ruler) {
      this.entries.delete(entry.id);
      return;
    }
    entry.rulerId = ruler.nodeId;
    for (const holder of holders) {
      const known = holder.problem !== null;
      holder.problem = conflict(holder.settings, ruler.settings);
      if (holder.problem !== null && !known) holder.log.warn(holder.problem.message);
    }

    const inUse = holders.some((holder) => holder.problem === null && holder.users.size > 0);
    const outdated = entry.running !== null && !sameValue(entry.running.settings, ruler.settings);
    if (!inUse || outdated) void this.stop(entry);
    if (inUse) entry.running ??= this.start(entry, ruler);
    for (const holder of holders) this.introduce(entry, holder);
    for (const { event, printer } of entry.held.splice(0)) this.each(entry, (user) => user.event?.(event, printer));
  }

  /** Tells each user of a holder once what it has. */
  private introduce(entry: Entry, holder: Holder): void {
    const { problem } = holder;
    holder.printer = problem === null ? (entry.running?.printer ?? null) : null;
    const { printer } = holder;
    for (const user of holder.users) {
      if (problem !== null) {
        entry.told.delete(user);
        attempt(holder.log, () => {
          user.unusable(problem);
        });
      } else if (printer !== null && !entry.told.has(user)) {
        entry.told.add(user);
        attempt(holder.log, () => {
          user.ready(printer);
        });
      }
    }
  }

  private start(entry: Entry, ruler: Holder): Entry["running"] {
    const printer = this.makePrinter(ruler.settings, ruler.log);
    const listener = {
      status: (status: PrinterStatus, from: PrinterIdentity): void => {
        this.each(entry, (user) => user.status?.(status, from));
      },
      link: (state: LinkState): void => {
        this.each(entry, (user) => user.link?.(state));
      },
      event: (event: PrinterEvent, from: PrinterIdentity): void => {
        if (this.deploys.underWay) entry.held.push({ event, printer: from });
        else this.each(entry, (user) => user.event?.(event, from));
      },
    };
    // While an earlier connection says goodbye, leaving means not to begin at all.
    let left = false;
    const subscribed = (this.leaving.get(entry.id) ?? Promise.resolve()).then(() =>
      left ? null : printer.subscribe(listener),
    );
    const leave = async (): Promise<void> => {
      left = true;
      await (
        await subscribed
      )?.();
    };
    return { printer, settings: ruler.settings, leave };
  }

  private stop(entry: Entry): Promise<void> {
    const { running } = entry;
    if (!running) return this.leaving.get(entry.id) ?? Promise.resolve();
    entry.running = null;
    entry.told.clear();
    for (const holder of entry.holders) holder.printer = null;
    const left = running.leave().catch((thrown: unknown) => {
      const [holder] = entry.holders;
      holder?.log.warn(toError(thrown).message);
    });
    const gone = left.then(() => {
      if (this.leaving.get(entry.id) === gone) this.leaving.delete(entry.id);
    });
    this.leaving.set(entry.id, gone);
    return gone;
  }

  private each(entry: Entry, call: (user: PrinterUser) => void): void {
    for (const holder of entry.holders) {
      if (holder.problem !== null) continue;
      for (const user of [...holder.users]) {
        if (entry.told.has(user)) {
          attempt(holder.log, () => {
            call(user);
          });
        }
      }
    }
  }
}

function attempt(log: Log, call: () => void): void {
  try {
    call();
  } catch (thrown) {
    log.warn(toError(thrown).message);
  }
}

function conflict(settings: PrinterSettings, ruling: PrinterSettings): PrintgateError | null {
  const differs = differences(settings, ruling);
  if (differs.length === 0) return null;
  return new PrintgateError(
    "config-conflict",
    `"${ruling.name}" already uses serial ${settings.id} with another ${differs.join(", ")}`,
  );
}
