import { PrintgateError } from "../../errors";
import type { Command } from "../../printer/commands";
import type { CommandReply, Link, LinkListener, LinkState, SendOptions } from "../../printer/link";
import { backoffMs } from "../backoff";
import { carryOut, type Upload } from "../carry-out";
import { Conversation } from "../conversation";
import type { CloudHub, Seat } from "./hub";

export interface BambuCloudOptions {
  /** Upper case; the level in the printer's topics. */
  readonly serial: string;
  /** The connection that all printers of the account share. */
  readonly hub: CloudHub;
  /** Without a report for so long, the printer is asked to go on, then subscribed to anew. */
  readonly staleAfterMs: number;
  /** How files get to the printer; absent = they do not. */
  readonly upload?: Upload;
  /** ms to wait after so many silences in a row. */
  readonly backoff?: (failures: number) => number;
}

/** A Bambu printer through the account that it is bound to. */
export function bambuCloud(options: BambuCloudOptions): Link {
  return new CloudLink(options);
}

class CloudLink implements Link {
  readonly name = "cloud";
  readonly vendor = "bambu";
  private readonly conversation: Conversation;
  private listener: LinkListener | null = null;
  private seat: Seat | null = null;
  private joinTimer: NodeJS.Timeout | null = null;
  /** The printer's topic is subscribed to. */
  private joined = false;
  /** Neither the cloud nor a long silence has said that the printer is away, or it was heard since. */
  private present = true;
  private silences = 0;
  private readonly warned = new Set<string>();

  constructor(private readonly options: BambuCloudOptions) {
    this.conversation = new Conversation(options, {
      publish: (frame) => this.present && this.seat?.publish(frame) === true,
      report: (observation) => {
        this.silences = 0;
        this.warned.clear();
        // The cloud's word about the printer comes late at times: who reports is there.
        if (!this.present) this.onPresence(true);
        this.listener?.report(observation);
      },
      warn: (message) => this.listener?.warn(message),
      silent: (reason) => {
        this.onSilence(reason);
      },
      presence: (online) => {
        this.onPresence(online);
      },
    });
  }

  open(listener: LinkListener): void {
    this.listener = listener;
    // It stands in now and then, perhaps hours apart.
    this.conversation.forget();
    this.joinTimer = setTimeout(() => {
      this.join();
    });
  }

  async close(): Promise<void> {
    this.listener = null;
    this.silences = 0;
    await this.leave(new PrintgateError("offline", "the connection through the cloud was closed"));
  }

  refresh(): void {
    if (this.joined) this.conversation.refresh();
  }

  renew(): void {
    if (this.joined && this.present) this.conversation.renew();
  }

  send(command: Command, options: SendOptions): Promise<CommandReply> {
    return carryOut(this.conversation, command, options, this.options.upload ?? null);
  }

  private join(): void {
    this.joinTimer = null;
    this.present = true;
    this.conversation.reset();
    const seat: Seat = this.options.hub.join({
      serial: this.options.serial,
      state: (state) => {
        if (this.seat === seat) this.onHubState(state);
      },
      joined: () => {
        if (this.seat === seat) this.onJoined();
      },
      message: (bytes) => {
        if (this.seat === seat) this.conversation.hear(bytes);
      },
    });
    this.seat = seat;
  }

  private async leave(reason: PrintgateError): Promise<void> {
    this.stopWaiting();
    this.joined = false;
    this.conversation.end(reason);
    const { seat } = this;
    this.seat = null;
    await seat?.leave();
  }

  private onHubState(state: LinkState): void {
    this.stopWaiting();
    this.joined = false;
    if ("reason" in state) {
      this.conversation.end(state.reason);
      this.warn(state.reason.message);
    }
    // The next connection says itself whether the printer is there.
    this.present = true;
    this.conversation.reset();
    this.listener?.state(state);
  }

  private onJoined(): void {
    this.joined = true;
    if (this.present) this.goLive();
    else this.goAway();
  }

  /** The cloud tells when the printer's own connection comes or goes; a coming without a going before is a restart. */
  private onPresence(online: boolean): void {
    const was = this.present;
    this.present = online;
    // What is said before the subscription is confirmed counts from then on.
    if (!this.joined || (!was && !online)) return;
    if (!online) this.goAway();
    else if (was) {
      this.listener?.missed?.();
      this.conversation.renew();
    } else this.goLive();
  }

  private goLive(): void {
    this.stopWaiting();
    this.listener?.state({ kind: "live" });
    this.conversation.renew();
  }

  private goAway(): void {
    const reason = new PrintgateError("offline", `the cloud says that ${this.options.serial} is offline`);
    this.conversation.end(reason);
    this.conversation.reset();
    this.listener?.state({ kind: "waiting", reason, retryInMs: null });
  }

  /**
   * The printer is off and the cloud did not say so, or the broker has forgotten us: it is listened to still, so that its
   * first word counts, and subscribed to anew, more and more seldom.
   */
  private onSilence(reason: PrintgateError): void {
    this.silences += 1;
    const waitMs = (this.options.backoff ?? backoffMs)(this.silences);
    this.present = false;
    this.conversation.end(reason);
    this.conversation.reset();
    this.warn(reason.message);
    this.listener?.state({ kind: "waiting", reason, retryInMs: waitMs });
    this.joinTimer = setTimeout(() => {
      void this.leave(reason);
      this.join();
    }, waitMs);
  }

  private stopWaiting(): void {
    if (this.joinTimer !== null) clearTimeout(this.joinTimer);
    this.joinTimer = null;
  }

  /** Each trouble once, not once per retry. */
  private warn(message: string): void {
    if (this.warned.has(message)) return;
    this.warned.add(message);
    this.listener?.warn(message);
  }
}
