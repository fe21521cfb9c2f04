import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { connectAsync, type MqttClient } from "mqtt";
import type { NodeInitializer } from "node-red";
import { COMMAND_NAMES } from "../../lib/printer/commands";
import printerCommand from "../../nodes/printer-command";
import printerConfig from "../../nodes/printer-config";
import { AUTH_NODES, cheapHash, gate, policy } from "../support/auth-flows";
import { CODES, config, FakeHouse, observation, SERIAL, tab } from "../support/flows";
import { type Flow, Inbox, load, nodeOf, startNodeRed, stopNodeRed, withRed } from "../support/helper";
import { until } from "../support/wait";

const nodeRed = process.env["NODE_RED"] ?? require.resolve("node-red");
const fromNodeRed = createRequire(nodeRed);
const core = (path: string) => fromNodeRed(`@node-red/nodes/core/${path}`) as NodeInitializer;

const topic = (command: string, id = SERIAL) => `printers/${id}/commands/${command}`;
const HEATS = ["bed-temperature", "nozzle-temperature", "chamber-temperature", "gcode", "home", "print", "ams-dry"];
const PARAMETERS: Record<string, string> = { "bed-temperature": "60", gcode: "M104 S220", "nozzle-temperature": "220" };

/** Amy may do everything; gus may look and, where a test says so, pause. */
const RULES = [
  { effect: "allow", actions: ["pub"], topics: ["printers/+/commands/+"], who: { userId: "amy" } },
  { effect: "allow", actions: ["pub", "sub"], topics: [`printers/${SERIAL}/status`], who: { userId: "gus" } },
  { effect: "allow", actions: ["sub"], topics: ["printers/#"], who: { userId: "gus" } },
  { effect: "allow", actions: ["pub"], topics: [topic("pause")], who: { userId: "gus" } },
  { effect: "allow", actions: ["conn"], topics: ["#"], who: { userId: "gus" } },
];
const USERS = ["amy", "gus"].map((username) => ({
  ...{ username, passwordHash: cheapHash("open sesame"), tenantId: "home", userId: username },
}));
const SECRETS = { ...CODES, policy1: { users: JSON.stringify(USERS) } };
const client = (userId: string) => ({ tenantId: "home", type: "flow", metadata: { userId } });

/** What a user wires: entrance, gate, printer-command; no function node in between. */
const FLOW: Flow = [
  tab,
  config(),
  policy({ rules: RULES }),
  ...gate({ wires: [["command1"], ["denied", "forbidden"], ["error"]] }),
  {
    ...{ id: "command1", z: "tab1", type: "printer-command", printer: "config1", command: "", timeout: "30" },
    wires: [["done", "out"], ["refused", "out"], []],
  },
  ...["done", "refused"].map((id) => ({ id, z: "tab1", type: "helper" })),
];

