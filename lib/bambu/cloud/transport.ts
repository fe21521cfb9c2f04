import * as http from "node:http";
import * as https from "node:https";
import type { SecureContextOptions } from "node:tls";
import axios, { type AxiosResponse, isAxiosError } from "axios";
import { PrintgateError } from "../../errors";

/**
 * HTTP and nothing of the cloud: a request goes to exactly the address it names, with exactly the headers it names.
 * No redirect is followed (it would carry the token elsewhere), no proxy of the environment is used, nothing is
 * repeated, and no error holds anything of the request: what axios throws has the token in it.
 */
export interface RawRequest {
  readonly method: "GET" | "POST" | "PATCH";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text; absent = a request without a body. */
  readonly body?: string;
}

export interface RawReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The cookies that were set, by name. */
  readonly cookies: ReadonlyMap<string, string>;
  readonly text: string;
}

export interface Transport {
  /**
   * Whatever was answered, of whatever status.
   * @throws PrintgateError `unreachable`, `timeout`, `certificate-untrusted`, `bad-answer` (too large)
   */
  send(request: RawRequest): Promise<RawReply>;
  /** Ends what is under way; idempotent. Afterwards every request fails. */
  close(): void;
}

export interface TransportOptions {
  /** From the first byte sent to the last one received. */
  readonly timeoutMs: number;
  /** Of an unpacked answer. */
  readonly limitBytes: number;
  /** For https: a private authority, a client certificate. */
  readonly tls?: SecureContextOptions;
}

type Why = "timeout" | "closed";

export function createTransport(options: TransportOptions): Transport {
  // Own agents without keep-alive: a handful of requests an hour is worth no open socket.
  const agents = {
    httpAgent: new http.Agent({ keepAlive: false }),
    httpsAgent: new https.Agent({ ...options.tls, keepAlive: false, rejectUnauthorized: true }),
  };
  // An own instance: another module may have put interceptors on the shared one.
  const client = axios.create();
  const ends = new Set<(why: Why) => void>();
  let closed = false;

  async function send({ method, url, headers, body }: RawRequest): Promise<RawReply> {
    if (closed) throw closedError();
    const abort = new AbortController();
    let ended: Why | null = null;
    const end = (why: Why): void => {
      ended ??= why;
      abort.abort();
    };
    const timer = setTimeout(end, options.timeoutMs, "timeout");
    ends.add(end);
    try {
      const response = await client.request<string>({
        ...{ method, url, headers: { ...headers }, ...agents, signal: abort.signal },
        ...(body === undefined ? {} : { data: body }),
        ...{ adapter: "http", proxy: false, maxRedirects: 0, timeout: options.timeoutMs },
        ...{ maxContentLength: options.limitBytes, maxBodyLength: options.limitBytes },
        ...{ responseType: "text", transformRequest: [asItIs], transformResponse: [asItIs] },
        validateStatus: () => true,
      });
      return replyOf(response);
    } catch (thrown) {
      throw explain(thrown, { ended, host: hostOf(url), options });
    } finally {
      clearTimeout(timer);
      ends.delete(end);
    }
  }

  return {
    send,
    close() {
      closed = true;
      for (const end of ends) end("closed");
      agents.httpAgent.destroy();
      agents.httpsAgent.destroy();
    },
  };
}

/** Of a request that came after the end, or was under way then. */
export function closedError(): PrintgateError {
  return new PrintgateError("signed-out", "the account is not in use any more");
}

function asItIs(data: unknown): unknown {
  return data;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "the cloud";
}

function replyOf(response: AxiosResponse<string>): RawReply {
  const headers: Record<string, string> = {};
  const cookies = new Map<string, string>();
  for (const [name, value] of Object.entries(response.headers)) {
    if (typeof value === "string") headers[name.toLowerCase()] = value;
    else if (Array.isArray(value) && name.toLowerCase() === "set-cookie") readCookies(value, cookies);
  }
  return { status: response.status, headers, cookies, text: typeof response.data === "string" ? response.data : "" };
}

function readCookies(lines: readonly unknown[], into: Map<string, string>): void {
  for (const line of lines) {
    const pair = typeof line === "string" ? /^\s*([\w.-]+)=([^;]*)/.exec(line) : null;
    if (pair?.[1] !== undefined && pair[2] !== undefined) into.set(pair[1], pair[2].trim());
  }
}

/** What the usual failures mean to a user. */
const NETWORK_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing answers there (connection refused)",
  EHOSTUNREACH: "the address can not be reached",
  ENETUNREACH: "the network can not be reached",
  ENOTFOUND: "the name is not known; is this machine connected to the internet?",
  EAI_AGAIN: "the name could not be looked up; is this machine connected to the internet?",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  EPROTO: "the other side speaks no TLS",
};

/** How OpenSSL's verdicts on a certificate chain are spelt. */
const CHAIN_FAULT = /CERT|SIGNATURE|ISSUER/;

function explain(
  thrown: unknown,
  { ended, host, options }: { ended: Why | null; host: string; options: TransportOptions },
): PrintgateError {
  if (ended === "closed") return closedError();
  const { code, message } = faultOf(thrown);
  if (ended === "timeout" || code === "ETIMEDOUT" || code === "ECONNABORTED")
    return new PrintgateError("timeout", `${host} gave no whole answer in ${Math.round(options.timeoutMs / 1000)} s`);
  if (/maxContentLength/.test(message))
    return new PrintgateError("bad-answer", `${host} answered with more than ${options.limitBytes} bytes`);
  if (CHAIN_FAULT.test(code))
    return new PrintgateError("certificate-untrusted", `the certificate of ${host} can not be trusted (${code})`);
  if (/^(Z_|ERR_BAD_RESPONSE$|HPE_)/.test(code))
    return new PrintgateError("bad-answer", `${host} answered with something that is no whole answer (${code})`);
  return new PrintgateError("unreachable", `${host}: ${NETWORK_FAULTS[code] ?? code}`);
}

/** Code and words of a failure, from inside the several wrappings that it can come in. */
function faultOf(thrown: unknown): { code: string; message: string } {
  if (!(thrown instanceof Error)) return { code: "unknown", message: "" };
  const inner = isAxiosError(thrown) && thrown.code === undefined ? thrown.cause : thrown;
  const code: unknown = (inner as NodeJS.ErrnoException | undefined)?.code;
  return { code: typeof code === "string" && code !== "" ? code : "no connection", message: thrown.message };
}
