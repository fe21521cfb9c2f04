/** A value that is asked for at most now and then, however many want it. */
export interface Cached<T> {
  /** The value as it is kept, or asked for anew when it is too old; `force` = also when it is not, at most once a minute. */
  get(options?: { readonly force?: boolean }): Promise<T>;
  /** The value is this from now on; its age stays. */
  put(value: T): void;
}

/** Even a user who insists is not served more often than this. */
const FORCE_EVERY_MS = 60_000;

/** A failure is not kept: the next who asks tries again, under the pace of the client. */
export function createCached<T>(options: {
  readonly maxAgeMs: number;
  readonly now: () => number;
  load(): Promise<T>;
}): Cached<T> {
  let kept: { value: T; at: number } | null = null;
  let underWay: Promise<T> | null = null;

  async function load(): Promise<T> {
    const value = await options.load();
    kept = { value, at: options.now() };
    return value;
  }

  return {
    get({ force = false } = {}) {
      if (underWay !== null) return underWay;
      if (kept !== null) {
        const age = options.now() - kept.at;
        // A clock that was set back must not keep a value for ever.
        if (age >= 0 && age < (force ? FORCE_EVERY_MS : options.maxAgeMs)) return Promise.resolve(kept.value);
      }
      underWay = load().finally(() => {
        underWay = null;
      });
      return underWay;
    },
    put(value) {
      if (kept !== null) kept = { ...kept, value };
    },
  };
}
