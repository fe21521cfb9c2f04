/** One listener of the push socket: what it asked for, what it may hear, when it was last told. */
import type { WebSocket } from "ws";
import { isObject, type Json, type JsonObject } from "../json";
import type { OctoprintUser } from "./access";

/** How it is asked for: all, none, or only these. */
type Wanted = boolean | readonly string[];

export interface PushDesk {
  ofSession(auth: string): OctoprintUser | null;
  /** `current` for a listener that has heard the temperatures up to that point; the number of the last one. */
  current(after: number): { readonly message: JsonObject; readonly last: number };
  history(): JsonObject;
  /** Real time between two `current`, ms. */
  readonly intervalMs: number;
}

const MOST_HELD = 100;

const readWanted = (value: unknown): Wanted =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : value === true;
const wants = (wanted: Wanted, name: string): boolean => (typeof wanted === "boolean" ? wanted : wanted.includes(name));

export class PushClient {
  user: OctoprintUser | null = null;
  private state = true;
  private events: Wanted = true;
  private plugins: Wanted = true;
  private throttle = 1;
  private heard = 0;
  private lastCurrentAt = -Infinity;
  private timer: NodeJS.Timeout | null = null;
  /** What came before somebody logged in. */
  private held: JsonObject[] = [];

  constructor(
    private readonly socket: WebSocket,
    private readonly desk: PushDesk,
  ) {}

  /** A frame from the client. What is no JSON object is passed over; one order a frame is looked at. */
  receive(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (!isObject(message)) return;
    if ("auth" in message) this.login(message["auth"]);
    else if ("throttle" in message) this.setThrottle(message["throttle"]);
    else if ("subscribe" in message) this.subscribe(message["subscribe"]);
  }

  /** Any message, at once and unasked. */
  send(message: Json): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(message));
  }

  event(type: string, payload: Json): void {
    if (wants(this.events, type)) this.tell({ event: { type, payload } });
  }

  plugin(name: string, data: Json): void {
    if (wants(this.plugins, name)) this.tell({ plugin: { plugin: name, data } });
  }

  /** Something changed: tells it now, or as soon as the throttle allows. */
  changed(): void {
    if (!this.state || this.user === null || this.timer !== null) return;
    const due = this.lastCurrentAt + this.desk.intervalMs * this.throttle - performance.now();
    if (due <= 0) {
      this.tellCurrent();
      return;
    }
    this.timer = setTimeout(() => {
      this.timer = null;
      this.tellCurrent();
    }, due);
  }

  /** The session is over: nothing more is told until the next login. */
  expire(reason: string): void {
    if (this.user === null) return;
    this.user = null;
    this.send({ reauthRequired: { reason } });
  }

  /** Releases the timer; the socket is its owner's. */
  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.state = false;
  }

  private login(auth: unknown): void {
    const user = typeof auth === "string" ? this.desk.ofSession(auth) : null;
    if (user === null) {
      // A word of bad shape is passed over in silence, a session that is none is called stale.
      if (typeof auth === "string" && auth.split(":").length === 2) this.send({ reauthRequired: { reason: "stale" } });
      return;
    }
    this.user = user;
    if (this.state) this.send({ history: this.desk.history() });
    this.send({ timelapse: null });
    for (const message of this.held.splice(0)) this.send(message);
    this.changed();
  }

  private setThrottle(value: unknown): void {
    const factor = Number(value);
    if (Number.isInteger(factor) && factor >= 1) this.throttle = factor;
  }

  /** Whatever it does not name is off from now on. */
  private subscribe(wish: unknown): void {
    if (!isObject(wish)) return;
    this.state = isObject(wish["state"]) || wish["state"] === true;
    this.events = readWanted(wish["events"]);
    this.plugins = readWanted(wish["plugins"]);
  }

  private tell(message: JsonObject): void {
    if (this.user !== null) this.send(message);
    else if (this.held.length < MOST_HELD) this.held.push(message);
  }

  private tellCurrent(): void {
    if (this.user === null || !this.state) return;
    const { message, last } = this.desk.current(this.heard);
    this.heard = last;
    this.lastCurrentAt = performance.now();
    this.send({ current: message });
  }
}
