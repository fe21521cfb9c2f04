import { toError } from "../errors";
import { noticed, offered, presence } from "./asides";
import type { Command } from "./commands";
import {
  type Continuity,
  ENDING_EVENTS,
  type EventMemory,
  NO_MEMORY,
  type PrinterEvent,
  shownState,
  withStart,
} from "./events";
import type { Offer } from "./firmware";
import { withSteadyEnd } from "./jobs";
import type { LinkState, Notice, Observation } from "./link";
import type { CommandOutcome } from "./refusals";
import { Pictures } from "./pictures";
import type { PrinterListener, PrinterOptions } from "./printer-options";
import { concernsEvents, ENDING_WAIT_MS, expire, step, type Step } from "./rules";
import { type CommandOptions, Sending } from "./sending";
import { type Job, type PrinterIdentity, type PrinterStatus, UNKNOWN_STATUS } from "./status";

export type { MemoryStore } from "./memory-shape";
export type { PrinterListener, PrinterOptions } from "./printer-options";

/** A link that drops and is back, or is replaced, within this time is no news: "offline" is told only after it. */
const OFFLINE_GRACE_MS = 5000;
/** An ending that was waiting when the process ended waits this long for the printer's next report. */
const ORPHAN_ENDING_MS = 30_000;

/**
 * One printer: owner of its link, its last status, its event memory and its timers, shared by all
 * nodes that use it. The first subscriber opens the link, the last one to leave closes it.
 *
 * Every event goes the same way: memory is saved, with endings in its outbox, then the event is told
 * and an ending struck off. A process that was killed before it could tell finds the ending in the
 * outbox, or the printer in a state that brings it up again.
 */
export class Printer {
  readonly id: string;
  /** The last observation; its `raw()` gives the printer's own words. */
  observation: Observation | null = null;
  status: PrinterStatus = UNKNOWN_STATUS;
  linkState: LinkState = { kind: "closed" };

  private readonly listeners = new Set<PrinterListener>();
  /** Its camera. */
  readonly pictures: Pictures;
  private readonly sending: Sending;
  private rules = NO_MEMORY;
  private outbox: readonly PrinterEvent[] = [];
  private continuity: Continuity = "start";
  private lastSeenMs = 0;
  private jobShown: { from: Job | null; startedAt: string | null; job: Job | null } | null = null;
  /** Saves and tells happen one after the other, in the order of the reports. */
  private queue: Promise<void> = Promise.resolve();
  /** The opening that is in force; what an earlier one left under way must not touch it. */
  private session: symbol | null = null;
  private closing: Promise<void> = Promise.resolve();
  private staleTimer: NodeJS.Timeout | null = null;
  private graceTimer: NodeJS.Timeout | null = null;
  private endingTimer: NodeJS.Timeout | null = null;

  constructor(private readonly options: PrinterOptions) {
    this.id = options.id;
    this.sending = new Sending(options.link, () => this);
    this.pictures = new Pictures(options.link);
  }

  get identity(): PrinterIdentity {
    const { id, name, link, knownModel } = this.options;
    const via = this.linkState.kind === "live" ? link.name : null;
    return { id, name, vendor: link.vendor, model: this.observation?.model ?? knownModel?.() ?? null, link: via };
  }

  /** Starts to listen; the answer stops it. */
  subscribe(listener: PrinterListener): () => Promise<void> {
    this.listeners.add(listener);
    if (this.listeners.size === 1) this.open();
    return async () => {
      if (this.listeners.delete(listener) && this.listeners.size === 0) await this.close();
    };
  }

  /** Asks the printer for its whole state, if it was not asked too recently for its good. */
  refresh(): void {
    this.options.link.refresh();
  }

  /** Carries a command out once, or says why not. Never rejects. */
  send(command: Command, options: CommandOptions): Promise<CommandOutcome> {
    return this.sending.send(command, options);
  }

  /** Tells an event that no report shows. */
  announce(notice: Notice): void {
    this.commit(noticed(this.rules, notice, Date.now()));
  }

  /** Tells what somebody else (the maker's cloud) found to be available, once for each version. */
  offer(found: readonly Offer[]): void {
    // In turn, so that a memory that is still being read from disk is not overlooked.
    this.queue = this.queue.then(() => {
      this.commit(offered(this.rules, found, Date.now()));
    });
  }

