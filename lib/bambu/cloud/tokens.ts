import { fieldsOf, type Fields, numberIn, numberOf, textOf } from "../values";

/** What a sign-in or a refresh gives. Secrets. Times are epoch ms, null = not said. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly expiresAt: number | null;
  readonly refreshExpiresAt: number | null;
}

/** The longest life that is believed, in seconds: tokens live for three months to a year. */
const LONGEST_LIFE_S = 10 * 366 * 86_400;
/** What can travel in a header and in an MQTT password. Today's tokens have a hundred characters, JWTs some hundred more. */
const TOKEN = /^[\x21-\x7e]{1,8192}$/;

/** The value as a token; null for what can not be one. */
export function tokenOf(value: unknown): string | null {
  return typeof value === "string" && TOKEN.test(value) ? value : null;
}

/** What people paste: with spaces around it, with the word before it, in quotes. */
export function pastedTokenOf(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^bearer\s+/i, "")
    .replace(/^"(.*)"$/, "$1");
  return tokenOf(bare);
}

/** The tokens in an answer; null where there is none. Old cookies call it `token`. `now` in epoch ms. */
export function tokensOf(body: Readonly<Fields>, now: number, cookie?: string): Tokens | null {
  const accessToken = tokenOf(body.accessToken) ?? tokenOf(body.token) ?? tokenOf(cookie);
  if (accessToken === null) return null;
  const after = (seconds: unknown): number | null => {
    const life = numberIn(seconds, 1, LONGEST_LIFE_S);
    return life === null ? null : now + life * 1000;
  };
  return {
    accessToken,
    refreshToken: tokenOf(body.refreshToken),
    expiresAt: after(body.expiresIn) ?? expiryInToken(accessToken),
    refreshExpiresAt: after(body.refreshExpiresIn),
  };
}

/** Epoch ms; null where the token does not say it. */
export function expiryInToken(token: string): number | null {
  const seconds = numberOf(payloadOf(token).exp);
  return seconds !== null && seconds > 0 && seconds < 1e11 ? seconds * 1000 : null;
}

/** Older tokens are JWTs that name the MQTT user; null where the token does not say it. */
export function uidInToken(token: string): string | null {
  const user = textOf(payloadOf(token).username);
  return user?.startsWith("u_") === true ? uidOf(user.slice(2)) : null;
}

/** A user id as it stands in `u_<uid>`. Numbers that JSON has rounded are refused: they would be somebody else's. */
export function uidOf(value: unknown): string | null {
  if (typeof value === "number") return Number.isSafeInteger(value) && value > 0 ? String(value) : null;
  return typeof value === "string" && /^[\w-]{1,64}$/.test(value) ? value : null;
}

/** The middle part of a JWT, not verified: it only serves to guess. */
function payloadOf(token: string): Readonly<Fields> {
  const parts = token.split(".");
  if (parts.length !== 3 || parts[1] === undefined) return {};
  try {
    return fieldsOf(JSON.parse(Buffer.from(parts[1], "base64url").toString("utf8")));
  } catch {
    return {};
  }
}
