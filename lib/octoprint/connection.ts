import { isPrintgateError, PrintgateError, toError } from "../errors";
import type { Command } from "../printer/commands";
import type { CommandReply, SendOptions } from "../printer/link";
import { baseOf, OctoprintClient } from "./client";
import { orderFor, REFUSALS, replyTo } from "./commands";
import type { OctoprintReports } from "./reports";
import {
  type Asker,
  askFirmwareName,
  askPicture,
  askPrinter,
  askRights,
  askSession,
  askUpdates,
  askVersion,
} from "./rest";
import type { KeySource } from "./session-keys";
import { PushSocket } from "./socket";
import { type Connections, connectionsTo, type Trust } from "./trust";
import { print } from "./upload";

/** What one connection needs. */
export interface Reach {
  /** `http(s)://host[:port][/prefix]` */
  readonly url: string;
  readonly keys: KeySource;
  readonly trust: Trust;
  /** How often REST is asked while the push socket can not be had. */
  readonly pollMs: number;
  /** A push socket that says nothing for so long is asked over REST. */
  readonly quietMs: number;
  /** How long a push socket may take to its first picture. */
  readonly answerMs?: number;
  /** How long to wait after so many failures in a row. */
  readonly waitMs: (failures: number) => number;
}

/** Who is told what comes of a connection. Nothing is told after `close()`. */
export interface Owner {
  /** A picture came, be it the same as before. */
  heard(): void;
  /** What is said may have gone unheard for a moment. */
  missed(): void;
  /** Something else was said that may have changed what is known. */
  news(): void;
  lost(error: PrintgateError): void;
  /** A sentence for the log; each is worth saying once. */
  warn(words: string): void;
}

/** OctoPrint pushes what changes; a printer that is on has new temperatures every few seconds: two silent checks are too many. */
const MOST_SILENT_CHECKS = 2;
/** A small computer may be late once. */
const MOST_LATE_POLLS = 2;
/** In half seconds: a picture a second at most. */
const THROTTLE = 2;
const UPDATES_EVERY_MS = 24 * 3_600_000;
/** For whoever asks: not more often than this. */
const UPDATES_AT_MOST_MS = 300_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type TimerName = "poll" | "socket" | "key";

/** One connection to an OctoPrint, from the first question to the last: REST, the push socket, and whatever runs between them. */
export class Connection {
  private readonly abort = new AbortController();
  private readonly timers = new Map<TimerName, NodeJS.Timeout>();
  private connections: Connections | null = null;
  private client: OctoprintClient | null = null;
  private live = false;
  private version = "";
  /** The key that was used last. */
  private key: string | null = null;
  private socket: PushSocket | null = null;
  /** Sockets that ended in a row before a picture came. */
  private socketFailures = 0;
  /** Epoch ms of the socket's last picture. */
  private heardAt = 0;
  /** How many pictures the sockets have brought. */
  private pictures = 0;
  private silentChecks = 0;
  private latePolls = 0;
  private polling = false;
  private askedFirmware = false;
  /** Epoch ms of the last check for updates. */
  private updatesAt = 0;

  constructor(
    private readonly reach: Reach,
    private readonly reports: OctoprintReports,
    private readonly owner: Owner,
  ) {}

  /**
   * The first steps, in their order; resolves with the first picture in the reports.
   * @throws PrintgateError in words that name the trouble
   */
  async begin(): Promise<void> {
    const base = baseOf(this.reach.url);
    const connections = await connectionsTo(base, this.reach.trust);
    if (this.isOver) connections.close();
    this.connections = connections;
    this.client = new OctoprintClient(base, connections);
    this.version = await askVersion(await this.asker());
    await connections.learn().catch((thrown: unknown) => {
      this.owner.warn(`the server's certificate could not be remembered: ${toError(thrown).message}`);
    });
    const rights = await askRights(await this.asker());
    const picture = await askPicture(await this.asker());
    this.reports.takeServer({ installed: this.version, says: "unknown", offered: null, updating: false });
    this.reports.takeRights(rights);
    this.reports.takeRest(picture, true);
  }