  /** Idempotent; ends within 2 s. What waits to be told stays in the store. */
  async close(): Promise<void> {
    if (this.session === null) return;
    this.session = null;
    for (const timer of [this.staleTimer, this.graceTimer, this.endingTimer]) if (timer !== null) clearTimeout(timer);
    this.staleTimer = this.graceTimer = this.endingTimer = null;
    this.linkState = { kind: "closed" };
    this.status = { ...this.status, online: false };
    this.sending.lost("the connection was closed");
    this.pictures.close();
    const saved = this.queue.then(() => (this.rules.state === null ? undefined : this.save(this.rules)));
    this.queue = saved;
    this.closing = this.options.link.close();
    await this.closing;
    await saved;
  }

  private open(): void {
    const session = Symbol(this.id);
    this.session = session;
    this.continuity = "start";
    this.queue = this.queue
      .then(() => this.closing)
      .then(() => this.remember(session))
      .then(() => {
        if (this.session !== session) return;
        this.options.link.open({
          state: (state) => {
            if (this.session === session) this.onLinkState(state);
          },
          report: (observation) => {
            if (this.session === session) this.onReport(observation, Date.now());
          },
          warn: (message) => {
            this.options.log.warn(message);
          },
          notice: (notice) => {
            if (this.session === session) this.announce(notice);
          },
          missed: () => {
            if (this.session === session) this.missed();
          },
        });
      })
      .catch((thrown: unknown) => {
        this.options.log.warn(toError(thrown).message);
      });
  }

  /** Takes up what an earlier process left: endings that were saved but perhaps not told. */
  private async remember(session: symbol): Promise<void> {
    const kept = await this.options.memory.load();
    if (this.session !== session) return;
    const { rules, outbox } = kept ?? { rules: this.rules, outbox: this.outbox };
    this.rules = { ...rules, online: null };
    if (this.rules.ending !== null) {
      this.rules = { ...this.rules, ending: { ...this.rules.ending, recovered: true } };
      this.waitForEnding(ORPHAN_ENDING_MS);
    }
    this.outbox = outbox.map((event) => ({ ...event, recovered: true }));
    this.tell(this.outbox, this.rules, session);
  }

  private onLinkState(state: LinkState): void {
    const wasLive = this.linkState.kind === "live";
    this.linkState = state;
    this.each((listener) => listener.link?.(state));
    if (state.kind === "live" || !wasLive) return;
    this.sending.lost("the connection was lost");
    this.missed();
    this.unheard();
    this.tellPresenceLater();
  }

  private onReport(observation: Observation, at: number): void {
    const before = this.observation;
    this.observation = observation;
    this.lastSeenMs = at;
    this.armStaleTimer(this.options.staleAfterMs);
    let result: Step | null = null;
    if (observation.complete) {
      // Most reports move a temperature and nothing else: the rules need not look at those.
      const idleTurn = this.continuity === "live" && before !== null && !concernsEvents(before, observation);
      if (!idleTurn) result = step(this.rules, observation, at, this.continuity);
      // Somebody else's word for it: what was missed of the printer before is still not known.
      if (observation.away !== true) this.continuity = "live";
    }
    if (result !== null) this.rules = result.memory;
    // Until the printer's whole state was heard once there is nothing worth showing.
    if (this.continuity !== "start" || observation.away === true) this.show(observation, "heard");
    if (result !== null) {
      const { ending } = this.rules;
      if (ending !== null) this.waitForEnding(Math.min(ENDING_WAIT_MS, ending.since + ENDING_WAIT_MS - at));
      this.commit(result);
    }
    const { online } = this.status;
    if (online !== this.rules.online || (online && this.graceTimer !== null)) this.tellPresence();
  }

  /** The link's picture of the printer, with what only we know: now that it was heard, or told anew. */
  private show(observation: Observation, why: "heard" | "again"): void {
    const { status } = observation;
    const state = shownState(this.rules, status.state);
    this.status = {
      ...status,
      online: why === "heard" ? observation.away !== true : this.status.online,
      lastSeen: new Date(this.lastSeenMs).toISOString(),
      state,
      job: this.shownJob(status.job),
    };
    this.tellStatus();
  }

