import assert from "node:assert/strict";
import printerConfig from "../../nodes/printer-config";
import printerEvent from "../../nodes/printer-event";
import printerStatus from "../../nodes/printer-status";
import { CODES, config, eventNode, FakeHouse, job, observation, SERIAL, statusNode, tab } from "../support/flows";
import {
  ask,
  callsOf,
  deploy,
  type Flow,
  Inbox,
  load,
  settle,
  startNodeRed,
  statusOf,
  stopNodeRed,
  until,
} from "../support/helper";
import { ownTime } from "../support/wait";

describe("printer-config", () => {
  let house: FakeHouse;
  const nodes = () => [house.install, printerConfig, printerStatus, printerEvent];
  const second = (difference: object = {}): Flow => [
    config({ id: "config2", name: "the same", ...difference }),
    { id: "status2", z: "tab1", type: "printer-status", printer: "config2", minInterval: 0, wires: [["got2"]] },
    { id: "got2", z: "tab1", type: "helper" },
  ];

  beforeEach(async () => {
    house = new FakeHouse();
    await startNodeRed();
  });
  afterEach(stopNodeRed);

  it("connects once, however many nodes use it", async () => {
    await load(nodes(), [tab, config(), ...statusNode(), ...eventNode()], CODES);
    await house.opened();
    await settle();
    assert.deepEqual([house.links.length, house.link.opens], [1, 1]);
  });

  it("does not connect while nobody uses it", async () => {
    await load(nodes(), [tab, config()], CODES);
    await settle();
    assert.equal(house.links.length, 0);
  });

  it("shares one connection with another configuration of the same serial, in any case of letters", async () => {
    await load(nodes(), [tab, config(), ...statusNode(), ...second({ serial: SERIAL.toLowerCase() })], CODES);
    await house.opened();
    const inboxes = [new Inbox("got"), new Inbox("got2")];
    house.link.state({ kind: "live" });
    house.link.report(observation());
    for (const inbox of inboxes) assert.equal((await inbox.next()).length, 1);
    assert.equal(house.links.length, 1);
  });

  describe("when another configuration has the same serial but differs", () => {
    const words = (what: string) => `"bench" already uses serial ${SERIAL} with another ${what}`;

    it("is not used, and its nodes say in what it differs", async () => {
      const flow = [tab, config(), ...statusNode(), ...second({ host: "192.0.2.99", port: "8884" })];
      await load(nodes(), flow, CODES);
      await house.opened();
      assert.deepEqual(statusOf("status2"), { fill: "red", shape: "ring", text: words("host, port") });
      assert.equal(house.links.length, 1);
      assert.equal(house.settings[0]?.host, "192.0.2.10");
      const { error } = await ask("status2");
      assert.equal((error as Error).message, words("host, port"));
      assert.deepEqual((await ask("status1")).error, null);
    });

    it("never shows the access codes that differ", async () => {
      await load(nodes(), [tab, config(), ...statusNode(), ...second()], {
        ...CODES,
        config2: { accessCode: "87654321" },
      });
      await house.opened();
      assert.deepEqual(statusOf("status2"), { fill: "red", shape: "ring", text: words("access code") });
      assert.deepEqual(callsOf("config2", "warn"), [words("access code")]);
    });

    it("takes over when the first one goes", async () => {
      const other = second({ host: "192.0.2.99" });
      await load(nodes(), [tab, config(), ...statusNode(), ...other], CODES);
      const first = await house.opened();
      await deploy([tab, ...other], "nodes", CODES);
      await house.opened(2);
      assert.equal(first.isOpen, false);
      assert.equal(house.settings[1]?.host, "192.0.2.99");
      assert.equal((await ask("status2")).error, null);
      assert.deepEqual(statusOf("status2"), {
        fill: "yellow",
        shape: "ring",
        text: "printer-config.status.connecting",
      });
    });

    it("stays second while the first one is edited", async () => {
      const other = second({ host: "192.0.2.99" });
      await load(nodes(), [tab, config(), ...statusNode(), ...other], CODES);
      await house.opened();
      await deploy([tab, config({ host: "192.0.2.11" }), ...statusNode(), ...other], "nodes", CODES);
      await house.opened(2);
      assert.deepEqual(
        house.settings.map(({ host }) => host),
        ["192.0.2.10", "192.0.2.11"],
      );
      assert.equal(((await ask("status2")).error as Error).message, words("host"));
    });
  });

  describe("on a deploy", () => {
    it("keeps the connection when a node that uses it is changed, even the only one", async () => {
      await load(nodes(), [tab, config(), ...statusNode()], CODES);
      const link = await house.opened();
      link.state({ kind: "live" });
      link.report(observation());
      await deploy([tab, config(), ...statusNode({ name: "renamed" })], "nodes", CODES);
      await settle();
      assert.deepEqual([house.links.length, link.opens, link.closes], [1, 1, 0]);
      const { sent } = await ask("status1");
      assert.equal(sent[0].payload.online, true);
    });

    it("tells a changed node what is known, as its first message", async () => {
      await load(nodes(), [tab, config(), ...statusNode()], CODES);
      const link = await house.opened();
      link.state({ kind: "live" });
      link.report(observation());
      await deploy([tab, config(), ...statusNode({ name: "renamed" })], "nodes", CODES);
      assert.equal((await ask("status1")).sent[0].initial, undefined, "the first message was sent by itself");
    });

    it("closes the connection when the last node that uses it is removed", async () => {
      await load(nodes(), [tab, config(), ...statusNode()], CODES);
      const link = await house.opened();
      await deploy([tab, config()], "nodes", CODES);
      await until(() => !link.isOpen);
    });

    it("closes the connection with a full deploy and opens a new one after it", async () => {
      await load(nodes(), [tab, config(), ...statusNode()], CODES);
      const link = await house.opened();
      await deploy([tab, config(), ...statusNode()], "full", CODES);
      await house.opened(2);
      assert.deepEqual([link.opens, link.closes], [1, 1]);
    });

    it("connects anew with changed settings", async () => {
      await load(nodes(), [tab, config(), ...statusNode()], CODES);
      const link = await house.opened();
      await deploy([tab, config({ host: "192.0.2.20" }), ...statusNode()], "nodes", CODES);
      await house.opened(2);
      assert.equal(link.isOpen, false);
      assert.equal(house.settings[1]?.host, "192.0.2.20");
    });

    it("keeps an event that falls into it for the node that is being exchanged", async () => {
      await load(nodes(), [tab, config(), ...eventNode()], CODES);
      const link = await house.opened();
      link.state({ kind: "live" });
      link.report(observation());
      await until(() => house.memory.saves.length > 0);
      const deployed = deploy([tab, config(), ...eventNode({ name: "renamed" })], "nodes", CODES);
      link.report(observation({ state: "printing", job: job(0) }));
      await deployed;
      const sent = (): any[] => callsOf("event1", "send");
      await until(() => sent().some(({ payload }) => payload.event === "print.started"));
      assert.equal(sent().filter(({ payload }) => payload.event === "print.started").length, 1);
    });
  });

  it("gives a simulated printer without a serial an invented one that stays", async () => {
    const flow = [tab, config({ connection: "simulated", serial: "" }), ...statusNode()];
    await load(nodes(), flow);
    await house.opened();
    await deploy(flow, "full");
    await house.opened(2);
    const [id, later] = house.settings.map((settings) => settings.id);
    assert.match(id ?? "", /^SIM-[0-9A-F]{8}$/);
    assert.equal(later, id);
    assert.equal((await ask("status1")).sent[0].topic, `printers/${id ?? ""}/status`);
  });

  it("replaces environment variables, also in the access code", async () => {
    Object.assign(process.env, { PG_HOST: "192.0.2.77", PG_PORT: "8999", PG_CODE: "24681357" });
    try {
      const flow = [tab, config({ host: "${PG_HOST}", port: "${PG_PORT}" }), ...statusNode()];
      await load(nodes(), flow, { config1: { accessCode: "${PG_CODE}" } });
      await house.opened();
      const { host, port, accessCode } = house.settings[0]!;
      assert.deepEqual([host, port, accessCode], ["192.0.2.77", 8999, "24681357"]);
    } finally {
      for (const name of ["PG_HOST", "PG_PORT", "PG_CODE"]) Reflect.deleteProperty(process.env, name);
    }
  });

  it("says in the log once why it can not be used", async () => {
    await load(nodes(), [tab, config(), ...statusNode()]);
    assert.deepEqual(callsOf("config1", "warn"), ["no access code"]);
  });

  it("holds up a deploy for two seconds at most, when a printer does not let go", async () => {
    await load(nodes(), [tab, config(), ...statusNode()], CODES);
    const link = await house.opened();
    let letGo: () => void = () => undefined;
    link.close = () => new Promise((resolve) => (letGo = resolve));
    const began = Date.now();
    const own = await ownTime(() => deploy([tab], "full"));
    assert.ok(Date.now() - began >= 1900 && own < 3000, `took ${own} ms`);
    letGo();
  });
});
