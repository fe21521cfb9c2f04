import assert from "node:assert/strict";
import type { VirtualPrinter } from "../../../../lib/simulator/printer/virtual-printer";
import type { VirtualCloud } from "../../../../lib/simulator/cloud/virtual-cloud";
import { type Frame, RawClient } from "../../../support/raw-client";
import { Bench, SERIAL, until } from "../fixture";
import { ANNA, ask, BERT, CloudBench } from "./fixture";

const REPORTS = `device/${SERIAL}/report`;
const clouds = new CloudBench();
const printers = new Bench();
const clients: RawClient[] = [];

/** A client that logs in at the cloud and does not subscribe. */
async function login(cloud: VirtualCloud, options: Parameters<typeof RawClient.open>[2] = {}): Promise<RawClient> {
  const port = Number(new URL(cloud.mqttUrl).port);
  const client = await RawClient.open({ port, serial: SERIAL }, cloud.token(ANNA.account), {
    protocol: cloud.mqttUrl.startsWith("mqtts") ? "mqtts" : "mqtt",
    username: `u_${ANNA.uid}`,
    topic: "",
    ...options,
  });
  clients.push(client);
  return client;
}

async function meet(model = "P1S"): Promise<{ cloud: VirtualCloud; printer: VirtualPrinter; client: RawClient }> {
  const cloud = await clouds.cloud();
  const printer = await printers.printer({ model });
  cloud.attach(printer, { user: ANNA.account, name: "Workshop" });
  const client = await login(cloud, { topic: REPORTS });
  return { cloud, printer, client };
}

const presence = (client: RawClient): string[] =>
  client.frames.flatMap(({ event }) => (event === undefined ? [] : [String(event["event"])]));
const isPresence = (word: string) => (frame: Frame) => frame["event"]?.["event"] === word;
/** The codes of a SUBACK, as the client library reports them. */
const granted = (client: RawClient, topic: string): Promise<number> =>
  client.mqtt.subscribeAsync(topic).then(
    ([grant]) => grant?.qos ?? -1,
    () => 128,
  );

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await clouds.clear();
  await printers.clear();
});