  /** Listens from here on. */
  follow(): void {
    this.live = true;
    this.armPoll(this.reach.pollMs);
    this.armKey();
    this.openSocket();
    this.checkUpdates();
  }

  /** The fingerprint of the server's certificate; null without TLS. */
  get fingerprint(): string | null {
    return this.connections?.fingerprint() ?? null;
  }

  refresh(): void {
    if (!this.live) return;
    this.poll();
    if (Date.now() - this.updatesAt >= UPDATES_AT_MOST_MS) this.checkUpdates();
  }

  /** @throws PrintgateError `not-supported`, `offline`, or what kept it from being sent */
  async send(command: Command, options: SendOptions): Promise<CommandReply> {
    if (!this.live) throw new PrintgateError("offline", "there is no connection to OctoPrint");
    if (command.name === "refresh") {
      await this.takePicture();
      return { kind: "done" };
    }
    const order = command.name === "print" ? null : orderFor(command, this.reports);
    const { client, key, signal: over } = await this.asker();
    const signal = AbortSignal.any([options.signal, over]);
    if (command.name === "print") return print(client, key, command.order, { ...options, signal });
    if (order === null) throw new PrintgateError("not-supported", "there is nothing to send");
    const { path, json, accepted } = order;
    const reply = await client.ask({ method: "POST", path, json, key, accept: REFUSALS, signal });
    return replyTo(command.name, reply, accepted);
  }

  /** Idempotent; ends within a second. */
  async close(): Promise<void> {
    this.live = false;
    this.abort.abort();
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    const { socket } = this;
    this.socket = null;
    await socket?.close();
    this.connections?.close();
  }

  private get isOver(): boolean {
    return this.abort.signal.aborted;
  }

  /** What a question needs; the key is renewed on the way where its time is up. */
  private async asker(): Promise<Asker> {
    const { client } = this;
    if (client === null || this.isOver) throw new PrintgateError("link-lost", "the connection was given up");
    const { signal } = this.abort;
    const key = await this.reach.keys.key(client, signal);
    const isAnother = this.key !== null && this.key !== key;
    this.key = key;
    if (isAnother) this.socket?.authorise();
    return { client, key, signal };
  }

  private armKey(): void {
    const inMs = this.reach.keys.renewInMs(Date.now());
    if (inMs === null) return;
    this.after("key", inMs, () => {
      this.asker().then(() => {
        this.armKey();
      }, this.lose);
    });
  }

  private openSocket(): void {
    const { client, connections } = this;
    if (client === null || connections === null || this.isOver) return;
    const { answerMs } = this.reach;
    // What was told before the first picture of a socket nobody has heard.
    let told = false;
    const socket: PushSocket = new PushSocket({
      base: client.base,
      connections,
      login: async () => askSession(await this.asker()),
      throttle: THROTTLE,
      ...(answerMs === undefined ? {} : { answerMs }),
      listener: {
        picture: (message) => {
          this.heardAt = Date.now();
          this.silentChecks = this.socketFailures = 0;
          this.pictures += 1;
          this.reports.takePush(message, told);
          told = true;
          this.owner.heard();
          this.askFirmware();
        },
        event: (name, payload) => {
          this.reports.takeEvent(name, payload);
          this.owner.news();
        },
        plugin: (plugin, data) => {
          if (plugin === "softwareupdate" && Date.now() - this.updatesAt >= UPDATES_AT_MOST_MS) this.checkUpdates();
          this.reports.takePlugin(plugin, data);
          this.owner.news();
        },
        fault: (words) => {
          this.owner.warn(`OctoPrint sent ${words}; such messages are passed over`);
        },
        over: (error) => {
          if (this.socket === socket) this.onSocketOver(error);
        },
      },
    });
    this.socket = socket;
  }

  /** Whether the server itself is gone is for REST to say. */
  private onSocketOver(error: PrintgateError): void {
    if (this.isPushed) this.owner.missed();
    this.socket = null;
    this.socketFailures += 1;
    if (this.socketFailures > 1 || this.heardAt === 0)
      this.owner.warn(`${error.message}; OctoPrint is asked every ${this.reach.pollMs / 1000} s instead`);
    this.after("socket", this.reach.waitMs(this.socketFailures), () => {
      this.openSocket();
    });
    this.poll();
  }

