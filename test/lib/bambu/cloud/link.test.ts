import assert from "node:assert/strict";
import { mock } from "node:test";
import { isPrintgateError, PrintgateError } from "../../../../lib/errors";
import type { CloudHub, HubMember } from "../../../../lib/bambu/cloud/hub";
import { bambuCloud } from "../../../../lib/bambu/cloud/link";
import { withAccount } from "../../../../lib/bambu/cloud/with-account";
import type { AccountListener, BambuAccount } from "../../../../lib/bambu/cloud/types";
import type { Notice } from "../../../../lib/printer/link";
import { FakeLink } from "../../../support/fake-link";
import { LinkLog } from "../../../support/link-log";

const SERIAL = "01P00A000000001";

/** A hub that does what the test says. */
class FakeHub implements CloudHub {
  member: HubMember | null = null;
  joins = 0;
  leaves = 0;
  readonly commands: string[] = [];

  join(member: HubMember) {
    this.member = member;
    this.joins += 1;
    return {
      publish: (frame: string) => {
        const [body] = Object.values(JSON.parse(frame) as Record<string, { command: string; sequence_id: string }>);
        this.commands.push(body?.command ?? "");
        if (body?.command === "get_version") this.question = body.sequence_id;
        return true;
      },
      leave: () => {
        if (this.member === member) this.member = null;
        this.leaves += 1;
        return Promise.resolve();
      },
    };
  }
  private question = "";

  answer(): void {
    const module = [{ name: "ota", sw_ver: "01.08.02.00", product_name: "P1S" }];
    this.say({ info: { command: "get_version", sequence_id: this.question, module } });
  }
  say(frame: object): void {
    this.member?.message(Buffer.from(JSON.stringify(frame)));
  }
  full(state = "IDLE"): void {
    this.say({ print: { command: "push_status", msg: 0, gcode_state: state } });
  }
  delta(): void {
    this.say({ print: { command: "push_status", msg: 1, bed_temper: 20 } });
  }
  presence(word: "connected" | "disconnected"): void {
    this.say({ event: { event: `client.${word}`, sequence_id: "0" } });
  }
}

class Log extends LinkLog {
  gaps = 0;
  missed(): void {
    this.gaps += 1;
  }
}

