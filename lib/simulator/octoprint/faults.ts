/** What can go wrong between a client and the simulated OctoPrint. */
import type { Answer } from "./answers";

export type Fault =
  /** A page of a proxy instead of the answer; 200 by default. */
  | { readonly kind: "html"; readonly status?: number }
  /** An error of the server: 500, 502, 503, .. */
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "answer"; readonly answer: Answer }
  /** The true answer, late. */
  | { readonly kind: "slow"; readonly ms: number }
  /** No answer, ever. */
  | { readonly kind: "hang" }
  /** The connection ends without an answer. */
  | { readonly kind: "drop" };

/** Where a fault lies and for how long. */
export interface FaultPlace {
  /** The whole path without the prefix, or a pattern; absent = every path, the push socket's included. */
  readonly path?: string | RegExp;
  readonly method?: string;
  /** For so many requests; absent = until it is lifted. */
  readonly times?: number;
}

/** How a request is answered under a fault: at once with that answer, later with the true one, or never. */
export type Delivery =
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "true"; readonly afterMs: number }
  | { readonly kind: "hang" | "drop" };

const page = (status: number): Answer => ({
  status,
  body: "<!doctype html><html><head><title>Welcome</title></head><body><h1>Please sign in to the proxy</h1></body></html>",
});

/** @param fault null = none */
export function deliver(fault: Fault | null): Delivery {
  switch (fault?.kind) {
    case undefined:
      return { kind: "true", afterMs: 0 };
    case "html":
      return { kind: "answer", answer: page(fault.status ?? 200) };
    case "status":
      return { kind: "answer", answer: { status: fault.status, body: { error: "Something went wrong." } } };
    case "answer":
      return { kind: "answer", answer: fault.answer };
    case "slow":
      return { kind: "true", afterMs: fault.ms };
    case "hang":
    case "drop":
      return { kind: fault.kind };
  }
}

interface Planned extends FaultPlace {
  readonly fault: Fault;
  left: number;
}

/** The faults that are in force; the newest one that fits is applied. */
export class FaultBoard {
  private planned: Planned[] = [];

  /** The answer lifts it. */
  add(fault: Fault, place: FaultPlace): () => void {
    const planned = { ...place, fault, left: place.times ?? Infinity };
    this.planned.unshift(planned);
    return () => {
      this.planned = this.planned.filter((one) => one !== planned);
    };
  }

  clear(): void {
    this.planned = [];
  }

  /** What happens to this request, which counts as one of the fault's times. */
  take(method: string, path: string): Delivery {
    const found = this.planned.find(
      (one) =>
        one.left > 0 &&
        (one.method === undefined || one.method === method) &&
        (one.path === undefined || (typeof one.path === "string" ? one.path === path : one.path.test(path))),
    );
    if (found === undefined) return deliver(null);
    found.left -= 1;
    return deliver(found.fault);
  }
}
