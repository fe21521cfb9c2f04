import { createHasher } from "../../auth/login/passwords";
import { readUser, storedRow } from "../../auth/login/users";
import { PrintgateError } from "../../errors";
import { unsetVariable, variableIn } from "../properties";

/**
 * The `users` credential of a policy as the dialog edits it: JSON in, JSON out, and in between nothing that a browser
 * may not see. Rows that are malformed are shown with what is wrong and stay as they are.
 */

type Row = Readonly<Record<string, unknown>>;

/** What a browser gets to know of a user. */
export interface ShownUser {
  readonly name: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly hasPassword: boolean;
  readonly hasCertificate: boolean;
  /** Came through `/register`; not part of the credential. */
  readonly registered: boolean;
  /** Why this user can not log in; null = nothing. */
  readonly problem: string | null;
}

/** What the dialog asks for. Absent = stays as it is. */
export interface UserChange {
  readonly username: string;
  readonly password?: string;
  readonly certFingerprint?: string;
  readonly tenantId?: string;
  readonly userId?: string;
  readonly attrs?: Readonly<Record<string, string>>;
}

const hasher = createHasher();

/**
 * The rows of a credential.
 * @throws PrintgateError `config-invalid` when it is no list, or stands in an environment variable
 */
export function rowsIn(credential: string | undefined): readonly Row[] {
  const text = (credential ?? "").trim();
  if (text === "") return [];
  const variable = variableIn(text);
  if (variable !== null) {
    const value = process.env[variable];
    if (value === undefined) throw invalid(unsetVariable(variable));
    throw invalid(`the users stand in the environment variable ${variable}`);
  }
  const rows = parsed(text);
  if (!Array.isArray(rows)) throw invalid("the users are no JSON list");
  return rows.map((row: unknown) => (typeof row === "object" && row !== null ? (row as Row) : {}));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The users without anything secret. */
export function showUsers(rows: readonly Row[]): readonly ShownUser[] {
  return rows.map((row) => {
    const read = readUser(row);
    const known = "row" in read ? read.row : null;
    return {
      name: nameOf(row),
      tenantId: known?.identity.tenantId ?? "",
      userId: known?.identity.userId ?? "",
      attrs: known?.identity.attrs ?? {},
      hasPassword: known?.password !== undefined,
      hasCertificate: known?.fingerprint !== undefined,
      registered: false,
      problem: "reason" in read ? read.reason : null,
    };
  });
}

/** Under which name the dialog knows a row. */
function nameOf(row: Row): string {
  return [row["username"], row["userId"]].find((name): name is string => typeof name === "string") ?? "";
}

/**
 * The rows with one user added or changed; the password is hashed.
 * @throws PrintgateError `config-invalid` with what is wrong about the user
 */
export async function withUser(rows: readonly Row[], change: UserChange): Promise<readonly Row[]> {
  const isSame = (row: Row): boolean => nameOf(row) === change.username;
  const before = rows.find(isSame);
  const changed = { ...before, ...change, ...(change.password !== undefined && { passwordHash: undefined }) };
  const read = readUser(changed);
  if ("reason" in read) throw invalid(read.reason);
  const stored = await storedRow(read.row, hasher);
  return before === undefined ? [...rows, stored] : rows.map((row) => (isSame(row) ? stored : row));
}

/** The rows without a user. */
export function withoutUser(rows: readonly Row[], name: string): readonly Row[] {
  return rows.filter((row) => nameOf(row) !== name);
}

function invalid(words: string): PrintgateError {
  return new PrintgateError("config-invalid", words);
}
