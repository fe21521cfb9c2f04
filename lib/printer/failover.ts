import { isPrintgateError, PrintgateError } from "../errors";
import type { Command } from "./commands";
import { type Happening, moveFor, type Mode, outerState, type Picture, routeOf } from "./failover-table";
import { concernsEvents } from "./rules";
import type { CommandReply, Link, LinkListener, LinkState, Observation, SendOptions } from "./link";

export interface FailoverOptions {
  /** Preferred, and open all the time. */
  readonly lan: Link;
  /** Stands in; open only while it is needed. */
  readonly cloud: Link;
  /** Without a report over the LAN for so long, the cloud takes over. */
  readonly quietMs: number;
}

/**
 * Two ways to one printer that behave as one link, whose `name` is that of the way in use. Only one of them is heard at a
 * time, and each switch waits for the printer's whole state, so that nothing is told twice and nothing is lost:
 * `missed` says before it that the next report closes a gap.
 */
export function failover(options: FailoverOptions): Link {
  return new Failover(options);
}

/** How long to wait before the LAN is asked for the whole state once more: doubled each time, between these. */
const ASK_AGAIN_MS = 1000;
const ASK_SELDOM_MS = 300_000;

class Failover implements Link {
  readonly vendor;
  readonly hasStandIn = true;
  private listener: LinkListener | null = null;
  private mode: Mode = "lan";
  private lan: LinkState = { kind: "closed" };
  private cloud: LinkState = { kind: "closed" };
  /** It is connected, and was silent for too long. */
  private lanQuiet = false;
  private lastLanReportAt = 0;
  /** It was asked for the whole state after the cloud last told something: what it answers is not older than that. */
  private lanAsked = false;
  private askAgainAt = 0;
  private askAgainMs = ASK_AGAIN_MS;
  private lastOfCloud: Observation | null = null;
  private quietTimer: NodeJS.Timeout | null = null;
  /** What was said last, to say it once. */
  private said = "";
  /** The opening of the cloud that is in force; null = it is closed or on its way there. */
  private cloudOpening: symbol | null = null;
  private cloudClosing: Promise<void> = Promise.resolve();

  constructor(private readonly options: FailoverOptions) {
    this.vendor = options.lan.vendor;
  }

  get name() {
    return this.options[routeOf(this.picture)].name;
  }

  open(listener: LinkListener): void {
    this.listener = listener;
    this.mode = "lan";
    this.lan = this.cloud = { kind: "closed" };
    this.lanQuiet = false;
    this.said = "";
    this.lanAsked = false;
    this.lastLanReportAt = Date.now();
    this.armQuietTimer(this.options.quietMs);
    const isCurrent = () => this.listener === listener;
    this.options.lan.open({
      state: (state) => {
        if (isCurrent()) this.onLanState(state);
      },
      report: (observation) => {
        if (isCurrent()) this.onLanReport(observation);
      },
      warn: (message) => {
        if (isCurrent()) listener.warn(message);
      },
      notice: (notice) => {
        if (isCurrent()) listener.notice?.(notice);
      },
      missed: () => {
        if (isCurrent() && this.mode === "lan") listener.missed?.();
      },
    });
  }

  async close(): Promise<void> {
    this.listener = null;
    if (this.quietTimer !== null) clearTimeout(this.quietTimer);
    this.quietTimer = null;
    this.closeCloud();
    await Promise.all([this.options.lan.close(), this.cloudClosing]);
  }

  refresh(): void {
    this.options[routeOf(this.picture)].refresh();
  }

  renew(): void {
    this.options[routeOf(this.picture)].renew?.();
  }

  async send(command: Command, options: SendOptions): Promise<CommandReply> {
    const route = routeOf(this.picture);
    if (this.listener === null || this.picture[route].kind !== "live")
      throw new PrintgateError("offline", "the printer can be reached neither over the LAN nor through the cloud");
    const { cloudOpening } = this;
    try {
      return await this.options[route].send(command, options);
    } catch (thrown) {
      // We closed the cloud ourselves, since the LAN talks again: there a report can show still what came of it.
      const isOurs = route === "cloud" && this.cloudOpening !== cloudOpening && this.picture.lan.kind === "live";
      if (isOurs && isPrintgateError(thrown, "link-lost")) return { kind: "unanswered" };
      throw thrown;
    }
  }

  /** The camera is in the printer's own network whichever way the reports come. */
  async snapshot(options: { readonly signal: AbortSignal }): Promise<Buffer> {
    const { lan } = this.options;
    if (lan.snapshot === undefined) throw new PrintgateError("not-supported", "this connection carries no pictures");
    return lan.snapshot(options);
  }

  private get picture(): Picture {
    const { mode, lan, cloud, lanQuiet } = this;
    return { mode, lan, cloud, lanQuiet };
  }

