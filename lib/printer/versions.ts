/**
 * Versions as printers and their makers write them: numbers with dots between, "01.08.02.00". Compared number by
 * number, never as text, and only where both can be read.
 */

/** More parts or digits than any version has are no version. */
const PARTS = 8;
const DIGITS = 9;

/**
 * The numbers of a version, or null where it is none that can be compared: empty, "N/A", "unknown", all zeros (which is
 * what a module says before it knows). Of "a/b" the first counts, of a part with letters its leading digits.
 */
export function numbersOf(version: string | null): readonly number[] | null {
  const parts = version?.split("/")[0]?.trim().replace(/^v/i, "").split(".") ?? [];
  const digits = parts.map((part) => /^\d+/.exec(part)?.[0] ?? "");
  const readable = parts.length <= PARTS && digits[0] !== "" && digits.every((text) => text.length <= DIGITS);
  const numbers = digits.map(Number);
  return readable && numbers.some((number) => number > 0) ? numbers : null;
}

/** Above zero when `a` is the newer one, zero when they are the same; null when they can not be compared. */
export function compareVersions(a: string | null, b: string | null): number | null {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  if (left === null || right === null) return null;
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Known to be newer. */
export function isNewer(version: string | null, than: string | null): boolean {
  return (compareVersions(version, than) ?? 0) > 0;
}