  /** Kept while nothing changes, so that comparing two statuses stays cheap. */
  private shownJob(from: Job | null): Job | null {
    const { startedAt } = this.rules;
    if (this.jobShown?.from !== from || this.jobShown.startedAt !== startedAt) {
      const job = withSteadyEnd(withStart(from, this.rules), this.jobShown?.job ?? null);
      this.jobShown = { from, startedAt, job };
    }
    return this.jobShown.job;
  }

  private unheard(): void {
    const { online, stage } = this.status;
    // That the printer is off was the word of a server that can not be asked any more.
    const known = this.observation?.away === true ? UNKNOWN_STATUS.stage : stage;
    if (!online && known === stage) return;
    this.status = { ...this.status, online: false, stage: known };
    this.tellStatus();
  }

  private tellStatus(): void {
    const { identity, status } = this;
    this.each((listener) => listener.status?.(status, identity));
    this.sending.report(status);
  }

  private tellPresence(): void {
    const { online } = this.status;
    if (online && this.graceTimer !== null) {
      clearTimeout(this.graceTimer);
      this.graceTimer = null;
    }
    this.commit(presence(this.rules, online, Date.now()));
  }

  private tellPresenceLater(): void {
    this.graceTimer ??= setTimeout(() => {
      this.graceTimer = null;
      this.tellPresence();
    }, OFFLINE_GRACE_MS);
  }

  /** One timer for all reports: it looks at the clock when it fires instead of being set anew each time. */
  private armStaleTimer(inMs: number): void {
    this.staleTimer ??= setTimeout(() => {
      this.staleTimer = null;
      // A clock that was set back must not make the silence last until it has caught up.
      this.lastSeenMs = Math.min(this.lastSeenMs, Date.now());
      const left = this.lastSeenMs + this.options.staleAfterMs - Date.now();
      if (left > 0) {
        this.armStaleTimer(left);
        return;
      }
      this.missed();
      this.unheard();
      if (this.options.link.hasStandIn === true) this.tellPresenceLater();
      else this.tellPresence();
    }, inMs);
  }

  private missed(): void {
    if (this.continuity === "live") this.continuity = "gap";
  }

  private waitForEnding(waitMs: number): void {
    if (this.endingTimer !== null) clearTimeout(this.endingTimer);
    this.endingTimer = setTimeout(() => {
      this.endingTimer = null;
      if (this.rules.ending === null) return;
      const result = expire(this.rules, Date.now());
      this.rules = result.memory;
      if (this.observation !== null && this.continuity !== "start") this.show(this.observation, "again");
      this.commit(result);
    }, waitMs);
  }

  /** Saves what the events depend on, tells them, and strikes told endings off the outbox. */
  private commit({ memory, events, save }: Step): void {
    this.rules = memory;
    if (!save && events.length === 0) return;
    const { session } = this;
    const endings = events.filter((event) => ENDING_EVENTS.has(event.event));
    this.queue = this.queue.then(async () => {
      // Memory and outbox as of this step, whatever has been reported since: each save is a state to go on from.
      this.outbox = [...this.outbox, ...endings];
      await this.save(memory);
      this.tell(events, memory, session);
    });
  }

  /**
   * Told is told: endings are struck off in the same turn, since Node-RED hands messages on in the
   * next one. Whoever has seen an ending can be sure that no restart repeats it.
   */
  private tell(events: readonly PrinterEvent[], rules: EventMemory, session: symbol | null): void {
    // Closed while saving: the next opening finds the endings in the outbox.
    if (this.session !== session) return;
    const { identity } = this;
    for (const event of events) this.each((listener) => listener.event?.(event, identity));
    const left = this.outbox.filter((event) => !events.includes(event));
    if (left.length === this.outbox.length) return;
    this.outbox = left;
    try {
      this.options.memory.saveNow({ version: 1, rules, outbox: left });
    } catch {
      // The store has said so; with the disk in this state a restart may tell them again.
    }
  }

  /** A disk that fails must not keep a user's automation from running: the store says so, and events are told all the same. */
  private async save(rules: EventMemory): Promise<void> {
    await this.options.memory.save({ version: 1, rules, outbox: this.outbox }).catch(() => undefined);
  }

  /** A listener that throws must not keep the others from hearing. */
  private each(call: (listener: PrinterListener) => void): void {
    for (const listener of [...this.listeners]) {
      try {
        call(listener);
      } catch (thrown) {
        this.options.log.warn(toError(thrown).message);
      }
    }
  }
}
