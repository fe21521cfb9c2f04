import assert from "node:assert/strict";
import { baseOf, OctoprintClient } from "../../../lib/octoprint/client";
import { enteredKey, readAppKey, sessionKeys, signatureOf } from "../../../lib/octoprint/session-keys";
import { type Connections, connectionsTo } from "../../../lib/octoprint/trust";
import { startVirtualOctoprint, type VirtualOctoprint } from "../../../lib/simulator/octoprint/virtual-octoprint";
import { VECTOR } from "../../support/auth-apps";

const app = { id: VECTOR.id, version: VECTOR.version, privateKey: VECTOR.privateKey };
const registered = { id: VECTOR.id, version: VECTOR.version, publicKey: VECTOR.publicKey };

describe("App Session Keys, from the app's side", () => {
  let server: VirtualOctoprint;
  let connections: Connections;
  let now = Date.UTC(2026, 0, 1);
  const clock = (): number => now;

  async function start(apps = [registered]): Promise<OctoprintClient> {
    server = await startVirtualOctoprint({ apps, now: clock });
    const base = baseOf(server.url);
    connections = await connectionsTo(base, { mode: "insecure" });
    return new OctoprintClient(base, connections);
  }
  afterEach(async () => {
    connections.close();
    await server.close();
  });

  const handshakes = (): number => server.requests.filter(({ path }) => path === "/apps/auth").length / 2;

  it("sign as OctoPrint's documentation does, byte for byte", async () => {
    await start();
    assert.equal(signatureOf(app, VECTOR.key, readAppKey(app.privateKey)), VECTOR.signature);
  });

  it("get a key that opens the API, and keep it while it holds", async () => {
    const client = await start();
    const keys = sessionKeys(app, clock);
    const key = await keys.key(client);
    assert.equal((await client.ask({ path: "api/version", key })).status, 200);
    now += 6_000_000;
    assert.equal(await keys.key(client), key);
    assert.equal(handshakes(), 1);
  });

  it("make a new one five minutes before the two hours are over, whatever the server's clock says", async () => {
    const client = await start();
    let ours = 5_000;
    const keys = sessionKeys(app, () => ours);
    const key = await keys.key(client);
    assert.equal(keys.renewInMs(ours), 6_900_000);
    ours += 6_899_000;
    assert.equal(await keys.key(client), key);
    ours += 1_000;
    assert.notEqual(await keys.key(client), key);
  });

  it("make one key for all who ask at once, and another after a refusal", async () => {
    const client = await start();
    const keys = sessionKeys(app, clock);
    const [first, second] = await Promise.all([keys.key(client), keys.key(client)]);
    assert.equal(first, second);
    keys.refused();
    assert.notEqual(await keys.key(client), first);
    assert.equal(handshakes(), 2);
  });

  it("leave the version out where none is given: the app is registered for any", async () => {
    const client = await start([{ ...registered, version: "any" }]);
    const key = await sessionKeys({ ...app, version: "" }, clock).key(client);
    assert.equal((await client.ask({ path: "api/version", key })).status, 200);
  });

  it("say that the server does not know the app", async () => {
    const client = await start();
    await assert.rejects(sessionKeys({ ...app, version: "2.0" }, clock).key(client), {
      code: "account-refused",
      message: /does not know this app/,
    });
  });

  it("say that the server has no such keys", async () => {
    const client = await start([]);
    await assert.rejects(sessionKeys(app, clock).key(client), { code: "bad-answer", message: /1\.2\.0 to 1\.3\.12/ });
  });

  it("refuse a key that is none without repeating it, and a colon in a name", async () => {
    await start();
    for (const privateKey of ["", "hunter2-hunter2", VECTOR.privateKey.slice(0, 200)])
      assert.throws(
        () => sessionKeys({ ...app, privateKey }),
        (error: Error) => !/hunter2|MIIB/.test(error.message) && /private key/.test(error.message),
      );
    assert.throws(() => sessionKeys({ ...app, id: "a:b" }), { code: "config-invalid" });
  });

  it("are not needed where a key was entered", async () => {
    const client = await start();
    const keys = enteredKey("TYPED");
    keys.refused();
    assert.deepEqual([await keys.key(client), keys.renewInMs(0)], ["TYPED", null]);
  });
});