describe("a printer through the cloud", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2026, 0, 1) });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  function setUp() {
    const hub = new FakeHub();
    const link = bambuCloud({ serial: SERIAL, hub, staleAfterMs: 60_000, backoff: (failures) => failures * 1000 });
    const log = new Log(link);
    assert.equal(log.states.length + hub.joins, 0, "nothing is told in the same turn");
    mock.timers.tick(0);
    return { hub, link, log };
  }
  /** Subscribed to, and heard. */
  function heard() {
    const all = setUp();
    all.hub.member?.state({ kind: "connecting", after: null });
    all.hub.member?.joined();
    all.hub.answer();
    all.hub.full();
    return all;
  }

  it("asks for versions and the whole state when it is in", async () => {
    const { hub, link, log } = heard();
    assert.deepEqual(hub.commands, ["get_version", "pushall"]);
    assert.deepEqual(
      log.states.map(({ kind }) => kind),
      ["connecting", "live"],
    );
    assert.equal(log.last?.complete, true);
    assert.equal(link.name, "cloud");
    await link.close();
    assert.deepEqual([hub.joins, hub.leaves], [1, 1]);
  });

  it("waits while the cloud says that the printer is offline, and asks for everything when it is back", async () => {
    const { hub, link, log } = heard();
    hub.presence("disconnected");
    hub.presence("disconnected");
    assert.equal(log.now, "waiting");
    assert.match(log.reasons.at(-1) ?? "", /the cloud says that 01P00A000000001 is offline/);
    // A printer that is off is nothing to ask on about.
    mock.timers.tick(3_600_000);
    assert.equal(hub.commands.length, 2);
    await assert.rejects(link.send({ name: "pause" }, { signal: new AbortController().signal }), (error) =>
      isPrintgateError(error, "offline"),
    );
    hub.presence("connected");
    assert.equal(log.now, "live");
    hub.answer();
    assert.equal(hub.commands.filter((command) => command === "pushall").length, 2);
    hub.delta();
    assert.equal(log.last?.complete, false);
    hub.full();
    assert.equal(log.last.complete, true);
    assert.deepEqual(
      log.states.map(({ kind }) => kind),
      ["connecting", "live", "waiting", "live"],
    );
    await link.close();
  });

  it("a printer that reports is there, whatever the cloud said", async () => {
    const { hub, link, log } = heard();
    hub.presence("disconnected");
    hub.delta();
    assert.equal(log.now, "live");
    assert.equal(log.last?.complete, false);
    hub.answer();
    assert.equal(hub.commands.filter((command) => command === "pushall").length, 2);
    await link.close();
  });

  it("what was under way before the printer answered is old, and dropped", async () => {
    const { hub, link, log } = setUp();
    hub.member?.joined();
    hub.full("RUNNING");
    hub.full("RUNNING");
    assert.deepEqual([log.now, log.reports.length], ["live", 0]);
    hub.answer();
    assert.equal(log.reports.length, 0);
    hub.full("FINISH");
    assert.deepEqual([log.last?.status.state, log.last?.complete], ["finished", true]);
    await link.close();
  });

  it("a printer that does not answer the first question is asked for its state all the same", async () => {
    const { hub, link, log } = setUp();
    hub.member?.joined();
    assert.deepEqual(hub.commands, ["get_version"]);
    // Sooner than an absence is told: otherwise each change of the way would look like one.
    mock.timers.tick(2500);
    assert.deepEqual(hub.commands, ["get_version", "pushall"]);
    hub.full();
    assert.equal(log.last?.complete, true);
    await link.close();
  });

  it("what a printer said that answers no question at all counts in the end", async () => {
    const { hub, link, log } = setUp();
    hub.member?.joined();
    hub.full("RUNNING");
    mock.timers.tick(2500);
    assert.equal(log.reports.length, 0);
    mock.timers.tick(5000);
    assert.deepEqual([log.last?.status.state, log.last?.complete], ["printing", true]);
    await link.close();
  });

  it("a printer that connects without having gone has missed something", async () => {
    const { hub, link, log } = heard();
    hub.presence("connected");
    assert.equal(log.gaps, 1);
    assert.equal(log.now, "live");
    hub.answer();
    hub.delta();
    assert.equal(log.last?.complete, false);
    assert.equal(hub.commands.filter((command) => command === "pushall").length, 2);
    await link.close();
  });

  it("what the cloud says of the printer before the subscription is confirmed counts from then on", async () => {
    const { hub, link, log } = setUp();
    hub.presence("disconnected");
    assert.equal(log.states.length, 0);
    hub.member?.joined();
    assert.equal(log.now, "waiting");
    hub.member?.state({ kind: "waiting", reason: new PrintgateError("link-lost", "cut"), retryInMs: 1 });
    hub.member?.joined();
    assert.equal(log.now, "live", "the next connection says it itself");
    await link.close();
  });

  it("a printer that was silent for long is heard at its first word, whoever says it", async () => {
    for (const speak of ["report", "presence"] as const) {
      const { hub, link, log } = heard();
      mock.timers.tick(60_000);
      mock.timers.tick(30_000);
      assert.equal(log.now, "waiting");
      if (speak === "report") hub.delta();
      else hub.presence("connected");
      assert.equal(log.now, "live");
      assert.equal(hub.commands.at(-1), "get_version");
      hub.answer();
      hub.full("RUNNING");
      assert.deepEqual([log.last?.status.state, log.last?.complete], ["printing", true]);
      // What it waited for is not due any more.
      mock.timers.tick(2000);
      assert.deepEqual([hub.joins, log.now], [1, "live"]);
      await link.close();
    }
  });

  it("a connection that comes anew while a printer is silent begins anew", async () => {
    const { hub, link, log } = heard();
    mock.timers.tick(60_000);
    mock.timers.tick(30_000);
    assert.equal(log.now, "waiting");
    hub.member?.state({ kind: "connecting", after: null });
    hub.member?.joined();
    assert.equal(log.now, "live");
    mock.timers.tick(2000);
    assert.deepEqual([hub.joins, log.now], [1, "live"]);
    await link.close();
  });

  it("a silent printer is asked to go on, then subscribed to anew, more and more seldom", async () => {
    const { hub, link, log } = heard();
    mock.timers.tick(60_000);
    assert.equal(hub.commands.at(-1), "start");
    mock.timers.tick(30_000);
    assert.equal(log.now, "waiting");
    assert.match(log.reasons.at(-1) ?? "", /sends no reports/);
    assert.deepEqual([hub.joins, hub.leaves], [1, 0]);
    mock.timers.tick(1000);
    assert.deepEqual([hub.joins, hub.leaves], [2, 1]);
    hub.member?.joined();
    hub.answer();
    assert.equal(log.now, "live");
    mock.timers.tick(60_000);
    mock.timers.tick(30_000);
    assert.equal(log.now, "waiting");
    mock.timers.tick(1999);
    assert.equal(hub.joins, 2);
    mock.timers.tick(1);
    assert.equal(hub.joins, 3);
    hub.member?.joined();
    hub.answer();
    hub.full();
    mock.timers.tick(60_000);
    mock.timers.tick(30_000);
    mock.timers.tick(1000);
    assert.equal(hub.joins, 4, "a report begins the count anew");
    assert.equal(log.warnings.length, 3);
    await link.close();
    mock.timers.tick(600_000);
    assert.equal(hub.joins, 4);
  });

  it("hands on why the account's connection is down, each reason once in the log", async () => {
    const { hub, link, log } = heard();
    const reason = new PrintgateError("account-expired", "sign in again");
    hub.member?.state({ kind: "stopped", reason });
    hub.member?.state({ kind: "stopped", reason });
    assert.equal(log.now, "stopped");
    assert.deepEqual(log.warnings, ["sign in again"]);
    hub.member?.state({ kind: "connecting", after: null });
    hub.member?.joined();
    hub.answer();
    hub.delta();
    assert.equal(log.last?.complete, false);
    await link.close();
  });

  it("after it stood in for the LAN and was closed, it knows nothing of what it heard then", async () => {
    const { hub, link } = heard();
    hub.full("RUNNING");
    await link.close();
    const again = new Log(link);
    mock.timers.tick(0);
    hub.member?.joined();
    hub.answer();
    hub.delta();
    assert.equal(again.last?.status.state, "unknown");
    assert.equal(again.last.complete, false);
    mock.timers.tick(5000);
    assert.equal(again.last.complete, false);
    await link.close();
  });

  it("closed before it joined, it never joins; closed while it waits, it says nothing more", async () => {
    const hub = new FakeHub();
    const link = bambuCloud({ serial: SERIAL, hub, staleAfterMs: 60_000 });
    const log = new Log(link);
    await link.close();
    mock.timers.tick(600_000);
    assert.deepEqual([hub.joins, log.states], [0, []]);
    await link.close();
  });
});

