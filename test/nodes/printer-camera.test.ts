import assert from "node:assert/strict";
import { PrintgateError } from "../../lib/errors";
import { CAMERA_PICTURE } from "../../lib/simulator/printer/camera-picture";
import { startVirtualPrinter, type VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import printerCamera from "../../nodes/printer-camera";
import printerConfig from "../../nodes/printer-config";
import { config, SERIAL, tab } from "../support/flows";
import { ask, callsOf, type Flow, Inbox, load, nodeOf, startNodeRed, statusOf, stopNodeRed } from "../support/helper";
import { codesFor, configFor, lanHouse } from "../support/lan-house";
import { freePort } from "../support/ports";
import { until } from "../support/wait";

const CODE = "87654321";

const camera = (difference: object = {}): Flow => [
  { id: "camera1", z: "tab1", type: "printer-camera", printer: "config1", wires: [["got"]], ...difference },
  { id: "got", z: "tab1", type: "helper" },
];

describe("printer-camera", () => {
  let machine: VirtualPrinter;
  let house: ReturnType<typeof lanHouse>;
  const nodes = () => [house.install, printerConfig, printerCamera];
  const start = (difference: object = {}, printer: object = {}): Promise<void> =>
    load(nodes(), [tab, configFor(machine, printer), ...camera(difference)], codesFor(machine));
  const shown = () => statusOf("camera1") as { fill: string; shape: string; text: string };
  const refusal = async (): Promise<PrintgateError> => {
    const { error, sent } = await ask("camera1");
    assert.ok(error instanceof PrintgateError, String(error));
    assert.deepEqual(sent, []);
    assert.deepEqual(shown(), { fill: "red", shape: "ring", text: error.message });
    return error;
  };

  beforeEach(async () => {
    house = lanHouse();
    const identity = { model: "P1S", serial: SERIAL, accessCode: CODE };
    machine = await startVirtualPrinter({ ...identity, reportIntervalMs: 50 });
    await startNodeRed();
  });
  afterEach(async () => {
    await stopNodeRed();
    await house.close();
    await machine.close();
  });

  it("answers with a picture right after a deploy, all alone in its flow", async () => {
    await start();
    const msg = { _msgid: "m1", payload: "?", topic: "a notification", colour: "blue" };
    const { error, sent } = await ask("camera1", msg);
    assert.equal(error, null);
    assert.equal(sent.length, 1);
    assert.ok(sent[0] === msg, "the very message");
    const { payload, ...others } = sent[0];
    assert.ok(Buffer.isBuffer(payload));
    assert.deepEqual(payload, CAMERA_PICTURE);
    assert.deepEqual(others, {
      ...{ _msgid: "m1", colour: "blue", topic: `printers/${SERIAL}/camera`, contentType: "image/jpeg" },
      printer: { id: SERIAL, name: "bench", vendor: "bambu", model: "P1S", link: "lan" },
    });
    assert.deepEqual(shown(), { fill: "green", shape: "dot", text: "printer-camera.status.taken" });
    await until("the camera is free again", () => machine.doors.watchers === 0);
  });

  it("takes one picture for twenty messages that come at once, of two nodes", async () => {
    const second = { id: "camera2", z: "tab1", type: "printer-camera", printer: "config1", wires: [["got"]] };
    await load(nodes(), [tab, configFor(machine), ...camera(), second], codesFor(machine));
    await ask("camera1");
    machine.doors.cameraFault = "slow";
    const before = machine.doors.welcomed;
    const inbox = new Inbox("got");
    for (let count = 0; count < 20; count += 1) nodeOf(count % 2 === 0 ? "camera1" : "camera2").receive({ count });
    const messages = await inbox.next(20);
    assert.equal(machine.doors.welcomed - before, 1);
    for (const { payload } of messages) assert.deepEqual(payload, CAMERA_PICTURE);
    (messages[0]?.payload as Buffer).fill(0);
    assert.deepEqual(messages[1]?.payload, CAMERA_PICTURE);
  });

  it("says in words what the camera did instead, and takes the next picture", async () => {
    await start({ timeout: "2" });
    await ask("camera1");
    machine.doors.cameraFault = "silent";
    assert.equal((await refusal()).code, "timeout");
    machine.doors.cameraFault = "garbage";
    assert.match((await refusal()).message, /no whole picture/);
    machine.doors.cameraFault = "none";
    const { sent } = await ask("camera1");
    assert.deepEqual(sent[0].payload, CAMERA_PICTURE);
  });

  it("says why there is no connection: at once where it stays so, else when the time is over", async () => {
    await load(nodes(), [tab, configFor(machine), ...camera()], { config1: { accessCode: "00000000" } });
    const refused = await refusal();
    assert.equal(refused.code, "access-refused");
    assert.doesNotMatch(refused.message, /00000000/);
    await stopNodeRed();
    await startNodeRed();
    await start({ timeout: "1" }, { port: String(await freePort()) });
    const offline = await refusal();
    assert.equal(offline.code, "offline");
    assert.match(offline.message, /^there is no connection to the printer: /);
  });

  it("waits for a printer that comes back within the time", async () => {
    await start();
    await until("it is connected", () => shown().fill === "grey");
    machine.dropLinks();
    await until("it is not any more", () => shown().fill === "red");
    const { error, sent } = await ask("camera1");
    assert.equal(error, null);
    assert.deepEqual(sent[0].payload, CAMERA_PICTURE);
  });

  it("shows an unusable configuration with a red ring and ends an input with the same words", async () => {
    const cases: [Flow, object, string][] = [
      [camera({ printer: "" }), {}, "no printer selected"],
      [camera({ timeout: "never" }), {}, "timeout must be a number from 0.1 to 3600"],
      [[config(), ...camera()], {}, "no access code"],
    ];
    for (const [flow, credentials, words] of cases) {
      await load(nodes(), [tab, ...flow], credentials);
      assert.deepEqual(shown(), { fill: "red", shape: "ring", text: words });
      assert.equal((await refusal()).message, words);
      await stopNodeRed();
      await startNodeRed();
    }
  });

  it("that is closed while it waits, or while a picture is on its way, leaves nothing", async () => {
    await start();
    await ask("camera1");
    machine.doors.cameraFault = "silent";
    const inbox = new Inbox("got");
    nodeOf("camera1").receive({});
    await until("the camera is asked", () => machine.doors.watchers === 1);
    await nodeOf("camera1").close(false);
    await until("the camera is free again", () => machine.doors.watchers === 0);
    await until("the printer is free again", () => machine.clients === 0);
    assert.equal(inbox.messages.length, 0);
  });

  it("says the access code nowhere", async () => {
    await start({ timeout: "0.5" });
    const said: unknown[] = [(await ask("camera1")).sent];
    for (const fault of ["garbage", "huge", "half", "silent"] as const) {
      machine.doors.cameraFault = fault;
      said.push((await refusal()).stack);
    }
    said.push(callsOf("camera1", "status"), callsOf("camera1", "warn"), callsOf("camera1", "error"));
    assert.ok(!JSON.stringify(said).includes(CODE));
  });
});
