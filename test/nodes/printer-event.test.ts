import assert from "node:assert/strict";
import printerConfig from "../../nodes/printer-config";
import printerEvent from "../../nodes/printer-event";
import { CODES, config, eventNode, FakeHouse, job, observation, SERIAL, tab } from "../support/flows";
import { Inbox, load, settle, startNodeRed, statusOf, stopNodeRed } from "../support/helper";

describe("printer-event", () => {
  let house: FakeHouse;
  const start = async (difference: object = {}, configDifference: object = {}) => {
    await load(
      [house.install, printerConfig, printerEvent],
      [tab, config(configDifference), ...eventNode(difference)],
      CODES,
    );
    await house.opened();
    house.link.state({ kind: "live" });
    house.link.report(observation());
  };

  beforeEach(async () => {
    house = new FakeHouse();
    await startNodeRed();
  });
  afterEach(stopNodeRed);

  it("sends a message for each event, under the event's topic", async () => {
    await start();
    const inbox = new Inbox("told");
    house.link.report(observation({ state: "printing", job: job(0) }));
    const messages = await inbox.next(2);
    assert.deepEqual(
      messages.map(({ topic }) => topic),
      [`printers/${SERIAL}/events/printer.online`, `printers/${SERIAL}/events/print.started`],
    );
    const { payload, printer } = messages[1] as any;
    assert.deepEqual(Object.keys(payload).sort(), [
      ...["alert", "at", "event", "job", "previousState", "reason", "recovered", "state", "value"],
    ]);
    assert.equal(payload.event, "print.started");
    assert.equal(payload.state, "printing");
    assert.equal(payload.previousState, "idle");
    assert.equal(payload.recovered, false);
    assert.equal(payload.job.name, "bracket");
    assert.deepEqual(printer, { id: SERIAL, name: "bench", vendor: "bambu", model: "P1S", link: "lan" });
  });

  it("sends only the events that it was told to", async () => {
    await start({ events: ["door.opened"] });
    const inbox = new Inbox("told");
    house.link.report(observation({ door: "closed" }));
    house.link.report(observation({ state: "printing", job: job(0), door: "open" }));
    const [message] = await inbox.next();
    await settle();
    assert.equal((message?.payload as any).event, "door.opened");
    assert.equal(inbox.messages.length, 0);
  });

  it("takes the wanted events from an environment variable", async () => {
    process.env["PRINTGATE_TEST_EVENTS"] = "print.started, print.finished";
    try {
      await start({ events: "${PRINTGATE_TEST_EVENTS}" });
      const inbox = new Inbox("told");
      house.link.report(observation({ state: "printing", job: job(0) }));
      const [message] = await inbox.next();
      assert.equal((message?.payload as any).event, "print.started");
    } finally {
      delete process.env["PRINTGATE_TEST_EVENTS"];
    }
  });

  it("names an event that does not exist below itself", async () => {
    const flow = [tab, config(), ...eventNode({ events: ["print.exploded"] })];
    await load([house.install, printerConfig, printerEvent], flow, CODES);
    assert.deepEqual(statusOf("event1"), { fill: "red", shape: "ring", text: 'events: "print.exploded" is unknown' });
  });

  it("gives each receiver a copy of its own", async () => {
    const second = [
      { id: "event2", z: "tab1", type: "printer-event", printer: "config1", wires: [["told2"]] },
      { id: "told2", z: "tab1", type: "helper" },
    ];
    await load([house.install, printerConfig, printerEvent], [tab, config(), ...eventNode(), ...second], CODES);
    await house.opened();
    const one = new Inbox("told");
    const two = new Inbox("told2");
    house.link.state({ kind: "live" });
    house.link.report(observation());
    house.link.report(observation({ state: "printing", job: job(0) }));
    const [, first] = await one.next(2);
    const [, other] = await two.next(2);
    (first?.payload as any).job.name = "spoilt";
    assert.equal((other?.payload as any).job.name, "bracket");
  });
});
