import { performance } from "node:perf_hooks";
import { isPrintgateError, PrintgateError, toError } from "../../errors";
import type { Metrics } from "../metrics";
import { Calls } from "./calls";
import { Order } from "./order";
import { isAuthResult, isCheckResult, isExtendedAuthResult } from "./shapes";
import { conclude, judgeAnswer, judgeInvalid, type Judged, type Verdict } from "./verdict";
import type {
  Action,
  AuthData,
  AuthProvider,
  AuthResult,
  CheckResult,
  ClientInfo,
  ExtendedAuthData,
  ExtendedAuthResult,
  Unknown,
} from "../provider";
import type { Item, Request } from "../request";

/**
 * A policy: a provider, and what a gate can rely on whatever the provider does. Questions are asked at once and
 * side by side, and the answers of one client come in the order of its questions. Bad input is refused unasked.
 * A provider that throws, gives nonsense or no answer in time is an error, never a grant and never an exception.
 */

export interface PolicyOptions {
  /** A PrintgateError in its place: the policy is closed. Every check is an error, and nothing bypasses that. */
  readonly provider: AuthProvider | PrintgateError;
  /** How long an answer may take; null = the provider decides in memory and sees to it. */
  readonly timeoutMs: number | null;
  /** Grants a check where the provider fails, as BifroMQ's ByPassPermCheckError. Never a login, never bad input. */
  readonly bypassOnError: boolean;
  readonly metrics: Metrics;
}

const CLOSED = new PrintgateError("provider-failed", "the policy was closed");

export class Policy {
  private readonly order = new Order<Verdict>();
  private readonly calls: Calls;
  private closing: Promise<void> | null = null;

  constructor(private readonly options: PolicyOptions) {
    this.calls = new Calls(options.metrics, options.timeoutMs);
  }

  /** Why the policy is closed, or null. */
  get broken(): PrintgateError | null {
    if (this.closing !== null) return CLOSED;
    return this.options.provider instanceof PrintgateError ? this.options.provider : null;
  }

  /**
   * Judges a request. `tell` is called exactly once: before this returns if the answer is there at once and no
   * earlier question waits. It must not throw.
   */
  check(request: Request, tell: (verdict: Verdict) => void, unknown?: ReadonlySet<Unknown>): void {
    const verdict = this.judgeNow(request, unknown);
    if (verdict !== null && this.order.isEmpty) {
      tell(verdict);
      return;
    }
    const answer = this.order.enter(keyOf(request.client), tell);
    if (verdict !== null) answer(verdict);
    // Nobody is left to hear of an error of whoever is told: it is theirs, and the order goes on.
    else
      void this.judgeAll(request, unknown)
        .then(answer)
        .catch(() => undefined);
  }

  /** The same as a promise, which never rejects. */
  ask(request: Request, unknown?: ReadonlySet<Unknown>): Promise<Verdict> {
    return new Promise((resolve) => {
      this.check(request, resolve, unknown);
    });
  }

  /** Judges a login. Never rejects: a provider that fails is `Error`. */
  auth(data: AuthData): Promise<AuthResult> {
    return this.login((provider) =>
      this.calls.run({ method: "auth", ask: () => provider.auth(data), isAnswer: isAuthResult }),
    );
  }

  /** One step of an extended login. Never rejects. */
  extendedAuth(data: ExtendedAuthData): Promise<ExtendedAuthResult> {
    return this.login((provider) =>
      this.calls.run({ method: "extAuth", ask: () => provider.extendedAuth(data), isAnswer: isExtendedAuthResult }),
    );
  }

  /** Ends open questions as errors, and the provider. Idempotent; never rejects. */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    // The caller has the promise, and `broken` its answer, before anybody is told.
    await Promise.resolve();
    this.calls.close(CLOSED);
    const { provider } = this.options;
    if (provider instanceof PrintgateError) return;
    try {
      await provider.close();
    } catch {
      // A provider that can not even end is over.
    }
  }

  private async login<T>(run: (provider: AuthProvider) => Promise<T | PrintgateError>): Promise<T | AuthResult> {
    const { provider } = this.options;
    const answer = provider instanceof PrintgateError ? provider : await run(provider);
    return answer instanceof PrintgateError ? { result: "rejected", code: "Error", reason: answer.message } : answer;
  }

  /** The verdict, if nobody has to be waited for. */
  private judgeNow(request: Request, unknown: ReadonlySet<Unknown> | undefined): Verdict | null {
    const judged = request.items.map((item) => this.judgeItemNow(request, item, unknown));
    return judged.every((one) => one !== null) ? conclude(request, judged) : null;
  }

  private judgeItemNow(
    { client, kind }: Request,
    item: Item,
    unknown: ReadonlySet<Unknown> | undefined,
  ): Judged | null {
    if ("problem" in item) return judgeInvalid(item, item.problem, kind);
    const { provider } = this.options;
    const { broken } = this;
    if (broken !== null) return judgeAnswer(item.topic, item.action, { result: "error", reason: broken.message });
    if (provider instanceof PrintgateError || provider.checkNow === undefined) return null;
    return judgeAnswer(item.topic, item.action, this.settle(this.checkNow(provider, client, item.action, unknown)));
  }

  private checkNow(
    provider: AuthProvider,
    client: ClientInfo,
    action: Action,
    unknown: ReadonlySet<Unknown> | undefined,
  ): CheckResult | PrintgateError {
    const { metrics } = this.options;
    const begin = performance.now();
    try {
      const answer: unknown = provider.checkNow?.(client, action, unknown);
      if (!isCheckResult(answer)) throw new PrintgateError("provider-failed", "the provider gave no decision");
      metrics.answered("check", (performance.now() - begin) / 1000);
      return answer;
    } catch (thrown) {
      metrics.failed("check");
      return toError(thrown);
    }
  }

  private async judgeAll(request: Request, unknown: ReadonlySet<Unknown> | undefined): Promise<Verdict> {
    const { provider } = this.options;
    const judged = request.items.map(async (item) => {
      const now = this.judgeItemNow(request, item, unknown);
      if (now !== null || "problem" in item || provider instanceof PrintgateError) return now;
      const ask = (): Promise<CheckResult> => provider.checkPermission(request.client, item.action, unknown);
      const answer = await this.calls.run({ method: "check", ask, isAnswer: isCheckResult });
      return judgeAnswer(item.topic, item.action, this.settle(answer));
    });
    return conclude(
      request,
      (await Promise.all(judged)).filter((one) => one !== null),
    );
  }

  /** The answer with errors put into its shape, and granted where the policy says so. */
  private settle(answer: CheckResult | PrintgateError): CheckResult {
    const settled: CheckResult = isPrintgateError(answer) ? { result: "error", reason: answer.message } : answer;
    if (settled.result !== "error" || !this.options.bypassOnError || answer === CLOSED) return settled;
    const { reason = "the provider failed", userProps = [] } = settled;
    return { result: "granted", reason: `granted because bypassOnError is set: ${reason}`, userProps };
  }
}

/** Whose questions keep their order. JSON keeps apart what a separator would not. */
function keyOf({ tenantId, metadata }: ClientInfo): string {
  return JSON.stringify([tenantId, metadata.userId, metadata.clientId, metadata.channelId]);
}
