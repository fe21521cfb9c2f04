/**
 * Readers for values that may have any type. A printer's firmware changes types between releases, so
 * each reader gives a usable value or null; none of them throws.
 */

/** A JSON object as it was parsed. */
export type Fields = Record<string, unknown>;

/** Longest text that is passed on; names and versions are far shorter. */
const LONGEST_TEXT = 1024;

const DECIMAL = /^\s*-?\d+(\.\d+)?\s*$/;
const HEX = /^[0-9a-f]+$/i;

const NO_FIELDS: Readonly<Fields> = Object.freeze({});
const NO_ENTRIES: readonly unknown[] = Object.freeze([]);

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one where it is anything else, so that reading can go on. */
export function fieldsOf(value: unknown): Readonly<Fields> {
  return isFields(value) ? value : NO_FIELDS;
}

/** The objects of a list; none where the value is no list. */
export function entriesOf(value: unknown): readonly Readonly<Fields>[] {
  if (!Array.isArray(value)) return NO_ENTRIES as readonly Fields[];
  return value.every(isFields) ? value : value.filter(isFields);
}

/** A finite number, also from a decimal text ("22.7"). */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "string" && DECIMAL.test(value)) return Number(value);
  return null;
}

/** A number inside a closed range. */
export function numberIn(value: unknown, low: number, high: number): number | null {
  const number = numberOf(value);
  return number !== null && number >= low && number <= high ? number : null;
}

/** A whole number inside a closed range. */
export function integerIn(value: unknown, low: number, high: number): number | null {
  const number = numberIn(value, low, high);
  return number !== null && Number.isInteger(number) ? number : null;
}

/** A 32-bit word as an unsigned number; firmware writes some of them signed. */
export function wordOf(value: unknown): number | null {
  const number = integerIn(value, -0x8000_0000, 0xffff_ffff);
  return number === null ? null : number >>> 0;
}

/** A text that says something: null for an empty one and for the given words that mean "none". */
export function textOf(value: unknown, none?: ReadonlySet<string>): string | null {
  if (typeof value !== "string" || value === "" || none?.has(value)) return null;
  return value.length > LONGEST_TEXT ? value.slice(0, LONGEST_TEXT) : value;
}

/**
 * One bit of a flag field; null where the field is absent or no flag field. Flags come as hex text of up to
 * 64 bits, which no number holds exactly; but each hex digit is four bits, so the digit is enough.
 */
export function hexBit(flags: unknown, bit: number): boolean | null {
  if (typeof flags !== "string" || !HEX.test(flags)) return null;
  const digit = flags.length - 1 - (bit >> 2);
  return digit >= 0 && ((parseInt(flags.charAt(digit), 16) >> (bit & 3)) & 1) === 1;
}

/** One bit of a flag field that comes as a (perhaps negative) 32-bit number. */
export function wordBit(flags: unknown, bit: number): boolean | null {
  const word = wordOf(flags);
  return word === null ? null : ((word >>> bit) & 1) === 1;
}

/** 8 digits, upper case, zero-padded. */
export function hex8(word: number): string {
  return (word >>> 0).toString(16).toUpperCase().padStart(8, "0");
}

/** ISO 8601, or null where the time is none that a calendar has. */
export function isoOf(ms: number): string | null {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null;
}
