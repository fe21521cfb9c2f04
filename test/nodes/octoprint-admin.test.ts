import assert from "node:assert/strict";
import type { NodeAPI } from "node-red";
import type { House } from "../../lib/node-red/composition";
import { addOctoprintRoutes } from "../../lib/node-red/octoprint-admin";
import { startVirtualOctoprint, type VirtualOctoprint } from "../../lib/simulator/octoprint/virtual-octoprint";
import printerConfig from "../../nodes/printer-config";
import printerStatus from "../../nodes/printer-status";
import { config, FakeHouse, statusNode, tab } from "../support/flows";
import { load, request, startNodeRed, statusOf, stopNodeRed } from "../support/helper";
import { until } from "../support/wait";

const KEY = "SECRET-KEY-0123456789";

describe("routes of the printer-config dialog for OctoPrint", () => {
  let server: VirtualOctoprint;
  let house: FakeHouse;
  const octo = (difference: object = {}) =>
    config({ connection: "octoprint", serial: "ender", url: server.url, ...difference });
  const form = (difference: object = {}) => ({
    ...{ id: "config1", connection: "octoprint", serial: "", url: server.url, tls: "pin", fingerprint: "", ca: "" },
    ...difference,
  });
  const start = (credentials: object = { config1: { apiKey: KEY } }) =>
    load([house.install, printerConfig, printerStatus], [tab, octo(), ...statusNode()], credentials);

  beforeEach(async () => {
    house = new FakeHouse();
    server = await startVirtualOctoprint({ apiKey: KEY, timeScale: 0 });
    await startNodeRed();
  });
  afterEach(async () => {
    await stopNodeRed();
    await server.close();
  });

  it("each ask for the permission to write printers", () => {
    const routes: string[] = [];
    const route = (method: string) => (path: string, guard: { permission: string }) => {
      routes.push(`${method} ${path} ${guard.permission}`);
    };
    const httpAdmin = { get: route("get"), post: route("post"), delete: route("delete") };
    const RED = {
      httpAdmin,
      auth: { needsPermission: (permission: string) => ({ permission }) },
    } as unknown as NodeAPI;
    addOctoprintRoutes(RED, {} as House);
    addOctoprintRoutes(RED, {} as House);
    assert.deepEqual(routes.sort(), [
      "delete /printgate/octoprint/key/:request printer-config.write",
      "get /printgate/octoprint/key/:request printer-config.write",
      "post /printgate/octoprint/key printer-config.write",
    ]);
  });

  it("get a key from OctoPrint before the printer has a name", async () => {
    await start();
    const { body } = await request().post("/printgate/octoprint/key").send(form());
    assert.equal(body.ok, true);
    assert.match(body.page, /\/plugin\/appkeys\/auth\//);
    const path = `/printgate/octoprint/key/${String(body.request)}`;
    assert.deepEqual((await request().get(path)).body, { ok: true, key: null });
    server.decide(true);
    let key: unknown = null;
    await until("a key", async () => (key = (await request().get(path)).body.key) !== null);
    assert.equal(typeof key, "string");
    assert.equal((await request().get(path)).headers["cache-control"], "no-store");
    assert.equal((await request().get(path)).body.ok, false);
    assert.deepEqual((await request().delete(path)).body, { ok: true });
  });

  it("say what is wrong with the form", async () => {
    await start();
    const { body } = await request()
      .post("/printgate/octoprint/key")
      .send(form({ url: "" }));
    assert.deepEqual(body, { ok: false, reason: "no address of OctoPrint" });
    for (const nonsense of [[], {}, { url: { a: 1 } }])
      assert.equal((await request().post("/printgate/octoprint/key").send(nonsense)).body.ok, false);
    assert.equal((await request().get("/printgate/octoprint/key/unknown")).body.ok, false);
  });

  it("test the form with a typed and with a stored key, and never repeat it", async () => {
    await start();
    const test = (difference: object) =>
      request()
        .post("/printgate/printers/test")
        .send(form({ serial: "ender", ...difference }));
    for (const apiKey of [KEY, "__PWRD__"]) {
      const { body } = await test({ apiKey });
      assert.deepEqual([body.ok, body.model], [true, "OctoPrint 1.11.8"]);
    }
    const { body, text } = await test({ apiKey: "WRONG-KEY-000" });
    assert.match(body.reason, /does not accept the API key/);
    assert.doesNotMatch(text, /WRONG-KEY-000|SECRET/);
    const long = await test({ apiKey: "", appId: "a", appKey: "k".repeat(8000) });
    assert.match(long.body.reason, /no private key/);
  });

  it("leave a node without a key red, in words", async () => {
    await start({});
    assert.deepEqual(statusOf("status1"), { fill: "red", shape: "ring", text: "no API key" });
  });

  it("forget a fingerprint under the name as it was given", async () => {
    await start();
    await house.opened();
    await house.surroundings.pins.learn("ender", "AB:CD");
    const path = "/printgate/printers/ender/fingerprint";
    assert.deepEqual((await request().get(path)).body, { ok: true, fingerprint: "AB:CD" });
    assert.deepEqual((await request().delete(path)).body, { ok: true, fingerprint: null });
    assert.deepEqual((await request().get(path)).body, { ok: true, fingerprint: null });
  });
});
