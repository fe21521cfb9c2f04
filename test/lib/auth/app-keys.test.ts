import assert from "node:assert/strict";
import { type AppKeys, createAppKeys, type AppKeysOptions } from "../../../lib/auth/login/app-keys";
import { parseApps } from "../../../lib/auth/login/app-keys-apps";
import { makeApp, requestOf, VECTOR } from "../../support/auth-apps";

const START = 1_416_220_297_011;
const app = makeApp("org.example.kiosk", "2.1");
const { id, version } = VECTOR;

function setUp(more: { list?: unknown[]; options?: Partial<AppKeysOptions> } = {}) {
  const clock = { now: START };
  const list = more.list ?? [{ ...app.row, tenantId: "t", userId: "kiosk", attrs: { roles: "app" } }];
  const { rows } = parseApps(list, { minModulusBits: 512 });
  const keys = createAppKeys({ apps: rows, sessionSeconds: 7200, now: () => clock.now, ...more.options });
  return { clock, keys };
}
const issue = (keys: AppKeys): string => {
  const issued = keys.issue();
  assert.ok(issued);
  return issued.unverifiedKey;
};
/** Whether the key can still be verified by the app it belongs to. Uses it up. */
const isAlive = (keys: AppKeys, key: string): boolean => keys.verify(app.request(key)).kind === "verified";

