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
