/**
 * Who has an account at the simulated cloud, and everything that signing in hands out: tokens, mailed codes,
 * authenticator steps, tickets. Source: Bambu protocol notes, login flows. Time comes in through `now`.
 */
import { randomBytes, randomInt } from "node:crypto";

export interface CloudUser {
  /** E-mail address, or a phone number: an account without `@` gets its codes by SMS. */
  readonly account: string;
  readonly password: string;
  readonly uid: number;
  readonly name: string;
  /** What a right password leads to: a token, a mailed code, or the code of an authenticator. Default `password`. */
  readonly login?: "password" | "verifyCode" | "tfa";
  /** The opt-in for beta firmware, as a boolean or as 0 and 1; the profile has no settings at all when absent. */
  readonly firmwareBetaOpen?: boolean | 0 | 1;
}

export interface AccountOptions {
  /** Epoch ms. */
  readonly now: () => number;
  readonly tokenSeconds: number;
  readonly codeSeconds: number;
  /** `jwt` names the user and the end inside the token, as older tokens did. */
  readonly tokens: "opaque" | "jwt";
}

interface Grant {
  readonly user: CloudUser;
  endsAt: number;
}

/** What became of a token. */
export type TokenLook = { readonly kind: "good"; readonly user: CloudUser } | { readonly kind: "expired" | "unknown" };
/** What became of a typed code. */
export type CodeLook = "good" | "wrong" | "expired";

const KEPT_GRANTS = 1000;
const secret = (bytes: number): string => randomBytes(bytes).toString("base64url");
const sixDigits = (): string => String(randomInt(100_000, 1_000_000));
const jsonPart = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export class Accounts {
  private readonly users: ReadonlyMap<string, CloudUser>;
  private readonly grants = new Map<string, Grant>();
  private readonly codes = new Map<string, { readonly code: string; endsAt: number }>();
  private readonly authenticators = new Map<string, string>();
  private readonly steps = new Map<string, CloudUser>();
  private readonly tickets = new Map<string, CloudUser>();

  constructor(
    users: readonly CloudUser[],
    private readonly options: AccountOptions,
  ) {
    this.users = new Map(users.map((user) => [user.account, user]));
    for (const { account } of users) this.authenticators.set(account, sixDigits());
  }

  find(account: unknown): CloudUser | null {
    return (typeof account === "string" ? this.users.get(account) : undefined) ?? null;
  }

  /** A new token, good for `tokenSeconds`. */
  token(user: CloudUser): string {
    const endsAt = this.options.now() + this.options.tokenSeconds * 1000;
    const jwt = (): string => {
      const payload = { username: `u_${user.uid}`, exp: Math.floor(endsAt / 1000), jti: secret(9) };
      return [jsonPart({ alg: "RS256", typ: "JWT" }), jsonPart(payload), secret(64)].join(".");
    };
    const token = this.options.tokens === "jwt" ? jwt() : `AQA${secret(96)}`;
    this.grants.set(token, { user, endsAt });
    for (const oldest of this.grants.keys()) if (this.grants.size > KEPT_GRANTS) this.grants.delete(oldest);
    return token;
  }

  /** The answer to a login that worked. In the beginning both tokens are the same. */
  grant(user: CloudUser): TokenReply {
    const token = this.token(user);
    const { tokenSeconds } = this.options;
    return tokenReply({ accessToken: token, refreshToken: token, expiresIn: tokenSeconds });
  }

  look(token: string): TokenLook {
    const grant = this.grants.get(token);
    if (grant === undefined) return { kind: "unknown" };
    return grant.endsAt > this.options.now() ? { kind: "good", user: grant.user } : { kind: "expired" };
  }

  revoke(token: string): void {
    this.grants.delete(token);
  }

  /** All tokens, or those of one account, are over. */
  expireTokens(account?: string): void {
    for (const grant of this.grants.values())
      if (account === undefined || grant.user.account === account) grant.endsAt = 0;
  }

  /** Makes a code and "sends" it; an earlier one is void. */
  sendCode(user: CloudUser): void {
    const endsAt = this.options.now() + this.options.codeSeconds * 1000;
    this.codes.set(user.account, { code: sixDigits(), endsAt });
  }

  /** What lies in the mailbox or on the phone. */
  lastCode(account: string): string | null {
    return this.codes.get(account)?.code ?? null;
  }

  expireCodes(): void {
    for (const code of this.codes.values()) code.endsAt = 0;
  }

  /** A right code is used up; without one that was sent every code counts as expired. */
  tryCode(user: CloudUser, code: unknown): CodeLook {
    const sent = this.codes.get(user.account);
    if (sent === undefined || sent.endsAt <= this.options.now()) return "expired";
    if (code !== sent.code) return "wrong";
    this.codes.delete(user.account);
    return "good";
  }

  /** The key that ties the authenticator's step to the password's. */
  beginTfa(user: CloudUser): string {
    const key = secret(24);
    this.steps.set(key, user);
    return key;
  }

  /** What the authenticator shows. */
  tfaCode(account: string): string | null {
    return this.authenticators.get(account) ?? null;
  }

  /** The user when key and code fit; the key is used up then. */
  tryTfa(key: unknown, code: unknown): CloudUser | null {
    const user = typeof key === "string" ? this.steps.get(key) : undefined;
    if (user === undefined || code !== this.tfaCode(user.account)) return null;
    this.steps.delete(String(key));
    return user;
  }

  /** What the browser's sign-in hands over; works once. */
  ticket(user: CloudUser): string {
    const ticket = secret(18);
    this.tickets.set(ticket, user);
    return ticket;
  }

  useTicket(ticket: string): CloudUser | null {
    const user = this.tickets.get(ticket) ?? null;
    this.tickets.delete(ticket);
    return user;
  }
}

/** The shape of every login answer; what a step does not give is empty. Times in seconds. */
export type TokenReply = Readonly<
  Record<"accessToken" | "refreshToken" | "tfaKey" | "accessMethod" | "loginType" | "firstAppLogin", string> &
    Record<"expiresIn" | "refreshExpiresIn", number>
>;

export function tokenReply(filled: Partial<TokenReply>): TokenReply {
  const { accessToken = "", refreshToken = "", expiresIn = 0, tfaKey = "", loginType = "" } = filled;
  const times = { expiresIn, refreshExpiresIn: expiresIn };
  return { accessToken, refreshToken, ...times, tfaKey, accessMethod: "", loginType, firstAppLogin: "" };
}
