/**
 * How long to wait before the next attempt: doubling from 1 s to 5 minutes, each spread by a
 * quarter so that many printers that went away together do not all come back in the same second.
 *
 * @param failures attempts that failed in a row, from 1
 * @param random 0..1
 */
export function backoffMs(failures: number, random: number = Math.random()): number {
  const base = Math.min(CEILING_MS, 1000 * 2 ** Math.min(failures - 1, 20));
  return Math.round(Math.min(CEILING_MS, base * (0.75 + random / 2)));
}

const CEILING_MS = 300_000;
/** Sessions shorter than this, in a row, are somebody else taking our place. */
const SHORT_SESSION_MS = 60_000;
const SHORT_SESSIONS = 5;

/** Counts what ended in a row. A link that drops now and then is back in a second; one that never comes about waits longer and longer. */
export class Endings {
  private failures = 0;
  private shortSessions = 0;

  /** @param waitMs how long to wait after so many failures */
  constructor(private readonly waitMs: (failures: number) => number = backoffMs) {}

  /**
   * @param sessionMs how long the session lasted that has ended; null if none came about
   * @returns how long to wait, and whether another program seems to take our place
   */
  add(sessionMs: number | null): { waitMs: number; rival: boolean } {
    if (sessionMs === null) {
      this.failures += 1;
    } else {
      this.shortSessions = sessionMs < SHORT_SESSION_MS ? this.shortSessions + 1 : 0;
      this.failures = Math.max(1, this.shortSessions - SHORT_SESSIONS);
    }
    return { waitMs: this.waitMs(this.failures), rival: this.shortSessions > SHORT_SESSIONS };
  }
}
