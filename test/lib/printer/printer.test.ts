import assert from "node:assert/strict";
import { mock } from "node:test";
import { PrintgateError } from "../../../lib/errors";
import type { PrinterEvent } from "../../../lib/printer/events";
import { Printer } from "../../../lib/printer/printer";
import type { Observation } from "../../../lib/printer/link";
import { type PrinterStatus, UNKNOWN_STATUS } from "../../../lib/printer/status";
import { FakeLink, FakeMemory } from "../../support/fake-link";
import { aJob, anAlert, seen } from "../../support/observations";

const printing = (progress = 5) => seen({ state: "printing", job: aJob({ progress }) });
const reason = new PrintgateError("link-lost", "gone");

function setUp(memory = new FakeMemory()) {
  const link = new FakeLink();
  const warnings: string[] = [];
  const printer = new Printer({
    id: "01P00A000000001",
    name: "bench",
    link,
    staleAfterMs: 60_000,
    memory,
    log: { warn: (message) => warnings.push(message) },
  });
  const told: PrinterEvent[] = [];
  const statuses: PrinterStatus[] = [];
  const listener = { event: (e: PrinterEvent) => told.push(e), status: (s: PrinterStatus) => statuses.push(s) };
  return { link, printer, memory, warnings, told, statuses, listener, names: () => told.map((event) => event.event) };
}

