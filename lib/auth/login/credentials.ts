/** Credentials as HTTP carries them. Pure. */

export type HttpCredentials =
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  /** A Bearer token or an API key. */
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "none"; readonly reason: string };

/** Header fields by lower-case name, as Node.js gives them. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The one value of a header; undefined when it is absent, empty or there more than once. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  const values = typeof value === "string" ? [value] : (value ?? []);
  return values.length === 1 && values[0] !== "" ? values[0] : undefined;
}

const none = (reason: string): HttpCredentials => ({ kind: "none", reason });

/** `user:password` of RFC 7617: strict base64 of UTF-8, the first colon parts them. */
function readBasic(token: string): HttpCredentials {
  const bytes = Buffer.from(token, "base64");
  const text = bytes.toString("utf8");
  const colon = text.indexOf(":");
  // What does not come back the same was no base64, or no UTF-8.
  const isSpelled = bytes.toString("base64").replace(/=+$/, "") === token.replace(/=+$/, "");
  if (!isSpelled || !Buffer.from(text).equals(bytes) || colon < 1) return none("the Basic credentials are malformed");
  return { kind: "basic", username: text.slice(0, colon), password: text.slice(colon + 1) };
}

const SCHEMES: Readonly<Record<string, (token: string) => HttpCredentials>> = {
  basic: readBasic,
  bearer: (key) => ({ kind: "key", key }),
};

/**
 * The credentials of a request. `X-Api-Key` goes first, because `Authorization` may belong to
 * whoever guards the whole server.
 */
export function readHttpCredentials(headers: Headers): HttpCredentials {
  const key = headerOf(headers, "x-api-key");
  if (key !== undefined) return { kind: "key", key };
  const authorization = headerOf(headers, "authorization");
  if (authorization === undefined) return none("there is neither Authorization nor X-Api-Key");
  const [, scheme = "", token = ""] = /^([A-Za-z]+) +([A-Za-z0-9._~+/-]+=*)$/.exec(authorization) ?? [];
  const read = Object.hasOwn(SCHEMES, scheme.toLowerCase()) ? SCHEMES[scheme.toLowerCase()] : undefined;
  return read?.(token) ?? none("Authorization is neither Basic nor Bearer");
}
