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
