import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { PrintgateError } from "../../lib/errors";
import { makeApp } from "../support/auth-apps";
import { cheapHash, CREDENTIALS, gate, login, policy, start, through } from "../support/auth-flows";
import { ask, statusOf, stopNodeRed } from "../support/helper";

const USERS = CREDENTIALS([
  {
    username: "amy",
    passwordHash: cheapHash("open sesame"),
    tenantId: "club",
    userId: "u-amy",
    attrs: { roles: "guest,maker", userId: "root" },
  },
  { userId: "machine", certFingerprint: createHash("sha256").update("der").digest("hex") },
]);
const stranger = { tenantId: "club", type: "MQTT", metadata: { userId: "root" } };
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

describe("auth-login", () => {
  afterEach(stopNodeRed);

  it("logs in by user name and password, and keeps the rest of the message", async () => {
    await start([policy(), login("password")], USERS);
    const sent = {
      credentials: { username: "amy", password: "open sesame", clientId: "phone" },
      payload: "kept",
      topic: "t",
      client: stranger,
    };
    const { output, msg } = await through("login1", sent);
    assert.equal(output, 1);
    assert.ok(msg === sent);
    assert.deepEqual(msg.client, {
      tenantId: "club",
      type: "MQTT",
      metadata: { roles: "guest,maker", userId: "u-amy", clientId: "phone" },
    });
    assert.deepEqual(msg.auth, { result: "ok", tenantId: "club", userId: "u-amy" });
    assert.equal(msg.payload, "kept");
    assert.deepEqual(statusOf("login1"), { fill: "green", shape: "dot", text: "auth-login.status.ok" });
  });

  describe("removes an identity that came in, and rejects", () => {
    const cases: [string, string, object, string][] = [
      ["a bad password", "password", { credentials: { username: "amy", password: "guess" } }, "BadPass"],
      [
        "an unknown user, in the same words",
        "password",
        { credentials: { username: "eve", password: "guess" } },
        "BadPass",
      ],
      ["no credentials", "password", {}, "NotAuthorized"],
      ["credentials that are no text", "password", { credentials: { username: 1, password: {} } }, "NotAuthorized"],
      ["a request without credentials", "http", { req: { headers: {} } }, "NotAuthorized"],
      ["a bad password in Basic", "http", { req: { headers: { authorization: basic("amy:guess") } } }, "BadPass"],
      ["an unknown key", "http", { req: { headers: { "x-api-key": "nothing" } } }, "BadPass"],
      ["auth data that are none", "msg", { authData: "nothing" }, "Error"],
      [
        "an unknown method of extended login",
        "msg",
        {
          authData: { auth: { authMethod: "KERBEROS", authData: "", isReAuth: false } },
        },
        "BadAuthMethod",
      ],
    ];
    for (const [what, method, msg, code] of cases) {
      it(what, async () => {
        await start([policy(), login(method)], USERS);
        const { output, msg: sent, error } = await through("login1", { ...msg, client: stranger });
        assert.equal(error, null);
        assert.equal(output, 2);
        assert.equal(sent.auth.result, "rejected");
        assert.equal(sent.auth.code, code);
        assert.equal("client" in sent, false);
        assert.doesNotMatch(JSON.stringify(sent.auth), /sesame|guess/);
      });
    }
  });

  it("reads Basic, Bearer and X-Api-Key from an HTTP request", async () => {
    const app = makeApp("com.example.slicer", "1.0", 1024);
    const settings = policy({ apps: [app.row], minModulusBits: "1024" });
    const other = login("http", { id: "login2" });
    await start([settings, login("session-key"), other], USERS);
    const req = { ip: "192.0.2.7", headers: { authorization: basic("amy:open sesame") } };
    const { msg } = await through("login2", { req });
    assert.deepEqual(msg.client.metadata, { roles: "guest,maker", userId: "u-amy", ver: "http", address: "192.0.2.7" });

    const first = await through("login1", { payload: "", client: stranger });
    assert.equal(first.output, 3);
    assert.equal("client" in first.msg, false);
    assert.deepEqual(
      [first.msg.auth.result, Object.keys(first.msg.auth.authData)],
      ["continue", ["unverifiedKey", "validUntil"]],
    );
    const { unverifiedKey } = first.msg.auth.authData;
    const early = await through("login2", { req: { headers: { "x-api-key": unverifiedKey } } });
    assert.equal(early.output, 2);
    const second = await through("login1", { payload: app.request(unverifiedKey) });
    assert.equal(second.output, 1);
    assert.equal(second.msg.client.metadata.userId, "com.example.slicer");
    for (const headers of [{ authorization: `Bearer ${unverifiedKey}` }, { "x-api-key": unverifiedKey }])
      assert.equal((await through("login2", { req: { headers } })).output, 1);
    const again = await through("login1", { payload: app.request(unverifiedKey) });
    assert.equal(again.output, 2);
  });

  it("takes a broker's auth data, with a password or a certificate", async () => {
    await start([policy(), login("msg")], USERS);
    const connection = { clientId: "c1", remoteAddr: "192.0.2.9", remotePort: 5000, channelId: "ch1" };
    const password = Buffer.from("open sesame");
    for (const form of [password, password.toString("base64")]) {
      const { output, msg } = await through("login1", { authData: { username: "amy", password: form, ...connection } });
      assert.equal(output, 1);
      const { ver, clientId, address, channelId, userId } = msg.client.metadata;
      assert.deepEqual([ver, clientId, address, channelId, userId], ["4", "c1", "192.0.2.9", "ch1", "u-amy"]);
    }
    const byCertificate = await through("login1", { authData: { cert: Buffer.from("der"), ...connection } });
    assert.equal(byCertificate.output, 1);
    assert.equal(byCertificate.msg.client.metadata.userId, "machine");
  });

  it("the handshake of an app goes over extended authentication, too", async () => {
    const app = makeApp("com.example.slicer", "1.0", 1024);
    await start([policy({ apps: [app.row], minModulusBits: 1024 }), login("msg")]);
    const basicData = { remoteAddr: "192.0.2.9", remotePort: 5000, channelId: "ch1", responseInfo: false };
    const first = await through("login1", { authData: { initial: { basic: basicData, authMethod: "APP-SESSION" } } });
    assert.equal(first.output, 3);
    const { unverifiedKey } = JSON.parse(first.msg.auth.authData.toString()) as { unverifiedKey: string };
    const proof = Buffer.from(JSON.stringify(app.request(unverifiedKey)));
    const second = await through("login1", {
      authData: { auth: { authMethod: "APP-SESSION", authData: proof, isReAuth: false } },
    });
    assert.equal(second.output, 1);
    assert.equal(second.msg.client.metadata.userId, "com.example.slicer");
  });

  it("bans an address after a hundred failures, and only that one", async () => {
    await start([policy(), login("http")], USERS);
    const knock = async (ip: string) => {
      const req = { ip, headers: { "x-api-key": "guess" } };
      return (await through("login1", { req })).msg.auth.code as string;
    };
    for (let turn = 0; turn < 100; turn += 1) assert.equal(await knock("192.0.2.1"), "BadPass");
    assert.equal(await knock("192.0.2.1"), "Banned");
    assert.equal(await knock("192.0.2.2"), "BadPass");
  });

  it("never lets anybody in because the policy is broken", async () => {
    const settings = policy({ rules: [{ effect: "maybe" }], bypassOnError: true });
    await start([settings, login("password"), login("session-key", { id: "login2" })], USERS);
    for (const [id, msg] of [
      ["login1", { credentials: { username: "amy", password: "open sesame" } }],
      ["login2", { payload: "" }],
    ] as const) {
      const { output, msg: sent } = await through(id, msg);
      assert.equal(output, 2);
      assert.equal(sent.auth.code, "Error");
    }
  });

  it("lets anybody in with dev-only, and splits tenant and user", async () => {
    await start([policy({ provider: "dev-only" }), login("password")]);
    const { msg } = await through("login1", { credentials: { username: "T/U", password: "" } });
    assert.deepEqual([msg.client.tenantId, msg.client.metadata.userId], ["T", "U"]);
  });

  it("reads the users from an environment variable", async () => {
    process.env["PG_TEST_USERS"] = JSON.stringify([{ username: "amy", password: "open sesame" }]);
    try {
      await start([policy(), login("password")], { policy1: { users: "${PG_TEST_USERS}" } });
      const credentials = { username: "amy", password: "open sesame" };
      assert.equal((await through("login1", { credentials })).output, 1);
    } finally {
      delete process.env["PG_TEST_USERS"];
    }
  });

  it("closes the policy where the variable of the users is not set", async () => {
    await start([policy(), ...gate()], { policy1: { users: "${NO_USERS}" } });
    assert.equal((await through("gate1", { topic: "a" })).output, 3);
    assert.deepEqual(statusOf("gate1"), {
      fill: "red",
      shape: "ring",
      text: "environment variable NO_USERS is not set",
    });
  });

  it("ends in done(err) without a policy", async () => {
    await start([policy(), login("password", { policy: "" })]);
    const { error, sent } = await ask("login1", {});
    assert.ok(error instanceof PrintgateError);
    assert.equal(error.message, "no policy selected");
    assert.deepEqual(sent, []);
  });
});
