import assert from "node:assert/strict";
import printerCommand from "../../nodes/printer-command";
import printerConfig from "../../nodes/printer-config";
import printerStatus from "../../nodes/printer-status";
import { PrintgateError } from "../../lib/errors";
import type { CommandReply } from "../../lib/printer/link";
import type { PrinterStatus } from "../../lib/printer/status";
import { through } from "../support/auth-flows";
import { CODES, config, FakeHouse, observation, SERIAL, statusNode, tab } from "../support/flows";
import {
  ask,
  callsOf,
  deploy,
  type Flow,
  load,
  nodeOf,
  settle,
  startNodeRed,
  statusOf,
  stopNodeRed,
  until,
} from "../support/helper";

const topic = (command: string) => `printers/${SERIAL}/commands/${command}`;

const commandNode = (difference: object = {}): Flow[number] => ({
  ...{ id: "command1", z: "tab1", type: "printer-command", printer: "config1", command: "", timeout: "10" },
  wires: [[], [], []],
  ...difference,
});

describe("printer-command", () => {
  let house: FakeHouse;
  const NODES = () => [house.install, printerConfig, printerStatus, printerCommand];

  /** A printer that is in this state, and the node. */
  async function start(difference: object = {}, status: Partial<PrinterStatus> = { state: "printing" }): Promise<void> {
    await load(NODES(), [tab, config(), commandNode(difference)], CODES);
    await house.opened();
    house.link.state({ kind: "live" });
    house.link.report(observation(status));
  }

  beforeEach(async () => {
    house = new FakeHouse();
    await startNodeRed();
  });
  afterEach(stopNodeRed);

  it("opens the connection by itself and answers done with the message that came", async () => {
    await start();
    const sent = { _msgid: "m1", topic: topic("pause"), payload: "", req: { keep: true }, colour: "blue" };
    const { output, msg, error } = await through("command1", sent);
    assert.equal(error, null);
    assert.equal(output, 1);
    assert.ok(msg === sent, "the very message");
    const { payload, printer, ...others } = msg;
    assert.ok(payload.seconds >= 0);
    assert.deepEqual({ ...payload, seconds: 0 }, { command: "pause", confirmed: true, by: "reply", seconds: 0 });
    assert.deepEqual(printer, { id: SERIAL, name: "bench", vendor: "bambu", model: "P1S", link: "lan" });
    assert.deepEqual(others, { _msgid: "m1", topic: topic("pause"), req: { keep: true }, colour: "blue" });
    assert.deepEqual(house.link.sent, [{ name: "pause" }]);
  });

  it("does what it is set to, with the payload as parameter, and gives the answer a topic", async () => {
    await start({ command: "bed-temperature" });
    const { output, msg } = await through("command1", { payload: "60" });
    assert.equal(output, 1);
    assert.equal(msg.topic, topic("bed-temperature"));
    assert.deepEqual(house.link.sent, [{ name: "bed-temperature", target: 60 }]);
  });

  const REFUSED: [string, object, Partial<PrinterStatus>, string | number][] = [
    ["what does not fit the state", { topic: topic("resume") }, { state: "printing" }, "wrong-state"],
    ["a payload that says nothing", { topic: topic("fan"), payload: 1 }, { state: "printing" }, "invalid"],
    ["a message without a command", { payload: 1 }, { state: "printing" }, "invalid"],
    ["another printer's command", { topic: "printers/OTHER/commands/pause" }, { state: "printing" }, "invalid"],
    [
      "a command that the firmware wants signed",
      { topic: topic("pause") },
      { state: "printing", control: { allowed: false, reason: "switch it on" } },
      84033543,
    ],
  ];
  for (const [what, message, status, code] of REFUSED) {
    it(`answers ${what} on its second output, as no error`, async () => {
      await start({}, status);
      const { output, msg, error } = await through("command1", { ...message, colour: "blue" });
      assert.equal(error, null);
      assert.equal(output, 2);
      assert.deepEqual([msg.payload.confirmed, msg.payload.code, msg.colour], [false, code, "blue"]);
      assert.ok(msg.payload.reason.length > 10);
      assert.equal(house.link.sent.length, 0);
    });
  }

  it("says offline at once, and sends nothing when the printer is back", async () => {
    await start();
    house.link.state({ kind: "waiting", reason: new PrintgateError("link-lost", "gone"), retryInMs: 1000 });
    const { output, msg } = await through("command1", { topic: topic("pause") });
    assert.deepEqual([output, msg.payload.code], [2, "offline"]);
    house.link.state({ kind: "live" });
    house.link.report(observation({ state: "printing" }));
    await settle();
    assert.equal(house.link.sent.length, 0);
  });

  it("keeps its time limit", async () => {
    await start({ timeout: "0.1" });
    house.link.answer = () => new Promise(() => undefined);
    const { output, msg } = await through("command1", { topic: topic("pause") });
    assert.deepEqual([output, msg.payload.code], [2, "timeout"]);
  });

  it("tells the progress of an upload on its third output, at most once a second, and its end before the answer", async () => {
    await start({}, { state: "idle" });
    house.link.answer = (_command, options) => {
      for (let sent = 0; sent <= 100; sent += 1) options.progress?.(sent, 100);
      options.leaving?.();
      return Promise.resolve({ kind: "done" });
    };
    const payload = { file: "a.gcode", content: Buffer.from("G28") };
    const { sent, error } = await ask("command1", { _msgid: "m1", topic: topic("print"), payload, req: {} });
    assert.equal(error, null);
    assert.equal(sent.length, 3);
    const [done, refused, progress] = sent[0];
    assert.deepEqual([done, refused], [null, null]);
    assert.deepEqual(progress.payload, { command: "print", sentBytes: 1, totalBytes: 100, percent: 1 });
    assert.deepEqual([progress._msgid, progress.topic, progress.req], ["m1", topic("print"), undefined]);
    assert.deepEqual(sent[1][2].payload, { command: "print", sentBytes: 100, totalBytes: 100, percent: 100 });
    assert.equal(sent[2].payload.confirmed, true);
  });

  it("tells no end of an upload that was refused, and no percent where nobody knows how long it is", async () => {
    await start({}, { state: "idle" });
    house.link.answer = (_command, options) => {
      for (const sent of [10, 20]) options.progress?.(sent, null);
      options.progress?.(20, 20);
      return Promise.resolve({ kind: "refused", code: "refused", reason: "no room" });
    };
    const payload = { file: "a.gcode", content: Buffer.from("G28") };
    const { sent } = await ask("command1", { topic: topic("print"), payload });
    assert.equal(sent.length, 2);
    assert.deepEqual(sent[0][2].payload, { command: "print", sentBytes: 10, totalBytes: null, percent: null });
    assert.equal(sent[1][1].payload.confirmed, false);
  });

  it("shows what it does, what came of it, and then the printer's state again", async () => {
    await start();
    const text = () => (statusOf("command1") as { text: string }).text;
    assert.equal(text(), "printer-config.status.printing");
    let answer: (reply: CommandReply) => void = () => undefined;
    house.link.answer = () => new Promise((resolve) => (answer = resolve));
    const outcome = through("command1", { topic: topic("pause") });
    await until(() => text() === "printer-command.status.sending");
    house.link.report(observation({ state: "printing", door: "open" }));
    assert.equal(text(), "printer-command.status.sending", "a report does not cover it");
    answer({ kind: "refused", code: 5, reason: "no" });
    await outcome;
    assert.deepEqual(statusOf("command1"), { fill: "red", shape: "ring", text: "printer-command.status.refused" });
    house.link.report(observation({ state: "paused" }));
    await until(() => text() === "printer-config.status.paused");
  });

  it("ends what is under way when it is deployed anew, without a word to the old wires", async () => {
    await start();
    house.link.answer = () => new Promise(() => undefined);
    const asked = ask("command1", { topic: topic("pause") });
    await until(() => house.link.sent.length === 1);
    const old = nodeOf("command1");
    await deploy([tab, config(), commandNode({ name: "new" })], "nodes", CODES);
    const { error, sent } = await asked;
    assert.ok(error instanceof PrintgateError && error.code === "link-lost");
    assert.deepEqual(sent, []);
    assert.notEqual(nodeOf("command1"), old);
  });

  it("closes the connection when it was the only one to need it", async () => {
    await start();
    const { link } = house;
    await nodeOf("command1").close(false);
    await until(() => link.closes === 1);
  });

  it("takes hostile messages for what they are, and goes on", async () => {
    await start({ command: "light" }, { state: "idle" });
    const getter = Object.defineProperty({}, "payload", { get: () => assert.fail("it was read"), enumerable: true });
    const hostile: object[] = [
      getter,
      {
        payload: new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error("no");
            },
          },
        ),
      },
      { payload: { node: "__proto__", mode: "on" } },
      { topic: Symbol("x") },
      { topic: topic("light"), payload: "x".repeat(1_000_000) },
      { topic: topic("light"), payload: Object.create({ mode: "on" }) },
    ];
    for (const message of hostile) {
      const { output, error } = await through("command1", message);
      assert.ok(output === 2 || error !== null);
    }
    assert.equal(house.link.sent.length, 0);
    assert.equal((await through("command1", { payload: "on" })).output, 1);
  });

  it("says no access code and nothing of what was sent in any answer, status or log", async () => {
    const secret = "s3cret-s3cret";
    await start({}, { state: "idle" });
    for (const message of [
      { topic: topic("light"), payload: secret },
      { topic: topic("gcode"), payload: [secret] },
    ]) {
      const { msg } = await through("command1", message);
      assert.ok(!JSON.stringify(msg.payload).includes(secret));
    }
    const seen = [...callsOf("command1", "status"), ...callsOf("command1", "warn"), ...callsOf("command1", "error")];
    assert.ok(!JSON.stringify(seen).includes(secret) && !JSON.stringify(seen).includes(CODES.config1.accessCode));
  });

  it("shares the connection with the nodes that listen", async () => {
    await load(NODES(), [tab, config(), commandNode(), ...statusNode()], CODES);
    await house.opened();
    assert.equal(house.links.length, 1);
  });

  for (const [what, flow, words] of [
    ["no printer", [config(), commandNode({ printer: "" })], "no printer selected"],
    ["a command that is none", [config(), commandNode({ command: "explode" })], 'command "explode" is unknown'],
    [
      "a timeout that is none",
      [config(), commandNode({ timeout: "soon" })],
      "timeout must be a number from 0.1 to 3600",
    ],
    ["an unset variable", [config(), commandNode({ command: "${WHAT}" })], "environment variable WHAT is not set"],
  ] as const) {
    it(`shows ${what} with a red ring and ends an input with the same words`, async () => {
      await load(NODES(), [tab, ...flow], CODES);
      assert.deepEqual(statusOf("command1"), { fill: "red", shape: "ring", text: words });
      const { error, sent } = await ask("command1", { topic: topic("pause") });
      assert.ok(error instanceof PrintgateError);
      assert.equal(error.message, words);
      assert.deepEqual(sent, []);
    });
  }
});
