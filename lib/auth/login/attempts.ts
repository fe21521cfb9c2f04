/**
 * Limits failed logins by address: more than so many in a window, and the address is banned for a
 * while, right password or not. Without an address there is no limit.
 */
import { createHash } from "node:crypto";
import { parseClientAddress } from "../address";
import type { AuthResult, ExtendedAuthResult } from "../provider";

export interface AttemptLimits {
  /** Failures in the window that are still answered. */
  readonly failures: number;
  readonly windowMs: number;
  readonly banMs: number;
  /** Attempts of one address under way at once; the others wait. */
  readonly atOnce: number;
  /** Attempts of one address that may wait; more are turned away. */
  readonly waiting: number;
  /** Addresses remembered at most; the one that was quiet longest is forgotten first. */
  readonly addresses: number;
}

const ATTEMPT_LIMITS: AttemptLimits = {
  failures: 100,
  windowMs: 60_000,
  banMs: 60_000,
  atOnce: 8,
  waiting: 200,
  addresses: 10_000,
};

interface History {
  /** When the failures of the window were, oldest first; at most one more than allowed. */
  failedAt: number[];
  bannedUntil: number;
  underWay: number;
  readonly queue: (() => void)[];
}

export interface Attempts {
  /**
   * Runs a login and counts it as failed when it is rejected. A banned address gets `Banned`
   * without the login being tried. What the login throws comes through uncounted.
   */
  run<R extends ExtendedAuthResult>(address: string | undefined, login: () => Promise<R>): Promise<R | Rejection>;
}
type Rejection = Extract<AuthResult, { result: "rejected" }>;

const BANNED: Rejection = { result: "rejected", code: "Banned", reason: "too many failed logins from this address" };
const BUSY: Rejection = { result: "rejected", code: "Error", reason: "too many logins at once from this address" };

/**
 * One spelling for each address, without its port; what is no address counts as it is spelled. By its digest:
 * whoever may claim an address shall not fill the memory with it.
 */
export function nameOfAddress(address: string): string {
  const known = parseClientAddress(address);
  return known === null ? createHash("sha256").update(address).digest("base64") : `${known.family} ${known.bits}`;
}

/** An empty memory of attempts. `now` is a steady clock in milliseconds. */
export function createAttempts(limits = ATTEMPT_LIMITS, now: () => number = () => performance.now()): Attempts {
  const histories = new Map<string, History>();

  function historyOf(name: string): History {
    const history = histories.get(name) ?? { failedAt: [], bannedUntil: -Infinity, underWay: 0, queue: [] };
    // Set anew, so that the order of the map is the order of quietness.
    histories.delete(name);
    histories.set(name, history);
    const [quietest] = histories.keys();
    if (quietest !== undefined && histories.size > limits.addresses) histories.delete(quietest);
    return history;
  }

  /** Attempts that may run beside each other: never so many that their failures could go past the limit unseen. */
  function mayStart(history: History): boolean {
    history.failedAt = history.failedAt.filter((at) => at > now() - limits.windowMs);
    const left = limits.failures + 1 - history.failedAt.length;
    return history.underWay < Math.max(1, Math.min(limits.atOnce, left));
  }

  function noteFailure(history: History): boolean {
    history.failedAt.push(now());
    if (history.failedAt.length <= limits.failures) return false;
    history.failedAt = [];
    history.bannedUntil = now() + limits.banMs;
    return true;
  }

  /** Resolves in a counted place, or with false where too many wait already. */
  function takePlace(history: History): Promise<boolean> | boolean {
    if (mayStart(history)) {
      history.underWay++;
      return true;
    }
    if (history.queue.length >= limits.waiting) return false;
    return new Promise((resolve) => {
      history.queue.push(() => {
        resolve(true);
      });
    });
  }

  function leavePlace(history: History): void {
    history.underWay--;
    while (history.queue.length > 0 && mayStart(history)) {
      // Counted before the waiting one runs: a newcomer must not slip in between.
      history.underWay++;
      history.queue.shift()?.();
    }
  }

  return {
    async run(address, login) {
      if (address === undefined || address === "") return login();
      const history = historyOf(nameOfAddress(address));
      if (now() < history.bannedUntil) return BANNED;
      if (!(await takePlace(history))) return BUSY;
      try {
        // Those who waited may have been overtaken by the ban.
        if (now() < history.bannedUntil) return BANNED;
        const result = await login();
        return result.result === "rejected" && noteFailure(history) ? BANNED : result;
      } finally {
        leavePlace(history);
      }
    },
  };
}
