import { PrintgateError } from "../errors";

/**
 * Readers for what a message brings. A message may come from anybody: only an object's own plain members count, so
 * that neither a prototype nor a getter can say one thing when it is judged and another when it is carried out.
 */

export type Members = Readonly<Record<string, unknown>>;

/** @throws PrintgateError message-invalid; the words never repeat what the message said, which may be a secret */
export function wrong(problem: string): never {
  throw new PrintgateError("message-invalid", problem);
}

/** The value of an object's own member; undefined where there is none, or where it is computed when it is read. */
export function ownValue(holder: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(holder, key)?.value as unknown;
}

/** True for `{...}`, whoever made it; not for arrays, buffers, streams and null. */
export function isPlainObject(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    typeof (value as { pipe?: unknown }).pipe !== "function"
  );
}

/** A copy of the object's own members, all of which must be known. */
export function membersOf(value: unknown, allowed: readonly string[]): Members {
  if (!isPlainObject(value)) return wrong(`must be an object with ${allowed.join(", ")}`);
  const members = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) wrong(`has a member that is not known; allowed are ${allowed.join(", ")}`);
    members[key] = ownValue(value, key);
  }
  return members;
}

const DECIMAL = /^\s*-?\d{1,9}(\.\d{1,9})?\s*$/;

/** A number, also as decimal text, as dashboards send it; null for anything else. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  return typeof value === "string" && DECIMAL.test(value) ? Number(value) : null;
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly unit?: string;
}

/** A number inside a closed range, rounded to a whole one. */
export function wholeIn(value: unknown, name: string, { least, most, unit = "" }: Range): number {
  const number = numberOf(value);
  if (number === null || number < least || number > most)
    return wrong(`${name} must be a number from ${least} to ${most}${unit}`);
  // Not -0, which a fraction below it would become.
  return Math.round(number) + 0;
}

/** A whole number inside a closed range: an index, where rounding would mean something else. */
export function indexIn(value: unknown, name: string, { least, most }: Range): number {
  const number = numberOf(value);
  if (number === null || !Number.isInteger(number) || number < least || number > most)
    return wrong(`${name} must be a whole number from ${least} to ${most}`);
  return number;
}

/** One of these words, which are lower case; the message may write it as it likes: others say ON and OFF. */
export function oneOf<T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  const word = typeof value === "string" ? value.trim().toLowerCase() : value;
  const found = choices.find((choice) => choice === word);
  return found ?? wrong(`${name} must be one of ${choices.map((choice) => `"${choice}"`).join(", ")}`);
}

/** true or false; `otherwise` where nothing is said. */
export function flagOf(value: unknown, name: string, otherwise: boolean): boolean {
  if (value === undefined || value === null) return otherwise;
  return typeof value === "boolean" ? value : wrong(`${name} must be true or false`);
}

/** Text of 1 to `most` characters, without control characters. */
export function textOf(value: unknown, name: string, most: number): string {
  if (typeof value !== "string") return wrong(`${name} must be text`);
  const text = value.trim();
  if (text === "") return wrong(`${name} must not be empty`);
  if (text.length > most) return wrong(`${name} must not be longer than ${most} characters`);
  // eslint allows no control characters in a pattern, with reason; a property of the character says the same.
  return /\p{Cc}/u.test(text) ? wrong(`${name} must not hold control characters`) : text;
}
