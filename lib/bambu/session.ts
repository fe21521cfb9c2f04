import { randomBytes } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { MqttClient } from "mqtt";
import { PrintgateError, toError } from "../errors";
import type { Command } from "../printer/commands";
import type { CommandReply, Link, LinkListener, SendOptions } from "../printer/link";
import { Endings } from "./backoff";
import { takePicture } from "./camera";
import { carryOut, type Upload } from "./carry-out";
import { Conversation } from "./conversation";
import { CONNECT_TIMEOUT_MS, explainMqtt, listenTo, mqttOver, sayGoodbye } from "./mqtt";
import type { Sighting, Sightings } from "./discovery";
import { openTls, type Trust } from "./tls";
import { type FilePlace, uploadTo } from "./upload";

export interface BambuLanOptions {
  /** Upper case; also the name in the printer's certificate and the level in its topics. */
  readonly serial: string;
  /** Address or name; empty = wait until the printer announces itself. */
  readonly host: string;
  readonly port: number;
  readonly accessCode: string;
  readonly trust: Trust;
  /** Without a report for so long, the printer is asked to go on, then connected to anew. */
  readonly staleAfterMs: number;
  readonly name?: "lan" | "simulated";
  /** Of its file server and its camera; left out = only what is on it can be printed, and it gives no pictures. */
  readonly ports?: { readonly ftp: number; readonly camera: number; readonly rtsps?: number };
  /** Where printers announce themselves; left out = addresses are not followed. */
  readonly sightings?: Sightings;
  /** ms to wait after so many failures in a row. */
  readonly backoff?: (failures: number) => number;
}

/** The user name of every Bambu printer on the LAN. */
const USER = "bblp";
/** A printer that announces itself after such a pause was away. */
const AWAY_MS = 30_000;

/** One per process: a second connection of ours under the same name would end the first. */
const PROCESS_TAG = randomBytes(4).toString("hex");
let linkCount = 0;

/** A Bambu printer on the LAN: MQTT 3.1.1 over TLS, QoS 0, one connection, however many use it. */
export function bambuLan(options: BambuLanOptions): Link {
  return new BambuSession(options);
}

/** The life of one connection attempt, from the first packet to the last. */
interface Attempt {
  readonly abort: AbortController;
  readonly startedAt: number;
  client: MqttClient | null;
  /** Let in by the printer. */
  live: boolean;
}

class BambuSession implements Link {
  readonly name;
  readonly vendor = "bambu";
  private readonly conversation: Conversation;
  private readonly clientId = `printgate-${PROCESS_TAG}-${++linkCount}`;
  private listener: LinkListener | null = null;
  private attempt: Attempt | null = null;
  private retryTimer: NodeJS.Timeout | null = null;
  /** Runs out when the subscription is not answered. */
  private answerTimer: NodeJS.Timeout | null = null;
  private unwatch: (() => void) | null = null;
  private trouble: PrintgateError | null = null;
  private readonly endings: Endings;
  private host: string;
  private trust: Trust;
  private lastSightingAt = 0;
  private readonly warned = new Set<string>();

  constructor(private readonly options: BambuLanOptions) {
    this.name = options.name ?? "lan";
    this.endings = new Endings(options.backoff);
    this.host = options.host;
    this.trust = options.trust;
    this.conversation = new Conversation(options, {
      publish: (frame) => this.publish(frame),
      report: (observation) => {
        this.warned.clear();
        this.listener?.report(observation);
      },
      warn: (message) => this.listener?.warn(message),
      silent: (reason) => {
        if (this.attempt !== null) this.lost(this.attempt, reason);
      },
    });
  }

  open(listener: LinkListener): void {
    this.listener = listener;
    this.unwatch =
      this.options.sightings?.watch(this.options.serial, (sighting) => {
        this.onSighting(sighting);
      }) ?? null;
    this.retryTimer = setTimeout(() => {
      this.start();
    });
  }

  async close(): Promise<void> {
    this.listener = null;
    this.unwatch?.();
    this.unwatch = null;
    this.clearTimers();
    const attempt = this.attempt;
    this.attempt = null;
    this.conversation.end(new PrintgateError("offline", "the connection to the printer was closed"));
    attempt?.abort.abort();
    if (attempt?.client != null) await sayGoodbye(attempt.client);
  }

  refresh(): void {
    this.conversation.refresh();
  }

  renew(): void {
    if (this.attempt?.live === true) this.conversation.renew();
  }

  send(command: Command, options: SendOptions): Promise<CommandReply> {
    const { ports } = this.options;
    const upload: Upload | null =
      ports === undefined ? null : (order, how) => uploadTo({ ...this.place, port: ports.ftp }, order, how);
    return carryOut(this.conversation, command, options, upload);
  }

  async snapshot({ signal }: { readonly signal: AbortSignal }): Promise<Buffer> {
    const { ports } = this.options;
    if (ports === undefined) throw new PrintgateError("not-supported", "this connection carries no pictures");
    if (this.attempt?.live !== true) throw new PrintgateError("offline", "there is no connection to the printer");
    const place = { ...this.place, port: ports.camera, rtspsPort: ports.rtsps };
    return takePicture(place, this.conversation.known, { signal });
  }

  /** Where the printer is at the moment, and how it proves who it is. */
  private get place(): Omit<FilePlace, "port"> {
    const { serial, accessCode } = this.options;
    return { host: this.host, serial, accessCode, trust: this.trust };
  }