describe("app session keys", () => {
  it("the documented signature is right, and only for the app, version and key it was made for", () => {
    const { rows } = parseApps(
      [
        { id, version, publicKey: VECTOR.publicKey },
        { id, version: "0.9", publicKey: VECTOR.oldPublicKey, enabled: false },
        { id, version: "1.1", publicKey: VECTOR.oldPublicKey },
      ],
      { minModulusBits: 512 },
    );
    assert.equal(rows.length, 3);
    const keys = createAppKeys({ apps: rows, sessionSeconds: 7200 });
    const documented = { appid: id, appversion: version, key: VECTOR.key, _sig: VECTOR.signature };
    // The key itself was another server's: getting as far as that proves app and signature.
    const verdict = (change: object) => keys.verify({ ...documented, ...change });
    const reasonOf = (change: object) => (verdict(change) as { reason: string }).reason;
    assert.match(reasonOf({}), /the key is unknown/);
    assert.match(reasonOf({ key: VECTOR.key.toLowerCase() }), /signature is not right/);
    assert.match(reasonOf({ appversion: "1.1" }), /signature is not right/);
    assert.match(reasonOf({ appversion: "0.9" }), /not registered/);
    assert.match(reasonOf({ _sig: `AA${VECTOR.signature.slice(2)}` }), /signature is not right/);
  });

  it("the documented private key makes the documented signature", () => {
    assert.deepEqual(requestOf({ id, version, key: VECTOR.key }, VECTOR.privateKey, "sha1"), {
      appid: id,
      appversion: version,
      key: VECTOR.key,
      _sig: VECTOR.signature,
    });
  });

  it("a handshake gives the key a session whose time counts from the key's creation, as documented", () => {
    const { clock, keys } = setUp();
    const issued = keys.issue();
    assert.ok(issued);
    assert.match(issued.unverifiedKey, /^[0-9A-F]{32}$/);
    assert.equal(issued.validUntil, VECTOR.unverifiedUntil);
    assert.equal(keys.identify(issued.unverifiedKey), undefined);
    clock.now += 59_000;
    const verification = keys.verify(app.request(issued.unverifiedKey));
    assert.deepEqual(verification, {
      kind: "verified",
      key: issued.unverifiedKey,
      validUntil: VECTOR.verifiedUntil,
      identity: { tenantId: "t", userId: "kiosk", attrs: { roles: "app" } },
    });
    assert.equal(keys.identify(issued.unverifiedKey)?.userId, "kiosk");
    assert.equal(keys.identify(issued.unverifiedKey.toLowerCase()), undefined);
  });

  it("each key keeps its own time: a younger key ends although an older one still lives", () => {
    const { clock, keys } = setUp();
    const old = issue(keys);
    keys.verify(app.request(old));
    const young = issue(keys);
    clock.now += 60_000;
    const equal = issue(keys);
    clock.now += 1;
    assert.equal(isAlive(keys, young), false);
    clock.now += 59_999;
    assert.equal(isAlive(keys, equal), true);
    clock.now = START + 7_200_000;
    assert.equal(keys.identify(old)?.userId, "kiosk");
    clock.now += 1;
    assert.equal(keys.identify(old), undefined);
    assert.equal(keys.identify(equal)?.userId, "kiosk");
  });

  it("a session shorter than the time to verify is over when its key comes to be verified", () => {
    const { clock, keys } = setUp({ options: { sessionSeconds: 30 } });
    const [early, late] = [issue(keys), issue(keys)];
    clock.now += 30_000;
    assert.equal(keys.verify(app.request(early)).kind, "verified");
    clock.now += 1;
    assert.equal(keys.verify(app.request(late)).kind, "refused");
    assert.equal(keys.identify(early), undefined);
  });

  it("using a session does not make it longer", () => {
    const { clock, keys } = setUp({ options: { sessionSeconds: 100 } });
    const key = issue(keys);
    keys.verify(app.request(key));
    for (let second = 0; second <= 100; second += 10) {
      clock.now = START + second * 1000;
      assert.ok(keys.identify(key));
    }
    clock.now += 1;
    assert.equal(keys.identify(key), undefined);
  });

  it("a request that can not be understood leaves the key as it was", () => {
    const { keys } = setUp();
    const key = issue(keys);
    const good = app.request(key);
    for (const [change, reason] of [
      [{ appid: undefined, key: undefined, _sig: undefined }, "missing argument: appid"],
      [{ appid: null }, "missing argument: appid"],
      [{ key: undefined, _sig: undefined }, "missing argument: key"],
      [{ _sig: undefined }, "missing argument: _sig"],
      [{ _sig: `${good._sig}\n` }, "_sig is not base64"],
      [{ _sig: good._sig.replace(/=+$/, "") }, "_sig is not base64"],
      [{ _sig: good._sig.replaceAll("+", "-") + "-" }, "_sig is not base64"],
      [{ _sig: "!!!!" }, "_sig is not base64"],
      [{ _sig: 7 }, "_sig is not base64"],
    ] as const)
      assert.deepEqual(keys.verify({ ...good, ...change }), { kind: "malformed", reason }, JSON.stringify(change));
    for (const nothing of [undefined, null, "x", 5, [], Object.create(good) as object])
      assert.equal(keys.verify(nothing).kind, "malformed");
    assert.equal(isAlive(keys, key), true);
  });

  it("everything else that is wrong burns the key", () => {
    const other = makeApp("org.example.other", "1");
    for (const change of [
      { appid: "org.example.unknown" },
      { appid: 5 },
      { appid: "__proto__" },
      { appid: ["org.example.kiosk"] },
      { appversion: "2.2" },
      { appversion: "any" },
      { appversion: undefined },
      { appversion: 2.1 },
      { appid: "org.example.kiosk:2.1", appversion: "" },
      { _sig: "AAAA" },
      { _sig: "" },
      { _sig: other.request("x")._sig },
    ]) {
      const { keys } = setUp();
      const key = issue(keys);
      const verification = keys.verify({ ...app.request(key), ...change });
      assert.equal(verification.kind, "refused", JSON.stringify(change));
      assert.equal(isAlive(keys, key), false, JSON.stringify(change));
    }
  });

  it("a key is verified once, and garbage in its name does not end its session", () => {
    const { keys } = setUp();
    const key = issue(keys);
    assert.equal(keys.verify(app.request(key)).kind, "verified");
    assert.equal(keys.verify(app.request(key)).kind, "refused");
    assert.equal(keys.verify({ ...app.request(key), _sig: "AAAA" }).kind, "refused");
    assert.equal(keys.verify({ ...app.request(key), appid: "unknown" }).kind, "refused");
    assert.equal(keys.identify(key)?.userId, "kiosk");
  });

  it("a colon can not move from one word of the signed message to the next", () => {
    const one = makeApp("a:b", "c");
    const two = makeApp("a", "b:c");
    const { rows, refused } = parseApps([one.row, two.row], { minModulusBits: 512 });
    assert.equal(rows.length, 0);
    assert.deepEqual(
      refused.map(({ reason }) => reason),
      ["id and version may hold no colon", "id and version may hold no colon"],
    );
    const plain = makeApp("a", "b");
    const { keys } = setUp({ list: [plain.row] });
    for (const request of [
      { ...plain.request("x:y"), key: "x:y" },
      { ...plain.request("K"), appid: "a:b", appversion: "K", key: "" },
    ]) {
      const verification = keys.verify(request);
      assert.ok(verification.kind === "refused" && /not registered/.test(verification.reason));
    }
  });

  it("an app looks up exactly its version: no version is the version any, and a disabled one stays disabled", () => {
    const any = makeApp("org.example.any", "any");
    const { keys } = setUp({ list: [any.row, { ...app.row, enabled: false }, { ...app.row, version: "any" }] });
    const first = issue(keys);
    const { appversion, ...without } = any.request(first);
    assert.equal(appversion, "any");
    assert.equal(keys.verify(without).kind, "verified");
    assert.equal(keys.verify(any.request(issue(keys))).kind, "verified");
    assert.equal(keys.verify({ ...any.request(issue(keys)), appversion: "1.0" }).kind, "refused");
    const disabled = issue(keys);
    assert.equal(keys.verify(app.request(disabled)).kind, "refused");
    assert.equal(keys.identities().length, 2);
  });

  it("the hash is the app's configuration, not the message's choice", () => {
    const { keys } = setUp({ list: [{ ...app.row, hash: "sha256" }] });
    const key = issue(keys);
    assert.equal(keys.verify(app.request(key, "sha256")).kind, "verified");
    assert.equal(keys.verify(app.request(issue(keys), "sha1")).kind, "refused");
    const old = setUp();
    assert.equal(old.keys.verify(app.request(issue(old.keys), "sha256")).kind, "refused");
  });

  it("keys that nobody verifies are bounded, and time makes room", () => {
    const { clock, keys } = setUp({ options: { pendingLimit: 3 } });
    for (let i = 0; i < 3; i++) issue(keys);
    assert.equal(keys.issue(), undefined);
    clock.now += 60_001;
    const key = issue(keys);
    assert.equal(isAlive(keys, key), true);
  });

  it("sessions are bounded as well: the oldest ends", () => {
    const { keys } = setUp({ options: { sessionLimit: 2 } });
    const made = Array.from({ length: 3 }, () => {
      const key = issue(keys);
      keys.verify(app.request(key));
      return key;
    });
    assert.deepEqual(
      made.map((key) => keys.identify(key) !== undefined),
      [false, true, true],
    );
  });
});

