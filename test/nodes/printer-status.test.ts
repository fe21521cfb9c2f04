import assert from "node:assert/strict";
import printerConfig from "../../nodes/printer-config";
import printerStatus from "../../nodes/printer-status";
import { PrintgateError } from "../../lib/errors";
import { UNKNOWN_STATUS } from "../../lib/printer/status";
import { CODES, config, FakeHouse, job, observation, SERIAL, statusNode, tab } from "../support/flows";
import {
  ask,
  callsOf,
  type Flow,
  Inbox,
  load,
  nodeOf,
  settle,
  startNodeRed,
  statusOf,
  stopNodeRed,
  until,
} from "../support/helper";

describe("printer-status", () => {
  let house: FakeHouse;
  const start = async (...nodes: Flow) => {
    await load([house.install, printerConfig, printerStatus], [tab, config(), ...nodes], CODES);
    await house.opened();
  };

  beforeEach(async () => {
    house = new FakeHouse();
    await startNodeRed();
  });
  afterEach(stopNodeRed);

  it("sends a message for each change, and says what changed", async () => {
    await start(...statusNode());
    const inbox = new Inbox("got");
    house.link.state({ kind: "live" });
    house.link.report(observation());
    house.link.report(observation());
    house.link.report(observation({ door: "open" }));
    const [first, second] = await inbox.next(2);
    await settle();
    assert.equal(inbox.messages.length, 0);
    assert.equal(first?.topic, `printers/${SERIAL}/status`);
    assert.equal(first["initial"], true);
    assert.deepEqual(first["printer"], { id: SERIAL, name: "bench", vendor: "bambu", model: "P1S", link: "lan" });
    assert.equal((first.payload as any).state, "idle");
    assert.equal((first.payload as any).online, true);
    assert.deepEqual(second?.["changed"], ["door"]);
    assert.equal(second["initial"], undefined);
    assert.equal("raw" in (second.payload as any), false);
  });

  it("says nothing before it heard the printer's whole state", async () => {
    await start(...statusNode());
    const inbox = new Inbox("got");
    house.link.state({ kind: "live" });
    house.link.report(observation({ door: "open" }, false));
    await settle();
    assert.equal(inbox.messages.length, 0);
  });

  it("answers with what the printer said last", async () => {
    await start(...statusNode());
    house.link.state({ kind: "live" });
    house.link.report(observation({ door: "open" }));
    const answer = await ask("status1");
    assert.equal(answer.sent[0].payload.door, "open");
  });

  it("answers a message with that very message", async () => {
    await start(...statusNode({ emit: "request" }));
    house.link.state({ kind: "live" });
    house.link.report(observation());
    const msg: Record<string, unknown> = { _msgid: "m1", payload: "?", colour: "blue", initial: true };
    const { error, sent } = await ask("status1", msg);
    assert.equal(error, null);
    assert.ok(sent[0] === msg);
    assert.equal(sent[0].colour, "blue");
    assert.equal(sent[0].payload.state, "idle");
    assert.equal(sent[0].initial, true);
    const again = await ask("status1", { ...msg });
    assert.equal("initial" in again.sent[0], false, "a mark of an earlier node is not carried on");
    assert.deepEqual(again.sent[0].changed, []);
  });

  it("answers with everything unknown before the printer reported", async () => {
    await start(...statusNode());
    const { sent } = await ask("status1");
    assert.deepEqual(sent[0].payload, UNKNOWN_STATUS);
    assert.deepEqual(sent[0].printer, { id: SERIAL, name: "bench", vendor: "bambu", model: null, link: null });
  });

  it("sends only when asked with emit request", async () => {
    await start(...statusNode({ emit: "request" }));
    const inbox = new Inbox("got");
    house.link.state({ kind: "live" });
    house.link.report(observation());
    await settle();
    assert.equal(inbox.messages.length, 0);
  });

  it("sends at its interval with emit interval, changed or not", async () => {
    await start(...statusNode({ emit: "interval", interval: "0.1" }));
    const inbox = new Inbox("got");
    house.link.state({ kind: "live" });
    house.link.report(observation());
    const messages = await inbox.next(3);
    assert.deepEqual(messages[2]?.["changed"], []);
  });

  it("holds changes back for minInterval and then sends the last state", async () => {
    await start(...statusNode({ minInterval: "0.2" }));
    const inbox = new Inbox("got");
    house.link.state({ kind: "live" });
    const began = Date.now();
    for (let progress = 0; progress <= 50; progress += 1) {
      house.link.report(observation({ state: "printing", job: job(progress) }));
    }
    const [first, last] = await inbox.next(2);
    assert.equal((first?.payload as any).job.progress, 0);
    assert.equal((last?.payload as any).job.progress, 50);
    assert.ok(Date.now() - began >= 190);
    await settle();
    assert.equal(inbox.messages.length, 0);
  });

  it("sends every change at once with minInterval 0", async () => {
    await start(...statusNode({ minInterval: "0" }));
    const inbox = new Inbox("got");
    house.link.state({ kind: "live" });
    for (let progress = 0; progress < 20; progress += 1) {
      house.link.report(observation({ state: "printing", job: job(progress) }));
    }
    assert.equal((await inbox.next(20)).length, 20);
  });

  it("gives each receiver a copy of its own", async () => {
    await start(
      ...statusNode(),
      { id: "status2", z: "tab1", type: "printer-status", printer: "config1", minInterval: 0, wires: [["got2"]] },
      { id: "got2", z: "tab1", type: "helper" },
    );
    const one = new Inbox("got");
    const two = new Inbox("got2");
    house.link.state({ kind: "live" });
    house.link.report(observation({ job: job(5) }));
    const [first] = await one.next();
    const [second] = await two.next();
    (first?.payload as any).job.name = "spoilt";
    (first as any).printer.name = "spoilt";
    assert.equal((second?.payload as any).job.name, "bracket");
    assert.equal((second as any).printer.name, "bench");
    const { sent } = await ask("status1");
    assert.equal(sent[0].payload.job.name, "bracket");
  });

  it("adds the printer's own words only when asked to", async () => {
    await start(...statusNode({ includeRaw: "true" }));
    house.link.state({ kind: "live" });
    house.link.report(observation());
    const { sent } = await ask("status1");
    assert.deepEqual(sent[0].payload.raw, { print: { gcode_state: "IDLE" } });
  });

  it("takes the text false for false", async () => {
    await start(...statusNode({ includeRaw: "false" }));
    house.link.state({ kind: "live" });
    house.link.report(observation());
    const { sent } = await ask("status1");
    assert.equal("raw" in sent[0].payload, false);
  });

  it("shows the printer's state below itself, and sends a status only when it differs", async () => {
    await start(...statusNode());
    assert.deepEqual(statusOf("status1"), { fill: "yellow", shape: "ring", text: "printer-config.status.connecting" });
    house.link.state({ kind: "live" });
    for (let count = 0; count < 5; count += 1) house.link.report(observation({ state: "printing" }));
    assert.deepEqual(statusOf("status1"), { fill: "green", shape: "dot", text: "printer-config.status.printing" });
    assert.equal(callsOf("status1", "status").length, 3, "connecting, waiting for a report, printing");
  });

  it("shows why there is no connection", async () => {
    await start(...statusNode());
    const reason = new PrintgateError("access-refused", "the printer refused the access code");
    house.link.state({ kind: "stopped", reason });
    assert.deepEqual(statusOf("status1"), {
      fill: "red",
      shape: "ring",
      text: "printer-config.trouble.access-refused",
    });
  });

  it("keeps the last values, with online false, when the connection is lost", async () => {
    await start(...statusNode());
    const inbox = new Inbox("got");
    house.link.state({ kind: "live" });
    house.link.report(observation({ state: "printing" }));
    await inbox.next();
    house.link.state({ kind: "waiting", reason: new PrintgateError("link-lost", "gone"), retryInMs: 1000 });
    const [message] = await inbox.next();
    assert.deepEqual(message?.["changed"], ["online"]);
    assert.equal((message.payload as any).state, "printing");
  });

  describe("with an unusable configuration", () => {
    const cases: [string, Flow, object, string][] = [
      ["no printer", [...statusNode({ printer: "" })], CODES, "no printer selected"],
      [
        "a printer that is gone",
        [...statusNode({ printer: "nowhere" })],
        CODES,
        "the printer configuration is missing or disabled",
      ],
      ["no access code", [config(), ...statusNode()], {}, "no access code"],
      [
        "an unset variable",
        [config({ host: "${NO_HOST}" }), ...statusNode()],
        CODES,
        "environment variable NO_HOST is not set",
      ],
      [
        "an unset variable for the access code",
        [config(), ...statusNode()],
        { config1: { accessCode: "${NO_CODE}" } },
        "environment variable NO_CODE is not set",
      ],
      [
        "a connection of a later release",
        [config({ connection: "relay" }), ...statusNode()],
        CODES,
        'connection "relay" is not supported by this version',
      ],
      [
        "a serial that can not stand in a topic",
        [config({ serial: "a/b" }), ...statusNode()],
        CODES,
        "serial must not hold /, +, # or spaces",
      ],
    ];
    for (const [what, flow, credentials, words] of cases) {
      it(`shows ${what} with a red ring and ends an input with the same words`, async () => {
        await load([house.install, printerConfig, printerStatus], [tab, ...flow], credentials);
        assert.deepEqual(statusOf("status1"), { fill: "red", shape: "ring", text: words });
        const { error, sent } = await ask("status1");
        assert.ok(error instanceof PrintgateError);
        assert.equal(error.message, words);
        assert.deepEqual(sent, []);
        assert.equal(house.links.length, 0);
      });
    }
  });

  it("leaves the printer when it closes, and the last one closes the connection", async () => {
    await start(...statusNode());
    const closed = house.link;
    await nodeOf("status1").close(false);
    await until(() => closed.closes === 1);
    assert.equal(closed.isOpen, false);
  });
});
