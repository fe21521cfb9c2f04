import assert from "node:assert/strict";
import type { NodeAPI } from "node-red";
import { addRoutes } from "../../lib/node-red/admin";
import type { House } from "../../lib/node-red/composition";
import { pinsIn } from "../../lib/node-red/links/pins";
import { memoryStore } from "../../lib/node-red/store";
import { startVirtualPrinter, type VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import printerConfig from "../../nodes/printer-config";
import printerStatus from "../../nodes/printer-status";
import { CODES, config, FakeHouse, SERIAL, statusNode, tab } from "../support/flows";
import { load, request, startNodeRed, stopNodeRed, until } from "../support/helper";

describe("routes of the printer-config dialog", () => {
  let house: FakeHouse;
  const post = (body: object) => request().post("/printgate/printers/test").send(body);

  beforeEach(async () => {
    house = new FakeHouse();
    await startNodeRed();
  });
  afterEach(stopNodeRed);

  const start = () => load([house.install, printerConfig, printerStatus], [tab, config(), ...statusNode()], CODES);

  it("each ask for a permission of the editor's user, and are added once", () => {
    const routes: string[] = [];
    const route = (method: string) => (path: string, guard: { permission: string }) => {
      routes.push(`${method} ${path} ${guard.permission}`);
    };
    const httpAdmin = { get: route("get"), post: route("post"), delete: route("delete") };
    const needsPermission = (permission: string) => ({ permission });
    const RED = { httpAdmin, auth: { needsPermission } } as unknown as NodeAPI;
    addRoutes(RED, {} as House);
    addRoutes(RED, {} as House);
    assert.deepEqual(routes.sort(), [
      "delete /printgate/printers/:serial/fingerprint printer-config.write",
      "get /printgate/printers/:serial/fingerprint printer-config.read",
      "get /printgate/printers/found printer-config.read",
      "post /printgate/printers/test printer-config.write",
    ]);
  });

  it("show a learnt fingerprint and forget it, which connects anew", async () => {
    const pins = pinsIn(memoryStore());
    house.surroundings = { ...house.surroundings, pins };
    await start();
    const first = await house.opened();
    await pins.learn(SERIAL, "AB:CD");
    const path = `/printgate/printers/${SERIAL.toLowerCase()}/fingerprint`;
    assert.deepEqual((await request().get(path)).body, { ok: true, fingerprint: "AB:CD" });
    assert.deepEqual((await request().delete(path)).body, { ok: true, fingerprint: null });
    assert.deepEqual((await request().get(path)).body, { ok: true, fingerprint: null });
    await until(() => house.links.length === 2 && house.link.isOpen);
    assert.equal(first.isOpen, false);
  });

  it("say what is wrong with a serial", async () => {
    await start();
    const { body } = await request().get("/printgate/printers/a%20b/fingerprint");
    assert.deepEqual(body, { ok: false, reason: "this is no serial" });
  });

  it("say what is wrong with a form", async () => {
    await start();
    const form = { id: "new", connection: "lan", serial: SERIAL, host: "192.0.2.1" };
    assert.deepEqual((await post(form)).body, { ok: false, reason: "no access code" });
    assert.deepEqual((await post({ ...form, accessCode: "${NOT_SET}" })).body, {
      ok: false,
      reason: "environment variable NOT_SET is not set",
    });
  });

  it("refuse what is no form of the dialog", async () => {
    await start();
    for (const body of [[], {}, { serial: { a: 1 } }, { serial: "x".repeat(2000) }]) {
      assert.deepEqual((await post(body)).body, { ok: false, reason: "the form can not be read" });
    }
  });

  describe("with a printer in reach", () => {
    let machine: VirtualPrinter;
    const form = (accessCode: string) => ({
      ...{ id: "config1", connection: "lan", serial: SERIAL, host: "127.0.0.1", port: String(machine.port) },
      ...{ tls: "pin", fingerprint: "", accessCode },
    });
    beforeEach(async () => {
      machine = await startVirtualPrinter({ model: "P1S", serial: SERIAL, accessCode: "12345678" });
      await start();
    });
    afterEach(() => machine.close());

    it("test the form as it stands", async () => {
      const { body } = await post(form("12345678"));
      assert.equal(body.ok, true);
      assert.equal(body.model, "P1S");
    });

    it("use the stored access code where the browser only has its place holder", async () => {
      assert.equal((await post(form("__PWRD__"))).body.ok, true);
    });

    it("read the access code from an environment variable", async () => {
      process.env["PG_TEST_CODE"] = "12345678";
      try {
        assert.equal((await post(form("${PG_TEST_CODE}"))).body.ok, true);
      } finally {
        delete process.env["PG_TEST_CODE"];
      }
    });

    it("say why there is no connection, and never repeat an access code", async () => {
      const { body, text } = await post(form("87654321"));
      assert.equal(body.ok, false);
      assert.match(body.reason, /access code/);
      assert.doesNotMatch(text, /87654321|12345678/);
    });
  });

  it("test a simulated printer, too", async () => {
    await start();
    const { body } = await post({ id: "config1", connection: "simulated", serial: "", model: "H2D", timeScale: "60" });
    assert.equal(body.ok, true);
    assert.equal(body.model, "H2D");
  });
});