describe("a link to a printer of an account", () => {
  function setUp() {
    const listeners = new Set<AccountListener>();
    const renamed: string[] = [];
    const account: Pick<BambuAccount, "subscribe" | "rename"> = {
      subscribe(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      rename(serial, name) {
        if (name === "") return Promise.reject(new PrintgateError("request-invalid", "a name is needed"));
        renamed.push(`${serial} ${name}`);
        return Promise.resolve();
      },
    };
    const inner = new FakeLink();
    const link = withAccount(inner, account, SERIAL);
    const notices: Notice[] = [];
    const listener = {
      state: () => undefined,
      report: () => undefined,
      warn: () => undefined,
      notice: (notice: Notice) => notices.push(notice),
    };
    return { listeners, renamed, inner, link, notices, listener };
  }
  const { signal } = new AbortController();

  it("hears the account's notices while it is open, connected or not", async () => {
    const { listeners, link, notices, listener } = setUp();
    const notice: Notice = { event: "account.expiring", reason: "soon", value: 3 };
    link.open(listener);
    for (const one of listeners) one.notice?.(notice);
    assert.deepEqual(notices, [notice]);
    await link.close();
    assert.equal(listeners.size, 0);
    await link.close();
  });

  it("renames through the account and leaves every other command to the link", async () => {
    const { renamed, inner, link, listener } = setUp();
    link.open(listener);
    assert.deepEqual(await link.send({ name: "rename", to: "attic" }, { signal }), { kind: "done" });
    assert.deepEqual(await link.send({ name: "pause" }, { signal }), { kind: "done" });
    await assert.rejects(link.send({ name: "rename", to: "" }, { signal }), /a name is needed/);
    assert.deepEqual([renamed, inner.sent], [[`${SERIAL} attic`], [{ name: "pause" }]]);
    await link.close();
  });

  it("is the link it wraps in everything else", async () => {
    const { inner, link, listener } = setUp();
    link.open(listener);
    link.refresh();
    link.renew?.();
    assert.deepEqual([link.name, link.vendor, inner.refreshes, inner.renewals], ["lan", "bambu", 1, 1]);
    await link.close();
    assert.equal(inner.closes, 1);
  });
});
