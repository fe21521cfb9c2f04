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
  text(others?: readonly MetricRows[]): string;
  /** The type of the text, for an HTTP header. */
  readonly contentType: string;
}

/** From a decision in memory to a webhook that hardly answers; seconds. */
const BUCKETS = [0.000_01, 0.000_1, 0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10];

/** What was counted of one method. */
class Tally {
  failures = 0;
  private seconds = 0;
  /** How many answers fell into which bucket; behind the last one are those that took longer. */
  private readonly answers: number[] = [];

  /** A gate counts a hundred thousand answers a second: what can wait for whoever reads them is done there. */
  add(seconds: number): void {
    let at = 0;
    while (seconds > (BUCKETS[at] ?? Infinity)) at++;
    this.answers[at] = (this.answers[at] ?? 0) + 1;
    this.seconds += seconds;
  }

  /** The rows of a Prometheus histogram: each bucket holds the ones before it. */
  get timer(): Family["rows"] {
    let count = 0;
    const buckets = [...BUCKETS, "+Inf"].map((bound, at) => {
      count += this.answers[at] ?? 0;
      return { suffix: "_bucket", labels: { le: String(bound) }, value: count };
    });
    return [
      ...buckets,
      { suffix: "_sum", labels: {}, value: this.seconds },
      { suffix: "_count", labels: {}, value: count },
    ];
  }
}

/** The metrics of one policy, all methods present with zero. */
export function createMetrics(): Metrics {
  const tallies: Readonly<Record<Method, Tally>> = { auth: new Tally(), extAuth: new Tally(), check: new Tally() };
  const rowsOf = (rows: (tally: Tally) => Family["rows"]): Family["rows"] =>
    (Object.keys(METHODS) as Method[]).flatMap((method) =>
      rows(tallies[method]).map((row) => ({ ...row, labels: { ...row.labels, method: METHODS[method] } })),
    );
  return {
    answered(method, seconds) {
      tallies[method].add(seconds);
    },
    failed(method) {
      tallies[method].failures += 1;
    },
    text(others = []) {
      const families: readonly Family[] = [
        {
          name: "call_exec_timer_seconds",
          help: "Time the auth provider took to answer",
          type: "histogram",
          rows: rowsOf((tally) => tally.timer),
        },
        {
          name: "call_exec_fail_count_total",
          help: "Calls that the auth provider failed to answer",
          type: "counter",
          rows: rowsOf(({ failures }) => [{ labels: {}, value: failures }]),
        },
        ...others.map((gauge): Family => ({ ...gauge, type: "gauge" })),
      ];
      return families.map(textOf).join("\n");
    },
    contentType: "text/plain; version=0.0.4; charset=utf-8",
  };
}

/** Numbers of one name, as Prometheus knows them. */
interface Family extends Omit<MetricRows, "rows"> {
  readonly type: "counter" | "gauge" | "histogram";
  readonly rows: readonly (MetricRows["rows"][number] & { readonly suffix?: string })[];
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", '"': '\\"' };

function textOf({ name, help, type, rows }: Family): string {
  const lines = rows.map(({ suffix = "", labels, value }) => {
    const pairs = Object.entries(labels).map(
      ([label, text]) => `${label}="${text.replace(/[\\\n"]/g, (one) => ESCAPES[one] ?? one)}"`,
    );
    return `${name}${suffix}{${pairs.join(",")}} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}