describe("a permission gate before a printer-command", () => {
  let house: FakeHouse;
  const toClose: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    house = new FakeHouse();
    await startNodeRed();
  });
  afterEach(async () => {
    await stopNodeRed();
    for (const close of toClose.splice(0).reverse()) await close();
  });

  async function start(flow: Flow, nodes: NodeInitializer[] = []): Promise<void> {
    await load([house.install, ...AUTH_NODES, printerConfig, printerCommand, ...nodes], [...FLOW, ...flow], SECRETS);
    await house.opened();
    house.link.state({ kind: "live" });
    house.link.report(observation({ state: "printing" }));
  }

  const sent = () => house.link.sent.map(({ name }) => name);

  /** Where the message ended, and how. */
  async function give(msg: object): Promise<{ at: string; payload: any }> {
    const boxes = ["done", "refused", "denied", "error"].map((id) => ({ id, inbox: new Inbox(id) }));
    nodeOf("gate1").receive(msg);
    let at: (typeof boxes)[number] | undefined;
    await until(
      "the message arrived somewhere",
      () => (at = boxes.find(({ inbox }) => inbox.messages.length > 0)) !== undefined,
    );
    return { at: at?.id ?? "", payload: at?.inbox.messages[0]?.payload };
  }

  describe("from a dashboard or an inject", () => {
    it("lets amy do what gus may not", async () => {
      await start([]);
      const msg = { topic: topic("bed-temperature"), payload: 60 };
      assert.equal((await give({ ...msg, client: client("gus") })).at, "denied");
      assert.deepEqual(sent(), []);
      assert.equal((await give({ ...msg, client: client("amy") })).at, "done");
      assert.deepEqual(sent(), ["bed-temperature"]);
    });

    it("keeps a status-only client from every command but the one he may", async () => {
      await start([]);
      for (const command of COMMAND_NAMES) {
        const { at } = await give({ topic: topic(command), payload: PARAMETERS[command] ?? "", client: client("gus") });
        assert.equal(at, command === "pause" ? "done" : "denied", command);
      }
      assert.deepEqual(sent(), ["pause"]);
    });

    const status = `printers/${SERIAL}/status`;
    const TRICKS: ["refused" | "denied", string, object][] = [
      ["refused", "a granted topic and another msg.command", { topic: topic("pause"), command: "gcode" }],
      ["refused", "a status topic and a msg.command", { topic: status, command: "gcode" }],
      ["denied", "no topic and a msg.command", { command: "gcode" }],
      ["refused", "a subscription to the command", { topic: topic("gcode"), action: "subscribe" }],
      ["refused", "a subscription to everything", { topic: "printers/#", action: "subscribe", command: "gcode" }],
      ["denied", "the end of a subscription", { topic: topic("gcode"), action: "unsubscribe" }],
      ["refused", "a connect", { topic: topic("gcode"), action: "connect" }],
      ["refused", "a list of subscriptions", { topic: [topic("gcode")], action: "subscribe", command: "gcode" }],
      ["denied", "a list of topics", { topic: [topic("pause"), topic("gcode")] }],
      ["denied", "another printer", { topic: topic("pause", "01P00A000000002") }],
      ["denied", "the printer in lower case", { topic: topic("pause", SERIAL.toLowerCase()) }],
      ["denied", "the command in upper case", { topic: topic("GCODE") }],
      ["denied", "a topic in upper case", { topic: topic("gcode").toUpperCase() }],
      ["denied", "a dotted way", { topic: `printers/${SERIAL}/./commands/gcode` }],
      ["denied", "a way up", { topic: `printers/${SERIAL}/commands/pause/../gcode` }],
      ["denied", "a wildcard", { topic: `printers/${SERIAL}/commands/+` }],
      ["denied", "a letter that only looks the same", { topic: topic("gcоde") }],
      ["denied", "a trailing slash", { topic: `${topic("pause")}/` }],
      ["denied", "a leading slash", { topic: `/${topic("pause")}` }],
      [
        "denied",
        "a verdict that he brought himself",
        { topic: topic("gcode"), auth: { result: "granted", action: "pub", topic: topic("gcode") } },
      ],
      ["denied", "an action that is no text", { topic: topic("gcode"), action: { toString: () => "subscribe" } }],
    ];
    for (const [end, what, trick] of TRICKS) {
      it(`is not deceived by ${what}`, async () => {
        await start([]);
        const { at } = await give({ payload: "M104 S220", ...trick, client: client("gus") });
        // "refused" = the gate has let it through, as it should, and printer-command was not deceived.
        assert.equal(at, end);
        assert.deepEqual(sent(), []);
      });
    }

    it("is not deceived by a topic that says something else the second time", async () => {
      await start([]);
      for (const key of ["topic", "command", "action"]) {
        let reads = 0;
        const words = key === "action" ? ["publish", "subscribe"] : [topic("pause"), topic("gcode")];
        const msg = Object.defineProperty({ payload: "M104 S220", client: client("gus") }, key, {
          get: () => words[Math.min(reads++, 1)],
          enumerable: true,
          configurable: true,
        });
        // The gate hands on the very message, as it does inside a flow.
        const { at } = await give(key === "topic" ? msg : Object.assign(msg, { topic: topic("pause") }));
        assert.ok(!sent().includes("gcode"), `${key}, which ended at ${at}`);
      }
    });
  });

  it("from http in: who may, gets the outcome as the answer; who may not, a refusal", async () => {
    let url = "";
    const web = withRed((RED) => {
      const server: Server = createServer(RED.httpNode as unknown as Parameters<typeof createServer>[1]);
      server.listen(0, "127.0.0.1", () => {
        url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      });
      toClose.push(() => new Promise((resolve) => server.close(resolve)));
    });
    const set = (p: string, to: string) => ({ t: "set", p, pt: "msg", to, tot: "jsonata" });
    await start(
      [
        {
          ...{ id: "in", z: "tab1", type: "http in", url: "/printers/:id/commands/:command", method: "post" },
          wires: [["name"]],
        },
        {
          ...{ id: "name", z: "tab1", type: "change", wires: [["login1"]] },
          rules: [set("topic", '"printers/" & req.params.id & "/commands/" & req.params.command')],
        },
        {
          ...{ id: "login1", z: "tab1", type: "auth-login", policy: "policy1", method: "http" },
          wires: [["gate1"], ["out"], []],
        },
        { id: "out", z: "tab1", type: "http response", statusCode: "", wires: [] },
        {
          ...{ id: "forbidden", z: "tab1", type: "change", wires: [["out"]] },
          rules: [
            { t: "set", p: "statusCode", pt: "msg", to: "403", tot: "num" },
            { t: "set", p: "payload", pt: "msg", to: "auth", tot: "msg" },
          ],
        },
      ],
      [web, core("network/21-httpin.js"), core("function/15-change.js")],
    );
    await until("the web server listens", () => url !== "");
    const post = async (user: string, path: string, body: string) => {
      const authorization = `Basic ${Buffer.from(`${user}:open sesame`).toString("base64")}`;
      const headers = { authorization, "content-type": "text/plain" };
      const response = await fetch(`${url}/${path}`, { method: "POST", headers, body });
      return { status: response.status, answer: await response.text() };
    };
    const pause = await post("gus", topic("pause"), "");
    assert.equal(pause.status, 200);
    assert.match(pause.answer, /"confirmed":true/);
    for (const command of HEATS) {
      const { status, answer } = await post("gus", topic(command), "M104 S220");
      assert.deepEqual([status, JSON.parse(answer).result], [403, "denied"], command);
    }
    for (const path of [
      topic("Gcode"),
      topic("pause%2F..%2Fgcode"),
      topic("gcode?command=pause"),
      topic("gcode", "%2B"),
    ])
      assert.notEqual((await post("gus", path, "M104 S220")).status, 200, path);
    assert.deepEqual(sent(), ["pause"]);
    const heat = await post("amy", topic("bed-temperature"), "60");
    assert.match(heat.answer, /"command":"bed-temperature","confirmed":true/);
    assert.deepEqual(sent(), ["pause", "bed-temperature"]);
  });

  it("from mqtt in: a broker's message is judged by its own topic", async () => {
    const { Aedes } = await import("aedes");
    const aedes = await Aedes.createBroker();
    const server = createTcpServer((socket) => {
      aedes.handle(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const clients: MqttClient[] = [];
    toClose.push(async () => {
      await Promise.all(clients.map((one) => one.endAsync(true)));
      await new Promise<void>((resolve) => {
        aedes.close(resolve);
      });
      await new Promise((resolve) => server.close(resolve));
    });
    await start(
      [
        {
          ...{ id: "broker1", type: "mqtt-broker", broker: "127.0.0.1", port: String(port), clientid: "house" },
          ...{ autoConnect: true, usetls: false, protocolVersion: "4", keepalive: "60", cleansession: true },
        },
        {
          ...{
            id: "in",
            z: "tab1",
            type: "mqtt in",
            topic: "printers/+/commands/+",
            qos: "0",
            datatype: "auto-detect",
          },
          ...{ broker: "broker1", nl: false, rap: true, rh: 0, inputs: 0, wires: [["who"]] },
        },
        {
          ...{ id: "who", z: "tab1", type: "change", wires: [["gate1"]] },
          rules: [{ t: "set", p: "client", pt: "msg", to: JSON.stringify(client("gus")), tot: "json" }],
        },
      ],
      [core("network/10-mqtt.js"), core("function/15-change.js")],
    );
    const denied = new Inbox("denied");
    const done = new Inbox("done");
    const guest = await connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: "guest", reconnectPeriod: 0 });
    clients.push(guest);
    await until("Node-RED listens at the broker", async () => {
      await guest.publishAsync(topic("home"), "are you there?");
      return denied.messages.length > 0;
    });
    for (const command of HEATS)
      await guest.publishAsync(topic(command), JSON.stringify({ command: "pause", topic: topic("pause") }));
    await guest.publishAsync(topic("pause"), "");
    const [paused] = await done.next(1);
    assert.equal((paused?.payload as { confirmed: boolean }).confirmed, true);
    assert.ok(denied.messages.length > HEATS.length);
    assert.deepEqual(sent(), ["pause"]);
  });
});