  private start(): void {
    this.clearTimers();
    if (this.host === "") {
      const reason = new PrintgateError("unreachable", `${this.options.serial} was not seen on the network yet`);
      this.wait(reason, null);
      return;
    }
    const attempt: Attempt = {
      abort: new AbortController(),
      startedAt: Date.now(),
      client: null,
      live: false,
    };
    this.attempt = attempt;
    this.listener?.state({ kind: "connecting", after: this.trouble });
    this.connect(attempt).catch((thrown: unknown) => {
      this.lost(attempt, toError(thrown));
    });
  }

  /** The steps of a connection, in their order. */
  private async connect(attempt: Attempt): Promise<void> {
    const { serial, port } = this.options;
    const { socket, fingerprint } = await openTls({
      host: this.host,
      port,
      serial,
      trust: this.trust,
      timeoutMs: CONNECT_TIMEOUT_MS,
      signal: attempt.abort.signal,
    });
    if (this.attempt !== attempt) {
      socket.destroy();
      return;
    }
    await this.login(attempt, socket);
    if (this.attempt !== attempt) return;
    await this.learn(fingerprint);
    this.conversation.reset();
    await this.subscribe(attempt);
    if (this.attempt !== attempt) return;
    attempt.live = true;
    this.trouble = null;
    this.listener?.state({ kind: "live" });
    this.conversation.begin();
  }

  /** MQTT CONNECT over the judged socket; resolves with the printer's acceptance. */
  private login(attempt: Attempt, socket: TLSSocket): Promise<void> {
    return new Promise((resolve, reject) => {
      const { accessCode: password } = this.options;
      const client = mqttOver(socket, { clientId: this.clientId, username: USER, password });
      attempt.client = client;
      client.once("connect", () => {
        resolve();
      });
      client.on("error", (error) => {
        reject(error);
        this.lost(attempt, explainMqtt(error, this.options.accessCode));
      });
      client.on("close", () => {
        const error = new PrintgateError("link-lost", "the printer ended the connection");
        reject(error);
        this.lost(attempt, error);
      });
      client.on("message", (_topic, payload) => {
        if (this.attempt === attempt) this.conversation.hear(payload);
      });
    });
  }

  private async learn(fingerprint: string): Promise<void> {
    const trust = this.trust;
    if (trust.mode !== "pin" || trust.fingerprint !== null) return;
    this.trust = { ...trust, fingerprint };
    try {
      await trust.learn(fingerprint);
    } catch (thrown) {
      this.warn(`the printer's certificate could not be remembered: ${toError(thrown).message}`);
    }
  }

  /** Only ever to `report`: a client that subscribes to `request` is thrown out by some models. */
  private async subscribe(attempt: Attempt): Promise<void> {
    if (this.attempt !== attempt) return;
    const timer = setTimeout(() => {
      this.lost(attempt, new PrintgateError("timeout", "the printer let us in, but does not answer"));
    }, CONNECT_TIMEOUT_MS);
    this.answerTimer = timer;
    if (attempt.client !== null) await listenTo(attempt.client, `device/${this.options.serial}/report`);
    clearTimeout(timer);
  }

  private publish(frame: string): boolean {
    const client = this.attempt?.client;
    if (client?.connected !== true) return false;
    client.publish(`device/${this.options.serial}/request`, frame, { qos: 0 });
    return true;
  }

  /** The end of an attempt, told once however many signs of it there are. */
  private lost(attempt: Attempt, error: PrintgateError): void {
    if (this.attempt !== attempt) return;
    this.attempt = null;
    this.clearTimers();
    this.conversation.end(error);
    attempt.abort.abort();
    if (attempt.client !== null) void sayGoodbye(attempt.client);
    if (STOPS.has(error.code)) {
      this.warn(error.message);
      this.listener?.state({ kind: "stopped", reason: error });
      return;
    }
    const { waitMs, rival } = this.endings.add(attempt.live ? Date.now() - attempt.startedAt : null);
    const message = rival ? `${error.message}; another program may be taking its place` : error.message;
    this.wait(new PrintgateError(error.code, message, { cause: error }), waitMs);
  }

  private wait(reason: PrintgateError, retryInMs: number | null): void {
    this.warn(reason.message);
    this.trouble = reason;
    this.listener?.state({ kind: "waiting", reason, retryInMs });
    if (retryInMs === null) return;
    this.retryTimer = setTimeout(() => {
      this.start();
    }, retryInMs);
  }

  /** The printer announced itself: news if it was away or has moved, then there is no point in waiting. */
  private onSighting({ address }: Sighting): void {
    const now = Date.now();
    const wasAway = now - this.lastSightingAt > AWAY_MS;
    this.lastSightingAt = now;
    if (this.attempt !== null || (this.retryTimer === null && this.host !== "")) return;
    const moved = address !== this.host && this.mayFollow();
    if (!moved && !(wasAway && address === this.host)) return;
    if (moved) this.host = address;
    this.start();
  }

  /** Anyone can announce anything: an address is followed only where the certificate will be judged. */
  private mayFollow(): boolean {
    if (this.host === "") return true;
    return this.trust.mode === "verify" || (this.trust.mode === "pin" && this.trust.fingerprint !== null);
  }

  /** Each trouble once, not once per retry. */
  private warn(message: string): void {
    if (this.warned.has(message)) return;
    this.warned.add(message);
    this.listener?.warn(message);
  }

  private clearTimers(): void {
    for (const timer of [this.retryTimer, this.answerTimer]) if (timer !== null) clearTimeout(timer);
    this.retryTimer = this.answerTimer = null;
  }
}

/** What only a change of the settings can mend. */
const STOPS: ReadonlySet<string> = new Set(["access-refused", "config-invalid"]);