describe("the simulated cloud's broker", () => {
  it("lets u_<uid> with a good token in and nobody else (CONNACK 5)", async () => {
    const cloud = await clouds.cloud();
    await login(cloud);
    await assert.rejects(login(cloud, { username: `u_${BERT.uid}` }), { code: 5 });
    await assert.rejects(login(cloud, { password: "made-up" }), { code: 5 });
    cloud.expireTokens();
    const old = cloud.token(ANNA.account);
    cloud.expireTokens();
    await assert.rejects(login(cloud, { password: old }), { code: 5 });
    assert.deepEqual([cloud.mqtt.connects, cloud.mqtt.refusals, cloud.mqtt.clients.length], [1, 3, 1]);
  });

  it("refuses wildcards and other people's devices, and counts who listens", async () => {
    const { cloud, client } = await meet();
    const foreign = await printers.printer({ serial: "01P00A000000002" });
    cloud.attach(foreign, { user: BERT.account });
    for (const topic of ["#", "device/+/report", "device/01P00A000000002/report", "device/01P00A999999999/report"])
      assert.equal(await granted(client, topic), 128, topic);
    assert.equal(cloud.mqtt.subscribers(SERIAL), 1);
    await client.mqtt.unsubscribeAsync(REPORTS);
    assert.equal(cloud.mqtt.subscribers(SERIAL), 0);
  });

  it("drops commands to other people's devices", async () => {
    const { cloud, printer, client } = await meet();
    const foreign = await printers.printer({ serial: "01P00A000000002" });
    cloud.attach(foreign, { user: BERT.account });
    await client.sendRaw('{"info":{"command":"get_version","sequence_id":"1"}}', "device/01P00A000000002/request");
    await client.settle();
    assert.deepEqual([foreign.requests.length, printer.requests.length], [0, 1]);
  });

  it("gives nothing to who subscribes to the request topic", async () => {
    const { cloud, client } = await meet();
    const curious = await login(cloud);
    assert.equal(await granted(curious, `device/${SERIAL}/request`), 0);
    await client.pushAll();
    await curious.mqtt.publishAsync(REPORTS, "{}", { qos: 1 });
    assert.deepEqual(curious.raw, []);
  });

  it("tells a goodbye from a lost connection", async () => {
    const cloud = await clouds.cloud();
    await (await login(cloud)).leave();
    await (await login(cloud)).close();
    await until(() => cloud.mqtt.clients.length === 0);
    assert.equal(cloud.mqtt.disconnectsClean, 1);
  });

  it("speaks mqtts with the cloud's own authority when told to", async () => {
    const cloud = await clouds.cloud({ tls: true });
    assert.match(cloud.mqttUrl, /^mqtts:/);
    await login(cloud, { ca: cloud.caPem ?? "", rejectUnauthorized: true });
    await assert.rejects(login(cloud, { rejectUnauthorized: true }));
  });

  it("refuses, hangs, drops and falls silent when told to", async () => {
    const { cloud, printer, client } = await meet();
    await client.pushAll();
    for (const code of [4, 5] as const) {
      cloud.mqtt.fail({ kind: "refuse", code });
      await assert.rejects(login(cloud), { code });
    }
    cloud.mqtt.fail({ kind: "hang" });
    await assert.rejects(login(cloud, { connectTimeout: 50 }));
    cloud.mqtt.fail({ kind: "drop" });
    await assert.rejects(login(cloud));
    cloud.mqtt.fail({ kind: "silence" });
    const heard = client.raw.length;
    printer.startPrint();
    await client.mqtt.publishAsync(`device/${SERIAL}/request`, "{}", { qos: 1 });
    assert.equal(client.raw.length, heard);
    cloud.mqtt.fail(null);
    await client.settle();
    assert.ok(client.raw.length > heard);
    const closed = client.closed();
    cloud.mqtt.cut();
    await closed;
    await login(cloud);
  });
});

