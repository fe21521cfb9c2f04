import { randomUUID } from "node:crypto";
import { PrintgateError, toError } from "../errors";
import { GIVE_UP_MS, type KeyRequest, POLL_EVERY_MS, requestAppKey } from "../octoprint/app-keys";
import { baseOf, OctoprintClient } from "../octoprint/client";
import { connectionsTo, type Trust } from "../octoprint/trust";

/** The name under which we ask: OctoPrint shows it to whoever decides, and keeps one key for each name. */
const APP = "Printgate for Node-RED";
/** A dialog that has not asked for so long was closed; one in a tab of the background asks once a minute. */
const FORGOTTEN_MS = 130_000;
const MOST_WAITING = 10;

/** A request on its way, until its key was fetched, it was refused, or nobody asks any more. */
interface Waiting {
  readonly abort: AbortController;
  readonly startedAt: number;
  askedAt: number;
  timer: NodeJS.Timeout | null;
  outcome: { readonly key: string } | { readonly error: PrintgateError } | null;
}

export interface Clock {
  now(): number;
  /** Between two questions. */
  readonly pollEveryMs: number;
}

/**
 * Keys that a dialog has asked OctoPrint for. We ask after them each second as OctoPrint wants it, since browsers slow down
 * pages in the background, which ours is while somebody decides in OctoPrint's.
 */
export class KeyRequests {
  private readonly waiting = new Map<string, Waiting>();

  constructor(private readonly clock: Clock = { now: Date.now, pollEveryMs: POLL_EVERY_MS }) {}

  /** Requests under way. */
  get size(): number {
    return this.waiting.size;
  }

  /**
   * Asks OctoPrint for a key.
   * @returns by what the dialog asks after it, and the page where somebody decides
   * @throws PrintgateError as `requestAppKey` does, `config-invalid`
   */
  async start(url: string, trust: Trust): Promise<{ readonly request: string; readonly page: string }> {
    if (this.waiting.size >= MOST_WAITING)
      throw new PrintgateError("blocked", "too many requests for keys are waiting");
    const now = this.clock.now();
    const one: Waiting = { abort: new AbortController(), startedAt: now, askedAt: now, timer: null, outcome: null };
    const request = randomUUID();
    this.waiting.set(request, one);
    try {
      const base = baseOf(url);
      const connections = await connectionsTo(base, trust);
      one.abort.signal.addEventListener("abort", () => {
        connections.close();
      });
      const asked = await requestAppKey(new OctoprintClient(base, connections), { app: APP, signal: one.abort.signal });
      this.arm(request, one, asked);
      return { request, page: asked.page };
    } catch (thrown) {
      this.drop(request);
      throw toError(thrown);
    }
  }

  /**
   * The key, handed out once; null while nobody has decided.
   * @throws PrintgateError `account-refused` when it was denied or time is up, and what else became of it
   */
  ask(request: string): string | null {
    const one = this.waiting.get(request);
    if (one === undefined) throw new PrintgateError("account-refused", "this request for a key is over; ask anew");
    one.askedAt = this.clock.now();
    const { outcome } = one;
    if (outcome === null) return null;
    this.drop(request);
    if ("error" in outcome) throw outcome.error;
    return outcome.key;
  }

  /** Nobody wants the key any more. Idempotent. */
  drop(request: string): void {
    const one = this.waiting.get(request);
    if (one === undefined) return;
    this.waiting.delete(request);
    if (one.timer !== null) clearTimeout(one.timer);
    one.abort.abort();
  }

  private arm(request: string, one: Waiting, asked: KeyRequest): void {
    if (this.waiting.get(request) !== one) return;
    one.timer = setTimeout(() => {
      void this.poll(request, one, asked);
    }, this.clock.pollEveryMs).unref();
  }

  private async poll(request: string, one: Waiting, asked: KeyRequest): Promise<void> {
    const now = this.clock.now();
    if (now - one.askedAt > FORGOTTEN_MS) {
      this.drop(request);
      return;
    }
    // Kept until it is fetched, or forgotten: no longer is there anything to ask OctoPrint for.
    if (one.outcome === null) one.outcome = await outcomeOf(asked, one, now);
    this.arm(request, one, asked);
  }
}

async function outcomeOf(asked: KeyRequest, { abort, startedAt }: Waiting, now: number): Promise<Waiting["outcome"]> {
  if (now - startedAt > GIVE_UP_MS)
    return { error: new PrintgateError("timeout", "nobody has decided in OctoPrint within ten minutes") };
  try {
    const key = await asked.poll(abort.signal);
    return key === null ? null : { key };
  } catch (thrown) {
    const error = toError(thrown);
    // A small computer may be late once; OctoPrint forgets a request only after five seconds.
    return error.code === "timeout" ? null : { error };
  }
}
