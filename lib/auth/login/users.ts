/** The rows of `users`: read one by one, so that a bad one costs nobody but itself. */
import type { Identity } from "../provider";
import { isReserved } from "../request";
import { formatPasswordHash, type Hasher, parsePasswordHash, type PasswordHash } from "./passwords";

/** A user as configured: how he proves himself, and who he is then. */
export interface UserRow {
  /** Absent for somebody who only has a certificate. */
  readonly username?: string;
  /** A plain password is hashed when it is loaded. */
  readonly password?: { readonly hash: PasswordHash } | { readonly plain: string };
  /** SHA-256 of the certificate's DER, 64 lower-case hex digits. */
  readonly fingerprint?: string;
  readonly identity: Identity;
}

/** A row that is not used, and why; `index` counts from 0, null = the whole list. Holds no secret. */
export interface RefusedRow {
  readonly index: number | null;
  readonly name: string | null;
  readonly reason: string;
}

export interface Rows<T> {
  readonly rows: readonly T[];
  readonly refused: readonly RefusedRow[];
}

export type Row = Readonly<Record<string, unknown>>;
/** What a row is, or why it is none. */
export type RowReading<T> = { readonly row: T } | { readonly reason: string };

const isRow = (value: unknown): value is Row => typeof value === "object" && value !== null && !Array.isArray(value);

/** A non-empty string of the row, undefined when absent or empty. */
export function textOf(row: Row, name: string): string | undefined {
  const value = Object.hasOwn(row, name) ? row[name] : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Why the row's fields can not be what they should: unknown names, or something else than text. */
export function whyMisshapen(row: Row, texts: readonly string[], others: readonly string[] = []): string | undefined {
  for (const [name, value] of Object.entries(row)) {
    if (others.includes(name) || value === undefined || value === null) continue;
    if (!texts.includes(name)) return `"${name}" is no field of it`;
    if (typeof value !== "string") return `"${name}" is not a string`;
  }
  return undefined;
}

/**
 * Attributes as strings by name; undefined when they are something else. Reserved names are left
 * out here already, since a broker may let them stand until it fills them in itself, and so is
 * what could pass for something inherited.
 */
export function attrsOf(row: Row): Readonly<Record<string, string>> | undefined {
  const attrs = row["attrs"] ?? {};
  if (!isRow(attrs)) return undefined;
  const entries = Object.entries(attrs);
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === "string")) return undefined;
  return Object.fromEntries(entries.filter(([name]) => name !== "__proto__" && !isReserved(name)));
}

export interface RowKind<T> {
  read(row: Row): RowReading<T>;
  /** The field that names a row in a reason. */
  readonly nameField: string;
  /** What no other row may have too. */
  keysOf(row: T): readonly string[];
}

/** Reads a list of rows, given as JSON text or parsed; empty or absent = none. Never throws. */
export function readRows<T>(list: unknown, kind: RowKind<T>): Rows<T> {
  const whole = (reason: string): Rows<T> => ({ rows: [], refused: [{ index: null, name: null, reason }] });
  let parsed = typeof list === "string" && list.trim() === "" ? [] : (list ?? []);
  if (typeof parsed === "string") {
    try {
      parsed = JSON.parse(parsed) as object;
    } catch {
      return whole("the list is not JSON");
    }
  }
  if (!Array.isArray(parsed)) return whole("it is not a list");
  const rows: T[] = [];
  const refused: RefusedRow[] = [];
  const taken = new Set<string>();
  parsed.forEach((row: unknown, index) => {
    const name = isRow(row) ? (textOf(row, kind.nameField) ?? null) : null;
    const reading: RowReading<T> = isRow(row) ? kind.read(row) : { reason: "it is not an object" };
    const keys = "row" in reading ? kind.keysOf(reading.row) : [];
    if ("reason" in reading) refused.push({ index, name, reason: reading.reason });
    else if (keys.some((key) => taken.has(key))) refused.push({ index, name, reason: "an earlier one is the same" });
    else {
      rows.push(reading.row);
      for (const key of keys) taken.add(key);
    }
  });
  return { rows, refused };
}

/** The tenant of a user or app for whom none is given. */
export const DEFAULT_TENANT = "default";

const TEXTS = ["username", "passwordHash", "password", "certFingerprint", "tenantId", "userId"];

/** 64 hex digits in lower case; colons and capitals are how tools print it. */
function fingerprintOf(text: string): string | undefined {
  const digits = text.replaceAll(":", "").toLowerCase();
  return /^[\da-f]{64}$/.test(digits) ? digits : undefined;
}

/** One user; `userId` defaults to the user name, `tenantId` to "default". */
export function readUser(row: Row): RowReading<UserRow> {
  const misshapen = whyMisshapen(row, TEXTS, ["attrs"]);
  if (misshapen !== undefined) return { reason: misshapen };
  const username = textOf(row, "username");
  const tenantId = textOf(row, "tenantId") ?? DEFAULT_TENANT;
  const userId = textOf(row, "userId") ?? username;
  const attrs = attrsOf(row);
  const [phc, plain, certificate] = ["passwordHash", "password", "certFingerprint"].map((name) => textOf(row, name));
  const hash = phc === undefined ? undefined : parsePasswordHash(phc);
  const fingerprint = certificate === undefined ? undefined : fingerprintOf(certificate);
  if (userId === undefined) return { reason: "username or userId is missing" };
  if (attrs === undefined) return { reason: "attrs is not an object of strings" };
  if (phc !== undefined && hash === undefined) return { reason: "passwordHash is no scrypt PHC string within limits" };
  if (phc !== undefined && plain !== undefined) return { reason: "it has both passwordHash and password" };
  if (certificate !== undefined && fingerprint === undefined) return { reason: "certFingerprint is not 64 hex digits" };
  const password = hash !== undefined ? { hash } : plain !== undefined ? { plain } : undefined;
  if (password === undefined && fingerprint === undefined)
    return { reason: "it has no password (password or passwordHash) and no certificate (certFingerprint)" };
  if (password !== undefined && username === undefined) return { reason: "username is missing" };
  return {
    row: {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(fingerprint !== undefined && { fingerprint }),
      identity: { tenantId, userId, attrs },
    },
  };
}

/** The `users` credential, JSON text or parsed. */
export const parseUsers = (list: unknown): Rows<UserRow> =>
  readRows(list, {
    read: readUser,
    nameField: "username",
    keysOf: ({ username, fingerprint }) => [
      ...(username === undefined ? [] : [`name ${username}`]),
      ...(fingerprint === undefined ? [] : [`certificate ${fingerprint}`]),
    ],
  });

/** A user as a row of the list again, a plain password hashed: what may be written down. */
export async function storedRow({ username, password, fingerprint, identity }: UserRow, hasher: Hasher): Promise<Row> {
  const hash = password && ("hash" in password ? password.hash : await hasher.hash(Buffer.from(password.plain)));
  return {
    ...(username !== undefined && { username }),
    ...(hash !== undefined && { passwordHash: formatPasswordHash(hash) }),
    ...(fingerprint !== undefined && { certFingerprint: fingerprint }),
    ...identity,
  };
}