/** Lets everything that waits for a promise or for the next turns of the loop happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("Printer", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2026, 0, 1) });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  async function connected(memory?: FakeMemory) {
    const all = setUp(memory);
    const unsubscribe = all.printer.subscribe(all.listener);
    await settle();
    all.link.state({ kind: "live" });
    return { ...all, unsubscribe };
  }

  it("opens its link for the first user and closes it after the last", async () => {
    const { link, printer } = setUp();
    const leave = [printer.subscribe({}), printer.subscribe({}), printer.subscribe({})];
    await settle();
    assert.equal(link.opens, 1);
    await leave[0]?.();
    await leave[1]?.();
    assert.equal(link.closes, 0);
    await leave[2]?.();
    await leave[2]?.();
    assert.equal(link.closes, 1);
  });

  it("can be opened again after it was closed, and hears then", async () => {
    const { link, printer, listener, statuses } = setUp();
    await printer.subscribe({})();
    printer.subscribe(listener);
    await settle();
    link.report(printing());
    assert.equal(link.opens, 1, "the first opening was given up before it began");
    assert.equal(statuses.length, 1);
    await printer.close();
  });

  it("shows nothing before the whole state was heard once", async () => {
    const { link, statuses, printer } = await connected();
    link.report(seen({ state: "printing", complete: false }));
    assert.equal(statuses.length, 0);
    assert.equal(printer.status.state, "unknown");
    link.report(printing());
    assert.equal(statuses.length, 1);
    assert.equal(printer.status.online, true);
    assert.equal(printer.status.lastSeen, "2026-01-01T00:00:00.000Z");
    await printer.close();
  });

  it("tells status first and events second", async () => {
    const { link, printer } = setUp();
    const order: string[] = [];
    printer.subscribe({
      status: ({ state }) => order.push(`status ${state}`),
      event: ({ event }) => order.push(event),
    });
    await settle();
    link.state({ kind: "live" });
    link.report(seen({ state: "idle" }));
    await settle();
    link.report(printing());
    await settle();
    assert.deepEqual(order, ["status idle", "printer.online", "status printing", "print.started"]);
    await printer.close();
  });

  it("saves what an event depends on before it tells it, and strikes endings off afterwards", async () => {
    const { link, printer, memory } = setUp();
    const seenOnDisk: string[] = [];
    printer.subscribe({ event: ({ event }) => seenOnDisk.push(`${event}: ${memory.document ?? "nothing"}`) });
    await settle();
    link.state({ kind: "live" });
    link.report(printing());
    link.report(seen({ state: "finished", job: aJob({ progress: 5 }) }));
    await settle();
    const finished = seenOnDisk.find((line) => line.startsWith("print.finished"));
    assert.match(finished ?? "", /"outbox":\[\{"event":"print.finished"/);
    assert.match(memory.document ?? "", /"outbox":\[\]/);
    await printer.close();
  });

  it("every state of the disk is one to go on from, however fast the reports come", async () => {
    const { link, printer, memory, names } = await connected();
    link.report(printing());
    link.report(seen({ state: "finished", job: aJob({ progress: 5 }) }));
    link.report(seen({ state: "printing", job: aJob({ id: "4712" }), door: "open" }));
    link.report(seen({ state: "finished", job: aJob({ id: "4712" }), door: "closed" }));
    await settle();
    assert.equal(names().filter((name) => name === "print.finished").length, 2);
    for (const { rules, outbox } of memory.saves) {
      const pending = outbox.map((event) => event.job?.id);
      // The ending of the job that the rules count as told is told, or waits in the outbox; no other one waits there.
      for (const id of pending) assert.equal(rules.told?.job?.id, id);
    }
    assert.deepEqual(memory.saves.at(-1)?.outbox, []);
    await printer.close();
  });

  it("waits two seconds with a failure, then tells it; meanwhile the old state is shown", async () => {
    const { link, printer, names } = await connected();
    link.report(printing());
    link.report(seen({ state: "failed", job: aJob({ progress: 5 }) }));
    await settle();
    assert.equal(printer.status.state, "printing");
    mock.timers.tick(1999);
    await settle();
    assert.deepEqual(names(), ["printer.online"]);
    mock.timers.tick(1);
    await settle();
    assert.deepEqual(names(), ["printer.online", "print.failed"]);
    assert.equal(printer.status.state, "failed");
    await printer.close();
  });

  it("what is reported during the wait does not make it longer", async () => {
    const { link, printer, names } = await connected();
    link.report(printing());
    link.report(seen({ state: "failed", job: aJob({ progress: 5 }) }));
    mock.timers.tick(1900);
    link.report(seen({ state: "failed", job: aJob({ progress: 5 }), door: "open" }));
    mock.timers.tick(100);
    await settle();
    assert.deepEqual(names(), ["printer.online", "print.failed"]);
    await printer.close();
  });

  it("an ending that is told after the link dropped does not bring the printer online", async () => {
    const { link, printer, names } = await connected();
    link.report(printing());
    link.report(seen({ state: "failed", job: aJob({ progress: 5 }) }));
    link.state({ kind: "waiting", reason, retryInMs: 60_000 });
    mock.timers.tick(2000);
    await settle();
    assert.equal(printer.status.state, "failed");
    assert.equal(printer.status.online, false);
    mock.timers.tick(3000);
    await settle();
    assert.deepEqual(names(), ["printer.online", "print.failed", "printer.offline"]);
    await printer.close();
  });

  it("shows a cancelled job as cancelled", async () => {
    const { link, printer, names } = await connected();
    link.report(printing());
    link.report(seen({ state: "failed", job: aJob({ progress: 5 }) }));
    mock.timers.tick(700);
    link.report(seen({ state: "failed", job: aJob({ progress: 5 }), signals: { cancelled: true } }));
    link.report(seen({ state: "failed", job: aJob({ progress: 5 }) }));
    mock.timers.tick(5000);
    await settle();
    assert.deepEqual(names(), ["printer.online", "print.cancelled"]);
    assert.equal(printer.status.state, "cancelled");
    await printer.close();
  });

  it("an ending that was waiting when the flow was redeployed is told once by the next flow", async () => {
    const first = await connected();
    first.link.report(printing());
    first.link.report(seen({ state: "failed", job: aJob({ progress: 5 }) }));
    await first.printer.close();
    const second = await connected(first.memory);
    second.link.report(seen({ state: "failed", job: aJob({ progress: 5 }) }));
    mock.timers.tick(2000);
    await settle();
    assert.deepEqual(second.names(), ["printer.online", "print.failed"]);
    assert.equal(second.told[1]?.recovered, true);
    await second.printer.close();
    const third = await connected(first.memory);
    third.link.report(seen({ state: "failed", job: aJob({ progress: 5 }) }));
    mock.timers.tick(5000);
    await settle();
    assert.deepEqual(third.names(), ["printer.online"]);
    await third.printer.close();
  });

  it("an ending that was waiting is told even if the printer is never heard again", async () => {
    const first = await connected();
    first.link.report(printing());
    first.link.report(seen({ state: "failed", job: aJob({ progress: 5 }) }));
    await first.printer.close();
    const second = setUp(first.memory);
    second.printer.subscribe(second.listener);
    await settle();
    mock.timers.tick(30_000);
    await settle();
    assert.deepEqual(second.names(), ["print.failed"]);
    await second.printer.close();
  });

  it("an ending that was saved but not told is told by the next flow, as recovered", async () => {
    const memory = new FakeMemory();
    const first = await connected(memory);
    first.link.report(printing());
    first.link.report(seen({ state: "finished", job: aJob({ progress: 5 }) }));
    // Closed in the same turn: the event had no chance to leave.
    await first.printer.close();
    assert.deepEqual(first.names(), []);
    const second = await connected(memory);
    assert.deepEqual(second.names(), ["print.finished"]);
    assert.equal(second.told[0]?.recovered, true);
    await second.printer.close();
  });

  it("goes offline after the silence, at once in the status and once in the events", async () => {
    const { link, printer, names, statuses } = await connected();
    link.report(printing());
    mock.timers.tick(59_999);
    assert.equal(printer.status.online, true);
    mock.timers.tick(1);
    await settle();
    assert.equal(printer.status.online, false);
    assert.equal(printer.status.state, "printing", "what was known stays");
    assert.equal(statuses.length, 2);
    mock.timers.tick(600_000);
    await settle();
    assert.deepEqual(names(), ["printer.online", "printer.offline"]);
    await printer.close();
  });

  it("a link that drops and is back within five seconds is no event", async () => {
    const { link, printer, names } = await connected();
    link.report(printing());
    for (let i = 0; i < 5; i++) {
      link.state({ kind: "waiting", reason, retryInMs: 1000 });
      assert.equal(printer.status.online, false);
      mock.timers.tick(1000);
      link.state({ kind: "live" });
      link.report(printing());
      assert.equal(printer.status.online, true);
    }
    mock.timers.tick(20_000);
    await settle();
    assert.deepEqual(names(), ["printer.online"]);
    await printer.close();
  });

  it("a link that stays away is an event after five seconds", async () => {
    const { link, printer, names } = await connected();
    link.report(printing());
    link.state({ kind: "waiting", reason, retryInMs: 1000 });
    mock.timers.tick(5000);
    await settle();
    assert.deepEqual(names(), ["printer.online", "printer.offline"]);
    await printer.close();
  });

  it("what happened while the link was down is told as recovered", async () => {
    const { link, printer, told } = await connected();
    link.report(printing());
    link.state({ kind: "waiting", reason, retryInMs: 1000 });
    link.state({ kind: "live" });
    link.report(seen({ state: "printing", complete: false }));
    link.report(seen({ state: "finished", job: aJob() }));
    await settle();
    assert.deepEqual(
      told.map(({ event, recovered }) => `${event} ${String(recovered)}`),
      ["printer.online false", "print.finished true"],
    );
    await printer.close();
  });

  it("a disk that fails keeps no event from being told", async () => {
    const memory = new FakeMemory();
    memory.full = true;
    const { link, printer, names } = await connected(memory);
    link.report(printing());
    link.report(seen({ state: "finished", job: aJob() }));
    await settle();
    assert.deepEqual(names(), ["printer.online", "print.finished"]);
    await printer.close();
  });

  it("a listener that throws keeps no other from hearing, and is said", async () => {
    const { link, printer, warnings } = setUp();
    let heard = 0;
    printer.subscribe({
      status: () => {
        throw new Error("oops");
      },
    });
    printer.subscribe({ status: () => (heard += 1) });
    await settle();
    link.report(printing());
    assert.equal(heard, 1);
    assert.deepEqual(warnings, ["oops"]);
    await printer.close();
  });

  it("temperature frames neither save nor tell", async () => {
    const { link, printer, memory, statuses } = await connected();
    const base = printing();
    link.report(base);
    await settle();
    const saves = memory.saves.length;
    for (let i = 0; i < 50; i++) {
      const bed = { actual: i, target: 60 };
      const temperatures = { ...base.status.temperatures, bed };
      link.report({ ...base, status: { ...base.status, temperatures } });
    }
    await settle();
    assert.equal(memory.saves.length, saves);
    assert.equal(statuses.length, 51);
    await printer.close();
  });

  it("a report in which one thing alone changed that matters tells its event", async () => {
    const { link, printer, names } = await connected();
    const slot = { unit: 0, slot: 1, external: false, nozzle: 0 };
    const base = seen({
      state: "printing",
      job: aJob({ progress: 5 }),
      door: "closed",
      filament: { ...UNKNOWN_STATUS.filament, active: { ...slot, slot: 0 } },
    });
    const { status } = base;
    const changes: [Partial<Observation>, string][] = [
      [{ status: { ...status, job: aJob({ progress: 12 }) } }, "print.progress"],
      [{ status: { ...status, state: "paused" } }, "print.paused"],
      [{ status: { ...status, alerts: [anAlert("0300_0100_0001_0007")] } }, "alert.raised"],
      [{ status: { ...status, filament: { ...status.filament, active: slot } } }, "filament.changed"],
      [{ status: { ...status, door: "open" } }, "door.opened"],
      [{ signals: { cancelled: false, runout: true } }, "filament.runout"],
    ];
    link.report(base);
    for (const [change, event] of changes) {
      await settle();
      const before = names().length;
      link.report({ ...base, ...change });
      await settle();
      assert.deepEqual(names().slice(before), [event]);
      link.report(base);
    }
    link.report({ ...base, signals: { cancelled: true, runout: false } });
    link.report(base);
    link.report(seen({ state: "failed", job: aJob({ progress: 12 }) }));
    await settle();
    assert.equal(names().at(-1), "print.cancelled");
    await printer.close();
  });

  it("says which way its reports come while they come", async () => {
    const { link, printer } = await connected();
    link.report(printing());
    assert.deepEqual(printer.identity, {
      id: "01P00A000000001",
      name: "bench",
      vendor: "bambu",
      model: "P1S",
      link: "lan",
    });
    link.state({ kind: "stopped", reason });
    assert.equal(printer.identity.link, null);
    await printer.close();
  });

  it("closing leaves no timer behind", async () => {
    const { link, printer } = await connected();
    link.report(printing());
    link.report(seen({ state: "failed", job: aJob() }));
    link.state({ kind: "waiting", reason, retryInMs: 1000 });
    const statuses: unknown[] = [];
    printer.subscribe({ status: (status) => statuses.push(status) });
    await printer.close();
    mock.timers.tick(3_600_000);
    await settle();
    assert.equal(statuses.length, 0);
  });
});
