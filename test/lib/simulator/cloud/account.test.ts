import assert from "node:assert/strict";
import type { VirtualCloud } from "../../../../lib/simulator/cloud/virtual-cloud";
import { ANNA, ask, BERT, CLARA, CloudBench, DUO, type Reply } from "./fixture";

const LOGIN = "/v1/user-service/user/login";
const bench = new CloudBench();

const login = (cloud: VirtualCloud, body: object): Promise<Reply> => ask(cloud, "POST", LOGIN, { body });
const mail = (cloud: VirtualCloud, email: string): Promise<Reply> =>
  ask(cloud, "POST", "/v1/user-service/user/sendemail/code", { body: { email, type: "codeLogin" } });

describe("signing in to the simulated cloud", () => {
  afterEach(() => bench.clear());

  it("gives a token for the right password and says how long it lives", async () => {
    const cloud = await bench.cloud({ tokenSeconds: 600 });
    const { status, json } = await login(cloud, { account: ANNA.account, password: ANNA.password });
    assert.equal(status, 200);
    assert.match(json.accessToken, /^AQA.{100,}/);
    assert.deepEqual([json.refreshToken, json.expiresIn, json.refreshExpiresIn], [json.accessToken, 600, 600]);
    assert.equal(json.loginType, "");
    const wrong = await login(cloud, { account: ANNA.account, password: "guessed" });
    assert.equal(wrong.status, 400);
    assert.equal(wrong.json.accessToken, undefined);
  });

  it("asks for a mailed code, sends it only when told to, and takes it once", async () => {
    const cloud = await bench.cloud();
    const first = await login(cloud, { account: BERT.account, password: BERT.password });
    assert.deepEqual([first.json.loginType, first.json.accessToken], ["verifyCode", ""]);
    assert.equal(cloud.lastCode(BERT.account), null);
    assert.equal((await mail(cloud, BERT.account)).status, 200);
    const code = cloud.lastCode(BERT.account);
    assert.match(String(code), /^\d{6}$/);
    const wrong = await login(cloud, { account: BERT.account, code: "000000" });
    assert.deepEqual([wrong.status, wrong.json.code], [400, 2]);
    assert.notEqual((await login(cloud, { account: BERT.account, code })).json.accessToken, "");
    const again = await login(cloud, { account: BERT.account, code });
    assert.deepEqual([again.status, again.json.code], [400, 1]);
  });

  it("says of a code that is too old that it has expired", async () => {
    let now = 1_800_000_000_000;
    const cloud = await bench.cloud({ now: () => now, codeSeconds: 60 });
    await mail(cloud, BERT.account);
    now += 61_000;
    const late = await login(cloud, { account: BERT.account, code: cloud.lastCode(BERT.account) });
    assert.deepEqual([late.status, late.json.code], [400, 1]);
    await mail(cloud, BERT.account);
    cloud.expireCodes();
    const code = cloud.lastCode(BERT.account);
    assert.equal((await login(cloud, { account: BERT.account, code })).json.code, 1);
  });

  it("sends codes by SMS to accounts that are phone numbers, on the web origin", async () => {
    const cloud = await bench.cloud();
    assert.equal((await mail(cloud, DUO.account)).status, 400);
    const body = { phone: DUO.account, type: "codeLogin" };
    assert.equal((await ask(cloud, "POST", "/api/v1/user-service/user/sendsmscode", { body })).status, 200);
    const { json } = await login(cloud, { account: DUO.account, code: cloud.lastCode(DUO.account) });
    assert.notEqual(json.accessToken, "");
  });

  describe("with an authenticator", () => {
    const tfa = (cloud: VirtualCloud, tfaKey: unknown, tfaCode: unknown, headers: Record<string, string> = {}) =>
      ask(cloud, "POST", "/api/sign-in/tfa", { body: { tfaKey, tfaCode }, headers });

    async function begin(cloud: VirtualCloud): Promise<{ key: string; headers: Record<string, string> }> {
      const { json } = await login(cloud, { account: CLARA.account, password: CLARA.password });
      assert.equal(json.loginType, "tfa");
      const csrf = await ask(cloud, "GET", "/api/csrf");
      const [pair = ""] = (csrf.headers.get("set-cookie") ?? "").split(";");
      assert.match(pair, /^bbl_csrf_token=.+/);
      return { key: json.tfaKey, headers: { cookie: pair, "x-bbl-csrf-token": pair.split("=")[1] ?? "" } };
    }

    it("wants the same value as cookie and as header", async () => {
      const cloud = await bench.cloud();
      const { key, headers } = await begin(cloud);
      const code = cloud.tfaCode(CLARA.account);
      const bare = await tfa(cloud, key, code);
      assert.deepEqual([bare.status, bare.json.reason], [403, "missing_cookie"]);
      const half = await tfa(cloud, key, code, { cookie: headers["cookie"] ?? "" });
      assert.deepEqual([half.status, half.json.reason], [403, "missing_header"]);
      const other = await tfa(cloud, key, code, { ...headers, "x-bbl-csrf-token": "made up" });
      assert.equal(other.status, 403);
      assert.equal((await tfa(cloud, key, "000000", headers)).status, 400);
      assert.match((await tfa(cloud, key, code, headers)).json.accessToken, /^AQA/);
      assert.equal((await tfa(cloud, key, code, headers)).status, 400);
    });

    it("puts the token where the switch says", async () => {
      const cloud = await bench.cloud();
      for (const where of ["token", "cookie"] as const) {
        cloud.switches.tfaTokenIn = where;
        const { key, headers } = await begin(cloud);
        const reply = await tfa(cloud, key, cloud.tfaCode(CLARA.account), headers);
        const cookie = /^token=([^;]+)/.exec(reply.headers.get("set-cookie") ?? "")?.[1];
        const token = where === "token" ? reply.json.token : cookie;
        assert.equal(reply.json.accessToken, undefined);
        assert.equal((await ask(cloud, "GET", "/v1/user-service/my/profile", { token })).json.uid, CLARA.uid);
      }
    });
  });

  it("takes a ticket of the browser once", async () => {
    const cloud = await bench.cloud();
    const ticket = cloud.ticket(ANNA.account);
    const use = () => ask(cloud, "POST", `/v1/user-service/user/ticket/${ticket}`, { body: { ticket } });
    assert.match((await use()).json.accessToken, /^AQA/);
    assert.equal((await use()).status, 400);
  });
});

