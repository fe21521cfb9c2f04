import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { isPrintgateError } from "../../../../lib/errors";
import { fetchPreferenceUid, fetchProfile, fetchTasks } from "../../../../lib/bambu/cloud/calls";
import { fetchSigningCertificate, signingCertificateOf } from "../../../../lib/bambu/cloud/certificates";
import { type CloudClient, createClient } from "../../../../lib/bambu/cloud/client";
import { expiryInToken, pastedTokenOf, tokensOf, uidInToken, uidOf } from "../../../../lib/bambu/cloud/tokens";
import { startVirtualCloud, type VirtualCloud } from "../../../../lib/simulator/cloud/virtual-cloud";
import { ANNA, BEN } from "../../../support/cloud-account";

const badAnswer = (error: unknown) => isPrintgateError(error, "bad-answer");

describe("the calls of the cloud", () => {
  let cloud: VirtualCloud;
  let client: CloudClient;
  let token: string;
  before(async () => {
    cloud = await startVirtualCloud({ users: [ANNA, BEN] });
    token = cloud.token(BEN.account);
  });
  beforeEach(() => {
    const places = { api: cloud.url, web: cloud.url, mqtt: "mqtts://127.0.0.1:8883" };
    client = createClient({ places, timeoutMs: 30_000, now: Date.now });
  });
  afterEach(() => {
    cloud.clearFaults();
    client.close();
  });
  after(() => cloud.close());
  const answer = (body: Record<string, unknown>) =>
    cloud.fault({ kind: "answer", answer: { status: 200, body: body as never } });

  it("read the profile, with the wish for beta firmware in every spelling", async () => {
    const profile = await fetchProfile(client, { token, by: "program" });
    assert.deepEqual(profile, { uid: "1002", account: BEN.account, name: "Ben", firmwareBetaOpen: true });
    const spellings: readonly [unknown, boolean][] = [
      [{ isFirmwareBetaOpen: 1 }, true],
      [{ isFirmwareBetaOpen: false }, false],
      [{ isFirmwareBetaOpen: 0 }, false],
      [{ isFirmwareBetaOpen: "true" }, false],
      [{}, false],
      [undefined, false],
      ["x", false],
    ];
    for (const [setting, wish] of spellings) {
      answer({ uid: 5, ...(setting === undefined ? {} : { setting }) });
      assert.equal((await fetchProfile(client, { token, by: "program" })).firmwareBetaOpen, wish);
    }
  });

  it("read a profile of the wrong types as one that says nothing", async () => {
    answer({ uid: { a: 1 }, uidStr: 7.5, account: [], name: 3, setting: null });
    const profile = await fetchProfile(client, { token, by: "program" });
    assert.deepEqual(profile, { uid: null, account: null, name: null, firmwareBetaOpen: false });
  });

  it("read the user id out of the preference", async () => {
    assert.equal(await fetchPreferenceUid(client, token), "1002");
    answer({ uid: "u/../x" });
    assert.equal(await fetchPreferenceUid(client, token), null);
  });

  it("list the jobs of the account, or of one printer", async () => {
    assert.deepEqual(await fetchTasks(client, { token }), { total: 0, tasks: [] });
    const hit = {
      ...{ id: 77, title: "Bracket", deviceId: "01p00a000000001", status: 2, costTime: 900, weight: 12.5 },
      ...{ startTime: "2030-01-01T10:00:00Z", endTime: "2030-01-01T10:15:00Z" },
    };
    answer({ total: 9, hits: [hit, null, { title: "without a number" }, { id: "x", designTitle: "Other" }] });
    const { total, tasks } = await fetchTasks(client, { token, serial: "01P00A000000001", limit: 5, offset: 10 });
    assert.equal(total, 9);
    assert.deepEqual(tasks[0], {
      ...{ id: "77", title: "Bracket", serial: "01P00A000000001", status: 2 },
      ...{ startedAt: hit.startTime, endedAt: hit.endTime, estimatedSeconds: 900, estimatedGrams: 12.5 },
    });
    assert.equal(tasks.length, 2);
    assert.deepEqual(cloud.requests.at(-1)?.query, {
      ...{ limit: "5", offset: "10", status: "0", deviceId: "01P00A000000001" },
    });
  });

  it("fetch a signing certificate for whoever brings a token and a key", async () => {
    const asked = { applicationToken: "a/token of?the caller", wrappedKey: "a2V5_-" };
    const papers = await fetchSigningCertificate(client, { ...asked, token });
    const [leaf, middle, root] = [papers.leaf, papers.intermediate, papers.root].map((pem) => new X509Certificate(pem));
    assert.ok(leaf !== undefined && middle !== undefined && root !== undefined);
    assert.ok(leaf.verify(middle.publicKey) && middle.verify(root.publicKey));
    assert.equal(papers.revocations.length, 1);
    assert.equal(Buffer.from(papers.encryptedKey, "base64").length, 704);
    const [request] = cloud.requests.slice(-1);
    assert.equal(request?.path, "/v1/iot-service/api/user/applications/a%2Ftoken%20of%3Fthe%20caller/cert");
    assert.deepEqual(request.query, { aes256: "a2V5_-", ver: "1" });
  });

  it("say so where the application behind the certificate is outdated", async () => {
    for (const status of [200, 400, 403]) {
      const lift = cloud.fault({ kind: "answer", answer: { status, body: { code: 101, message: "old" } } });
      const asked = fetchSigningCertificate(client, { applicationToken: "t", wrappedKey: "k", token });
      await assert.rejects(asked, status === 200 ? /code 101/ : /outdated/);
      lift();
    }
  });

  it("refuse a signing certificate of any other shape", () => {
    const pem = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n";
    const crl = "-----BEGIN X509 CRL-----\nQUJD\n-----END X509 CRL-----\n";
    const good = { cert: pem.repeat(3), crl: [crl, crl], key: "QUJD" };
    assert.deepEqual(signingCertificateOf(good), {
      ...{ leaf: pem, intermediate: pem, root: pem, revocations: [crl, crl], encryptedKey: "QUJD" },
    });
    assert.deepEqual(signingCertificateOf({ ...good, crl: undefined }).revocations, []);
    const bad = [
      ...[{ cert: pem.repeat(2) }, { cert: pem.repeat(4) }, { cert: [pem, pem, pem] }, { cert: "" }],
      ...[{ crl: [7] }, { crl: ["no list"] }, { key: "" }, { key: "no base64!" }, { key: 7 }],
    ];
    for (const wrong of bad) assert.throws(() => signingCertificateOf({ ...good, ...wrong }), badAnswer);
  });
});

