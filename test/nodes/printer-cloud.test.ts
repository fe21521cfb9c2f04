import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeInitializer } from "node-red";
import { buildHouse, type House, useHouse, useStore } from "../../lib/node-red/composition";
import { fileStore } from "../../lib/node-red/store";
import { startVirtualCloud, type VirtualCloud } from "../../lib/simulator/cloud/virtual-cloud";
import { startVirtualPrinter, type VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import printerAccount from "../../nodes/printer-account";
import printerConfig from "../../nodes/printer-config";
import printerEvent from "../../nodes/printer-event";
import printerStatus from "../../nodes/printer-status";
import { SERIAL, tab } from "../support/flows";
import {
  ask,
  callsOf,
  deploy,
  type Flow,
  Inbox,
  load,
  request,
  settings,
  startNodeRed,
  statusOf,
  stopNodeRed,
  withRed,
} from "../support/helper";
import { until } from "../support/wait";

const JO = { account: "jo@example.org", password: "correct-horse-battery", uid: 1000001, name: "Jo" };
const ACCESS_CODE = "87654321";

/** Printers through the cloud as a flow has them: real accounts, sockets and files, a simulated cloud. */
describe("a printer through the cloud", () => {
  let cloud: VirtualCloud;
  let machine: VirtualPrinter;
  let house: House;
  let folder: string;
  const said: string[] = [];

  const install: NodeInitializer = withRed((RED) => {
    const warn = (message: string): void => void said.push(message);
    useStore(RED.events, fileStore(join(folder, "printgate"), warn));
    house = useHouse(RED.events, buildHouse(RED));
  });
  const nodes = () => [install, printerAccount, printerConfig, printerStatus, printerEvent];
  const flow = (difference: object = {}): Flow => [
    tab,
    { id: "account1", type: "printer-account", region: "global", apiUrl: cloud.url, mqttUrl: cloud.mqttUrl },
    {
      ...{ id: "config1", type: "printer-config", connection: "cloud", account: "account1", serial: SERIAL },
      ...{ host: "127.0.0.1", port: String(machine.port), name: "bench", staleAfter: "60", ...difference },
    },
    {
      ...{ id: "status1", z: "tab1", type: "printer-status", printer: "config1", minInterval: 0, wires: [["got"]] },
    },
    { id: "got", z: "tab1", type: "helper" },
    { id: "event1", z: "tab1", type: "printer-event", printer: "config1", wires: [["told"]] },
    { id: "told", z: "tab1", type: "helper" },
  ];
  const credentials = { config1: { accessCode: ACCESS_CODE } };
  const formOf = () => {
    const { url: apiUrl, mqttUrl } = cloud;
    return { region: "global", apiUrl, mqttUrl, tlsConfig: "", accessToken: "" };
  };
  const post = async (path: string, body: object = {}) => {
    const form = formOf();
    return (
      await request()
        .post(`/printgate/accounts/account1/${path}`)
        .send({ form, ...body })
    ).body;
  };
  const signIn = () => post("sign-in", { step: { kind: "password", account: JO.account, password: JO.password } });
  const shown = () => (statusOf("status1") as { fill: string; text: string } | null) ?? { fill: "", text: "" };
  /** As another process: nothing in memory, the same folder. */
  const restart = async () => {
    await stopNodeRed();
    await house.accounts.close();
    await startNodeRed();
    await load(nodes(), flow());
  };
  const link = async () => (await ask("status1")).sent[0].printer.link as string | null;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "printgate-cloud-"));
    cloud = await startVirtualCloud({ users: [JO] });
    machine = await startVirtualPrinter({
      model: "P1S",
      serial: SERIAL,
      accessCode: ACCESS_CODE,
      reportIntervalMs: 50,
    });
    cloud.attach(machine, { user: JO.account, name: "Garage" });
    settings({ userDir: folder });
    await startNodeRed();
  });
  afterEach(async () => {
    await stopNodeRed();
    settings({});
    await house.accounts.close();
    await machine.close();
    await cloud.close();
    await rm(folder, { recursive: true });
  });

  it("waits for somebody to sign in, and reports at once when that is done in the dialog", async () => {
    await load(nodes(), flow());
    await until("it says what is missing", () => shown().text.includes("signed-out"));
    assert.equal(shown().fill, "red");
    const inbox = new Inbox("got");
    assert.equal((await signIn()).who, "Jo (jo@example.org)");
    const [message] = await inbox.next();
    assert.deepEqual(message?.["printer"], { id: SERIAL, name: "bench", vendor: "bambu", model: "P1S", link: "cloud" });
    assert.equal(cloud.mqtt.connects, 1);
  });

  it("is there before the first deploy: sign in, choose, test, deploy", async () => {
    await load(nodes(), [tab]);
    await signIn();
    const { devices } = await post("devices");
    assert.deepEqual(devices, [{ serial: SERIAL, name: "Garage", model: "P1S", online: true, hasAccessCode: true }]);
    assert.equal((await post(`devices/${SERIAL}/access-code`)).accessCode, ACCESS_CODE);
    const test = await request()
      .post("/printgate/printers/test")
      .send({ id: "config1", connection: "cloud", account: "account1", serial: SERIAL });
    assert.equal(test.body.model, "P1S");
    await deploy(flow(), "full");
    await until("it reports", async () => (await link()) === "cloud");
    assert.equal(cloud.requests.filter(({ path }) => path.endsWith("/login")).length, 1);
  });

  it("survives a redeploy and a restart without another login", async () => {
    await load(nodes(), flow());
    await signIn();
    await until("it reports", async () => (await link()) === "cloud");
    await deploy(flow(), "full");
    await until("it reports again", async () => (await link()) === "cloud");
    await restart();
    await until("it reports after a restart", async () => (await link()) === "cloud");
    assert.equal(cloud.requests.filter(({ path }) => path.endsWith("/login")).length, 1);
  });

  it("knows the model of a printer that is off from the list of the account", async () => {
    cloud.cutUplink(SERIAL);
    await load(nodes(), flow());
    await signIn();
    await deploy(flow(), "full");
    await until("the model is known", async () => (await ask("status1")).sent[0].printer.model === "P1S");
    assert.equal((await ask("status1")).sent[0].payload.online, false);
  });

  it("goes on through the cloud when the network lets nobody in any more", async () => {
    await load(nodes(), flow({ connection: "auto" }), credentials);
    await until("it reports over the network", async () => (await link()) === "lan");
    assert.match(shown().text, /remark\.signed-out/);
    await signIn();
    assert.doesNotMatch(shown().text, /remark\.signed-out/);
    machine.setAccessCode("somebody-changed-it");
    machine.dropLinks();
    await until("it reports through the cloud", async () => {
      const { printer, payload } = (await ask("status1")).sent[0];
      return printer.link === "cloud" && payload.online === true;
    });
  });

  it("tells once that the sign-in has ended, and what to do about it as long as that is so", async () => {
    await load(nodes(), flow());
    await signIn();
    await until("it reports", async () => (await link()) === "cloud");
    cloud.expireTokens();
    await restart();
    const expired = (inbox: Inbox) =>
      inbox.messages.filter(({ payload }) => (payload as any).event === "account.expired");
    const first = new Inbox("told");
    await until("the event", () => expired(first).length === 1);
    await until("the status", () => shown().text.includes("trouble.account-expired"));
    assert.equal(shown().fill, "red");
    assert.equal((await post("state")).state, "expired");
    await restart();
    const second = new Inbox("told");
    await until("the status again", () => shown().text.includes("trouble.account-expired"));
    assert.equal(expired(second).length, 0);
    await signIn();
    await until("it reports again", async () => (await link()) === "cloud");
  });

  it("warns of a sign-in that ends in days: an event and a yellow status", async () => {
    cloud.detach(machine);
    await cloud.close();
    cloud = await startVirtualCloud({ users: [JO], tokenSeconds: 2.5 * 24 * 3600 });
    cloud.attach(machine, { user: JO.account });
    await load(nodes(), flow());
    const inbox = new Inbox("told");
    await signIn();
    await until("it reports", async () => (await link()) === "cloud");
    assert.match(shown().text, /remark\.expires-in-days/);
    assert.equal(shown().fill, "yellow");
    const warning = () => inbox.messages.find(({ payload }) => (payload as any).event === "account.expiring");
    await until("the event", () => warning() !== undefined);
    assert.equal((warning()?.payload as any).value, 3);
    assert.match((warning()?.payload as any).reason, /sign in again/);
  });

  it("an account beside a printer in the network tells its end there too, and gives the printer its name", async () => {
    cloud.detach(machine);
    await cloud.close();
    cloud = await startVirtualCloud({ users: [JO], tokenSeconds: 2.5 * 24 * 3600 });
    cloud.attach(machine, { user: JO.account, name: "Garage" });
    await load(nodes(), flow({ connection: "lan" }), credentials);
    const inbox = new Inbox("told");
    await signIn();
    await until("the event", () => inbox.messages.some(({ payload }) => (payload as any).event === "account.expiring"));
    const [printer] = house.printers.list();
    assert.equal((await printer?.send({ name: "rename", to: "Attic" }, { timeoutMs: 5000 }))?.confirmed, true);
    assert.equal((await post("devices", { fresh: true })).devices[0].name, "Attic");
    assert.equal(cloud.mqtt.connects, 0);
  });

  it("leaves a cloud alone that turned it away, whoever asks: a token that is tried, an account made anew", async () => {
    await load(nodes(), flow());
    cloud.fault({ kind: "edge-page" });
    const tried = async () => (await post("check-token", { form: { ...formOf(), accessToken: "AQA-typed" } })).reason;
    assert.match(await tried(), /turned us away \(HTTP 403\)/);
    // One try by hand is let through.
    await tried();
    assert.match(await tried(), /try again in 10 minutes/);
    assert.match((await signIn()).reason, /try again in 10 minutes/);
    const [first, { mqttUrl, ...account }, ...others] = flow() as any[];
    await deploy([first, { ...account, mqttUrl: mqttUrl.replace("127.0.0.1", "localhost") }, ...others], "full");
    assert.match((await signIn()).reason, /try again in 10 minutes/);
    assert.equal(cloud.requests.length, 2);
  });

  it("keeps token, password and access code out of messages, statuses, logs, errors, flows and files", async () => {
    await load(nodes(), flow({ connection: "auto" }), credentials);
    const token = cloud.token(JO.account);
    const answers: unknown[] = [];
    for (const path of ["state", "sign-in", "devices", "check-token", "sign-out"]) {
      const step = { kind: "password", account: JO.account, password: "wrong-password-typed" };
      answers.push(await post(path, { step }));
    }
    answers.push(await post("sign-in", { step: { kind: "token", accessToken: token } }));
    answers.push(await post("state"), await post("devices"));
    answers.push(await post("sign-in", { step: { kind: "code", account: JO.account, code: "908172" } }));
    await until("it reports", async () => (await link()) === "lan");
    const asked = await ask("status1", {});
    const files = await readdir(join(folder, "printgate"), { recursive: true, withFileTypes: true });
    const texts = await Promise.all(
      files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), "latin1")),
    );
    assert.ok(files.length > 2, "a session and a key are there");
    const ids = ["account1", "config1", "status1", "event1"];
    const nodesSaid = ids.flatMap((id) => [...callsOf(id, "status"), ...callsOf(id, "warn"), ...callsOf(id, "error")]);
    const everything = [JSON.stringify([answers, asked, nodesSaid, said]), ...texts].join("\n");
    for (const secret of [token, "wrong-password-typed", JO.password, "908172", ACCESS_CODE])
      assert.ok(!everything.includes(secret), secret);
  });
});