describe("a token of the simulated cloud", () => {
  const PROFILE = "/v1/user-service/my/profile";
  afterEach(() => bench.clear());

  it("opens the profile, with the settings as the account has them", async () => {
    const cloud = await bench.cloud();
    const profile = async (account: string) => (await ask(cloud, "GET", PROFILE, { token: cloud.token(account) })).json;
    assert.deepEqual(await profile(ANNA.account), {
      uid: 4711,
      uidStr: "4711",
      account: ANNA.account,
      name: "Anna",
      avatar: "",
    });
    assert.equal((await profile(BERT.account)).setting.isFirmwareBetaOpen, true);
    assert.equal((await profile(CLARA.account)).setting.isFirmwareBetaOpen, 0);
    const token = cloud.token(ANNA.account);
    const preference = await ask(cloud, "GET", "/v1/design-user-service/my/preference", { token });
    assert.deepEqual([preference.json.uid, preference.json.name], [4711, "Anna"]);
  });

  it("is told apart when it is over (401, code 4), and when there is none (401)", async () => {
    let now = 1_800_000_000_000;
    const cloud = await bench.cloud({ now: () => now, tokenSeconds: 60 });
    const token = cloud.token(ANNA.account);
    const statusAndCode = async (shown?: string) => {
      const { status, json } = await ask(cloud, "GET", PROFILE, shown === undefined ? {} : { token: shown });
      return [status, json.code];
    };
    assert.deepEqual(await statusAndCode(token), [200, undefined]);
    assert.deepEqual(await statusAndCode(), [401, undefined]);
    assert.deepEqual(await statusAndCode("made-up"), [401, 4]);
    now += 61_000;
    assert.deepEqual(await statusAndCode(token), [401, 4]);
    const later = cloud.token(BERT.account);
    cloud.expireTokens(ANNA.account);
    assert.deepEqual(await statusAndCode(later), [200, undefined]);
    cloud.expireTokens();
    assert.deepEqual(await statusAndCode(later), [401, 4]);
  });

  it("can be exchanged for a new one, unless refreshing is switched off", async () => {
    const cloud = await bench.cloud();
    const { json } = await login(cloud, { account: ANNA.account, password: ANNA.password });
    const refresh = (refreshToken: string) =>
      ask(cloud, "POST", "/v1/user-service/user/refreshtoken", { token: json.accessToken, body: { refreshToken } });
    const next = await refresh(json.refreshToken);
    assert.notEqual(next.json.accessToken, json.accessToken);
    assert.equal((await ask(cloud, "GET", PROFILE, { token: next.json.accessToken })).status, 200);
    assert.equal((await refresh(cloud.token(BERT.account))).status, 401);
    cloud.switches.refresh = "refused";
    const refused = await refresh(json.refreshToken);
    assert.deepEqual([refused.status, refused.json.code], [401, undefined]);
    assert.equal((await ask(cloud, "GET", PROFILE, { token: json.accessToken })).status, 200);
  });

  it("is worth nothing after logging out", async () => {
    const cloud = await bench.cloud();
    const token = cloud.token(ANNA.account);
    const out = await ask(cloud, "POST", "/v1/user-service/my/logout", { token, body: { refreshtoken: "" } });
    assert.deepEqual([out.status, out.text], [200, ""]);
    assert.equal((await ask(cloud, "GET", PROFILE, { token })).json.code, 4);
  });

  it("names user and end inside itself when it is one of the older kind", async () => {
    const cloud = await bench.cloud({ tokens: "jwt", now: () => 1_800_000_000_000, tokenSeconds: 60 });
    const payload = cloud.token(ANNA.account).split(".")[1] ?? "";
    const { username, exp } = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Record<string, unknown>;
    assert.deepEqual([username, exp], ["u_4711", 1_800_000_060]);
  });
});
