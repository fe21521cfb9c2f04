import { performance } from "node:perf_hooks";
import { PrintgateError, toError } from "../../errors";
import type { Method, Metrics } from "../metrics";

/** One question to a provider. */
export interface Call<T> {
  readonly method: Method;
  readonly ask: () => Promise<unknown>;
  readonly isAnswer: (value: unknown) => value is T;
}

/** The calls of a provider that are open: each ends, in time and once, with an answer or an error. */
export class Calls {
  private readonly open = new Set<(error: PrintgateError) => void>();
  private closed: PrintgateError | null = null;

  constructor(
    private readonly metrics: Metrics,
    /** Null = without limit. */
    private readonly timeoutMs: number | null,
  ) {}

  /** Asks. Never rejects; whatever comes after the end is dropped. */
  run<T>({ method, ask, isAnswer }: Call<T>): Promise<T | PrintgateError> {
    if (this.closed !== null) return Promise.resolve(this.closed);
    const { timeoutMs, metrics } = this;
    return new Promise((resolve) => {
      const begin = performance.now();
      const end = (result: T | PrintgateError): void => {
        if (!this.open.delete(fail)) return;
        clearTimeout(timer);
        if (result instanceof PrintgateError) metrics.failed(method);
        else metrics.answered(method, (performance.now() - begin) / 1000);
        resolve(result);
      };
      const fail = (error: PrintgateError): void => {
        end(error);
      };
      const timer =
        timeoutMs === null
          ? undefined
          : setTimeout(() => {
              fail(new PrintgateError("timeout", `the provider gave no answer in ${timeoutMs} ms`));
            }, timeoutMs);
      this.open.add(fail);
      start(ask).then(
        (value) => {
          if (isAnswer(value)) end(value);
          else fail(new PrintgateError("provider-failed", "the provider gave no decision"));
        },
        (thrown: unknown) => {
          fail(toError(thrown));
        },
      );
    });
  }

  /** Ends all calls with the error, those to come too. */
  close(error: PrintgateError): void {
    this.closed ??= error;
    for (const fail of [...this.open]) fail(error);
  }
}

/** Makes a provider that throws at once one whose promise rejects. */
async function start(ask: () => Promise<unknown>): Promise<unknown> {
  return await ask();
}
