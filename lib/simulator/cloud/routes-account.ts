/** Signing in and out, and who one is. Source: Bambu protocol notes, login flows and profile. */
import { randomBytes } from "node:crypto";
import type { JsonObject } from "../json";
import { type Accounts, type CloudUser, type TokenReply, tokenReply } from "./accounts";
import { type Answer, plain, type Question, readCookie, refusal, type Route, UNAUTHORIZED } from "./answers";

/** What a test may turn while the cloud runs. */
export interface AccountSwitches {
  /** Whether a token can be exchanged for a new one; `refused` = 401 whatever is shown. */
  refresh: "works" | "refused";
  /** Where the answer to an authenticator's code has the token. */
  tfaTokenIn: "accessToken" | "token" | "cookie";
}

const CSRF_COOKIE = "bbl_csrf_token";
const CSRF_HEADER = "x-bbl-csrf-token";
const KEPT_CSRF = 100;

const WRONG_CODE = refusal(400, 2, "The code is wrong.");
const CODE_EXPIRED = refusal(400, 1, "The code has expired.");
/** The notes know no number for these. */
const WRONG_PASSWORD = refusal(400, null, "Account or password is wrong.");
const NO_ACCOUNT = refusal(400, null, "There is no such account.");
const BAD_REQUEST = refusal(400, null, "An argument is missing.");

function login(accounts: Accounts, { body }: Question): Answer {
  const user = accounts.find(body["account"]);
  if (typeof body["code"] === "string") {
    if (user === null) return NO_ACCOUNT;
    const look = accounts.tryCode(user, body["code"]);
    if (look === "good") return plain(accounts.grant(user));
    return look === "wrong" ? WRONG_CODE : CODE_EXPIRED;
  }
  if (typeof body["password"] !== "string") return BAD_REQUEST;
  if (user === null || body["password"] !== user.password) return WRONG_PASSWORD;
  switch (user.login ?? "password") {
    case "password":
      return plain(accounts.grant(user));
    case "verifyCode":
      // The mail is not sent by itself.
      return plain(tokenReply({ loginType: "verifyCode" }));
    case "tfa":
      return plain(tokenReply({ loginType: "tfa", tfaKey: accounts.beginTfa(user) }));
  }
}

function sendCode(accounts: Accounts, body: Question["body"], by: "email" | "phone"): Answer {
  const user = accounts.find(body[by]);
  if (body["type"] !== "codeLogin") return BAD_REQUEST;
  if (user === null || user.account.includes("@") !== (by === "email")) return NO_ACCOUNT;
  accounts.sendCode(user);
  return plain({});
}

function profileOf({ uid, account, name, firmwareBetaOpen }: CloudUser): JsonObject {
  const known = { uid, uidStr: String(uid), account, name, avatar: "" };
  if (firmwareBetaOpen === undefined) return known;
  const setting = { isLikeOpen: 1, isFollowOpen: 1, isFanOpen: 1, isFirmwareBetaOpen: firmwareBetaOpen };
  return { ...known, setting: { ...setting, recommendStatus: 1 } };
}

/** The web origin's double submit: the same value as cookie and as header. */
class CsrfCheck {
  private readonly given = new Set<string>();

  give(): Answer {
    const value = randomBytes(18).toString("base64url");
    this.given.add(value);
    for (const oldest of this.given) if (this.given.size > KEPT_CSRF) this.given.delete(oldest);
    return { status: 200, headers: { "set-cookie": `${CSRF_COOKIE}=${value}; Path=/; SameSite=Lax` }, body: {} };
  }

  /** null = it passes. */
  judge(question: Question): Answer | null {
    const cookie = readCookie(question, CSRF_COOKIE);
    const header = question.headers[CSRF_HEADER];
    const block = (reason: string): Answer => ({ status: 403, body: { error: "csrf", reason } });
    if (cookie === null || !this.given.has(cookie)) return block("missing_cookie");
    return header === cookie ? null : block("missing_header");
  }
}

function tokenAnswer(grant: TokenReply, where: AccountSwitches["tfaTokenIn"]): Answer {
  const { accessToken, ...rest } = grant;
  if (where === "accessToken") return plain(grant);
  if (where === "token") return plain({ ...rest, token: accessToken });
  return { status: 200, headers: { "set-cookie": `token=${accessToken}; Path=/; HttpOnly` }, body: {} };
}

export function accountRoutes(accounts: Accounts, switches: AccountSwitches): Route[] {
  const csrf = new CsrfCheck();
  return [
    { method: "POST", path: /^\/v1\/user-service\/user\/login$/, public: (question) => login(accounts, question) },
    {
      method: "POST",
      path: /^\/v1\/user-service\/user\/sendemail\/code$/,
      public: ({ body }) => sendCode(accounts, body, "email"),
    },
    {
      method: "POST",
      path: /^\/api\/v1\/user-service\/user\/sendsmscode$/,
      public: ({ body }) => sendCode(accounts, body, "phone"),
    },
    { method: "GET", path: /^\/api\/csrf$/, public: () => csrf.give() },
    {
      method: "POST",
      path: /^\/api\/sign-in\/tfa$/,
      public: (question) => {
        const blocked = csrf.judge(question);
        if (blocked !== null) return blocked;
        const user = accounts.tryTfa(question.body["tfaKey"], question.body["tfaCode"]);
        return user === null ? WRONG_CODE : tokenAnswer(accounts.grant(user), switches.tfaTokenIn);
      },
    },
    {
      method: "POST",
      path: /^\/v1\/user-service\/user\/ticket\/([^/]+)$/,
      public: ({ params, body }) => {
        const user = body["ticket"] === params[0] ? accounts.useTicket(String(params[0])) : null;
        return user === null ? refusal(400, 2, "There is no such ticket.") : plain(accounts.grant(user));
      },
    },
    {
      method: "POST",
      path: /^\/v1\/user-service\/user\/refreshtoken$/,
      run: ({ user, body }) => {
        const shown = typeof body["refreshToken"] === "string" ? accounts.look(body["refreshToken"]) : null;
        const fits = shown?.kind === "good" && shown.user === user;
        return fits && switches.refresh === "works" ? plain(accounts.grant(user)) : UNAUTHORIZED;
      },
    },
    {
      method: "POST",
      path: /^\/v1\/user-service\/my\/logout$/,
      run: ({ token }) => {
        accounts.revoke(token);
        return { status: 200, body: null };
      },
    },
    { method: "GET", path: /^\/v1\/user-service\/my\/profile$/, run: ({ user }) => plain(profileOf(user)) },
    {
      method: "GET",
      path: /^\/v1\/design-user-service\/my\/preference$/,
      run: ({ user: { uid, name } }) => plain({ uid, name, handle: `maker${uid}`, avatar: "" }),
    },
  ];
}
