import { isPrintgateError, toError } from "../../errors";
import { refreshTokens } from "./calls";
import type { CloudClient } from "./client";
import { hasRunOut, refreshDue, warnedAt, warningDue } from "./life";
import type { Listeners } from "./listeners";
import type { SessionKeeper } from "./session-keeper";
import type { Tokens } from "./tokens";
import type { CloudSession } from "./types";

/** Looks after the life of a session: warns before its end, prolongs it, tells its end once. */
export interface Watch {
  start(): void;
  stop(): void;
  /** Looks within a second: somebody listens now. */
  soon(): void;
  signedIn(): void;
  /** The cloud said that this token has ended. */
  expired(token: string): Promise<void>;
  /** The broker refused user and password. */
  refused(): void;
}

export interface WatchOptions {
  readonly client: CloudClient;
  readonly keeper: SessionKeeper;
  readonly listeners: Listeners;
  readonly now: () => number;
  readonly everyMs: number;
  /** Asks the cloud something small; an answer that ends the session is dealt with. */
  probe(): Promise<void>;
  log(message: string): void;
}

const SOON_MS = 1000;
/** After its announced end a session is asked about so often. */
const PROBE_EVERY_MS = 6 * 3_600_000;
/** When a refused broker may be tried again although the token lives: at first, and at most. */
const BROKER_AGAIN_MS = 15 * 60_000;
const BROKER_AGAIN_MOST_MS = 6 * 3_600_000;

export function createWatch(options: WatchOptions): Watch {
  const { keeper, listeners, now } = options;
  let timer: NodeJS.Timeout | null = null;
  let dueAt = Infinity;
  let running = false;
  let refreshTriedAt: number | null = null;
  let probedAt = -Infinity;
  let refusals = 0;
  /** Epoch ms at which the broker may be tried again with the same token. */
  let brokerAgainAt: number | null = null;

  /** By the machine's clock, never further ahead than `everyMs`: sleep and a set clock shift a timer, not the end of a token. */
  function lookIn(ms: number): void {
    if (!running) return;
    const wantedAt = performance.now() + ms;
    if (timer !== null && dueAt <= wantedAt) return;
    if (timer !== null) clearTimeout(timer);
    dueAt = wantedAt;
    timer = setTimeout(() => {
      timer = null;
      void look().finally(() => {
        lookIn(options.everyMs);
      });
    }, ms);
  }

  /** Each look deals with what is due; never rejects. */
  async function look(): Promise<void> {
    try {
      await warn();
      await prolong();
      await ask();
      tellBroker();
    } catch (thrown) {
      options.log(`the sign-in could not be looked after: ${toError(thrown).message}`);
    }
  }

  async function warn(): Promise<void> {
    if (!listeners.hearNotices) return;
    const due: number[] = [];
    await keeper.change((session) => {
      const days = session === null ? null : warningDue(session, now());
      if (session === null || days === null) return session;
      due.push(days);
      return warnedAt(session, now());
    });
    for (const days of due) {
      const reason = `the sign-in to the cloud ends in ${days === 1 ? "a day" : `${days} days`}: sign in again`;
      listeners.tellNotice({ event: "account.expiring", reason, value: days });
    }
  }

  /** Best effort: many accounts are refused it, and the token they have is as good as before. */
  async function prolong(): Promise<void> {
    const session = keeper.current;
    if (session === null || session.refreshToken === null) return;
    if (!refreshDue(session, { now: now(), triedAt: refreshTriedAt })) return;
    refreshTriedAt = now();
    const { accessToken, refreshToken } = session;
    try {
      const tokens = await refreshTokens(options.client, { accessToken, refreshToken, now });
      await keeper.change((current) =>
        current?.accessToken === accessToken && !current.expired ? prolonged(current, tokens) : current,
      );
    } catch (thrown) {
      if (isPrintgateError(thrown, "signed-out")) return;
      options.log(`the sign-in to the cloud could not be prolonged: ${toError(thrown).message}`);
    }
  }

  async function ask(): Promise<void> {
    const session = keeper.current;
    // A clock that was wrong may have put the last time far ahead.
    if (session === null || !hasRunOut(session, now()) || Math.abs(now() - probedAt) < PROBE_EVERY_MS) return;
    probedAt = now();
    await options.probe().catch(() => undefined);
  }

  async function expired(token: string): Promise<void> {
    const ended: CloudSession[] = [];
    await keeper.change((current) => {
      if (current?.accessToken !== token || current.expired) return current;
      ended.push(current);
      return { ...current, expired: true };
    });
    if (ended.length === 0) return;
    const next =
      keeper.current?.pasted === true && !keeper.current.expired ? "the pasted token is used" : "sign in again";
    const reason = `the cloud does not take the sign-in any more: ${next}`;
    listeners.tellNotice({ event: "account.expired", reason, value: null });
  }

  function letBrokerTryAgain(): void {
    if (brokerAgainAt !== null) return;
    const waitMs = Math.min(BROKER_AGAIN_MOST_MS, BROKER_AGAIN_MS * 2 ** Math.min(refusals - 1, 10));
    brokerAgainAt = now() + waitMs;
    lookIn(Math.min(waitMs, options.everyMs));
  }

  function tellBroker(): void {
    if (brokerAgainAt === null) return;
    const leftMs = brokerAgainAt - now();
    if (leftMs > 0 && leftMs <= BROKER_AGAIN_MOST_MS) return;
    brokerAgainAt = null;
    if (keeper.current?.expired === false) listeners.tellCredentials();
  }

  return {
    start() {
      running = true;
      lookIn(Math.min(SOON_MS, options.everyMs));
    },
    stop() {
      running = false;
      if (timer !== null) clearTimeout(timer);
      timer = brokerAgainAt = null;
    },
    soon() {
      lookIn(Math.min(SOON_MS, options.everyMs));
    },
    signedIn() {
      refreshTriedAt = now();
      probedAt = -Infinity;
      refusals = 0;
      brokerAgainAt = null;
      listeners.forgetNotices();
      lookIn(Math.min(SOON_MS, options.everyMs));
    },
    expired,
    refused() {
      refusals += 1;
      options.probe().then(letBrokerTryAgain, letBrokerTryAgain);
    },
  };
}

function prolonged(session: CloudSession, tokens: Tokens): CloudSession {
  const same = tokens.accessToken === session.accessToken;
  const expiresAt = tokens.expiresAt ?? (same ? session.expiresAt : null);
  const warned = expiresAt === session.expiresAt ? session.warned : [];
  return { ...session, ...tokens, refreshToken: tokens.refreshToken ?? session.refreshToken, expiresAt, warned };
}