describe("a virtual printer attached to the simulated cloud", () => {
  it("reports and takes commands through the cloud alone", async () => {
    for (const model of ["P1S", "X1C"]) {
      const { printer, client } = await meet(model);
      const whole = await client.pushAll();
      assert.equal(whole["gcode_state"], "IDLE");
      printer.startPrint({ name: "Cable clip" });
      await client.wait(({ print }) => print?.["gcode_state"] === "PREPARE");
      printer.advance(200);
      await client.wait(({ print }) => print?.["gcode_state"] === "RUNNING");
      const reply = await client.ask("print", "pause", { param: "" });
      assert.deepEqual([reply["result"], printer.state, printer.clients], ["success", "PAUSE", 0]);
      await printers.clear();
      await clouds.clear();
    }
  });

  it("tells both its own broker and the cloud the same", async () => {
    const { printer, client } = await meet();
    const local = await printers.client(printer);
    const whole = local.wait(({ print }) => print?.["command"] === "push_status");
    await client.pushAll();
    await whole;
    printer.startPrint();
    const said = (one: RawClient) => one.wait(({ print }) => print?.["gcode_state"] === "PREPARE");
    assert.deepEqual(await said(local), await said(client));
  });

  it("is announced as gone and back over a power cycle", async () => {
    const { printer, client } = await meet();
    const back = client.wait(isPresence("client.connected"));
    await printer.powerCycle();
    await back;
    assert.deepEqual(presence(client), ["client.disconnected", "client.connected"]);
    assert.equal((await client.pushAll())["gcode_state"], "IDLE");
  });

  it("neither reports nor hears anything while its line is cut", async () => {
    const { cloud, printer, client } = await meet();
    await client.pushAll();
    const asked = printer.requests.length;
    const gone = client.wait(isPresence("client.disconnected"));
    cloud.cutUplink(SERIAL);
    await gone;
    const heard = client.raw.length;
    printer.startPrint();
    await client.mqtt.publishAsync(`device/${SERIAL}/request`, '{"pushing":{"command":"pushall"}}', { qos: 1 });
    assert.deepEqual([client.raw.length, printer.requests.length], [heard, asked]);
    cloud.cutUplink(SERIAL);
    const back = client.wait(isPresence("client.connected"));
    cloud.mendUplink(SERIAL);
    await back;
    assert.equal((await client.pushAll())["gcode_state"], "PREPARE");
    assert.deepEqual(presence(client), ["client.disconnected", "client.connected"]);
  });

  it("stands in the device list with what it is and does, and is offline when switched off", async () => {
    const { cloud, printer } = await meet();
    const token = cloud.token(ANNA.account);
    const list = async (call: string) =>
      (await ask(cloud, "GET", `/v1/iot-service/api/user/${call}`, { token })).json.devices[0];
    const idle = await list("print?force=true");
    assert.deepEqual(
      [idle.dev_id, idle.dev_name, idle.dev_model_name, idle.dev_online],
      [SERIAL, "Workshop", "C12", true],
    );
    assert.deepEqual([idle.dev_access_code, idle.task_status], [printer.accessCode, null]);
    printer.startPrint({ name: "Gear", taskId: "77", minutes: 10 });
    printer.advance(600);
    const busy = await list("print");
    assert.deepEqual([busy.task_id, busy.task_name, busy.task_status], ["77", "Gear", "RUNNING"]);
    assert.ok(busy.progress > 0);
    assert.equal((await list("bind")).print_status, "RUNNING");
    printer.setAccessCode("99998888");
    assert.equal((await list("bind")).dev_access_code, "99998888");
    await printer.close();
    assert.equal((await list("bind")).online, false);
  });

  it("leaves a row in the task list for each cloud job", async () => {
    const { cloud, printer } = await meet();
    const token = cloud.token(ANNA.account);
    const tasks = async (query = "") =>
      (await ask(cloud, "GET", `/v1/user-service/my/tasks?limit=20${query}`, { token })).json;
    printer.startPrint({ name: "Local job" });
    printer.finish();
    printer.startPrint({ name: "First", taskId: "1" });
    printer.finish();
    printer.startPrint({ name: "Second", taskId: "2" });
    printer.fail();
    printer.startPrint({ name: "Third", taskId: "3" });
    const { total, hits } = await tasks();
    const rows = hits.map((hit: any) => [hit.title, hit.status, hit.deviceId, hit.deviceName]);
    assert.equal(total, 3);
    assert.deepEqual(rows, [
      ["Third", 4, SERIAL, "Workshop"],
      ["Second", 3, SERIAL, "Workshop"],
      ["First", 2, SERIAL, "Workshop"],
    ]);
    assert.match(hits[2].endTime, /^\d{4}-.*Z$/);
    assert.deepEqual((await tasks("&offset=1&status=2")).hits, []);
    assert.equal((await tasks(`&deviceId=${SERIAL}&status=2`)).hits[0].title, "First");
    assert.equal((await tasks("&deviceId=01P00A000000009")).total, 0);
  });

  it("belongs to one cloud at a time and leaves it when it is detached or the cloud ends", async () => {
    const { cloud, printer, client } = await meet();
    const other = await clouds.cloud();
    assert.throws(() => {
      other.attach(printer, { user: ANNA.account });
    }, /belongs to a cloud already/);
    assert.throws(() => {
      cloud.attach(printer, { user: ANNA.account });
    }, /attached already/);
    cloud.detach(printer);
    assert.equal(await granted(client, REPORTS), 128);
    other.attach(printer, { user: BERT.account });
    await other.close();
    cloud.attach(printer, { user: ANNA.account });
    assert.throws(() => {
      cloud.cutUplink("01P00A000000009");
    }, /No printer/);
  });
});
