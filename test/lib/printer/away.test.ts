import assert from "node:assert/strict";
import { mock } from "node:test";
import { PrintgateError } from "../../../lib/errors";
import type { PrinterEvent } from "../../../lib/printer/events";
import { Printer } from "../../../lib/printer/printer";
import { FakeLink, FakeMemory } from "../../support/fake-link";
import { aJob, seen } from "../../support/observations";

const off = () => ({ ...seen({ stage: { id: null, name: "printer off" } }), away: true });
const idle = () => seen({ state: "idle" });
const printing = () => seen({ state: "printing", job: aJob({ progress: 5 }) });
const unreachable = { kind: "waiting", reason: new PrintgateError("unreachable", "gone"), retryInMs: 60_000 } as const;

async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function connected(memory = new FakeMemory()) {
  const link = new FakeLink();
  const log = { warn: () => undefined };
  const printer = new Printer({ id: "bench", name: "bench", link, staleAfterMs: 60_000, memory, log });
  const told: PrinterEvent[] = [];
  printer.subscribe({ event: (event) => told.push(event) });
  await settle();
  link.state({ kind: "live" });
  const names = () => told.map((event) => event.event + (event.recovered ? " (recovered)" : ""));
  return { link, printer, memory, names };
}

describe("a printer that its server says is off", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2026, 0, 1) });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  it("is shown as not online, with the stage that says why, although the link is live", async () => {
    const { link, printer, names } = await connected();
    link.report(off());
    await settle();
    assert.deepEqual([printer.status.online, printer.status.stage.name], [false, "printer off"]);
    assert.equal(printer.identity.link, "lan");
    assert.deepEqual(names(), [], "it was never heard, so it has not gone");
    await printer.close();
  });

  it("goes offline at once and comes back online, once each", async () => {
    const { link, printer, names } = await connected();
    for (const report of [idle(), off(), off(), idle(), idle()]) link.report(report);
    await settle();
    assert.deepEqual(names(), ["printer.online", "printer.offline", "printer.online"]);
    assert.equal(printer.status.online, true);
    await printer.close();
  });

  it("is no longer called off when its server can not be asked", async () => {
    const { link, printer, names } = await connected();
    link.report(idle());
    link.report(off());
    link.state(unreachable);
    assert.deepEqual([printer.status.online, printer.status.stage.name], [false, null]);
    mock.timers.tick(5000);
    await settle();
    assert.deepEqual(names(), ["printer.online", "printer.offline"]);
    await printer.close();
  });

  it("ends the grace of a dropped link: it is not online", async () => {
    const { link, printer, names } = await connected();
    link.report(idle());
    link.state(unreachable);
    link.state({ kind: "live" });
    link.report(off());
    mock.timers.tick(6000);
    await settle();
    assert.deepEqual(names(), ["printer.online", "printer.offline"]);
    await printer.close();
  });

  it("tells late how a job ended that it was printing when it was last heard", async () => {
    const { link, printer, names } = await connected();
    link.report(idle());
    link.report(printing());
    link.state(unreachable);
    link.state({ kind: "live" });
    link.report(off());
    link.report(idle());
    mock.timers.tick(2000);
    await settle();
    const known = ["printer.online", "print.started", "printer.offline", "printer.online"];
    assert.deepEqual(names(), [...known, "print.failed (recovered)"]);
    await printer.close();
  });

  it("has its first report when it is on: what that shows is the baseline", async () => {
    const { link, printer, names } = await connected();
    link.report(off());
    link.report(printing());
    await settle();
    assert.deepEqual(names(), ["printer.online"]);
    assert.equal(printer.status.state, "printing");
    await printer.close();
  });
});