  private onLanState(state: LinkState): void {
    const wasLive = this.lan.kind === "live";
    this.lan = state;
    // Every connection begins with the question.
    this.lanAsked = state.kind === "live";
    this.askAgainAt = 0;
    this.askAgainMs = ASK_AGAIN_MS;
    if (state.kind !== "live") {
      // The next connection begins with the whole state anyway.
      this.lanQuiet = false;
      if (wasLive || state.kind !== "connecting") this.happen("lan-lost");
    }
    this.tell();
  }

  private onLanReport(observation: Observation): void {
    this.lastLanReportAt = Date.now();
    this.lanQuiet = false;
    if (this.mode !== "lan" && this.mayReturn(observation)) this.happen("lan-whole");
    this.tell();
    if (this.mode === "lan") this.listener?.report(observation);
  }

  /**
   * A LAN that was away or silent counts again when it shows the printer as it is now: a network that stood still
   * delivers what is long past, and what the cloud told since would happen once more.
   */
  private mayReturn({ complete, assumed }: Observation): boolean {
    const { lan } = this.options;
    if (lan.renew === undefined) return complete;
    if (this.lanAsked && complete && (assumed !== true || this.cloud.kind !== "live")) return true;
    // The answer was lost.
    if (assumed === true) this.lanAsked = false;
    const now = Date.now();
    this.askAgainAt = Math.min(this.askAgainAt, now + ASK_SELDOM_MS);
    if (!this.lanAsked && now >= this.askAgainAt) {
      this.lanAsked = true;
      this.askAgainAt = now + this.askAgainMs;
      this.askAgainMs = Math.min(ASK_SELDOM_MS, this.askAgainMs * 2);
      lan.renew();
    }
    return false;
  }

  private onCloudState(state: LinkState): void {
    this.cloud = state;
    if (state.kind !== "live") this.happen("cloud-lost");
    this.tell();
  }

  private onCloudReport(observation: Observation): void {
    if (observation.complete) this.happen("cloud-whole");
    if (this.mode !== "cloud") return;
    if (this.lastOfCloud === null || concernsEvents(this.lastOfCloud, observation)) this.lanAsked = false;
    this.lastOfCloud = observation;
    this.tell();
    this.listener?.report(observation);
  }

  private happen(what: Happening): void {
    const move = moveFor(this.mode, what);
    if (move === null) return;
    this.mode = move.mode;
    if (move.cloud === "open") this.openCloud();
    if (move.cloud === "close") {
      this.closeCloud();
      this.armQuietTimer(this.options.quietMs);
    }
    if (move.switched === true) this.listener?.missed?.();
  }

  private openCloud(): void {
    const opening = Symbol("cloud");
    this.cloudOpening = opening;
    this.lastOfCloud = null;
    this.cloud = { kind: "connecting", after: null };
    const isCurrent = () => this.cloudOpening === opening;
    // It may be on its way out still.
    void this.cloudClosing.then(() => {
      if (!isCurrent()) return;
      this.options.cloud.open({
        state: (state) => {
          if (isCurrent()) this.onCloudState(state);
        },
        report: (observation) => {
          if (isCurrent()) this.onCloudReport(observation);
        },
        warn: (message) => {
          if (isCurrent()) this.listener?.warn(message);
        },
        notice: (notice) => {
          if (isCurrent()) this.listener?.notice?.(notice);
        },
        missed: () => {
          if (isCurrent() && this.mode === "cloud") this.listener?.missed?.();
        },
      });
    });
  }

  private closeCloud(): void {
    if (this.cloudOpening === null) return;
    this.cloudOpening = null;
    this.cloud = { kind: "closed" };
    this.cloudClosing = this.cloudClosing.then(() => this.options.cloud.close()).catch(() => undefined);
  }

  /** One timer for all reports: it looks at the clock when it fires instead of being set anew each time. */
  private armQuietTimer(inMs: number): void {
    this.quietTimer ??= setTimeout(() => {
      this.quietTimer = null;
      if (this.mode !== "lan") return;
      // A clock that was set back must not make the silence last until it has caught up.
      this.lastLanReportAt = Math.min(this.lastLanReportAt, Date.now());
      const left = this.lastLanReportAt + this.options.quietMs - Date.now();
      if (left > 0) {
        this.armQuietTimer(left);
        return;
      }
      this.lanQuiet = this.lan.kind === "live";
      this.lanAsked = false;
      this.happen("lan-quiet");
      this.tell();
    }, inMs);
  }

  /** Each state once; `live` anew when another way counts. */
  private tell(): void {
    const state = outerState(this.picture);
    const words =
      "reason" in state ? state.reason.message : state.kind === "connecting" ? state.after?.message : this.name;
    const said = `${state.kind} ${words ?? ""}`;
    if (said === this.said) return;
    this.said = said;
    this.listener?.state(state);
  }
}