describe("the list of apps", () => {
  it("a bad app refuses only itself", () => {
    const { rows, refused } = parseApps(
      [
        { id: "one", version: "1", publicKey: VECTOR.publicKey, tenantId: "t", userId: "u", attrs: { a: "b" } },
        { id: "two", publicKey: VECTOR.publicKey.match(/.{1,40}/g)?.join("\n"), enabled: "false", hash: "sha256" },
        { id: "three", publicKey: "not a key" },
        { id: "four", publicKey: VECTOR.privateKey },
        { id: "five", publicKey: VECTOR.publicKey, hash: "md5" },
        { id: "six", publicKey: VECTOR.publicKey, enabled: "yes" },
        { id: "seven", publicKey: VECTOR.publicKey, enabeld: false },
        { id: "one", version: "1", publicKey: VECTOR.publicKey },
        { publicKey: VECTOR.publicKey },
        { id: "eight" },
        { id: "nine", publicKey: VECTOR.publicKey, attrs: { a: 1 } },
        5,
      ],
      { minModulusBits: 512 },
    );
    assert.deepEqual(
      rows.map((row) => [row.id, row.version, row.hash, row.enabled, row.identity.tenantId, row.identity.userId]),
      [
        ["one", "1", "sha1", true, "t", "u"],
        ["two", "any", "sha256", false, "default", "two"],
      ],
    );
    assert.deepEqual(
      refused.map(({ index }) => index),
      [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
  });

  it("a key whose exponent is 1, under which every message is its own signature, is none", () => {
    // SEQUENCE of two INTEGERs: a modulus of 512 bits, and 1.
    const modulus = Buffer.alloc(64, 0xab);
    const der = Buffer.concat([Buffer.from([0x30, 0x46, 0x02, 0x41, 0x00]), modulus, Buffer.from([0x02, 0x01, 0x01])]);
    const withThree = Buffer.concat([der.subarray(0, -1), Buffer.from([0x03])]);
    const reasons = [der, withThree].map(
      (key) =>
        parseApps([{ id: "one", publicKey: key.toString("base64") }], { minModulusBits: 512 }).refused[0]?.reason,
    );
    assert.deepEqual(reasons, ["publicKey is no RSA public key", undefined]);
  });

  it("a key below the least modulus is refused with both numbers", () => {
    const { rows, refused } = parseApps([{ id: "one", publicKey: VECTOR.publicKey }], { minModulusBits: 2048 });
    assert.equal(rows.length, 0);
    assert.equal(refused[0]?.reason, "publicKey has 512 bits, fewer than 2048");
  });
});
