/**
 * The plugin Application Keys: an application asks for a key, a user decides, the application fetches the key once.
 * Source: OctoPrint notes, 1.11.8. Who does not poll for five seconds, or gets no decision in ten minutes, is forgotten.
 */
import type { JsonObject } from "../json";
import { makeToken } from "./access";

const PATIENCE_MS = 5000;
const LONGEST_MS = 600_000;
/** At most so many requests in so long. */
const LIMITS: readonly (readonly [number, number])[] = [
  [3, 60_000],
  [5, 600_000],
  [10, 3_600_000],
];

interface Pending {
  readonly app: string;
  /** Who alone may decide; null = anybody who may grant. */
  readonly user: string | null;
  readonly appToken: string;
  readonly userToken: string;
  readonly createdAt: number;
  polledAt: number;
}

export type Poll = { readonly kind: "waiting" } | { readonly kind: "key"; readonly key: string } | null;

export interface AppKeyOutlet {
  /** Makes or finds the key. */
  grant(user: string, app: string): string;
  /** A plugin message to the browsers. */
  tell(data: JsonObject): void;
  now(): number;
}

export class AppKeyDesk {
  private pending: Pending[] = [];
  private readonly ready = new Map<string, string>();
  private asked: number[] = [];

  constructor(
    private readonly outlet: AppKeyOutlet,
    private readonly limited: boolean,
  ) {}

  /** False when the client asked too often. Every request counts, a wrong one too. */
  admit(): boolean {
    const now = this.outlet.now();
    if (this.limited && LIMITS.some(([most, ms]) => this.asked.filter((at) => now - at < ms).length >= most))
      return false;
    this.asked.push(now);
    return true;
  }

  /** The application's token, with which it polls. */
  request(app: string, user: string | null): string {
    const now = this.outlet.now();
    const entry = { app, user, appToken: makeToken(), userToken: makeToken(), createdAt: now, polledAt: now };
    this.pending.push(entry);
    this.tell("request_access", entry);
    return entry.appToken;
  }

  /** null = denied, forgotten, fetched before, or never asked: indistinguishable, as on the real server. */
  poll(appToken: string): Poll {
    this.tidy();
    const key = this.ready.get(appToken);
    if (key !== undefined) {
      this.ready.delete(appToken);
      return { kind: "key", key };
    }
    const entry = this.pending.find((one) => one.appToken === appToken);
    if (entry === undefined) return null;
    entry.polledAt = this.outlet.now();
    return { kind: "waiting" };
  }

  /** False where nothing waits under that token, or another user is meant. */
  decide(userToken: string, decider: string, allowed: boolean): boolean {
    this.tidy();
    const entry = this.pending.find((one) => one.userToken === userToken);
    if (entry === undefined || (entry.user !== null && entry.user !== decider)) return false;
    this.pending = this.pending.filter((one) => one !== entry);
    if (allowed) this.ready.set(entry.appToken, this.outlet.grant(entry.user ?? decider, entry.app));
    this.tell("end_request", entry);
    return true;
  }

  /** What waits for a decision, by user token. */
  list(): Record<string, JsonObject> {
    this.tidy();
    return Object.fromEntries(
      this.pending.map(({ app, user, userToken }) => [
        userToken,
        { app_id: app, user_id: user, user_token: userToken, remote_address: "127.0.0.1" },
      ]),
    );
  }

  /** Nothing of this outlives a restart of the server; granted keys do. */
  forget(): void {
    this.pending = [];
    this.ready.clear();
    this.asked = [];
  }

  private tell(type: string, { app, user, userToken }: Pending): void {
    const who = { app_name: app, user_token: userToken, user_id: user, remote_address: "127.0.0.1" };
    this.outlet.tell({ type, ...who });
  }

  private tidy(): void {
    const now = this.outlet.now();
    const over = this.pending.filter(
      ({ polledAt, createdAt }) => now - polledAt > PATIENCE_MS || now - createdAt > LONGEST_MS,
    );
    this.pending = this.pending.filter((one) => !over.includes(one));
    for (const entry of over) this.tell("end_request", entry);
  }
}
