/**
 * Values as they travel in a frame, and readers that take nothing on trust: what a client sends
 * may be of any type and any size.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** True for `{...}`, not for arrays and null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isJsonList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The string, or null where there is none. */
export function readText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** A finite number, also when it came as a decimal string as some commands demand; null otherwise. */
export function readNumber(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || !/^-?\d{1,12}(\.\d{1,6})?$/.test(value)) return null;
  return Number(value);
}

/** The number moved into the range. */
export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