  private armPoll(inMs: number): void {
    this.after("poll", inMs, () => {
      const now = Date.now();
      if (now - this.updatesAt >= UPDATES_EVERY_MS) this.checkUpdates();
      const quietFor = now - this.heardAt;
      if (this.isPushed && quietFor < this.reach.quietMs) this.armPoll(this.reach.quietMs - quietFor);
      else this.poll();
    });
  }

  /** The socket brings pictures, and so events. */
  private get isPushed(): boolean {
    return this.socket?.isAnswered === true;
  }

  private poll(): void {
    if (this.polling || this.isOver) return;
    this.polling = true;
    this.takePicture().then(
      () => {
        this.polling = false;
        this.latePolls = 0;
        if (this.isPushed) this.judgeSilence();
        this.armPoll(this.isPushed ? this.reach.quietMs : this.reach.pollMs);
      },
      (thrown: unknown) => {
        this.polling = false;
        this.latePolls += 1;
        if (isPrintgateError(thrown, "timeout") && this.latePolls < MOST_LATE_POLLS) this.armPoll(this.reach.pollMs);
        else this.lose(thrown);
      },
    );
  }

  private async takePicture(): Promise<void> {
    const { pictures } = this;
    const picture = await askPicture(await this.asker());
    if (this.isOver) return;
    // A picture that was pushed meanwhile is newer than the answer, or as good.
    if (this.pictures === pictures) this.reports.takeRest(picture, this.isPushed && !this.isQuiet);
    this.owner.heard();
  }

  private judgeSilence(): void {
    this.silentChecks = this.isQuiet && this.reports.phase !== "off" ? this.silentChecks + 1 : 0;
    if (this.silentChecks < MOST_SILENT_CHECKS) return;
    this.silentChecks = 0;
    this.owner.missed();
    void this.socket?.close();
    this.openSocket();
  }

  /** Nothing was pushed for longer than a socket that is in order would leave out. */
  private get isQuiet(): boolean {
    const agoMs = Date.now() - this.heardAt;
    // Below zero, the clock was set back and can not say.
    return agoMs < 0 || agoMs >= this.reach.quietMs;
  }

  /**
   * A printer tells its firmware when it is asked, and OctoPrint asks only when it connects: perhaps long before us. From
   * 2.0 on it passes on no later answer, but can say what it heard.
   */
  private askFirmware(): void {
    const { firmware, phase, mayAct } = this.reports;
    const isKept = !/^[01]\./.test(this.version);
    const isDue = isKept ? phase !== "off" : phase === "ready" && mayAct;
    if (this.askedFirmware || firmware !== null || !isDue) return;
    this.askedFirmware = true;
    const ask = async (): Promise<void> => {
      const asker = await this.asker();
      if (!isKept) return askPrinter(asker);
      const name = await askFirmwareName(asker);
      if (this.isOver || name === null) return;
      this.reports.takeFirmware(name);
      this.owner.news();
    };
    // Not to know it is no trouble.
    ask().catch(() => undefined);
  }

  /** Not every user may ask, and not every OctoPrint has the plugin: then it stays unknown. */
  private checkUpdates(): void {
    this.updatesAt = Date.now();
    const check = async (): Promise<void> => {
      const versions = await askUpdates(await this.asker(), this.version);
      if (this.isOver) return;
      this.reports.takeServer(versions);
      this.owner.news();
    };
    check().catch(() => undefined);
  }

  private readonly lose = (thrown: unknown): void => {
    if (!this.isOver) this.owner.lost(toError(thrown));
  };

  private after(name: TimerName, inMs: number, work: () => void): void {
    if (this.isOver) return;
    const before = this.timers.get(name);
    if (before !== undefined) clearTimeout(before);
    this.timers.set(name, setTimeout(work, Math.min(inMs, LONGEST_TIMER_MS)));
  }
}
