/**
 * Readers for values that may have any type: plugins and releases of OctoPrint differ, and whatever answers at an
 * address need not be OctoPrint. Each gives a usable value or null; none of them throws.
 */

/** A JSON object as it was parsed. */
export type Fields = Readonly<Record<string, unknown>>;

/** Longest text that is passed on. */
const LONGEST_TEXT = 1024;
const DECIMAL = /^\s*-?\d+(\.\d+)?\s*$/;
const NO_FIELDS: Fields = Object.freeze({});

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one where it is anything else, so that reading can go on. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : NO_FIELDS;
}

/** The member of that name if the object itself has it: no name of JavaScript's own is taken for an answer. */
export function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** A finite number, also from a decimal text: plugins write both. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  return typeof value === "string" && DECIMAL.test(value) ? Number(value) : null;
}

/** A number inside a closed range. */
export function numberIn(value: unknown, low: number, high: number): number | null {
  const number = numberOf(value);
  return number !== null && number >= low && number <= high ? number : null;
}

/** A whole number inside a closed range. */
export function wholeIn(value: unknown, low: number, high: number): number | null {
  const number = numberIn(value, low, high);
  return number !== null && Number.isInteger(number) ? number : null;
}

/** A text that says something, without line breaks, cut where nobody would read on. */
export function textOf(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const text = value.slice(0, LONGEST_TEXT).replace(/\s+/g, " ").trim();
  return text === "" ? null : text;
}

/** The texts of a list; none where the value is no list. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}
