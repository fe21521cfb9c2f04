import type { Readable } from "node:stream";
import axios, { type AxiosRequestConfig } from "axios";
import { isPrintgateError, PrintgateError, redact, toError } from "../errors";
import type { Connections } from "./trust";
import { isFields, own, textOf, type Fields } from "./wire";

/** Where an OctoPrint is: `http(s)://host[:port][/prefix]`, ending with a slash. */
export type Base = URL;

/** An answer that is OctoPrint's own. */
export interface Reply {
  readonly status: number;
  /** The JSON object; empty where there is no content. */
  readonly body: Fields;
}

export interface Question {
  readonly method?: "GET" | "POST";
  /** Below the base, without a leading slash. */
  readonly path: string;
  readonly json?: unknown;
  /** A body that is streamed, with its headers. */
  readonly stream?: { readonly body: Readable; readonly headers: Record<string, string> };
  /** null = anonymous: who asks for a key has none yet. */
  readonly key: string | null;
  /** Answers that are no error beside 2xx. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal;
  /** 10 s; 0 = as long as it takes. */
  readonly timeoutMs?: number;
}

interface Exchanged {
  readonly status: number;
  readonly data: string;
  readonly location: string | null;
  readonly wantsPassword: boolean;
}

const TIMEOUT_MS = 10_000;
/** Bytes; the largest answer that we ask for, the check for updates, has some hundred thousand. */
const LARGEST_ANSWER = 4 * 1024 * 1024;
const USER_AGENT = "node-red-printers (Printgate)";
/** A server that stands in front of OctoPrint says that OctoPrint does not run. */
const NOT_RUNNING: ReadonlySet<number> = new Set([502, 503, 504]);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * The base of all addresses.
 * @throws PrintgateError `config-invalid`
 */
export function baseOf(url: string): Base {
  let base: URL;
  try {
    base = new URL(url);
  } catch {
    throw new PrintgateError("config-invalid", "the address of OctoPrint is no address");
  }
  if (!/^https?:$/.test(base.protocol) || base.username !== "" || base.password !== "")
    throw new PrintgateError(
      "config-invalid",
      "the address of OctoPrint must begin with http:// or https://, without a password",
    );
  base.search = base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}

/** OctoPrint's REST API. The key travels in a header and nowhere else: addresses end up in the logs of proxies. */
export class OctoprintClient {
  constructor(
    readonly base: Base,
    readonly connections: Connections,
  ) {}

  /**
   * Asks once and does not follow redirects: the key is for this server.
   * @throws PrintgateError `unreachable` `timeout` `certificate-changed` `certificate-untrusted` `account-refused` (key or permission) `blocked`
   * `request-invalid` `bad-answer`
   */
  async ask(question: Question): Promise<Reply> {
    const { key, accept = [] } = question;
    const { status, data, location, wantsPassword } = await this.exchange(question);
    if (wantsPassword)
      throw new PrintgateError(
        "account-refused",
        `a server in front of OctoPrint at ${this.where()} asks for a password of its own; enter an address without one, or let us pass there`,
      );
    if ((status >= 200 && status < 300) || accept.includes(status)) {
      const body = status === 204 || data.trim() === "" ? {} : parse(data);
      if (body !== null) return { status, body };
      // What we accept as a refusal may come as plain text from older releases.
      if (status >= 400) return { status, body: {} };
      throw new PrintgateError(
        "bad-answer",
        `${this.where()} answers with ${looksLikePage(data) ? "a web page" : "something else"} instead of OctoPrint's API; is the address right, with its prefix?`,
      );
    }
    if (status === 400 && SPEAKS_TLS.test(data))
      throw new PrintgateError("bad-answer", `${this.where()} speaks HTTPS: begin the address with https://`);
    throw refusal(status, redact(errorOf(data) ?? "", [key ?? undefined]), {
      where: this.where(),
      location,
      isAnonymous: key === null,
    });
  }

  private async exchange(question: Question): Promise<Exchanged> {
    const { method = "GET", path, json, stream, key, signal, timeoutMs = TIMEOUT_MS } = question;
    const headers: Record<string, string> = { "User-Agent": USER_AGENT, Accept: "application/json" };
    if (key !== null) headers["X-Api-Key"] = key;
    if (json !== undefined) headers["Content-Type"] = "application/json";
    // A connect that hangs is not covered by a timeout of the answer.
    const deadline = timeoutMs > 0 ? [AbortSignal.timeout(timeoutMs)] : [];
    const config: AxiosRequestConfig<unknown> = {
      ...{ method, url: new URL(path, this.base).href, headers: { ...headers, ...stream?.headers } },
      ...{ data: stream?.body ?? (json === undefined ? undefined : JSON.stringify(json)) },
      ...{ httpAgent: this.connections.agent, httpsAgent: this.connections.agent, proxy: false, maxRedirects: 0 },
      ...{ maxContentLength: LARGEST_ANSWER, maxBodyLength: Infinity, responseType: "text" as const },
      ...{
        validateStatus: () => true,
        transformResponse: (text: unknown) => text,
        transformRequest: (data: unknown) => data,
      },
      signal: AbortSignal.any([...(signal ? [signal] : []), ...deadline]),
    };
    try {
      const { status, data, headers: answered } = await axios.request<unknown>(config);
      const location: unknown = answered["location"];
      return {
        status,
        data: typeof data === "string" ? data : "",
        location: typeof location === "string" ? location : null,
        // OctoPrint itself never asks in this way.
        wantsPassword: status === 401 && /^basic\b/i.test(String(answered["www-authenticate"])),
      };
    } catch (thrown) {
      throw explain(thrown, { where: this.where(), key, late: deadline.some(({ aborted }) => aborted) });
    }
  }

