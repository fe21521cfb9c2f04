import type { SecureContextOptions } from "node:tls";
import { PrintgateError } from "../../errors";
import type { Fields } from "../values";
import { type Bucket, fullBucket, mayAsk, type Rest, restAfter, type Rests, spokenTime, takePermit } from "./pace";
import { closedError, createTransport, type RawRequest } from "./transport";
import type { CloudPlaces } from "./types";
import { type Asked, judge } from "./verdict";

/** One question to the cloud. */
export interface CloudCall extends Asked {
  readonly method: RawRequest["method"];
  /** The API, or the web origin, which has a few steps of signing in. */
  readonly at: "api" | "web";
  /** From the slash on, parts already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Absent = the program asks by itself. */
  readonly by?: "user" | "program";
}

export interface CloudReply {
  readonly body: Readonly<Fields>;
  readonly cookies: ReadonlyMap<string, string>;
}

/** The one place that speaks HTTP with the cloud: it paces, sends, and says in one error family what went wrong. */
export interface CloudClient {
  /**
   * Nothing is ever repeated by itself. After an edge turned us away nothing is asked for hours, but for what a user
   * does by hand.
   * @throws PrintgateError as BambuAccount lists them
   */
  ask(call: CloudCall): Promise<CloudReply>;
  /** Ends what is under way; idempotent. */
  close(): void;
}

export interface CloudClientOptions {
  readonly places: CloudPlaces;
  readonly tls?: SecureContextOptions;
  readonly timeoutMs: number;
  readonly now: () => number;
  /** Shared by all clients of a machine: an edge turns an address away, not an account. Absent = this client's own. */
  readonly rests?: Rests;
}

/** Honest: the cloud may know who asks. */
const USER_AGENT = "printgate (+https://github.com/printgate/node-red-printers)";
/** Far above the device list and catalogue of the largest farm. */
const ANSWER_LIMIT_BYTES = 4 * 1024 * 1024;

export function createClient(options: CloudClientOptions): CloudClient {
  const { places, now } = options;
  const transport = createTransport({
    timeoutMs: options.timeoutMs,
    limitBytes: ANSWER_LIMIT_BYTES,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  /** Those who wait for their turn; called, they go on at once. */
  const waiting = new Set<() => void>();
  let closed = false;
  let bucket: Bucket = fullBucket(now());
  const rests: Rests = options.rests ?? new Map<string, Rest | null>();

  /** The rest with which this may go out. @throws PrintgateError `blocked` */
  function admit(origin: string, by: "user" | "program"): Rest | null {
    const { allowed, waitMs, next } = mayAsk(rests.get(origin) ?? null, { by, now: now() });
    if (allowed) return next;
    throw new PrintgateError(
      "blocked",
      by === "user"
        ? `the cloud turned us away a short while ago, and trying again at once makes it worse; try again in ${spokenTime(waitMs)}`
        : `the cloud turned us away and is left alone for another ${spokenTime(waitMs)}; printers on the LAN are not affected`,
    );
  }

  async function awaitPermit(): Promise<void> {
    const taken = takePermit(bucket, now());
    bucket = taken.bucket;
    if (taken.waitMs === null)
      throw new PrintgateError("blocked", "the cloud is asked too often from here; try again in a minute");
    if (taken.waitMs > 0) await sleep(taken.waitMs);
    if (closed) throw closedError();
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      waiting.add(wake);
    });
  }

  return {
    async ask(call) {
      if (closed) throw closedError();
      const origin = places[call.at];
      const by = call.by ?? "program";
      admit(origin, by);
      await awaitPermit();
      const before = admit(origin, by);
      rests.set(origin, before);
      const reply = await transport.send(requestOf(call, origin));
      const verdict = judge(reply, call, now());
      // Another request that was out together with this one may have told the same already.
      const first = rests.get(origin) === before;
      switch (verdict.kind) {
        case "ok":
        case "refused":
          if (first) rests.set(origin, null);
          if (verdict.kind === "refused") throw verdict.error;
          return { body: verdict.body, cookies: reply.cookies };
        case "blocked": {
          const rest = first
            ? restAfter(before, { now: now(), retryAfterMs: verdict.retryAfterMs })
            : rests.get(origin);
          rests.set(origin, rest ?? null);
          throw blockedError(verdict.status, (rest?.until ?? now()) - now());
        }
      }
    },
    close() {
      closed = true;
      for (const wake of waiting) wake();
      transport.close();
    },
  };
}

function blockedError(status: number, restMs: number): PrintgateError {
  return new PrintgateError(
    "blocked",
    `the cloud's guard against robots turned us away (HTTP ${status}); the cloud is left alone for ${spokenTime(restMs)}, ` +
      "printers on the LAN are not affected",
  );
}

function requestOf(call: CloudCall, origin: string): RawRequest {
  const query = call.query === undefined ? "" : `?${new URLSearchParams(call.query).toString()}`;
  return {
    method: call.method,
    url: `${origin}${call.path}${query}`,
    headers: {
      "User-Agent": USER_AGENT,
      Accept: "application/json",
      ...(call.token === undefined ? {} : { Authorization: `Bearer ${call.token}` }),
      ...(call.body === undefined ? {} : { "Content-Type": "application/json" }),
      ...call.headers,
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  };
}
