/** Logins of messages: a question of questions.ts, judged, and said in the words of `msg.auth`. */
import type { AppKeys, IssuedKey } from "./app-keys";
import { extendedAppLogin, APP_SESSION } from "./app-keys-extended";
import type { Attempts } from "./attempts";
import { readLogin, type Known, type LoginMessage, type LoginMethod, type Question } from "./questions";
import type {
  AuthData,
  AuthProvider,
  AuthResult,
  ClientInfo,
  ExtendedAuthData,
  ExtendedAuthResult,
  RejectCode,
} from "../provider";
import { asUserProperties, clientOf } from "../request";
import type { Users } from "./users-directory";

/** `msg.auth` of a login. */
export interface LoginVerdict {
  readonly result: "ok" | "rejected" | "continue";
  /** Of a rejection. */
  readonly code?: RejectCode;
  readonly reason?: string;
  readonly tenantId?: string;
  readonly userId?: string;
  /** As Node-RED carries user properties: a name that is said more than once has a list. */
  readonly userProps?: Readonly<Record<string, string | readonly string[]>>;
  readonly responseInfo?: string;
  /** Bytes for the client; with the method `session-key` the handshake's answer as an object. */
  readonly authData?: Buffer | IssuedKey | { readonly key: string; readonly validUntil: number };
}

export interface LoginAnswer {
  readonly auth: LoginVerdict;
  /** With `ok`: the identity for `msg.client`. Without it, a `msg.client` that came in must go. */
  readonly client?: ClientInfo;
}

export interface LoginParts {
  /** Judges what MQTT would carry; as of a policy, which never rejects. */
  readonly policy: {
    auth(data: AuthData): Promise<AuthResult>;
    extendedAuth(data: ExtendedAuthData): Promise<ExtendedAuthResult>;
  };
  readonly appKeys: AppKeys;
  readonly attempts: Attempts;
}

/** The logins that a policy knows by itself: its users, and the app handshake as extended authentication. */
export function createLogins(parts: { readonly users: Users; readonly appKeys: AppKeys }): {
  login(data: AuthData): Promise<AuthResult>;
  extended(data: ExtendedAuthData): Promise<ExtendedAuthResult>;
} {
  return {
    login: (data) => parts.users.login(data),
    extended: (data) => Promise.resolve(extendedAppLogin(parts.appKeys, data)),
  };
}

/** A provider with the app handshake in front of what it knows itself. */
export function withAppSessions(appKeys: AppKeys, provider: AuthProvider): AuthProvider {
  const checkNow = provider.checkNow?.bind(provider);
  return {
    auth: (data) => provider.auth(data),
    extendedAuth: (data) =>
      data.authMethod === APP_SESSION ? Promise.resolve(extendedAppLogin(appKeys, data)) : provider.extendedAuth(data),
    checkPermission: (...question) => provider.checkPermission(...question),
    ...(checkNow !== undefined && { checkNow }),
    close: () => provider.close(),
  };
}

/** How a result is said, and who is logged in with it. */
function answerOf(result: ExtendedAuthResult, known: Known): LoginAnswer {
  const said = {
    ...(result.userProps !== undefined && { userProps: asUserProperties(result.userProps) }),
    ...("authData" in result && { authData: Buffer.from(result.authData) }),
  };
  switch (result.result) {
    case "ok": {
      const { tenantId, userId } = result.identity;
      const { responseInfo } = result;
      return {
        auth: { result: "ok", tenantId, userId, ...said, ...(responseInfo !== undefined && { responseInfo }) },
        client: clientOf(result.identity, known),
      };
    }
    case "rejected": {
      const { code, reason, tenantId, userId } = result;
      const why = { ...(reason !== undefined && { reason }) };
      const who = { ...(tenantId !== undefined && { tenantId }), ...(userId !== undefined && { userId }) };
      return { auth: { result: "rejected", code, ...why, ...who, ...said } };
    }
    case "continue":
      return { auth: { result: "continue", ...(result.reason !== undefined && { reason: result.reason }), ...said } };
  }
}

const rejected = (code: RejectCode, reason: string): Extract<AuthResult, { result: "rejected" }> => ({
  result: "rejected",
  code,
  reason,
});

/** Judges a question. The handshake's own answer stands beside the result, since it is no bytes here. */
async function judge(question: Question, parts: LoginParts): Promise<LoginAnswer> {
  const { known } = question;
  const limited = async (login: () => Promise<ExtendedAuthResult>): Promise<LoginAnswer> =>
    answerOf(await parts.attempts.run(known.address, login), known);
  switch (question.kind) {
    case "unusable":
      return answerOf(rejected(question.code, question.reason), known);
    case "auth":
      return limited(() => parts.policy.auth(question.data));
    case "extended":
      return limited(() => parts.policy.extendedAuth(question.data));
    case "key":
      return limited(() => {
        const identity = parts.appKeys.identify(question.key);
        return Promise.resolve(
          identity === undefined
            ? rejected("BadPass", "the key is no session's, or its time is over")
            : { result: "ok", identity },
        );
      });
    case "issue": {
      const issued = parts.appKeys.issue();
      return issued === undefined
        ? answerOf(rejected("Error", "too many keys wait for their verification"), known)
        : { auth: { result: "continue", authData: issued } };
    }
    case "verify": {
      let session: { readonly key: string; readonly validUntil: number } | undefined;
      const answer = await limited(() => {
        const verification = parts.appKeys.verify(question.request);
        if (verification.kind === "malformed") return Promise.resolve(rejected("Error", verification.reason));
        if (verification.kind === "refused") return Promise.resolve(rejected(verification.code, verification.reason));
        const { key, validUntil, identity } = verification;
        session = { key, validUntil };
        return Promise.resolve({ result: "ok", identity });
      });
      return session === undefined ? answer : { ...answer, auth: { ...answer.auth, authData: session } };
    }
  }
}

/** Logs a message in by a method of `auth-login`. Never rejects as long as the policy does not. */
export function logIn(method: LoginMethod, message: LoginMessage, parts: LoginParts): Promise<LoginAnswer> {
  return judge(readLogin(method, message), parts);
}
