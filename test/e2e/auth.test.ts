import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FlowNode, RealNodeRed } from "../support/real-node-red";
import { until } from "../support/wait";

const PASSWORD = "e2e open sesame";
const PACKAGE = encodeURIComponent("@printgate/node-red-printers");

/** The permission nodes as a user has them: the tarball in a real Node-RED, the shipped examples, a broker's calls. */
describe("permissions in a real Node-RED", function () {
  let folder: string;
  let nodeRed: RealNodeRed;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "printgate-auth-"));
    nodeRed = await RealNodeRed.withPackage();
    await nodeRed.start();
  });
  after(async () => {
    await nodeRed.remove();
    await rm(folder, { recursive: true });
  });

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${nodeRed.url}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  /** A shipped example, its debug nodes writing one line each into a file: which one, and what about. */
  async function example(name: string): Promise<FlowNode[]> {
    const flow = await nodeRed.get<FlowNode[]>(`library/examples/flows/${PACKAGE}/${encodeURIComponent(name)}`);
    const log = { appendNewline: true, createDir: false, overwriteFile: "false", encoding: "none" };
    return flow.flatMap((node) => {
      if (node.type !== "debug") return [node];
      const file = { filename: join(folder, "said.log"), filenameType: "str", ...log };
      const template = `${String(node["name"])} | {{topic}} | {{auth.reason}} | {{payload}}`;
      const line = { name: "", field: "payload", fieldType: "msg", format: "handlebars", syntax: "mustache", template };
      return [
        { ...node, type: "template", ...line, output: "str", wires: [[`${node.id}-file`]] },
        { id: `${node.id}-file`, type: "file", z: node["z"], name: "", ...file, x: 1, y: 1, wires: [[]] },
      ];
    });
  }
  const said = async (): Promise<string[]> =>
    (await readFile(join(folder, "said.log"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");

  /** Presses the button of an inject node and waits for the line that comes of it. */
  async function press(flow: FlowNode[], id: string): Promise<string> {
    const before = (await said()).length;
    assert.equal((await post(`inject/${id}`, {})).status, 200);
    await until("somebody said something", async () => (await said()).length > before);
    assert.ok(flow.length > 0);
    return (await said())[before] ?? "";
  }
  const buttons = (flow: FlowNode[]) => flow.filter(({ type }) => type === "inject").map(({ id }) => id);

  it("guests may pause but not heat, staff may", async () => {
    const flow = await example("Guests may pause but not heat");
    await nodeRed.deploy(flow);
    const staff = buttons(flow).at(-1) ?? "";
    await until("the simulated printer reports", async () =>
      (await press(flow, staff)).startsWith("the printer did it"),
    );
    const lines: string[] = [];
    for (const id of buttons(flow)) lines.push(await press(flow, id));
    // A simulated printer may be printing at that moment or not; either way the command has reached it.
    assert.match(lines[0] ?? "", /^the printer (did it|refused).*commands(&#x2F;|\/)pause/);
    assert.match(lines[1] ?? "", /^denied.*nobody else heats/);
    assert.match(lines[2] ?? "", /^the printer did it.*staff may do everything/);
  });

  it("an approval is good for one print", async () => {
    const flow = await example("Approve before printing");
    await nodeRed.deploy(flow);
    const [print = "", approve = ""] = buttons(flow);
    assert.match(await press(flow, print), /^waits/);
    await post(`inject/${approve}`, {});
    assert.match(await press(flow, print), /^the printer (did it|refused)/);
    assert.match(await press(flow, print), /^waits/);
  });

  it("a flow's own data decide", async () => {
    const flow = await example("Ask my own database who may print");
    await nodeRed.deploy(flow);
    const [amy = "", eve = ""] = buttons(flow);
    assert.match(await press(flow, amy), /^the printer (did it|refused)/);
    assert.match(await press(flow, eve), /^denied/);
  });

  it("a publish passes only where it may", async () => {
    const flow = await example("Guard an MQTT publish");
    await nodeRed.deploy(flow);
    const [own = "", other = "", wild = ""] = buttons(flow);
    assert.match(await press(flow, own), /^allowed/);
    assert.match(await press(flow, other), /^denied/);
    assert.match(await press(flow, wild), /^denied.*invalid/);
  });

  it("a broker is answered: login, check, metrics; and users are kept through a restart, as hashes only", async () => {
    const flow = await example("Serve the policy to a broker");
    await nodeRed.deploy(flow);
    const policy = flow.find(({ type }) => type === "auth-policy")?.id ?? "";
    const user = { username: "amy", password: PASSWORD, tenantId: "default" };
    const added = await post(`printgate/policies/${policy}/users`, user);
    assert.equal(((await added.json()) as { ok: boolean }).ok, true);
    await nodeRed.deploy(flow);
    await nodeRed.stop();
    await nodeRed.start();

    const data = { remoteAddr: "192.0.2.9", remotePort: 5000, channelId: "c1", clientId: "c1", username: "amy" };
    const login = async (password: string) =>
      (await post("printgate/auth", { ...data, password: Buffer.from(password).toString("base64") })).json();
    assert.deepEqual(await login(PASSWORD), { ok: { tenantId: "default", userId: "amy" } });
    assert.deepEqual(Object.keys((await login("guess")) as object), ["reject"]);
    const names = { tenant_id: "default", user_id: "amy" };
    const check = async (topic: string) =>
      (await post("printgate/check", { pub: { topic, qos: "AT_LEAST_ONCE" } }, names)).text();
    assert.equal(await check("users/amy/x"), "true");
    assert.equal(await check("users/bob/x"), "false");
    const metrics = await (await fetch(`${nodeRed.url}/printgate/metrics`)).text();
    assert.match(metrics, /call_exec_timer_seconds_count\{method="AuthProvider\/check"\} 2/);
    assert.equal((await post("printgate/check", { pub: { topic: "x".repeat(100_000) } }, names)).status, 413);
    const { status } = await fetch(`${nodeRed.url}/printgate/check`);
    assert.equal(status, 405);
  });

  it("says no password anywhere, and leaves the process alive", async () => {
    assert.ok(nodeRed.running);
    for (const file of ["flows.json", "flows_cred.json"])
      assert.ok(!(await readFile(join(nodeRed.userDir, file), "utf8")).includes(PASSWORD));
    assert.ok(!nodeRed.log.includes(PASSWORD));
    assert.ok(!(await said()).join().includes(PASSWORD));
    assert.doesNotMatch(nodeRed.log, /uncaught|unhandled|\[error\]/i);
  });
});
