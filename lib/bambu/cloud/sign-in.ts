import { PrintgateError } from "../../errors";
import type { CloudCall, CloudClient, CloudReply } from "./client";
import { expiryInToken, pastedTokenOf, type Tokens, tokenOf, tokensOf } from "./tokens";
import type { Region, SignInStep } from "./types";
import type { Refusal } from "./verdict";

/** What a step leads to: tokens, or another step. */
export type StepOutcome =
  | { readonly next: "code"; readonly sentBy: "email" | "sms" }
  | { readonly next: "tfa" }
  /** `account` = the name that was typed; null where none was. */
  | { readonly next: "tokens"; readonly tokens: Tokens; readonly account: string | null };

export interface SignIn {
  /** One step, asked once: a login is never repeated by itself. @throws PrintgateError as BambuAccount lists them */
  step(step: SignInStep): Promise<StepOutcome>;
}

export interface SignInOptions {
  readonly client: CloudClient;
  readonly region: Region;
  readonly now: () => number;
}

/** What the two-factor step needs of the password step before it. */
interface Pending {
  readonly tfaKey: string;
  readonly account: string;
}

/** Codes of failed logins, and what people can do about them (source: the Bambu protocol notes). */
const WRONG_CODE: readonly Refusal[] = [
  { status: 400, code: 1, is: "account-refused", says: "this code has expired: have a new one sent" },
  {
    status: 400,
    code: 2,
    is: "account-refused",
    says: "this code is wrong: look at the newest message, or have a new one sent",
  },
  ...[400, 401, 403, 422].map((status) => refused(status, "the cloud refused this code")),
];
const WRONG_PASSWORD: readonly Refusal[] = [400, 401, 403, 422].map((status) =>
  refused(status, "the cloud refused this name and password; an account without a password signs in with a code"),
);
const NO_SUCH_ACCOUNT: readonly Refusal[] = [400, 401, 403, 404, 422].map((status) =>
  refused(status, "the cloud sends no code to this account; is it spelt right, and is the region right?"),
);
const PAGE_CLOSED = "the two-factor page refuses sign-ins by programs at the moment: sign in with a code instead";
const WRONG_TFA: readonly Refusal[] = [
  { status: 403, word: "missing_cookie", is: "account-refused", says: PAGE_CLOSED },
  { status: 403, word: "missing_header", is: "account-refused", says: PAGE_CLOSED },
  ...[400, 401, 403, 422].map((status) => refused(status, "the cloud refused this code of the authenticator")),
];
const WRONG_TICKET: readonly Refusal[] = [400, 401, 403, 404, 422].map((status) =>
  refused(status, "the cloud refused this ticket; each works once and for a short time"),
);

function refused(status: number, says: string): Refusal {
  return { status, is: "account-refused", says };
}

