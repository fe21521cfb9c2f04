/** Which faults of a simulated server are in force, for which requests. */

/** Where a fault lies and for how long. */
export interface FaultPlace {
  /** The whole path as the server knows it (without the prefix of a proxy), or a pattern that it matches; absent = every path. */
  readonly path?: string | RegExp;
  readonly method?: string;
  /** For so many requests; absent = until it is lifted. */
  readonly times?: number;
}

interface Planned<F> extends FaultPlace {
  readonly fault: F;
  left: number;
}

/** The faults that are in force; the newest one that fits is applied. */
export class FaultBoard<F> {
  private planned: Planned<F>[] = [];

  /** The answer lifts it. */
  add(fault: F, place: FaultPlace): () => void {
    const planned = { ...place, fault, left: place.times ?? Infinity };
    this.planned.unshift(planned);
    return () => {
      this.planned = this.planned.filter((one) => one !== planned);
    };
  }

  clear(): void {
    this.planned = [];
  }

  /** The fault for this request, which counts as one of its times; null = none. */
  take(method: string, path: string): F | null {
    const found = this.planned.find(
      (one) =>
        one.left > 0 &&
        (one.method === undefined || one.method === method) &&
        (one.path === undefined || (typeof one.path === "string" ? one.path === path : one.path.test(path))),
    );
    if (found === undefined) return null;
    found.left -= 1;
    return found.fault;
  }
}
