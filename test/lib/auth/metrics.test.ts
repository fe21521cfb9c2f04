import assert from "node:assert/strict";
import { createMetrics, type Metrics } from "../../../lib/auth/metrics";

async function linesOf(metrics: Metrics, ...others: Parameters<Metrics["text"]>): Promise<string[]> {
  return (await metrics.text(...others)).split("\n");
}

describe("metrics", () => {
  it("have all three methods from the start, with zero", async () => {
    const lines = await linesOf(createMetrics());
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

  it("count answers with their time and failures without", async () => {
    const metrics = createMetrics();
    metrics.answered("auth", 0.25);
    metrics.answered("auth", 0.5);
    metrics.failed("auth");
    const lines = await linesOf(metrics);
    assert.ok(lines.includes('call_exec_timer_seconds_count{method="AuthProvider/auth"} 2'));
    assert.ok(lines.includes('call_exec_timer_seconds_sum{method="AuthProvider/auth"} 0.75'));
    assert.ok(lines.includes('call_exec_fail_count_total{method="AuthProvider/auth"} 1'));
    assert.ok(lines.includes('call_exec_fail_count_total{method="AuthProvider/check"} 0'));
  });

  it("of two policies are apart", async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.failed("check");
    assert.ok((await linesOf(other)).includes('call_exec_fail_count_total{method="AuthProvider/check"} 0'));
  });

  it("are followed by the gauges of others, with their labels escaped", async () => {
    const gauge = {
      name: "printer_online",
      help: "Whether the printer reports",
      rows: [
        { labels: { printer: "01P00A000000001", name: 'The "big"\none' }, value: 1 },
        { labels: { printer: "01P00A000000002", name: "small" }, value: 0 },
      ],
    };
    const lines = await linesOf(createMetrics(), [gauge]);
    assert.ok(lines.includes("# TYPE printer_online gauge"));
    assert.ok(lines.includes('printer_online{printer="01P00A000000001",name="The \\"big\\"\\none"} 1'));
    assert.ok(lines.includes('printer_online{printer="01P00A000000002",name="small"} 0'));
    assert.ok(lines.every((line) => line === "" || line.startsWith("#") || /^[a-z_]+\{.*\} \S+$/.test(line)));
  });

  it("have no row of a gauge of which there is none", async () => {
    const lines = await linesOf(createMetrics(), [{ name: "printer_online", help: "Whether it reports", rows: [] }]);
    assert.deepEqual(
      lines.filter((line) => line.includes("printer_online")),
      ["# HELP printer_online Whether it reports", "# TYPE printer_online gauge"],
    );
  });

  it("tell their content type", () => {
    assert.match(createMetrics().contentType, /^text\/plain/);
  });
});