/** The ways to sign in. Passwords and codes pass through; what is kept between two steps is in memory only. */
export function createSignIn({ client, region, now }: SignInOptions): SignIn {
  let pending: Pending | null = null;

  async function withPassword(account: string, password: string): Promise<StepOutcome> {
    pending = null;
    const what = "signing in";
    const { body } = await client.ask(login({ account, password }, { what, refusals: WRONG_PASSWORD }));
    const tokens = tokensOf(body, now());
    if (tokens !== null) return { next: "tokens", tokens, account };
    const tfaKey = tokenOf(body.tfaKey) ?? tokenOf(body.tfa_key);
    if (body.loginType === "tfa" || (tfaKey !== null && body.loginType !== "verifyCode")) {
      if (tfaKey === null) throw noToken(what);
      pending = { tfaKey, account };
      return { next: "tfa" };
    }
    // The cloud asks for a code here, but does not reliably send one unless told so.
    if (body.loginType === "verifyCode") return sendCode(account);
    throw noToken(what);
  }

  async function sendCode(account: string): Promise<StepOutcome> {
    const call = { what: "a code", method: "POST", by: "user", refusals: NO_SUCH_ACCOUNT } as const;
    if (account.includes("@")) {
      const path = "/v1/user-service/user/sendemail/code";
      await client.ask({ ...call, at: "api", path, body: { email: account, type: "codeLogin" } });
      return { next: "code", sentBy: "email" };
    }
    if (region !== "china")
      throw new PrintgateError("request-invalid", "outside the region China an account is an e-mail address");
    const path = "/api/v1/user-service/user/sendsmscode";
    await client.ask({ ...call, at: "web", path, body: { phone: account, type: "codeLogin" } });
    return { next: "code", sentBy: "sms" };
  }

  async function withCode(account: string, code: string): Promise<StepOutcome> {
    const what = "signing in with a code";
    const reply = await client.ask(login({ account, code }, { what, refusals: WRONG_CODE }));
    return signedIn(reply, { what, account });
  }

  async function withTfa(code: string): Promise<StepOutcome> {
    const held = pending;
    if (held === null)
      throw new PrintgateError("request-invalid", "the code of an authenticator follows the password: start with that");
    const what = "signing in with an authenticator";
    const reply = await client.ask({
      ...{ what, method: "POST", at: "web", path: "/api/sign-in/tfa", by: "user", cookies: true },
      ...{ refusals: WRONG_TFA, headers: await crossSiteProof(), body: { tfaKey: held.tfaKey, tfaCode: code } },
    });
    const outcome = signedIn(reply, { what, account: held.account });
    pending = null;
    return outcome;
  }

  /** The web origin wants its own cookie back, as a cookie and as a header. One that hands out none wants none. */
  async function crossSiteProof(): Promise<Readonly<Record<string, string>>> {
    const call = { what: "the two-factor page", method: "GET", at: "web", path: "/api/csrf", by: "user" } as const;
    const reply = await client.ask({ ...call, cookies: true, refusals: NO_PAGE }).catch((thrown: unknown) => {
      if (thrown instanceof PrintgateError && thrown.code === "not-supported") return null;
      throw thrown;
    });
    const proof = tokenOf(reply?.cookies.get(CSRF_COOKIE));
    return proof === null ? {} : { Cookie: `${CSRF_COOKIE}=${proof}`, "x-bbl-csrf-token": proof };
  }

  async function withTicket(ticket: string): Promise<StepOutcome> {
    const what = "signing in with a ticket";
    const reply = await client.ask({
      ...{ what, method: "POST", at: "api", path: `/v1/user-service/user/ticket/${encodeURIComponent(ticket)}` },
      ...{ by: "user", refusals: WRONG_TICKET, body: { ticket }, payload: ["accessToken"] },
    });
    return signedIn(reply, { what, account: null });
  }

  function signedIn(
    { body, cookies }: CloudReply,
    { what, account }: { readonly what: string; readonly account: string | null },
  ): StepOutcome {
    const tokens = tokensOf(body, now(), cookies.get("token"));
    if (tokens === null) throw noToken(what);
    return { next: "tokens", tokens, account };
  }

  return {
    async step(step) {
      switch (step.kind) {
        case "password":
          return withPassword(filled(step.account, "the name of the account"), filled(step.password, "the password"));
        case "send-code":
          return sendCode(filled(step.account, "the name of the account"));
        case "code":
          return withCode(filled(step.account, "the name of the account"), filled(step.code, "the code"));
        case "tfa":
          return withTfa(filled(step.code, "the code"));
        case "ticket":
          return withTicket(filled(step.ticket, "the ticket"));
        case "token":
          return { next: "tokens", tokens: tokensOfPasted(step.accessToken), account: null };
      }
    },
  };
}

const CSRF_COOKIE = "bbl_csrf_token";
/** A server without that page: the step is tried without the proof. */
const NO_PAGE: readonly Refusal[] = [{ status: 404, is: "not-supported", says: "there is no such page" }];

/** A pasted token says at most how long it lives. @throws PrintgateError `request-invalid` */
export function tokensOfPasted(text: string): Tokens {
  const accessToken = pastedTokenOf(text);
  if (accessToken === null)
    throw new PrintgateError("request-invalid", "this is no token: one is a single long word without spaces");
  return { accessToken, refreshToken: null, expiresAt: expiryInToken(accessToken), refreshExpiresAt: null };
}

function login(body: Readonly<Record<string, string>>, asked: Pick<CloudCall, "what" | "refusals">): CloudCall {
  const call = { method: "POST", at: "api", path: "/v1/user-service/user/login", by: "user" } as const;
  return { ...call, ...asked, body, payload: ["accessToken", "loginType", "tfaKey"] };
}

/** Longer than any password; the dialog is not the only one who may call this. */
const LONGEST_INPUT = 1024;

/** Typed by a person: codes and names without the spaces around them, passwords as they are. */
function filled(text: unknown, what: string): string {
  if (typeof text !== "string" || text.trim() === "") throw new PrintgateError("request-invalid", `${what} is missing`);
  if (text.length > LONGEST_INPUT) throw new PrintgateError("request-invalid", `${what} is too long`);
  return what === "the password" ? text : text.trim();
}

function noToken(what: string): PrintgateError {
  return new PrintgateError(
    "bad-answer",
    `the cloud's answer to ${what} has no token in it and asks for nothing known`,
  );
}
