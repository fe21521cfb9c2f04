/**
 * Who may log in: by user name and password, or by client certificate. An unknown user costs the
 * same work as a bad password, and gets the same words.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createHasher, createSecretDigest, type Hasher, type PasswordHash } from "./passwords";
import type { AuthData, AuthResult, Identity } from "../provider";
import type { UserRow } from "./users";

export interface Users {
  /**
   * Judges user name and password, or the certificate. Never rejects for what a client sent;
   * rejects with `provider-failed` when too many logins wait.
   */
  login(data: AuthData): Promise<AuthResult>;
  /** Adds a user while running; false = the user name is taken. */
  add(row: UserRow): boolean;
  identities(): readonly Identity[];
}

export interface UsersOptions {
  readonly rows: readonly UserRow[];
  readonly hasher?: Hasher;
}

interface Entry {
  readonly username: string | undefined;
  readonly identity: Identity;
  /** Absent without a password. */
  readonly hash: Promise<PasswordHash> | undefined;
  /** The digest of the password that matched last: a client that comes back costs no scrypt. */
  known?: Buffer;
}

const BAD_PASSWORD: AuthResult = { result: "rejected", code: "BadPass", reason: "user name or password is wrong" };
const NO_CREDENTIALS: AuthResult = {
  result: "rejected",
  code: "NotAuthorized",
  reason: "neither user name with password nor a known certificate",
};

/** A directory of these users. Plain passwords are hashed at once, in the background. */
export function createUsers({ rows, hasher = createHasher({ waiting: 500 + rows.length }) }: UsersOptions): Users {
  const byName = new Map<string, Entry>();
  const byFingerprint = new Map<string, Entry>();
  const entries: Entry[] = [];
  /** Of all users who have one: a list, so that finding a decoy takes the same time however many they are. */
  const hashes: Promise<PasswordHash>[] = [];
  const digest = createSecretDigest();
  let nobody: Promise<PasswordHash> | undefined;

  function hashOf({ password }: UserRow): Promise<PasswordHash> | undefined {
    if (password === undefined) return undefined;
    if ("hash" in password) return Promise.resolve(password.hash);
    const hash = hasher.hash(Buffer.from(password.plain));
    // Whoever logs in sees the failure; until then it is nobody's unhandled rejection.
    hash.catch(() => undefined);
    return hash;
  }

  function add(row: UserRow): boolean {
    if (row.username !== undefined && byName.has(row.username)) return false;
    const entry: Entry = { username: row.username, identity: row.identity, hash: hashOf(row) };
    if (row.username !== undefined) byName.set(row.username, entry);
    if (row.fingerprint !== undefined && !byFingerprint.has(row.fingerprint)) byFingerprint.set(row.fingerprint, entry);
    entries.push(entry);
    if (entry.hash !== undefined) hashes.push(entry.hash);
    return true;
  }

  /**
   * What an unknown name is compared with: the hash of some user, always the same one for the same
   * name, so that hashes of different cost tell nothing. Without users, a hash of nothing.
   */
  function decoyFor(username: string): Promise<PasswordHash> {
    const pick = hashes[digest(username).readUInt32BE() % Math.max(1, hashes.length)];
    return pick ?? (nobody ??= hasher.hash(new Uint8Array()));
  }

  async function byPassword(username: string, password: Uint8Array): Promise<AuthResult> {
    const entry = byName.get(username);
    const seen = digest(password);
    if (entry?.known !== undefined && timingSafeEqual(entry.known, seen))
      return { result: "ok", identity: entry.identity };
    const matches = await hasher.matches(password, await (entry?.hash ?? decoyFor(username)));
    if (entry?.hash === undefined || !matches) return BAD_PASSWORD;
    entry.known = seen;
    return { result: "ok", identity: entry.identity };
  }

  for (const row of rows) add(row);

  return {
    async login({ username, password, cert }) {
      const fingerprint = cert && createHash("sha256").update(cert).digest("hex");
      const holder = fingerprint === undefined ? undefined : byFingerprint.get(fingerprint);
      // A certificate proves its own user; under another name it proves nothing.
      if (holder !== undefined && (username === undefined || username === "" || username === holder.username))
        return { result: "ok", identity: holder.identity };
      if (username === undefined || password === undefined) return NO_CREDENTIALS;
      return byPassword(username, password);
    },
    add,
    identities: () => entries.map((entry) => entry.identity),
  };
}

/**
 * Finds attributes by tenant and user, for questions that name nothing else. Undefined = nobody of
 * that name, or several whose attributes differ: then nothing is known for sure.
 */
export function indexAttributes(
  identities: readonly Identity[],
): (tenantId: string, userId: string) => Readonly<Record<string, string>> | undefined {
  const keyOf = (tenantId: string, userId: string): string => JSON.stringify([tenantId, userId]);
  const sorted = (attrs: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(attrs).sort());
  const found = new Map<string, Readonly<Record<string, string>> | undefined>();
  for (const { tenantId, userId, attrs } of identities) {
    const key = keyOf(tenantId, userId);
    const earlier = found.get(key);
    found.set(key, found.has(key) && (earlier === undefined || sorted(earlier) !== sorted(attrs)) ? undefined : attrs);
  }
  return (tenantId, userId) => found.get(keyOf(tenantId, userId));
}
