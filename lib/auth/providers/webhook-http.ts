/**
 * POST and nothing else: the bytes that were answered, within a time and a size. Made of node:http
 * instead of a comfortable client, because every comfort is a way to turn another answer into
 * "true": decoding drops a byte order mark, parsing trims, redirects ask somebody else,
 * decompression is somebody else's size limit.
 */
import * as http from "node:http";
import * as https from "node:https";
import { PrintgateError } from "../../errors";

export interface Answer {
  readonly status: number;
  /** As they came: neither decompressed nor decoded. */
  readonly body: Buffer;
}

export interface PosterOptions {
  /** From the first byte sent to the last one received, in milliseconds. */
  readonly timeoutMs: number;
  /** The largest body of an answer. */
  readonly limitBytes: number;
}

export interface Poster {
  /**
   * Rejects with a PrintgateError: `unreachable`, `link-lost` or `timeout` when the other side or
   * the way to it failed, `provider-failed` when the answer is too large or the poster is closed.
   */
  post(url: URL, headers: Readonly<Record<string, string>>, body: string): Promise<Answer>;
  /** Ends what is under way; idempotent. */
  close(): void;
}

/** Sockets at once: a burst queues instead of exhausting the webhook's machine. */
const MAX_SOCKETS = 64;

interface Attempt {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly deadline: number;
  readonly agent: http.Agent | false;
}

/** A kept-alive socket that the server closed meanwhile: nothing was answered, and asking again changes nothing. */
const wentStale = (request: http.ClientRequest, error: NodeJS.ErrnoException): boolean =>
  request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");

/** A poster with its own kept-alive connections. */
export function createPoster(options: PosterOptions): Poster {
  const agents = {
    "http:": new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    "https:": new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  };
  const open = new Set<(why: PrintgateError) => void>();
  let closed = false;

  function send(attempt: Attempt): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { request: start } = attempt.url.protocol === "https:" ? https : http;
      const request = start(attempt.url, {
        method: "POST",
        agent: attempt.agent,
        headers: { ...attempt.headers, "Content-Length": attempt.body.length },
      });
      // Node tells "socket hang up" for a request that is destroyed before it has a socket, whatever it was given.
      let ended: PrintgateError | undefined;
      const end = (why: PrintgateError): void => {
        ended ??= why;
        request.destroy(ended);
      };
      open.add(end);
      const timer = setTimeout(
        () => {
          end(new PrintgateError("timeout", `The webhook gave no whole answer in ${options.timeoutMs} ms.`));
        },
        Math.max(0, attempt.deadline - performance.now()),
      );
      let answering = false;
      const fail = (error: Error): void => {
        if (ended !== undefined) reject(ended);
        else if (answering)
          reject(new PrintgateError("link-lost", "The webhook's answer broke off.", { cause: error }));
        else if (wentStale(request, error)) resolve(send({ ...attempt, agent: false }));
        else
          reject(
            new PrintgateError("unreachable", `The webhook can not be reached: ${error.message}`, { cause: error }),
          );
      };
      request.on("error", fail);
      request.on("close", () => {
        clearTimeout(timer);
        open.delete(end);
        // Every other ending has settled the promise by now; this one is for those Node reports as nothing else.
        reject(ended ?? new PrintgateError("link-lost", "The webhook ended the connection without an answer."));
      });
      request.on("response", (response) => {
        answering = true;
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size <= options.limitBytes) chunks.push(chunk);
          else
            end(new PrintgateError("provider-failed", `The webhook answered more than ${options.limitBytes} bytes.`));
        });
        response.on("error", fail);
        response.on("end", () => {
          if (response.complete) resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) });
        });
      });
      request.end(attempt.body);
    });
  }

  return {
    async post(url, headers, body) {
      if (closed) throw new PrintgateError("provider-failed", "The webhook is not asked any more.");
      const agent = agents[url.protocol === "https:" ? "https:" : "http:"];
      const deadline = performance.now() + options.timeoutMs;
      return send({ url, headers, body: Buffer.from(body), deadline, agent });
    },
    close() {
      closed = true;
      for (const end of open) end(new PrintgateError("provider-failed", "The webhook is not asked any more."));
      agents["http:"].destroy();
      agents["https:"].destroy();
    },
  };
}
