import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { call, OctoBench } from "./octoprint-fixture";
import type { VirtualOctoprint } from "../../../lib/simulator/octoprint/virtual-octoprint";
import { until } from "../../support/wait";

const bench = new OctoBench();

/** A clock that the test moves. */
function aClock(): { now: () => number; at: number } {
  const clock = { at: Date.UTC(2026, 0, 1), now: () => clock.at };
  return clock;
}

const ask = (octoprint: VirtualOctoprint, body: object) =>
  call(octoprint, "POST", "/plugin/appkeys/request", body, null);
const poll = (octoprint: VirtualOctoprint, token: string) =>
  call(octoprint, "GET", `/plugin/appkeys/request/${token}`, undefined, null);

describe("the application keys of the simulated OctoPrint", () => {
  afterEach(() => bench.clear());

  it("gives a key once, after the user allowed it", async () => {
    const octoprint = await bench.server();
    assert.equal((await call(octoprint, "GET", "/plugin/appkeys/probe", undefined, null)).status, 204);
    const listener = await bench.listener(octoprint);
    const asked = await ask(octoprint, { app: "Printgate", user: "tester" });
    const token = asked.json.app_token as string;
    assert.deepEqual([asked.status, asked.location], [201, `${octoprint.url}/plugin/appkeys/request/${token}`]);
    assert.ok(asked.json.auth_dialog.endsWith("?user=tester"));
    await until("the browser is told", () => listener.of("plugin").length > 0);
    assert.equal(listener.of("plugin")[0].data.app_name, "Printgate");
    assert.equal((await poll(octoprint, token)).status, 202);
    assert.deepEqual(octoprint.waitingApps, ["Printgate"]);
    assert.equal(octoprint.decide(true), true);
    const { status, json } = await poll(octoprint, token);
    assert.equal(status, 200);
    assert.equal((await call(octoprint, "GET", "/api/currentuser", undefined, json.api_key)).json.name, "tester");
    assert.equal((await poll(octoprint, token)).status, 404);
    assert.equal(octoprint.revoke("printgate"), true);
    assert.equal((await call(octoprint, "GET", "/api/version", undefined, json.api_key)).status, 403);
  });

  it("can be decided without a browser, by who has a key", async () => {
    const octoprint = await bench.server();
    const { app_token: token } = (await ask(octoprint, { app: "Printgate" })).json;
    const { pending } = (await call(octoprint, "GET", "/api/plugin/appkeys")).json;
    const userToken = Object.keys(pending as object)[0]!;
    const decide = (body: object, key?: string | null) =>
      call(octoprint, "POST", `/plugin/appkeys/decision/${userToken}`, body, key);
    assert.equal((await decide({ decision: true }, null)).status, 400);
    assert.equal((await decide({})).status, 400);
    assert.equal((await decide({ decision: true }, octoprint.addUser("reader", ["STATUS"]))).status, 403);
    assert.equal((await decide({ decision: true })).status, 204);
    assert.equal((await decide({ decision: true })).status, 404);
    const key = (await poll(octoprint, token)).json.api_key as string;
    // The same application gets the same key again.
    const again = await call(octoprint, "POST", "/api/plugin/appkeys", { command: "generate", app: "PRINTGATE" });
    assert.equal(again.json.api_key, key);
  });

  it("answers a denial, a wrong token and a restart alike", async () => {
    const octoprint = await bench.server();
    const denied = (await ask(octoprint, { app: "A" })).json.app_token as string;
    octoprint.decide(false);
    assert.equal((await poll(octoprint, denied)).status, 404);
    assert.equal((await poll(octoprint, "nothing")).status, 404);
    const lost = (await ask(octoprint, { app: "B" })).json.app_token as string;
    await octoprint.restart();
    assert.equal((await poll(octoprint, lost)).status, 404);
  });

  it("forgets who does not poll for five seconds, and everybody after ten minutes", async () => {
    const clock = aClock();
    const octoprint = await bench.server({ now: clock.now });
    const lazy = (await ask(octoprint, { app: "Lazy" })).json.app_token as string;
    clock.at += 5001;
    assert.equal((await poll(octoprint, lazy)).status, 404);
    const eager = (await ask(octoprint, { app: "Eager" })).json.app_token as string;
    for (let polls = 0; polls < 120; polls++) {
      clock.at += 5000;
      assert.equal((await poll(octoprint, eager)).status, 202);
    }
    clock.at += 1000;
    assert.equal((await poll(octoprint, eager)).status, 404);
    assert.equal(octoprint.decide(true), false);
  });

  it("lets itself be asked three times a minute, wrong questions counted", async () => {
    const clock = aClock();
    const octoprint = await bench.server({ now: clock.now });
    const statuses: number[] = [];
    for (const body of [{}, { app: "" }, { app: "A" }, { app: "B" }])
      statuses.push((await ask(octoprint, body)).status);
    assert.deepEqual(statuses, [400, 400, 201, 429]);
    clock.at += 60_001;
    assert.equal((await ask(octoprint, { app: "B" })).status, 201);
  });

  it("does not have the plugin where it is absent", async () => {
    const octoprint = await bench.server({ appKeys: "absent" });
    assert.equal((await call(octoprint, "GET", "/plugin/appkeys/probe", undefined, null)).status, 404);
    assert.equal((await ask(octoprint, { app: "A" })).status, 404);
  });
});

