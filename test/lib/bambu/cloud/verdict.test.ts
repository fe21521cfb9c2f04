import assert from "node:assert/strict";
import { isPrintgateError, type ErrorCode } from "../../../../lib/errors";
import { judge, type Verdict } from "../../../../lib/bambu/cloud/verdict";
import type { Fault } from "../../../../lib/simulator/cloud/virtual-cloud";
import { ANNA, accountBed, closeBeds, signInAnna } from "../../../support/cloud-account";

const NOW = Date.UTC(2030, 0, 1);
const SECRET = "AQAsecret-that-the-cloud-repeats";
const asked = { what: "the list of printers", token: "AQAtoken" };
const look = (status: number, text: string, headers: Record<string, string> = {}): Verdict =>
  judge({ status, text, headers, cookies: new Map() }, asked, NOW);
const codeOf = (verdict: Verdict): string => (verdict.kind === "refused" ? verdict.error.code : verdict.kind);

describe("the verdict on an answer of the cloud", () => {
  const rows: readonly [string, number, string, string, Record<string, string>?][] = [
    ["only 401 with code 4 is a token that ended", 401, '{"code":4,"error":"Please login."}', "account-expired"],
    ["code 4 may be text", 401, '{"code":"4"}', "account-expired"],
    ["another 401 is a refusal", 401, '{"code":1}', "account-refused"],
    ["a 401 without JSON is a refusal", 401, "no", "account-refused"],
    ["code 4 with another status ends nothing", 400, '{"code":4}', "request-invalid"],
    ["a 403 in JSON is the cloud's own word", 403, '{"message":"not yours"}', "account-refused"],
    ["a 403 page is an edge", 403, "<html>no</html>", "blocked"],
    ["an empty 403 is an edge", 403, "", "blocked"],
    ["a 403 that names Cloudflare is an edge", 403, '{"error":"Cloudflare"}', "blocked"],
    ["a 403 with a challenge is an edge", 403, "{}", "blocked", { "cf-mitigated": "challenge" }],
    ["418 is an edge", 418, "{}", "blocked"],
    ["429 is an edge", 429, '{"message":"slow down"}', "blocked"],
    ["503 with a ray is an edge", 503, "x", "blocked", { "cf-ray": "8a-FRA" }],
    ["503 without is the server", 503, "x", "unreachable"],
    ["a challenge is an edge whatever its status", 200, "<title>Just a moment...</title>", "blocked"],
    ["a challenge by its address too", 200, "<script src=//challenges.cloudflare.com>", "blocked"],
    ["an unknown path is a wrong request", 404, "{}", "request-invalid"],
    ["422 is a wrong request", 422, '{"code":9}', "request-invalid"],
    ["a bare text with 400 is a wrong request", 400, "bad id", "request-invalid"],
    ["502 is a server out of order", 502, "<html>", "unreachable"],
    ["a redirect is not followed", 302, "", "bad-answer"],
    ["a list is no answer", 200, "[]", "bad-answer"],
    ["a word is no answer", 200, '"success"', "bad-answer"],
    ["a page is no answer", 200, "<html>hello</html>", "bad-answer"],
    ["half of an answer is none", 200, '{"devices":[', "bad-answer"],
    ["nothing at all is a success", 200, "", "ok"],
    ["204 is a success", 204, " ", "ok"],
    ["an envelope is a success", 200, '{"message":"success","code":null}', "ok"],
    ["code 0 is a success", 200, '{"code":0}', "ok"],
    ["code 0 as text is a success", 200, '{"code":"0"}', "ok"],
    ["no code is a success", 200, '{"uid":1}', "ok"],
    ["success by word counts more than the code", 200, '{"message":"success","code":7}', "ok"],
    ["another code is none", 200, '{"message":"failed","code":7}', "request-invalid"],
    ["no code with an error is none", 200, '{"message":"failed","code":null,"error":"not yours"}', "request-invalid"],
    ["no success is none", 200, '{"success":false}', "request-invalid"],
    ["an empty error is a success", 200, '{"code":0,"error":""}', "ok"],
    ["a failed success does not end a token", 200, '{"code":4,"error":"Please login."}', "request-invalid"],
  ];
  for (const [title, status, text, code, headers] of rows) {
    it(`${title} (${status} is ${code})`, () => {
      assert.equal(codeOf(look(status, text, headers)), code);
    });
  }

  it("is never made of the words of the body", () => {
    for (const status of [200, 302, 400, 401, 403, 404, 422, 500]) {
      const verdict = look(status, JSON.stringify({ code: 9, error: SECRET, message: SECRET, [SECRET]: SECRET }));
      assert.equal(verdict.kind, "refused", String(status));
      assert.ok(!verdict.error.message.includes(SECRET));
      assert.equal(verdict.error.cause, undefined);
    }
  });

  it("takes a payload for a success whatever the code says", () => {
    const reply = { status: 200, text: '{"code":3,"devices":[]}', headers: {}, cookies: new Map<string, string>() };
    assert.equal(judge(reply, { ...asked, payload: ["devices"] }, NOW).kind, "ok");
    assert.equal(judge(reply, { ...asked, payload: ["uid"] }, NOW).kind, "refused");
  });

  it("says that a token ended only where one was shown", () => {
    const reply = { status: 401, text: '{"code":4}', headers: {}, cookies: new Map<string, string>() };
    assert.equal(codeOf(judge(reply, { what: "signing in" }, NOW)), "account-refused");
  });

  it("drops members that would become prototypes", () => {
    const verdict = look(200, '{"a":{"__proto__":{"x":1},"b":2},"__proto__":{"devices":[]}}');
    assert.equal(verdict.kind, "ok");
    assert.deepEqual(Object.keys(verdict.body), ["a"]);
    assert.deepEqual(verdict.body.a, { b: 2 });
    assert.equal(verdict.body.devices, undefined);
  });

  it("does not break on an answer that is nested a hundred thousand deep", () => {
    const deep = `{"__proto__":1,"devices":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    assert.ok(["ok", "bad-answer"].includes(codeOf(look(200, deep))));
  });

  it("reads how long the edge wants us to wait, in both spellings", () => {
    const wish = (header: string) => {
      const verdict = look(429, "", { "retry-after": header });
      return verdict.kind === "blocked" ? verdict.retryAfterMs : "?";
    };
    assert.equal(wish("120"), 120_000);
    assert.equal(wish(new Date(NOW + 5000).toUTCString()), 5000);
    assert.equal(wish(new Date(NOW - 5000).toUTCString()), 0);
    for (const odd of ["", "soon", "-5", "1e99", "9".repeat(30)]) assert.equal(wish(odd), null, odd);
  });
});

describe("what goes wrong on the way to the cloud", () => {
  afterEach(closeBeds);
  const faults: readonly [string, Fault, ErrorCode][] = [
    ["a token that ended", { kind: "expired" }, "account-expired"],
    ["a 401 of the moment", { kind: "unauthorized" }, "account-refused"],
    ["a page of the edge", { kind: "edge-page" }, "blocked"],
    ["a challenge of the edge", { kind: "edge-page", shownBy: "challenge" }, "blocked"],
    ["an edge that can not reach the cloud", { kind: "edge-page", status: 503, shownBy: "ray" }, "blocked"],
    ["too many requests", { kind: "too-many", retryAfterSeconds: 5 }, "blocked"],
    ["a teapot", { kind: "status", status: 418 }, "blocked"],
    ["a wrong request", { kind: "status", status: 400 }, "request-invalid"],
    ["a server out of order", { kind: "status", status: 502 }, "unreachable"],
    ["no answer", { kind: "hang" }, "timeout"],
    ["a dropped connection", { kind: "drop" }, "unreachable"],
    ["a redirect", { kind: "redirect", to: "/v1/user-service/my/profile" }, "bad-answer"],
    ["an enormous answer", { kind: "giant", bytes: 5_000_000 }, "bad-answer"],
    ["half an answer", { kind: "broken-json" }, "bad-answer"],
    ["a web page", { kind: "web-page" }, "bad-answer"],
  ];
  for (const [title, fault, code] of faults) {
    it(`${title} is ${code}, and signs nobody out but for the first`, async () => {
      const { account, cloud } = await accountBed(fault.kind === "hang" ? { timeoutMs: 2000 } : {});
      cloud.addDevice({ serial: "01P00A000000001", account: ANNA.account });
      await signInAnna(account);
      cloud.fault(fault);
      await assert.rejects(account.catalogue("01P00A000000001"), (error) => {
        assert.ok(isPrintgateError(error, code), String(error));
        return true;
      });
      assert.equal(account.state.kind, code === "account-expired" ? "expired" : "signed-in");
    });
  }

  it("a connection that is cut in the middle of an answer is told as such", async () => {
    const { account, cloud } = await accountBed();
    await signInAnna(account);
    cloud.fault({ kind: "cut" });
    await assert.rejects(account.catalogue("01P00A000000001"), (error) => {
      assert.ok(isPrintgateError(error) && ["bad-answer", "unreachable"].includes(error.code), String(error));
      return true;
    });
  });

  it("a cloud that is not there is unreachable", async () => {
    const { account, cloud } = await accountBed();
    await signInAnna(account);
    await cloud.close();
    await assert.rejects(account.devices(), (error) => {
      assert.ok(isPrintgateError(error, "unreachable"), String(error));
      assert.match(error.message, /nothing answers there/);
      return true;
    });
  });
});
