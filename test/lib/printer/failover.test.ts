import assert from "node:assert/strict";
import { mock } from "node:test";
import { isPrintgateError, PrintgateError } from "../../../lib/errors";
import { failover } from "../../../lib/printer/failover";
import { Printer } from "../../../lib/printer/printer";
import type { PrinterEvent } from "../../../lib/printer/events";
import type { LinkState, Observation } from "../../../lib/printer/link";
import { FakeLink, FakeMemory } from "../../support/fake-link";
import { aJob, seen } from "../../support/observations";

const QUIET_MS = 30_000;
const live: LinkState = { kind: "live" };
const gone = (words = "gone"): LinkState => ({
  kind: "waiting",
  reason: new PrintgateError("link-lost", words),
  retryInMs: 1000,
});
const signal = new AbortController().signal;

/** Lets everything that waits for a promise or for the next turns of the loop happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a job that was left at 5 % tells when it is found finished. */
const FOUND_FINISHED = [...Array<string>(10).fill("print.progress (recovered)"), "print.finished (recovered)"];

const at = (progress: number, difference: Partial<Parameters<typeof seen>[0]> = {}) =>
  seen({ state: "printing", job: aJob({ progress }), ...difference });

describe("a printer with two ways to it", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2026, 0, 1) });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  async function setUp({ staleAfterMs = 60_000 } = {}) {
    const lan = new FakeLink("lan");
    const cloud = new FakeLink("cloud");
    const link = failover({ lan, cloud, quietMs: QUIET_MS });
    const warnings: string[] = [];
    const printer = new Printer({
      id: "01P00A000000001",
      name: "bench",
      link,
      staleAfterMs,
      memory: new FakeMemory(),
      log: { warn: (message) => warnings.push(message) },
    });
    const events: PrinterEvent[] = [];
    const onlines: boolean[] = [];
    const links: string[] = [];
    const leave = printer.subscribe({
      event: (event) => events.push(event),
      status: ({ online }) => {
        if (onlines.at(-1) !== online) onlines.push(online);
      },
      link: (state) => links.push(state.kind === "live" ? `live ${link.name}` : state.kind),
    });
    await settle();
    const names = () => events.map(({ event, recovered }) => event + (recovered ? " (recovered)" : ""));
    return { lan, cloud, link, printer, leave, warnings, events, onlines, links, names };
  }

  /** The LAN reports a job at 5 %. */
  async function printing(options: { staleAfterMs?: number } = {}) {
    const all = await setUp(options);
    all.lan.state(live);
    all.lan.report(at(5));
    await settle();
    return all;
  }

  it("uses the LAN alone while it talks", async () => {
    const { lan, cloud, printer } = await printing();
    for (let i = 0; i < 20; i++) {
      mock.timers.tick(20_000);
      lan.report(at(5));
    }
    await settle();
    assert.equal(cloud.opens, 0);
    assert.equal(printer.identity.link, "lan");
    await printer.close();
  });

  it("a LAN that drops hands over to the cloud at once, and what happened in between is told once", async () => {
    const { lan, cloud, printer, names, links } = await printing();
    lan.state(gone());
    await settle();
    assert.equal(cloud.isOpen, true);
    assert.equal(printer.identity.link, null);
    cloud.state(live);
    cloud.report(at(5, { complete: false }));
    cloud.report(seen({ state: "finished", job: aJob({ progress: 100 }) }));
    cloud.report(seen({ state: "finished", job: aJob({ progress: 100 }) }));
    await settle();
    assert.equal(printer.identity.link, "cloud");
    assert.deepEqual(names(), ["printer.online", ...FOUND_FINISHED]);
    assert.deepEqual(links, ["live lan", "connecting", "live cloud"]);
    await printer.close();
  });

  it("a LAN that falls silent hands over without a moment offline", async () => {
    const { lan, cloud, printer, onlines, links } = await printing();
    mock.timers.tick(QUIET_MS - 1);
    await settle();
    assert.equal(cloud.isOpen, false);
    mock.timers.tick(1);
    await settle();
    assert.equal(cloud.isOpen, true);
    assert.equal(printer.identity.link, "lan");
    cloud.state({ kind: "connecting", after: null });
    cloud.state(live);
    cloud.report(at(8));
    assert.equal(printer.identity.link, "cloud");
    assert.deepEqual(onlines, [true]);
    assert.deepEqual(links, ["live lan", "live cloud"]);
    lan.state(gone());
    assert.equal(printer.identity.link, "cloud");
    assert.deepEqual(onlines, [true]);
    await printer.close();
  });

  it("a clock that is set back makes no silence longer", async () => {
    const { cloud, printer, onlines } = await printing();
    const before = Date.now.bind(Date);
    const clock = mock.method(Date, "now", () => before() - 3_600_000);
    mock.timers.tick(QUIET_MS);
    mock.timers.tick(QUIET_MS);
    await settle();
    assert.equal(cloud.isOpen, true);
    mock.timers.tick(60_000);
    assert.deepEqual(onlines, [true, false]);
    clock.mock.restore();
    await printer.close();
  });

  it("counts a silence as an absence only when the cloud does not know better within five seconds", async () => {
    for (const heard of [true, false]) {
      const { lan, cloud, printer, names, onlines } = await printing({ staleAfterMs: QUIET_MS });
      lan.report(at(5));
      mock.timers.tick(QUIET_MS);
      await settle();
      assert.deepEqual(onlines, [true, false]);
      cloud.state(live);
      mock.timers.tick(4999);
      if (heard) cloud.report(at(8));
      mock.timers.tick(1);
      await settle();
      assert.deepEqual(names(), heard ? ["printer.online"] : ["printer.online", "printer.offline"]);
      await printer.close();
    }
  });

  it("goes back with the first whole report over the LAN, and closes the cloud", async () => {
    const { lan, cloud, printer, names, onlines } = await printing();
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(at(15));
    lan.state({ kind: "connecting", after: null });
    lan.state(live);
    lan.report(at(15, { complete: false }));
    assert.equal(printer.identity.link, "cloud");
    lan.report(at(16));
    await settle();
    assert.equal(printer.identity.link, "lan");
    assert.equal(cloud.isOpen, false);
    lan.report(at(25));
    lan.report(at(35));
    await settle();
    assert.deepEqual(names(), ["printer.online", "print.progress (recovered)", "print.progress", "print.progress"]);
    assert.deepEqual(onlines, [true, false, true]);
    await printer.close();
  });

  it("a silent LAN that talks again must tell its whole state before it counts", async () => {
    const { lan, cloud, printer, names } = await printing();
    mock.timers.tick(QUIET_MS);
    await settle();
    cloud.state(live);
    cloud.report(seen({ state: "finished", job: aJob({ progress: 100 }) }));
    // It never heard of the ending: the report that would have said so went into the silence.
    lan.report(at(5));
    assert.equal(lan.renewals, 1);
    lan.report(at(5, { complete: false }));
    assert.equal(printer.identity.link, "cloud");
    lan.report(seen({ state: "finished", job: aJob({ progress: 100 }) }));
    await settle();
    assert.equal(printer.identity.link, "lan");
    assert.deepEqual(names(), ["printer.online", ...FOUND_FINISHED]);
    await printer.close();
  });

  it("what the cloud told since the LAN was asked does not happen once more", async () => {
    const { lan, cloud, printer, names } = await printing();
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(at(5));
    lan.state(live);
    cloud.report(seen({ state: "finished", job: aJob({ progress: 100 }) }));
    // On its way since before that.
    lan.report(at(5));
    assert.deepEqual([printer.identity.link, lan.renewals], ["cloud", 1]);
    lan.report(seen({ state: "finished", job: aJob({ progress: 100 }) }));
    assert.equal(printer.identity.link, "lan");
    await settle();
    assert.equal(names().filter((name) => name.startsWith("print.finished")).length, 1);
    assert.equal(names().filter((name) => name.startsWith("print.started")).length, 0);
    await printer.close();
  });

  it("a LAN that answers slowly is asked more and more seldom", async () => {
    const { lan, cloud, printer } = await printing();
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(at(5));
    lan.state(live);
    for (let second = 0; second < 60; second++) {
      cloud.report(at(5, { job: aJob({ progress: 5, remainingSeconds: 3600 - second }) }));
      lan.report(at(5, { complete: false }));
      mock.timers.tick(1000);
    }
    assert.equal(lan.renewals, 6);
    assert.equal(printer.identity.link, "cloud");
    await printer.close();
  });

  it("a state that the LAN only assumes does not count against a cloud that talks, but better than nothing", async () => {
    const assumed: Observation = { ...at(5), assumed: true };
    const { lan, cloud, printer } = await printing();
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(at(15));
    lan.state(live);
    lan.report(assumed);
    assert.deepEqual([printer.identity.link, lan.renewals], ["cloud", 1]);
    cloud.state(gone("no cloud"));
    lan.report(assumed);
    assert.equal(printer.identity.link, "lan");
    await printer.close();
  });

  it("the end of a job does not jump because the other way reckons it from other reports", async () => {
    const { lan, cloud, printer } = await printing();
    const ends = (minute: string) => at(5, { job: aJob({ progress: 5, endsAt: `2026-01-01T01:${minute}.000Z` }) });
    const shown = () => printer.status.job?.endsAt;
    lan.report(ends("00:10"));
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(ends("00:50"));
    assert.equal(shown(), "2026-01-01T01:00:10.000Z");
    cloud.report(ends("01:05"));
    assert.equal(shown(), "2026-01-01T01:00:10.000Z");
    cloud.report(ends("01:30"));
    assert.equal(shown(), "2026-01-01T01:01:30.000Z");
    cloud.report(at(5, { job: aJob({ id: "4712", endsAt: "2026-01-01T01:01:40.000Z" }) }));
    assert.equal(shown(), "2026-01-01T01:01:40.000Z");
    await printer.close();
  });

  it("hears one way at a time: a late word of the other is nothing", async () => {
    const { lan, cloud, printer, names } = await printing();
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(at(5));
    lan.report(at(95, { complete: false }));
    await settle();
    assert.equal(printer.status.job?.progress, 5);
    lan.state(live);
    lan.report(at(6));
    cloud.report(at(95));
    await settle();
    assert.equal(printer.status.job.progress, 6);
    assert.deepEqual(names(), ["printer.online"]);
    await printer.close();
  });

  it("begins with the cloud when the LAN can not be had, at the latest after the quiet time", async () => {
    const refused = await setUp();
    const reason = new PrintgateError("access-refused", "access code refused");
    refused.lan.state({ kind: "connecting", after: null });
    refused.lan.state({ kind: "stopped", reason });
    await settle();
    refused.cloud.state(live);
    refused.cloud.report(at(5));
    assert.equal(refused.printer.identity.link, "cloud");
    assert.equal(refused.printer.linkState.kind, "live");
    await refused.printer.close();

    const mute = await setUp();
    mute.lan.state({ kind: "connecting", after: null });
    mock.timers.tick(QUIET_MS);
    await settle();
    assert.equal(mute.cloud.isOpen, true);
    await mute.printer.close();
  });

  it("an account that expired keeps the LAN going", async () => {
    const { lan, cloud, printer } = await printing();
    lan.state(gone());
    await settle();
    cloud.state({ kind: "stopped", reason: new PrintgateError("account-expired", "sign in again") });
    assert.ok(printer.linkState.kind === "waiting");
    assert.equal(printer.linkState.reason.message, "gone; through the cloud: sign in again");
    lan.state({ kind: "connecting", after: null });
    lan.state(live);
    assert.equal(printer.identity.link, "lan");
    lan.report(at(6));
    await settle();
    assert.equal(printer.status.online, true);
    assert.equal(cloud.isOpen, false);
    await printer.close();
  });

  it("a printer whose own line to the cloud is cut is offline, and comes back over either way", async () => {
    const { lan, cloud, printer, onlines } = await printing();
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(at(15));
    cloud.state(gone("the printer is offline"));
    assert.equal(printer.linkState.kind, "waiting");
    assert.deepEqual(onlines, [true, false, true, false]);
    cloud.state(live);
    cloud.report(at(16));
    assert.equal(printer.identity.link, "cloud");
    assert.equal(printer.status.online, true);
    await printer.close();
  });

  it("a restart of the printer that only the cloud tells of closes a gap", async () => {
    const { lan, cloud, printer, names } = await printing();
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(at(5));
    cloud.missed();
    cloud.report(seen({ state: "finished", job: aJob({ progress: 100 }) }));
    await settle();
    assert.deepEqual(names(), ["printer.online", ...FOUND_FINISHED]);
    await printer.close();
  });

  it("commands, questions and warnings go over the way that counts", async () => {
    const { lan, cloud, link, printer, warnings } = await printing();
    assert.deepEqual(await link.send({ name: "pause" }, { signal }), { kind: "done" });
    lan.state(gone());
    await settle();
    await assert.rejects(link.send({ name: "pause" }, { signal }), (error) => isPrintgateError(error, "offline"));
    cloud.state(live);
    await link.send({ name: "resume" }, { signal });
    cloud.report(at(5));
    printer.refresh();
    cloud.warn("from the cloud");
    lan.warn("from the LAN");
    assert.deepEqual([lan.sent, cloud.sent], [[{ name: "pause" }], [{ name: "resume" }]]);
    assert.deepEqual([lan.refreshes, cloud.refreshes], [0, 1]);
    assert.deepEqual(warnings, ["from the cloud", "from the LAN"]);
    await printer.close();
  });

  it("a command that was on its way through the cloud when the LAN came back is left to the reports", async () => {
    const { lan, cloud, link, printer } = await printing();
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(at(5));
    let fail: (error: Error) => void = () => undefined;
    cloud.answer = () => new Promise((_resolve, reject) => (fail = reject));
    const kept = link.send({ name: "pause" }, { signal });
    lan.state(live);
    lan.report(at(5));
    fail(new PrintgateError("link-lost", "closed"));
    assert.deepEqual(await kept, { kind: "unanswered" });

    lan.state(gone());
    await settle();
    cloud.state(live);
    const lost = link.send({ name: "pause" }, { signal });
    fail(new PrintgateError("link-lost", "the cloud hung up"));
    await assert.rejects(lost, /the cloud hung up/);
    await printer.close();
  });

  it("opens the cloud anew only after its last closing is over", async () => {
    const { lan, cloud, printer } = await printing();
    let closed: () => void = () => undefined;
    cloud.close = () => {
      cloud.closes += 1;
      return new Promise((resolve) => (closed = resolve));
    };
    lan.state(gone());
    await settle();
    lan.state(live);
    lan.report(at(6));
    await settle();
    assert.deepEqual([cloud.opens, cloud.closes], [1, 1]);
    lan.state(gone());
    await settle();
    assert.equal(cloud.opens, 1);
    closed();
    await settle();
    assert.equal(cloud.opens, 2);
    const closing = printer.close();
    await settle();
    closed();
    await closing;
    assert.equal(cloud.closes, 2);
  });

  it("closes both in every state and says nothing afterwards", async () => {
    const steps: ((all: Awaited<ReturnType<typeof setUp>>) => void)[] = [
      () => undefined,
      ({ lan }) => {
        lan.state(gone());
      },
      ({ cloud }) => {
        cloud.state(live);
      },
      ({ cloud }) => {
        cloud.report(at(6));
      },
    ];
    for (let reached = 1; reached <= steps.length; reached++) {
      const all = await printing();
      for (const step of steps.slice(0, reached)) {
        step(all);
        await settle();
      }
      await all.printer.close();
      const said = all.links.length;
      assert.deepEqual([all.lan.isOpen, all.cloud.isOpen], [false, false]);
      all.lan.state(live);
      mock.timers.tick(600_000);
      await settle();
      assert.equal(all.links.length, said);
      assert.equal(all.cloud.opens, reached > 1 ? 1 : 0);
    }
  });

  it("closed between the loss of the LAN and the opening of the cloud, it opens nothing", async () => {
    const { lan, cloud, printer } = await printing();
    lan.state(gone());
    await printer.close();
    await settle();
    assert.equal(cloud.opens, 0);
  });

  it("can be opened again after it was closed, and prefers the LAN again", async () => {
    const { lan, cloud, printer, leave } = await printing();
    lan.state(gone());
    await settle();
    cloud.state(live);
    cloud.report(at(6));
    await leave();
    printer.subscribe({});
    await settle();
    assert.deepEqual([lan.isOpen, cloud.isOpen], [true, false]);
    lan.state(live);
    assert.equal(printer.identity.link, "lan");
    await printer.close();
  });
});