describe("the app session keys of the simulated OctoPrint", () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const publicKey = pair.publicKey.export({ type: "pkcs1", format: "der" }).toString("base64");
  const apps = [
    { id: "org.example.app", version: "1.0", publicKey },
    { id: "org.example.app", version: "any", publicKey },
    { id: "org.example.off", version: "any", publicKey, enabled: false },
    { id: "org.example.torn", version: "any", publicKey: "AAAA" },
  ];
  const clock = aClock();
  const server = () => bench.server({ apps, now: clock.now });
  const issue = async (octoprint: VirtualOctoprint) =>
    (await call(octoprint, "GET", "/apps/auth", undefined, null)).json as { unverifiedKey: string; validUntil: number };
  const signed = (
    key: string,
    { id = "org.example.app", version = "1.0" }: { id?: string; version?: string | null } = {},
  ) => ({
    appid: id,
    ...(version === null ? {} : { appversion: version }),
    key,
    _sig: sign("sha1", Buffer.from(`${id}:${version ?? "any"}:${key}`), pair.privateKey).toString("base64"),
  });
  const post = (octoprint: VirtualOctoprint, body: object) => call(octoprint, "POST", "/apps/auth", body, null);

  afterEach(() => bench.clear());

  it("opens everything to who signs the key, for two hours from its creation", async () => {
    const octoprint = await server();
    assert.equal((await call(octoprint, "GET", "/api/version")).json.server, "1.3.12");
    const { unverifiedKey: key, validUntil } = await issue(octoprint);
    assert.match(key, /^[0-9A-F]{32}$/);
    assert.equal(validUntil, clock.at / 1000 + 60);
    assert.equal((await call(octoprint, "GET", "/api/version", undefined, key)).status, 403);
    clock.at += 30_000;
    const verified = await post(octoprint, signed(key));
    assert.deepEqual([verified.status, verified.json], [200, { key, validUntil: validUntil + 7140 }]);
    assert.equal((await call(octoprint, "GET", "/api/currentuser", undefined, key)).json.name, "_api");
    clock.at += 7_170_001;
    assert.equal((await call(octoprint, "GET", "/api/version", undefined, key)).status, 403);
  });

  it("takes an unnamed version for any, and never one for another", async () => {
    const octoprint = await server();
    const { unverifiedKey: key } = await issue(octoprint);
    assert.equal((await post(octoprint, signed(key, { version: null }))).status, 200);
    const other = await issue(octoprint);
    const refused = await post(octoprint, signed(other.unverifiedKey, { version: "2.0" }));
    assert.deepEqual([refused.status, refused.text], [401, "Invalid app: org.example.app:2.0"]);
  });

  it("keeps the key for a question that is none, and burns it for a wrong one", async () => {
    const octoprint = await server();
    const rows: [string, (key: string) => object, number, string, "kept" | "burnt"][] = [
      ["no id", (key) => ({ ...signed(key), appid: undefined }), 400, "Missing argument: appid", "kept"],
      ["no signature", (key) => ({ ...signed(key), _sig: undefined }), 400, "Missing argument: _sig", "kept"],
      ["bad padding", (key) => ({ ...signed(key), _sig: "abc" }), 500, "Internal Server Error", "kept"],
      ["wrong signature", (key) => ({ ...signed(key), _sig: "AAAA" }), 401, "Invalid signature", "burnt"],
      [
        "a disabled app",
        (key) => signed(key, { id: "org.example.off", version: null }),
        401,
        "Invalid app: org.example.off:any",
        "burnt",
      ],
      [
        "a torn key on the server",
        (key) => signed(key, { id: "org.example.torn", version: null }),
        500,
        "Invalid pubkey stored in server",
        "burnt",
      ],
    ];
    for (const [what, body, status, text, fate] of rows) {
      const { unverifiedKey: key } = await issue(octoprint);
      const refused = await post(octoprint, body(key));
      assert.deepEqual([refused.status, refused.text], [status, text], what);
      assert.equal((await post(octoprint, signed(key))).status, fate === "kept" ? 200 : 401, what);
    }
  });

  it("verifies a key once, and lets anybody who knows it end it", async () => {
    const octoprint = await server();
    const { unverifiedKey: key } = await issue(octoprint);
    assert.equal((await post(octoprint, signed(key))).status, 200);
    assert.deepEqual((await post(octoprint, signed(key))).text, "Invalid key or already verified");
    assert.equal((await call(octoprint, "GET", "/api/version", undefined, key)).status, 200);
    await post(octoprint, { ...signed(key), _sig: "AAAA" });
    assert.equal((await call(octoprint, "GET", "/api/version", undefined, key)).status, 403);
  });

  it("refuses a key that is older than a minute, or that a restart lost", async () => {
    const octoprint = await server();
    const { unverifiedKey: old } = await issue(octoprint);
    clock.at += 60_001;
    assert.equal((await post(octoprint, signed(old))).status, 401);
    const { unverifiedKey: lost } = await issue(octoprint);
    await octoprint.restart();
    assert.equal((await post(octoprint, signed(lost))).status, 401);
  });

  it("does not have the address on newer servers", async () => {
    const octoprint = await bench.server();
    assert.equal((await call(octoprint, "GET", "/apps/auth", undefined, null)).status, 404);
    assert.equal((await post(octoprint, signed("0".repeat(32)))).status, 404);
  });
});
