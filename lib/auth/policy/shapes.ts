import type { AuthResult, CheckResult, ExtendedAuthResult } from "../provider";

/**
 * Whether what a provider answered is an answer. Providers are typed, but a flow or a plugin may be behind them,
 * and `undefined` must not become a grant.
 */

type Shape = Readonly<Record<string, unknown>>;

function isShape(value: unknown): value is Shape {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isUserProps(value: unknown): boolean {
  if (value === undefined) return true;
  const isPair = (pair: unknown): boolean =>
    Array.isArray(pair) && pair.length === 2 && pair.every((one) => typeof one === "string");
  return Array.isArray(value) && value.every(isPair);
}

function isBytes(value: unknown): boolean {
  return value === undefined || value instanceof Uint8Array;
}

const CHECK_RESULTS: readonly unknown[] = ["granted", "denied", "error"];

export function isCheckResult(value: unknown): value is CheckResult {
  if (!isShape(value) || !CHECK_RESULTS.includes(value.result)) return false;
  const isRule = value.rule === undefined || Number.isInteger(value.rule);
  return isRule && isText(value.reason) && isUserProps(value.userProps);
}

const REJECT_CODES: readonly unknown[] = ["BadPass", "NotAuthorized", "Banned", "BadAuthMethod", "Error"];

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isIdentity(value: unknown): boolean {
  if (!isShape(value) || !isName(value.tenantId) || !isName(value.userId) || !isShape(value.attrs)) return false;
  return Object.values(value.attrs).every((one) => typeof one === "string");
}

export function isAuthResult(value: unknown): value is AuthResult {
  if (!isShape(value) || !isText(value.reason) || !isUserProps(value.userProps)) return false;
  if (value.result === "ok") return isIdentity(value.identity) && isText(value.responseInfo) && isBytes(value.authData);
  return value.result === "rejected" && REJECT_CODES.includes(value.code);
}

export function isExtendedAuthResult(value: unknown): value is ExtendedAuthResult {
  if (!isShape(value) || value.result !== "continue") return isAuthResult(value);
  return value.authData instanceof Uint8Array && isText(value.reason) && isUserProps(value.userProps);
}
