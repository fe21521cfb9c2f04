import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { logIn } from "../../../lib/auth/login/login";
import { readHttpCredentials } from "../../../lib/auth/login/credentials";
import type { LoginMessage, LoginMethod } from "../../../lib/auth/login/questions";
import type { ExtendedAuthResult } from "../../../lib/auth/provider";
import { kiosk, loginParts } from "../../support/auth-login";

const basic = (text: string | Buffer): string => `Basic ${Buffer.from(text).toString("base64")}`;
const req = (headers: object, ip = "192.0.2.8") => ({ headers, ip });
const anna = { username: "anna", password: "secret" };
/** The identity that anna's login makes, beside what the method knows. */
const annaWith = (known: object) => ({
  tenantId: "home",
  type: "MQTT",
  metadata: { roles: "admin", userId: "u1", ...known },
});

describe("a login by message", () => {
  const parts = loginParts();
  const tryIn = (method: LoginMethod, message: LoginMessage) => logIn(method, message, parts);

  it("password: user name and password from msg.credentials, a client id where it is given", async () => {
    const answer = await tryIn("password", { credentials: { ...anna, clientId: "c1" } });
    assert.deepEqual(answer, {
      auth: { result: "ok", tenantId: "home", userId: "u1" },
      client: annaWith({ clientId: "c1" }),
    });
    const bytes = await tryIn("password", { credentials: { ...anna, password: Buffer.from("secret") } });
    assert.deepEqual(bytes.client, annaWith({}));
    const bad = await tryIn("password", { credentials: { ...anna, password: "wrong" } });
    assert.deepEqual(bad, {
      auth: { result: "rejected", code: "BadPass", reason: "user name or password is wrong" },
    });
  });

  it("password: what is no pair of user name and password is rejected without a try", async () => {
    for (const credentials of [
      undefined,
      null,
      "anna:secret",
      {},
      { username: "anna" },
      { username: "", password: "" },
      { username: 5, password: "x" },
      { username: "anna", password: 5 },
      { username: ["anna"], password: "secret" },
      Object.create(anna) as object,
    ]) {
      const answer = await tryIn("password", { credentials });
      assert.equal(answer.auth.code, "NotAuthorized", JSON.stringify(credentials));
      assert.equal(answer.client, undefined);
    }
  });

  it("a reserved name among the attributes sets nothing, and __proto__ is no attribute", async () => {
    const { client } = await tryIn("password", { credentials: anna });
    assert.deepEqual(Object.keys(client?.metadata ?? {}).sort(), ["roles", "userId"]);
    assert.equal(Object.getPrototypeOf(client?.metadata), Object.prototype);
  });

  it("http: Basic credentials, with the address of the request", async () => {
    const answer = await tryIn("http", { req: req({ authorization: basic("anna:secret") }) });
    assert.deepEqual(answer.client, annaWith({ ver: "http", address: "192.0.2.8" }));
    const bare = { headers: { authorization: basic("anna:secret") }, socket: { remoteAddress: "192.0.2.9" } };
    assert.equal((await tryIn("http", { req: bare })).client?.metadata["address"], "192.0.2.9");
  });

  it("http: a session key as Bearer token or API key, and none that is unverified or invented", async () => {
    const unverified = parts.appKeys.issue()?.unverifiedKey ?? "";
    const key = parts.appKeys.issue()?.unverifiedKey ?? "";
    parts.appKeys.verify(kiosk.request(key));
    for (const headers of [
      { authorization: `Bearer ${key}` },
      { "x-api-key": key },
      { "x-api-key": key, authorization: basic("somebody:else") },
    ]) {
      const { auth, client } = await tryIn("http", { req: req(headers) });
      assert.deepEqual(auth, { result: "ok", tenantId: "home", userId: "kiosk" });
      assert.equal(client?.metadata["roles"], "app");
    }
    for (const headers of [
      { authorization: `Bearer ${unverified}` },
      { "x-api-key": "0".repeat(32) },
      { "x-api-key": key.toLowerCase() },
      { "x-api-key": [key, key] },
      { authorization: `Bearer ${key} ${key}` },
      { authorization: `Token ${key}` },
      { authorization: key },
      {},
    ]) {
      const { auth, client } = await tryIn("http", { req: req(headers) });
      assert.equal(auth.result, "rejected", JSON.stringify(headers));
      assert.equal(client, undefined);
    }
  });

  it("http: no request, or one without headers, is no login", async () => {
    for (const none of [undefined, null, 5, {}, { headers: null }, { headers: "x" }])
      assert.equal((await tryIn("http", { req: none })).auth.result, "rejected");
  });

  it("session-key: an empty payload gives a key, the signed request a session", async () => {
    for (const payload of [undefined, null, "", {}, [], Buffer.alloc(0)]) {
      const { auth, client } = await tryIn("session-key", { payload });
      assert.equal(auth.result, "continue");
      assert.deepEqual(Object.keys(auth.authData ?? {}), ["unverifiedKey", "validUntil"]);
      assert.equal(client, undefined);
    }
    const challenge = (await tryIn("session-key", {})).auth.authData as { unverifiedKey: string };
    const request = kiosk.request(challenge.unverifiedKey);
    const { auth, client } = await tryIn("session-key", { payload: request });
    assert.equal(auth.result, "ok");
    assert.equal((auth.authData as { key: string }).key, request.key);
    assert.deepEqual(client, { tenantId: "home", type: "MQTT", metadata: { roles: "app", userId: "kiosk" } });
    assert.equal((await tryIn("session-key", { payload: request })).auth.code, "NotAuthorized");
  });

  it("session-key: the request may still be JSON text; what can not be understood keeps the key", async () => {
    const { unverifiedKey } = (await tryIn("session-key", {})).auth.authData as { unverifiedKey: string };
    const request = kiosk.request(unverifiedKey);
    for (const payload of ["{", "[]", 5, { ...request, _sig: "!" }, { appid: "x" }]) {
      const { auth } = await tryIn("session-key", { payload });
      assert.equal(auth.code, "Error", JSON.stringify(payload));
    }
    assert.equal((await tryIn("session-key", { payload: JSON.stringify(request) })).auth.result, "ok");
  });

  it("msg: MQTT 3.1, 3.1.1 and 5 auth data, each with its version", async () => {
    const common = {
      username: "anna",
      password: Buffer.from("secret").toString("base64"),
      clientId: "c9",
      remoteAddr: "192.0.2.3",
      remotePort: 40000,
      channelId: "ch",
    };
    const known = { clientId: "c9", channelId: "ch", address: "192.0.2.3" };
    for (const [authData, ver] of [
      [{ ...common, isMQIsdp: true }, "3"],
      [common, "4"],
      [{ ...common, version: "3" }, "4"],
      [{ ...common, userProps: {} }, "5"],
      [{ ...common, responseInfo: false }, "5"],
      [{ ...common, version: 5 }, "5"],
    ] as const) {
      const { auth, client } = await tryIn("msg", { authData });
      assert.equal(auth.result, "ok", JSON.stringify(auth));
      assert.deepEqual(client, annaWith({ ver, ...known }));
    }
    const buffers = { ...common, password: Buffer.from("secret") };
    assert.equal((await tryIn("msg", { authData: buffers })).auth.result, "ok");
  });

  it("msg: a client that sent no id is named by its connection", async () => {
    const authData = { username: "anna", password: Buffer.from("secret"), clientId: "", channelId: "ch7" };
    const { client } = await tryIn("msg", { authData });
    assert.deepEqual(client, annaWith({ ver: "4", clientId: "ch7", channelId: "ch7" }));
  });

  it("msg: a certificate logs in the user who has its fingerprint", async () => {
    const cert = Buffer.from("DER of a certificate");
    const certFingerprint = createHash("sha256").update(cert).digest("hex");
    const withMill = loginParts({ users: [{ certFingerprint, tenantId: "home", userId: "mill" }] });
    for (const given of [cert, cert.toString("base64")]) {
      const { auth } = await logIn("msg", { authData: { cert: given, clientId: "m" } }, withMill);
      assert.equal(auth.userId, "mill");
    }
    const other = await logIn("msg", { authData: { cert: Buffer.from("other") } }, withMill);
    assert.equal(other.auth.code, "NotAuthorized");
  });

  it("msg: what is no auth data is an error that says where", async () => {
    for (const [authData, reason] of [
      [undefined, /not an object/],
      ["x", /not an object/],
      [Buffer.from("{}"), /not an object/],
      [{ username: 5 }, /auth data\.username/],
      [{ password: "not base64!" }, /auth data\.password/],
      [{ initial: {} }, /basic is missing/],
      [{ initial: { basic: {} }, auth: {} }, /at once/],
      [{ auth: null }, /no known kind/],
    ] as const) {
      const { auth, client } = await tryIn("msg", { authData });
      assert.equal(auth.code, "Error");
      assert.match(auth.reason ?? "", reason);
      assert.equal(client, undefined);
    }
  });

  it("whatever a provider tells beside the identity goes into msg.auth as Node-RED spells it", async () => {
    const results: ExtendedAuthResult[] = [
      {
        result: "ok",
        identity: { tenantId: "t", userId: "u", attrs: {} },
        userProps: [
          ["a", "1"],
          ["b", "2"],
          ["a", "3"],
        ],
        responseInfo: "ri",
        authData: Buffer.from("done"),
      },
      { result: "rejected", code: "BadAuthMethod", tenantId: "t", userId: "u", userProps: [["why", "so"]] },
      { result: "continue", authData: Buffer.from("more"), reason: "half way" },
    ];
    const policy = { ...parts.policy, extendedAuth: () => Promise.resolve(results.shift()!) };
    const step = { auth: { authMethod: "M", authData: "" } };
    const say = async () => (await logIn("msg", { authData: step }, { ...parts, policy })).auth;
    assert.deepEqual(await say(), {
      result: "ok",
      tenantId: "t",
      userId: "u",
      userProps: { a: ["1", "3"], b: "2" },
      responseInfo: "ri",
      authData: Buffer.from("done"),
    });
    assert.deepEqual(await say(), {
      result: "rejected",
      code: "BadAuthMethod",
      tenantId: "t",
      userId: "u",
      userProps: { why: "so" },
    });
    assert.deepEqual(await say(), { result: "continue", reason: "half way", authData: Buffer.from("more") });
  });

  it("more than 100 failures a minute from one address are banned, over all methods, and only there", async () => {
    const guarded = loginParts();
    const wrong = { req: req({ authorization: basic("anna:guess") }, "192.0.2.66") };
    for (let i = 0; i < 100; i++) assert.equal((await logIn("http", wrong, guarded)).auth.code, "BadPass");
    assert.equal((await logIn("http", wrong, guarded)).auth.code, "Banned");
    const right = { req: req({ authorization: basic("anna:secret") }, "192.0.2.66") };
    assert.equal((await logIn("http", right, guarded)).auth.code, "Banned");
    const authData = { username: "anna", password: Buffer.from("secret"), remoteAddr: "192.0.2.66" };
    assert.equal((await logIn("msg", { authData }, guarded)).auth.code, "Banned");
    const elsewhere = { req: req({ authorization: basic("anna:secret") }, "192.0.2.67") };
    assert.equal((await logIn("http", elsewhere, guarded)).auth.result, "ok");
    for (let i = 0; i < 150; i++) await logIn("password", { credentials: { ...anna, password: "x" } }, guarded);
    assert.equal((await logIn("password", { credentials: anna }, guarded)).auth.result, "ok");
    guarded.clock.now += 60_000;
    assert.equal((await logIn("http", right, guarded)).auth.result, "ok");
  });
});

describe("HTTP credentials", () => {
  const read = (authorization: string) => readHttpCredentials({ authorization });

  it("Basic is taken in any case, with colons in the password and UTF-8 all over", () => {
    for (const [header, username, password] of [
      [basic("u:p"), "u", "p"],
      [basic("u:"), "u", ""],
      [basic("u:a:b:"), "u", "a:b:"],
      [basic("jürgen:pässwörd"), "jürgen", "pässwörd"],
      [basic("u:p").replace("Basic ", "bASIC   "), "u", "p"],
      [basic("u:p!").replace(/=+$/, ""), "u", "p!"],
    ] as const)
      assert.deepEqual(read(header), { kind: "basic", username, password });
  });

  it("what is malformed is none, instead of a guess", () => {
    for (const header of [
      "",
      "Basic",
      "Basic ",
      "Basic !!!!",
      basic("no colon"),
      basic(":no name"),
      basic(Buffer.from([0x75, 0x3a, 0xff])),
      `${basic("u:p")} x`,
      `${basic("u:p")}\n`,
      "Digest username=x",
      "constructor x",
      "__proto__ x",
    ])
      assert.equal(read(header).kind, "none", JSON.stringify(header));
  });
});
