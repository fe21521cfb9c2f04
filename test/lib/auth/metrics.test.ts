import assert from "node:assert/strict";
import { createMetrics, type Metrics } from "../../../lib/auth/metrics";

function linesOf(metrics: Metrics, ...others: Parameters<Metrics["text"]>): string[] {
  return metrics.text(...others).split("\n");
}

describe("metrics", () => {
  it("have all three methods from the start, with zero", () => {
    const lines = linesOf(createMetrics());
    for (const method of ["auth", "extAuth", "check"]) {
      for (const name of [
        "call_exec_timer_seconds_count",
        "call_exec_timer_seconds_sum",
        "call_exec_fail_count_total",
      ]) {
        assert.ok(lines.includes(`${name}{method="AuthProvider/${method}"} 0`), `${name} ${method}`);
      }
    }
  });

  it("count answers with their time and failures without", () => {
    const metrics = createMetrics();
    metrics.answered("auth", 0.25);
    metrics.answered("auth", 0.5);
    metrics.failed("auth");
    const lines = linesOf(metrics);
    assert.ok(lines.includes('call_exec_timer_seconds_count{method="AuthProvider/auth"} 2'));
    assert.ok(lines.includes('call_exec_timer_seconds_sum{method="AuthProvider/auth"} 0.75'));
    assert.ok(lines.includes('call_exec_fail_count_total{method="AuthProvider/auth"} 1'));
    assert.ok(lines.includes('call_exec_fail_count_total{method="AuthProvider/check"} 0'));
  });

  it("sort answers by how long they took, each bucket with the ones before it", () => {
    const metrics = createMetrics();
    for (const seconds of [0.000_01, 0.000_02, 0.1, 0.5, 11]) metrics.answered("check", seconds);
    const lines = linesOf(metrics).filter(
      (line) => /_(bucket|count).*check/.test(line) && line.startsWith("call_exec_timer"),
    );
    assert.deepEqual(
      lines.map((line) => [/le="(.+?)"/.exec(line)?.[1], Number(line.split(" ").at(-1))]),
      [
        ["0.00001", 1],
        ["0.0001", 2],
        ["0.001", 2],
        ["0.005", 2],
        ["0.025", 2],
        ["0.1", 3],
        ["0.5", 4],
        ["1", 4],
        ["2.5", 4],
        ["5", 4],
        ["10", 4],
        ["+Inf", 5],
        [undefined, 5],
      ],
    );
  });

  it("of two policies are apart", () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.failed("check");
    assert.ok(linesOf(other).includes('call_exec_fail_count_total{method="AuthProvider/check"} 0'));
  });

  it("are followed by the gauges of others, with their labels escaped", () => {
    const gauge = {
      name: "printer_online",
      help: "Whether the printer reports",
      rows: [
        { labels: { printer: "01P00A000000001", name: 'The "big"\n\\one' }, value: 1 },
        { labels: { printer: "01P00A000000002", name: "small" }, value: 0 },
      ],
    };
    const lines = linesOf(createMetrics(), [gauge]);
    assert.ok(lines.includes("# TYPE printer_online gauge"));
    assert.ok(lines.includes('printer_online{printer="01P00A000000001",name="The \\"big\\"\\n\\\\one"} 1'));
    assert.ok(lines.includes('printer_online{printer="01P00A000000002",name="small"} 0'));
    assert.ok(lines.every((line) => line === "" || line.startsWith("#") || /^[a-z_]+\{.*\} \S+$/.test(line)));
  });

  it("have no row of a gauge of which there is none", () => {
    const lines = linesOf(createMetrics(), [{ name: "printer_online", help: "Whether it reports", rows: [] }]);
    assert.deepEqual(
      lines.filter((line) => line.includes("printer_online")),
      ["# HELP printer_online Whether it reports", "# TYPE printer_online gauge"],
    );
  });

  it("tell their content type", () => {
    assert.match(createMetrics().contentType, /^text\/plain/);
  });
});
