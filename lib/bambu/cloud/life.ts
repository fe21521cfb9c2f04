import type { CloudSession } from "./types";

/** The life of a session as pure functions. Times are epoch ms. */

const DAY_MS = 86_400_000;
/** Days ahead at which the end of a session is told. */
const WARN_AHEAD = [14, 3, 1] as const;
/** Before the first warning, so that nobody is warned where prolonging works. */
const REFRESH_AHEAD_MS = 15 * DAY_MS;
const REFRESH_EVERY_MS = DAY_MS;

/**
 * Whole days left (rounded up) where a warning is due; null where none is. One that was missed is told late, and not in
 * addition to a later one.
 */
export function warningDue(session: CloudSession, now: number): number | null {
  const left = leftMs(session, now);
  if (left === null || left <= 0) return null;
  const step = passed(left).at(-1);
  return step === undefined || session.warned.includes(step) ? null : Math.ceil(left / DAY_MS);
}

/** The session with the warnings that are due at this moment marked as told. */
export function warnedAt(session: CloudSession, now: number): CloudSession {
  const left = leftMs(session, now);
  return left === null ? session : { ...session, warned: passed(left) };
}

function passed(left: number): readonly number[] {
  return WARN_AHEAD.filter((days) => left <= days * DAY_MS);
}

/** Whether it is time to try to prolong it. `triedAt` = when that was tried, or when somebody signed in. */
export function refreshDue(session: CloudSession, { now, triedAt }: { now: number; triedAt: number | null }): boolean {
  const left = leftMs(session, now);
  if (session.expired || session.refreshToken === null || left === null || left <= 0) return false;
  if (session.refreshExpiresAt !== null && session.refreshExpiresAt <= now) return false;
  return left <= REFRESH_AHEAD_MS && (triedAt === null || Math.abs(now - triedAt) >= REFRESH_EVERY_MS);
}

/** The time that was announced is over; only the cloud's own word ends a session, so it is to be asked. */
export function hasRunOut(session: CloudSession, now: number): boolean {
  const left = leftMs(session, now);
  return !session.expired && left !== null && left <= 0;
}

function leftMs(session: CloudSession, now: number): number | null {
  return session.expired || session.expiresAt === null ? null : session.expiresAt - now;
}