  private where(): string {
    return this.base.host;
  }
}

/** OctoPrint's own words of a refusal: JSON, plain text in older releases, never a page of HTML. */
function errorOf(data: string): string | null {
  const fields = parse(data);
  if (fields !== null) return textOf(own(fields, "error"))?.slice(0, 200) ?? null;
  return looksLikePage(data) ? null : (textOf(data)?.slice(0, 200) ?? null);
}

function parse(data: string): Fields | null {
  try {
    const value: unknown = JSON.parse(data);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

const looksLikePage = (data: string): boolean => /^\s*<(!doctype|html|\?xml|head|body)/i.test(data.slice(0, 200));

/** What nginx, Apache and servers in Go say to a request without TLS. */
const SPEAKS_TLS =
  /plain HTTP request was sent to HTTPS port|plain HTTP to an SSL-enabled|HTTP request to an HTTPS server/i;

/** A wrong key makes its bearer a guest: 403 when asking, "CSRF" when changing something, 401 in old releases. */
function refusal(
  status: number,
  said: string,
  { where, location, isAnonymous }: { where: string; location: string | null; isAnonymous: boolean },
): PrintgateError {
  const words = said === "" ? "" : `: ${said}`;
  if (status === 401 || status === 403 || (status === 400 && /csrf/i.test(said)))
    return new PrintgateError(
      "account-refused",
      isAnonymous
        ? "OctoPrint does not let us ask; is its set-up finished?"
        : "OctoPrint does not let us do this: the API key is wrong, or its user has no permission",
    );
  if (REDIRECTS.has(status)) {
    const to = location === null ? "another address" : withoutQuery(location);
    return new PrintgateError(
      "bad-answer",
      `${where} sends us on to ${to}; enter the address at which OctoPrint itself answers`,
    );
  }
  if (NOT_RUNNING.has(status))
    return new PrintgateError("unreachable", `OctoPrint does not run behind ${where} (${status})`);
  if (status === 404)
    return new PrintgateError(
      "bad-answer",
      `${where} does not know this part of OctoPrint's API (404${words}); is the address right, with its prefix?`,
    );
  if (status === 413)
    return new PrintgateError(
      "request-invalid",
      `OctoPrint, or a server in front of it, takes no file of this size (413)`,
    );
  if (status === 429) return new PrintgateError("blocked", "OctoPrint asks to wait: too many requests in a short time");
  if (status >= 500) return new PrintgateError("bad-answer", `OctoPrint had an error of its own (${status}${words})`);
  return new PrintgateError("request-invalid", `OctoPrint refused the request (${status}${words})`);
}

function withoutQuery(location: string): string {
  return (textOf(location) ?? "")
    .replace(/[?#].*$/, "")
    .replace(/\/\/[^/@]*@/, "//")
    .slice(0, 200);
}

const TLS_TROUBLE = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT)/;

/** What kept an answer from coming, without the key that its error carries around. */
export function explain(thrown: unknown, about: { where: string; key: string | null; late?: boolean }): PrintgateError {
  const ours = causeOf(thrown);
  if (ours !== null) return ours;
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const { where } = about;
  if (TLS_TROUBLE.test(code)) {
    const words = `the certificate of ${where} is not trusted (${code}); give its authority as CA file, or choose "pin"`;
    return new PrintgateError("certificate-untrusted", words);
  }
  if (about.late === true || code === "ECONNABORTED" || code === "ETIMEDOUT")
    return new PrintgateError("timeout", `OctoPrint at ${where} does not answer in time`);
  if (code === "ERR_CANCELED") return new PrintgateError("link-lost", "the request was given up");
  if (/maxContentLength/.test(toError(thrown).message))
    return new PrintgateError("bad-answer", `${where} sends more than any answer of OctoPrint holds`);
  const reason = redact(toError(thrown).message, [about.key ?? undefined]);
  return new PrintgateError("unreachable", `OctoPrint at ${where} can not be reached: ${code === "" ? reason : code}`);
}

/** An error of our own on its way through somebody else's. */
function causeOf(thrown: unknown): PrintgateError | null {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 4; error = error.cause, depth += 1)
    if (isPrintgateError(error)) return error;
  return null;
}
