const CEILING_MS = 300_000;

/**
 * How long to wait before the next attempt: doubling from a second to five minutes, each spread by a quarter so that
 * many that went away together do not come back in the same moment.
 *
 * @param failures in a row, from 1
 * @param random 0..1
 */
export function waitMs(failures: number, random: number = Math.random()): number {
  const base = Math.min(CEILING_MS, 1000 * 2 ** Math.min(failures - 1, 20));
  return Math.round(Math.min(CEILING_MS, base * (0.75 + random / 2)));
}
