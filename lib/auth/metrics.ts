import { Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * How long a provider takes and how often it breaks: BifroMQ's timer `call.exec.timer` and counter
 * `call.exec.fail.count`, under the names that its metrics have as Prometheus text.
 */

/** BifroMQ's values of the tag `method`. */
export const METHODS = {
  auth: "AuthProvider/auth",
  extAuth: "AuthProvider/extAuth",
  check: "AuthProvider/check",
} as const;

export type Method = keyof typeof METHODS;

/** A gauge of somebody else's, with a value for each set of labels. */
export interface MetricRows {
  /** `[a-zA-Z_:][a-zA-Z0-9_:]*` */
  readonly name: string;
  readonly help: string;
  readonly rows: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

export interface Metrics {
  /** An answer came, whatever it says: a denial is none of the provider's failures. */
  answered(method: Method, seconds: number): void;
  /** The provider broke: it threw, gave no answer in time, or nonsense. As in BifroMQ its time is not counted. */
  failed(method: Method): void;
  /** Everything in Prometheus' text format, the gauges of others behind it. */
  text(others?: readonly MetricRows[]): Promise<string>;
  /** The type of the text, for an HTTP header. */
  readonly contentType: string;
}

/** From a decision in memory to a webhook that hardly answers; seconds. */
const BUCKETS = [0.000_01, 0.000_1, 0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10];

/** The metrics of one policy, all methods present with zero. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const shared = { labelNames: ["method"] as const, registers: [registry] };
  const timer = new Histogram({
    ...shared,
    name: "call_exec_timer_seconds",
    help: "Time the auth provider took to answer",
    buckets: BUCKETS,
  });
  const failures = new Counter({
    ...shared,
    name: "call_exec_fail_count_total",
    help: "Calls that the auth provider failed to answer",
  });
  for (const method of Object.values(METHODS)) {
    timer.zero({ method });
    failures.inc({ method }, 0);
  }
  return {
    answered(method, seconds) {
      timer.observe({ method: METHODS[method] }, seconds);
    },
    failed(method) {
      failures.inc({ method: METHODS[method] });
    },
    async text(others = []) {
      const own = await registry.metrics();
      const foreign = await Promise.all(others.map(textOf));
      return [own, ...foreign].join("\n");
    },
    contentType: registry.contentType,
  };
}

async function textOf({ name, help, rows }: MetricRows): Promise<string> {
  const registry = new Registry();
  const labelNames = [...new Set(rows.flatMap(({ labels }) => Object.keys(labels)))];
  const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
  // Without labels it has a value from the start, of nobody.
  if (labelNames.length === 0) gauge.remove();
  for (const { labels, value } of rows) gauge.set(labels, value);
  return registry.metrics();
}
