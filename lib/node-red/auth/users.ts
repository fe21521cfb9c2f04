import { createHasher } from "../../auth/login/passwords";
import type { AuthData, AuthResult, Identity } from "../../auth/provider";
import { parseUsers, readUser, type RefusedRow, type Row, storedRow, type UserRow } from "../../auth/login/users";
import { createUsers, type Users } from "../../auth/login/users-directory";
import type { Document } from "../store";

/** A user that came through `/register`, as the package's store keeps it. */
export interface RegisteredUser {
  readonly username: string;
  /** A row of `users`, the password hashed. */
  readonly row: Row;
}

export function isRegisteredUsers(value: unknown): value is readonly RegisteredUser[] {
  // A row that is no object would throw where it is read, at every start.
  const isUser = (user: Partial<RegisteredUser> | null): boolean =>
    typeof user?.username === "string" && typeof user.row === "object" && (user.row as unknown) !== null;
  return Array.isArray(value) && value.every(isUser);
}

/**
 * The users of a policy: those of its credential and those that registered themselves. Both may change while logins
 * run; a name of the credential goes before a registered one.
 */
export class UserBook implements Pick<Users, "login" | "identities"> {
  private users: Users;
  private registered: readonly RegisteredUser[] = [];
  private readonly hasher = createHasher();
  /** Names whose registration is under way. */
  private readonly claimed = new Set<string>();
  private refusedRows: readonly RefusedRow[] = [];
  private saving: Promise<unknown> = Promise.resolve();
  /** Grows with every change of who is there. */
  version = 0;
  /** Resolves when the registered users were read. Never rejects. */
  readonly ready: Promise<void>;

  constructor(
    private credential: unknown,
    private readonly document: Pick<Document<readonly RegisteredUser[]>, "load" | "save">,
  ) {
    this.users = this.build();
    this.ready = document.load().then((kept) => {
      if (kept === null || kept.length === 0) return;
      this.registered = kept;
      this.users = this.build();
    });
  }

  /** Rows of the credential that are not used, and why. */
  get refused(): readonly RefusedRow[] {
    return this.refusedRows;
  }

  get registrations(): readonly RegisteredUser[] {
    return this.registered;
  }

  async login(data: AuthData): Promise<AuthResult> {
    await this.ready;
    return this.users.login(data);
  }

  identities(): readonly Identity[] {
    return this.users.identities();
  }

  /** Takes another credential in place of the one before. */
  replace(credential: unknown): void {
    this.credential = credential;
    this.users = this.build();
  }

  /**
   * Adds a user for good; false = the name is taken.
   * @throws PrintgateError `store` when it could not be kept
   */
  async register(row: UserRow): Promise<boolean> {
    await this.ready;
    const { username } = row;
    if (username === undefined || this.isTaken(username, row.identity)) return false;
    this.claimed.add(username);
    try {
      const kept = await storedRow(row, this.hasher);
      await this.keep((before) => [...before, { username, row: kept }]);
      this.users = this.build();
      return true;
    } finally {
      this.claimed.delete(username);
    }
  }

  /**
   * Forgets a registered user; false = there is none of that name.
   * @throws PrintgateError `store`
   */
  async forget(username: string): Promise<boolean> {
    await this.ready;
    if (!this.registered.some((user) => user.username === username)) return false;
    await this.keep((before) => before.filter((user) => user.username !== username));
    this.users = this.build();
    return true;
  }

  /** By its name, be it of a row that can not be used; or because somebody is this user who logs in by another name. */
  private isTaken(username: string, { tenantId, userId }: Identity): boolean {
    const { rows, refused } = parseUsers(this.credential);
    const isNamed = [...rows, ...this.registered].some((user) => user.username === username);
    const isRefused = refused.some(({ name }) => name === username);
    const isSomebody = this.identities().some((one) => one.tenantId === tenantId && one.userId === userId);
    return isNamed || isRefused || isSomebody || this.claimed.has(username);
  }

  /** One change after the other, each on what the one before has left on disk. */
  private keep(change: (before: readonly RegisteredUser[]) => readonly RegisteredUser[]): Promise<void> {
    const turn = this.saving.then(async () => {
      const after = change(this.registered);
      await this.document.save(after);
      this.registered = after;
    });
    this.saving = turn.catch(() => undefined);
    return turn;
  }

  private build(): Users {
    const { rows, refused } = parseUsers(this.credential);
    this.refusedRows = refused;
    this.version++;
    const users = createUsers({ rows });
    for (const { row } of this.registered) {
      const user = readUser(row);
      if ("row" in user) users.add(user.row);
    }
    return users;
  }
}