describe("tokens", () => {
  const jwt = (payload: unknown) => `h.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.s`;

  it("are read with their times, and only where there is one", () => {
    assert.deepEqual(
      tokensOf({ accessToken: "AQA1", refreshToken: "AQB1", expiresIn: 60, refreshExpiresIn: "120" }, 1000),
      {
        ...{ accessToken: "AQA1", refreshToken: "AQB1", expiresAt: 61_000, refreshExpiresAt: 121_000 },
      },
    );
    for (const accessToken of [undefined, null, "", 7, {}, "two words", "x".repeat(9000), "with\nline"])
      assert.equal(tokensOf({ accessToken }, 0), null);
    assert.equal(tokensOf({}, 0, "AQAcookie")?.accessToken, "AQAcookie");
  });

  it("have no end where what is said of it can not be", () => {
    for (const expiresIn of [0, -5, NaN, 1e300, "soon", null, {}])
      assert.equal(tokensOf({ accessToken: "AQA1", expiresIn }, 0)?.expiresAt, null);
  });

  it("of the old kind say whose they are and when they end", () => {
    const token = jwt({ username: "u_1001", exp: 1_900_000_000 });
    assert.equal(uidInToken(token), "1001");
    assert.equal(expiryInToken(token), 1_900_000_000_000);
    assert.equal(tokensOf({ accessToken: token }, 0)?.expiresAt, 1_900_000_000_000);
    for (const odd of [
      jwt({ username: "anna" }),
      jwt({ username: "u_a/b" }),
      jwt([]),
      jwt(null),
      "a.b.c",
      "..",
      "AQA1",
    ])
      assert.equal(uidInToken(odd), null, odd);
    for (const exp of [-1, 0, "x", 1e12, null]) assert.equal(expiryInToken(jwt({ exp })), null);
  });

  it("are found in what people paste", () => {
    for (const text of ["AQA1", " AQA1\n", "Bearer AQA1", 'bearer  "AQA1"']) assert.equal(pastedTokenOf(text), "AQA1");
    for (const text of ["", "  ", "two words", "zwei\u00e4"]) assert.equal(pastedTokenOf(text), null);
  });

  it("never name a user by a number that was rounded", () => {
    assert.equal(uidOf(2 ** 53), null);
    assert.equal(uidOf(1001), "1001");
    assert.equal(uidOf("9007199254740993"), "9007199254740993");
    for (const odd of [0, -1, 1.5, "", "a b", "a/b", null, {}]) assert.equal(uidOf(odd), null);
  });
});
