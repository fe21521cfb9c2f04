import assert from "node:assert/strict";
import { isPrintgateError } from "../../../../lib/errors";
import type { ErrorCode } from "../../../../lib/errors";
import { ANNA, accountBed, BEN, CARA, closeBeds, DANA, signInAnna } from "../../../support/cloud-account";

const fails = (code: ErrorCode, words: RegExp) => (error: unknown) => {
  assert.ok(isPrintgateError(error, code), String(error));
  assert.match(error.message, words);
  return true;
};

describe("signing in to the cloud", () => {
  afterEach(closeBeds);

  it("by password asks once and knows who it is and until when", async () => {
    const { account, asked, clock, store } = await accountBed();
    const answer = await signInAnna(account);
    const until = clock.now + 90 * 86_400_000;
    assert.deepEqual(answer, { next: "done", who: { uid: "1001", account: ANNA.account, name: "Anna" }, until });
    assert.deepEqual(asked(), ["POST /v1/user-service/user/login", "GET /v1/user-service/my/profile"]);
    assert.equal(store.session?.uid, "1001");
    assert.deepEqual(account.state, { kind: "signed-in", who: answer.who, until });
  });

  it("with a password that asks for a code has the code sent, and takes it", async () => {
    const { account, cloud, asked, store } = await accountBed();
    const { account: name, password } = BEN;
    assert.deepEqual(await account.signIn({ kind: "password", account: name, password }), {
      next: "code",
      sentBy: "email",
    });
    assert.deepEqual(asked(), ["POST /v1/user-service/user/login", "POST /v1/user-service/user/sendemail/code"]);
    const answer = await account.signIn({ kind: "code", account: name, code: ` ${cloud.lastCode(name)} ` });
    assert.equal(answer.next, "done");
    assert.equal(store.session?.firmwareBetaOpen, true);
  });

  it("by e-mail alone needs no password", async () => {
    const { account, cloud, asked } = await accountBed();
    assert.deepEqual(await account.signIn({ kind: "send-code", account: ANNA.account }), {
      next: "code",
      sentBy: "email",
    });
    const code = cloud.lastCode(ANNA.account) ?? "";
    assert.equal((await account.signIn({ kind: "code", account: ANNA.account, code })).next, "done");
    assert.equal(asked().filter((path) => path.endsWith("/login")).length, 1);
  });

  it("by phone number has the code sent by SMS in China, and nowhere else", async () => {
    const { account, cloud, asked, again } = await accountBed({ region: "china" });
    assert.deepEqual(await account.signIn({ kind: "send-code", account: DANA.account }), {
      next: "code",
      sentBy: "sms",
    });
    assert.deepEqual(asked(), ["POST /api/v1/user-service/user/sendsmscode"]);
    const code = cloud.lastCode(DANA.account) ?? "";
    assert.equal((await account.signIn({ kind: "code", account: DANA.account, code })).next, "done");
    asked();
    const elsewhere = again({ region: "global" });
    await assert.rejects(
      elsewhere.signIn({ kind: "send-code", account: DANA.account }),
      fails("request-invalid", /e-mail address/),
    );
    assert.deepEqual(asked(), []);
  });

  it("tells a wrong code from one that is too old", async () => {
    const { account, cloud } = await accountBed();
    await account.signIn({ kind: "send-code", account: ANNA.account });
    const wrong = account.signIn({ kind: "code", account: ANNA.account, code: "000000" });
    await assert.rejects(wrong, fails("account-refused", /wrong/));
    cloud.expireCodes();
    const late = account.signIn({ kind: "code", account: ANNA.account, code: cloud.lastCode(ANNA.account) ?? "" });
    await assert.rejects(late, fails("account-refused", /expired/));
    assert.deepEqual(account.state, { kind: "signed-out" });
  });

  it("refuses a wrong password with words that help", async () => {
    const { account, asked } = await accountBed();
    const wrong = account.signIn({ kind: "password", account: ANNA.account, password: "not this one" });
    await assert.rejects(wrong, fails("account-refused", /name and password/));
    assert.equal(asked().length, 1);
  });

  for (const place of ["accessToken", "token", "cookie"] as const) {
    it(`with an authenticator proves where it comes from, and finds the token in ${place}`, async () => {
      const { account, cloud, asked } = await accountBed();
      cloud.switches.tfaTokenIn = place;
      const first = { kind: "password", account: CARA.account, password: CARA.password } as const;
      assert.deepEqual(await account.signIn(first), { next: "tfa" });
      await assert.rejects(account.signIn({ kind: "tfa", code: "000000" }), fails("account-refused", /code/));
      asked();
      const answer = await account.signIn({ kind: "tfa", code: cloud.tfaCode(CARA.account) });
      assert.equal(answer.next === "done" && answer.who.uid, "1003");
      assert.deepEqual(asked().slice(0, 2), ["GET /api/csrf", "POST /api/sign-in/tfa"]);
    });
  }

  it("says what to do where the two-factor page wants no programs", async () => {
    const { account, cloud } = await accountBed();
    await account.signIn({ kind: "password", account: CARA.account, password: CARA.password });
    cloud.fault({ kind: "answer", answer: { status: 200, body: {} } }, { path: "/api/csrf" });
    const step = account.signIn({ kind: "tfa", code: cloud.tfaCode(CARA.account) });
    await assert.rejects(step, fails("account-refused", /with a code instead/));
  });

  it("with an authenticator works at a server that knows no such proof", async () => {
    const { account, cloud } = await accountBed();
    await account.signIn({ kind: "password", account: CARA.account, password: CARA.password });
    cloud.fault({ kind: "status", status: 404 }, { path: "/api/csrf" });
    const body = { accessToken: cloud.token(CARA.account) };
    cloud.fault({ kind: "answer", answer: { status: 200, body } }, { path: "/api/sign-in/tfa" });
    assert.equal((await account.signIn({ kind: "tfa", code: "123456" })).next, "done");
  });

  it("with an authenticator takes the cookies of pages that are no JSON", async () => {
    const { account, cloud } = await accountBed();
    await account.signIn({ kind: "password", account: CARA.account, password: CARA.password });
    const page = (cookie: string) =>
      ({ kind: "answer", answer: { status: 200, headers: { "set-cookie": cookie }, body: "<p>Welcome</p>" } }) as const;
    cloud.fault(page("bbl_csrf_token=abc; Path=/"), { path: "/api/csrf" });
    cloud.fault(page(`token=${cloud.token(CARA.account)}; HttpOnly`), { path: "/api/sign-in/tfa" });
    assert.equal((await account.signIn({ kind: "tfa", code: "123456" })).next, "done");
    assert.equal(cloud.requests.find(({ path }) => path === "/api/sign-in/tfa")?.headers["x-bbl-csrf-token"], "abc");
  });

  it("asks for the password before the code of an authenticator", async () => {
    const { account, asked } = await accountBed();
    await assert.rejects(account.signIn({ kind: "tfa", code: "123456" }), fails("request-invalid", /password/));
    assert.deepEqual(asked(), []);
  });

  it("by ticket works once", async () => {
    const { account, cloud } = await accountBed();
    const ticket = cloud.ticket(ANNA.account);
    assert.equal((await account.signIn({ kind: "ticket", ticket })).next, "done");
    await assert.rejects(account.signIn({ kind: "ticket", ticket }), fails("account-refused", /once/));
    assert.equal(account.state.kind, "signed-in", "a failed attempt ends no session");
  });

  it("by token takes what people paste, and asks the cloud whether it is good", async () => {
    const { account, cloud } = await accountBed();
    const token = cloud.token(ANNA.account);
    const answer = await account.signIn({ kind: "token", accessToken: `  Bearer ${token}\n` });
    assert.deepEqual(answer, {
      next: "done",
      who: { uid: "1001", account: ANNA.account, name: "Anna" },
      until: null,
    });
    const bad = account.signIn({ kind: "token", accessToken: "AQAnot-a-token-of-this-cloud" });
    await assert.rejects(bad, fails("account-refused", /does not accept this token/));
    assert.deepEqual((await account.mqtt.credentials()).password, token);
  });

  it("refuses what can not be sent, before anything is asked", async () => {
    const { account, asked } = await accountBed();
    const steps = [
      { kind: "password", account: " ", password: "x" },
      { kind: "password", account: ANNA.account, password: "" },
      { kind: "password", account: ANNA.account, password: 7 as unknown as string },
      { kind: "code", account: ANNA.account, code: "1".repeat(5000) },
      { kind: "ticket", ticket: "" },
      { kind: "token", accessToken: "two words" },
      { kind: "token", accessToken: "line\r\nInjected: yes" },
    ] as const;
    for (const step of steps) await assert.rejects(account.signIn(step), fails("request-invalid", /./));
    assert.deepEqual(asked(), []);
  });

  it("keeps a login although the profile can not be had, and asks for the user when it is needed", async () => {
    const { account, cloud } = await accountBed();
    const lift = cloud.fault({ kind: "status", status: 502 }, { path: /profile$/ });
    const answer = await signInAnna(account);
    assert.deepEqual(answer.next === "done" && answer.who, { uid: null, account: ANNA.account, name: null });
    lift();
    assert.equal((await account.mqtt.credentials()).username, "u_1001");
    assert.deepEqual(account.state.kind === "signed-in" && account.state.who.name, "Anna");
  });

  it("asks for the preference where the profile names no user", async () => {
    const { account, cloud, asked } = await accountBed();
    const nameless = { status: 200, body: { account: ANNA.account, name: "Anna" } };
    cloud.fault({ kind: "answer", answer: nameless }, { path: /profile$/ });
    const answer = await signInAnna(account);
    assert.equal(answer.next === "done" && answer.who.uid, "1001");
    assert.equal(asked().at(-1), "GET /v1/design-user-service/my/preference");
  });

  it("asks for the preference where the profile can not be had", async () => {
    const { account, cloud } = await accountBed();
    cloud.fault({ kind: "status", status: 500 }, { path: /profile$/ });
    await signInAnna(account);
    assert.equal((await account.mqtt.credentials()).username, "u_1001");
    cloud.fault({ kind: "expired" }, { path: /profile$/ });
    await assert.rejects(account.mqtt.credentials(), fails("account-expired", /sign in again/));
  });

  it("reads the user out of an old kind of token before it asks anybody", async () => {
    const { account, cloud } = await accountBed({ cloud: { tokens: "jwt" } });
    cloud.fault({ kind: "status", status: 500 }, { path: /profile$|preference$/ });
    const answer = await signInAnna(account);
    assert.equal(answer.next === "done" && answer.who.uid, "1001");
  });

  it("does not take an answer without a token for a success", async () => {
    const { account, cloud } = await accountBed();
    for (const body of [
      {},
      { accessToken: "" },
      { accessToken: ["x"] },
      { loginType: "dance" },
      { loginType: "tfa" },
    ]) {
      const lift = cloud.fault({ kind: "answer", answer: { status: 200, body } }, { path: /login$/ });
      await assert.rejects(signInAnna(account), fails("bad-answer", /no token/));
      lift();
    }
  });
});
