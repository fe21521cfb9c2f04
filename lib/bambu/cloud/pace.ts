/**
 * How often the cloud is asked, as plain data and pure functions. Users report that 300 calls in five minutes get an
 * account throttled; and that an edge which turned somebody away does so for longer, the more it is asked.
 */

/** A store of permits that fills up again by itself. */
export interface Bucket {
  /** Below zero = permits that are spent in advance. */
  readonly permits: number;
  readonly at: number;
}

const CAPACITY = 60;
const REFILL_MS = 3000;
/** Somebody who would have to wait longer is told so instead. */
const LONGEST_WAIT_MS = 60_000;

export function fullBucket(now: number): Bucket {
  return { permits: CAPACITY, at: now };
}

/** Takes one permit: at most 160 in any five minutes. `waitMs` null = none to be had in a reasonable time, and none taken. */
export function takePermit(bucket: Bucket, now: number): { readonly bucket: Bucket; readonly waitMs: number | null } {
  const refilled = Math.max(0, now - bucket.at) / REFILL_MS;
  const permits = Math.min(CAPACITY, bucket.permits + refilled) - 1;
  const waitMs = Math.ceil(Math.max(0, -permits) * REFILL_MS);
  if (waitMs > LONGEST_WAIT_MS) return { bucket: { permits: permits + 1, at: now }, waitMs: null };
  return { bucket: { permits, at: now }, waitMs };
}

/** What an edge has done to us. */
export interface Rest {
  /** Epoch ms until which nothing is asked. */
  readonly until: number;
  /** Blocks in a row. */
  readonly strikes: number;
  /** When a user's own attempt was let through all the same. */
  readonly triedAt: number | null;
}

/** By origin, since web pages may be guarded more strictly than the API; null = not turned away. */
export type Rests = Map<string, Rest | null>;

const HOUR_MS = 3_600_000;
const FIRST_REST_MS = 2 * HOUR_MS;
const LONGEST_REST_MS = 24 * HOUR_MS;
/** Even an edge that asks for more is asked again after a week. */
const LONGEST_WISH_MS = 7 * 24 * HOUR_MS;
/** A user who signs in by hand may try at once, and then not before this. */
const BY_HAND_EVERY_MS = 600_000;

/** The rest after a block: two hours, doubling to a day with each block in a row, longer where the edge wishes so. */
export function restAfter(
  before: Rest | null,
  { now, retryAfterMs }: { readonly now: number; readonly retryAfterMs: number | null },
): Rest {
  const strikes = (before?.strikes ?? 0) + 1;
  const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(strikes - 1, 10));
  const wishMs = Math.min(LONGEST_WISH_MS, retryAfterMs ?? 0);
  return { until: now + Math.max(restMs, wishMs), strikes, triedAt: before?.triedAt ?? null };
}

/** Whether something may be asked; `next` = the state once it has been. `by` user = somebody signs in by hand. */
export function mayAsk(
  rest: Rest | null,
  { by, now }: { readonly by: "user" | "program"; readonly now: number },
): { readonly allowed: boolean; readonly waitMs: number; readonly next: Rest | null } {
  if (rest === null || !isAhead(rest.until, now)) return { allowed: true, waitMs: 0, next: rest };
  const openAt = by === "program" ? rest.until : Math.min(rest.until, (rest.triedAt ?? -Infinity) + BY_HAND_EVERY_MS);
  if (openAt > now) return { allowed: false, waitMs: openAt - now, next: rest };
  return { allowed: true, waitMs: 0, next: { ...rest, triedAt: now } };
}

/** What is further ahead than any rest was said by a clock that was wrong. */
function isAhead(until: number, now: number): boolean {
  return until > now && until - now <= 2 * LONGEST_WISH_MS;
}

/** "2 hours", "10 minutes": for sentences, rounded up. */
export function spokenTime(ms: number): string {
  const minutes = Math.max(1, Math.ceil(ms / 60_000));
  if (minutes < 90) return minutes === 1 ? "a minute" : `${minutes} minutes`;
  return `${Math.ceil(minutes / 60)} hours`;
}
