import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { Readable } from "node:stream";
import { serve } from "../../../lib/auth/http/http";
import type { HttpParts, HttpRequest } from "../../../lib/auth/http/types";
import { readJsonBody } from "../../../lib/auth/http/body";
import type { Action } from "../../../lib/auth/provider";
import { createWebhookProvider } from "../../../lib/auth/providers/webhook";
import { printAction, printAuthData } from "../../../lib/auth/wire";
import { servePolicy } from "../../support/auth-http";
import { ANNA, kiosk } from "../../support/auth-login";

const RULES = [
  { effect: "deny", actions: ["pub"], topics: ["locked"], who: { address: "192.0.2.66" } },
  { effect: "deny", actions: ["pub"], topics: ["staff/#"], who: { role: "banned" } },
  { effect: "allow", actions: ["pub"], topics: ["mine/${clientId}"] },
  { effect: "allow", actions: ["pub"], topics: ["admin/#"], who: { role: "admin" } },
  { effect: "deny", actions: ["pub"], topics: ["desk/#"], who: { clientId: "panel" } },
  { effect: "deny", actions: ["pub"], topics: ["own/${clientId}"] },
  { effect: "allow", actions: ["pub", "sub"], topics: ["open/#", "locked", "staff/#", "desk/#", "own/#"] },
];
const names = { tenant_id: "home", user_id: "u1" };
const pub = (topic: string): object => ({ pub: { topic, qos: "AT_LEAST_ONCE", userProps: {} } });

describe("the HTTP face of a policy", () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  const start = async (more: Partial<HttpParts> = {}) => {
    const served = await servePolicy(RULES, more);
    open.push(served);
    return served;
  };

  describe("POST /auth", () => {
    it("answers what the demo plugin sends with ok and the identity", async () => {
      const { call, audit } = await start();
      const response = await call("POST", "/auth", printAuthData(ANNA));
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "application/json");
      // Reserved names among anna's attributes do not even reach the broker.
      assert.deepEqual(await response.json(), { ok: { tenantId: "home", userId: "u1", attrs: { roles: "admin" } } });
      assert.equal(audit.length, 1);
      const { seconds, ...record } = audit[0]!;
      assert.ok(seconds >= 0);
      assert.deepEqual(record, {
        method: "auth",
        result: "ok",
        client: {
          tenantId: "home",
          type: "MQTT",
          metadata: { roles: "admin", userId: "u1", clientId: "c1", channelId: "ch", address: "192.0.2.5" },
        },
        action: null,
        reason: "logged in",
      });
    });

    it("reserved names among the attributes that a provider gives do not reach the broker", async () => {
      const attrs = { sessionType: "p", respInfo: "x", clientId: "c9", team: "lab" };
      const { call, audit } = await start({
        policy: {
          auth: () => Promise.resolve({ result: "ok", identity: { tenantId: "home", userId: "u1", attrs } }),
          ask: () => Promise.resolve({ result: "denied", reason: "" }),
        },
      });
      const response = await call("POST", "/auth", printAuthData(ANNA));
      assert.deepEqual(await response.json(), { ok: { tenantId: "home", userId: "u1", attrs: { team: "lab" } } });
      assert.equal(audit[0]?.client?.metadata["clientId"], "c1");
    });

    it("rejects with code and reason, and the books hold no password", async () => {
      const { call, audit } = await start();
      const guess = printAuthData({ ...ANNA, password: Buffer.from("hunter2") });
      const response = await call("POST", "/auth", guess);
      assert.equal(response.status, 200);
      assert.deepEqual(await response.json(), {
        reject: { code: "BadPass", reason: "user name or password is wrong" },
      });
      assert.equal(audit[0]?.result, "rejected");
      assert.equal(audit[0].client?.metadata["userId"], "anna");
      assert.equal(audit[0].client.tenantId, "");
      assert.ok(!/hunter2|aHVudGVyMg/.test(JSON.stringify(audit)));
    });

    it("bans an address by what the broker says of it, not by the broker's own", async () => {
      const { call } = await start();
      const guess = printAuthData({ ...ANNA, password: Buffer.from("guess") });
      for (let i = 0; i < 101; i++) await call("POST", "/auth", guess);
      const banned = await call("POST", "/auth", printAuthData(ANNA));
      // MQTT 3 has no word for a ban.
      assert.deepEqual(await banned.json(), {
        reject: { code: "NotAuthorized", reason: "too many failed logins from this address" },
      });
      const other = await call("POST", "/auth", printAuthData({ ...ANNA, remoteAddr: "192.0.2.6" }));
      assert.ok("ok" in ((await other.json()) as object));
    });

    it("what is no auth data is a bad request", async () => {
      const { call, audit } = await start();
      for (const body of ["", "{", "[]", '"x"', "null", '{"username":5}', '{"password":"?"}', "\ufeff{}", "{}x"]) {
        const response = await call("POST", "/auth", body);
        assert.equal(response.status, 400, body);
        assert.deepEqual(Object.keys((await response.json()) as object), ["error"]);
      }
      assert.ok(audit.length === 9 && audit.every(({ method, result }) => method === "auth" && result === "error"));
    });
  });

  describe("POST /check", () => {
    it("answers exactly true or false as plain text", async () => {
      const { url, audit } = await start();
      const ask = async (topic: string) => {
        const response = await fetch(`${url}/check`, {
          method: "POST",
          headers: names,
          body: JSON.stringify(pub(topic)),
        });
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("content-type"), "text/plain");
        return Buffer.from(await response.arrayBuffer()).toString("latin1");
      };
      assert.equal(await ask("open/1"), "true");
      assert.equal(await ask("other"), "false");
      assert.deepEqual(
        audit.map(({ method, result, action, client }) => [method, result, action?.kind, client?.metadata["userId"]]),
        [
          ["check", "granted", "pub", "u1"],
          ["check", "denied", "pub", "u1"],
        ],
      );
    });

    it("speaks with our own webhook client to the byte, for all four actions", async () => {
      const { url } = await start();
      const provider = createWebhookProvider({ url, timeoutMs: 30_000 });
      open.push(provider);
      const client = { tenantId: "home", type: "MQTT", metadata: { userId: "u1" } };
      const actions: [Action, string][] = [
        [{ kind: "pub", topic: "open/x", qos: 1, isRetained: false, userProps: [["k", "v"]] }, "granted"],
        [{ kind: "sub", topicFilter: "open/+", qos: 0, userProps: [] }, "granted"],
        [{ kind: "sub", topicFilter: "#", qos: 2, userProps: [] }, "denied"],
        [{ kind: "unsub", topicFilter: "open/+", userProps: [] }, "denied"],
        [{ kind: "conn", userProps: [] }, "denied"],
      ];
      for (const [action, result] of actions)
        assert.equal((await provider.checkPermission(client, action)).result, result, printAction(action));
      const login = { username: "anna", password: Buffer.from("secret"), remoteAddr: "", remotePort: 0, channelId: "" };
      assert.equal((await provider.auth({ version: "3", isMQIsdp: false, ...login })).result, "ok");
    });

    it("attributes come from users and apps; what stays unknown makes a deny match and never an allow", async () => {
      const { call } = await start();
      const ask = async (topic: string, user: string) => {
        const response = await call("POST", "/check", pub(topic), { tenant_id: "home", user_id: user });
        return response.text();
      };
      assert.equal(await ask("admin/x", "u1"), "true");
      assert.equal(await ask("admin/x", "kiosk"), "false");
      assert.equal(await ask("admin/x", "stranger"), "false");
      // The deny by address may concern anybody, the deny by role only those whose roles are not known.
      assert.equal(await ask("locked", "u1"), "false");
      assert.equal(await ask("staff/x", "u1"), "true");
      assert.equal(await ask("staff/x", "stranger"), "false");
      assert.equal(await ask("mine/c1", "u1"), "false");
      // So may those by client id: the wire names none.
      assert.equal(await ask("desk/x", "u1"), "false");
      assert.equal(await ask("own/anything", "u1"), "false");
      assert.equal(await ask("own/anything/else", "u1"), "true");
      assert.equal(await ask("open/x", "stranger"), "true");
    });

    it("an invalid topic is refused, not merely unmatched", async () => {
      const { call, audit } = await start();
      for (const action of [
        pub(""),
        pub("open/#"),
        pub("open/\0"),
        pub("$share/g/open/x"),
        { sub: { topicFilter: "open/#/x" } },
        { sub: { topicFilter: "$share//open/x" } },
        { unsub: {} },
        { pub: { topic: "open/x", userProps: { userProperties: [{ key: "\ud800" }] } } },
      ]) {
        const response = await call("POST", "/check", action, names);
        assert.equal(await response.text(), "false", JSON.stringify(action));
        assert.match(audit.at(-1)?.reason ?? "", /^invalid/);
      }
    });

    it("missing, empty and doubled headers, and what is no action, are bad requests", async () => {
      const { call, server } = await start();
      for (const headers of [{}, { tenant_id: "home" }, { user_id: "u1" }, { ...names, user_id: "" }])
        assert.equal((await call("POST", "/check", pub("open/x"), headers as Record<string, string>)).status, 400);
      for (const body of ["", "{}", "[]", "true", '{"pub":{},"sub":{}}', '{"pub":{"qos":"QOS9"}}', '{"publish":{}}'])
        assert.equal((await call("POST", "/check", body, names)).status, 400, body);
      const body = JSON.stringify(pub("open/x"));
      const twice = await rawCall(server.url, [
        "POST /check HTTP/1.1",
        "Host: x",
        "tenant_id: home",
        "user_id: u1",
        "user_id: root",
        `Content-Length: ${body.length}`,
        "Connection: close",
        "",
        body,
      ]);
      assert.match(twice, /^HTTP\/1\.1 400 /);
    });

    it("a policy that can not answer says false", async () => {
      const { call, audit } = await start({
        policy: {
          auth: () => Promise.resolve({ result: "rejected", code: "Error", reason: "the provider failed" }),
          ask: () => Promise.resolve({ result: "error", reason: "the provider failed" }),
        },
      });
      assert.equal(await (await call("POST", "/check", pub("open/x"), names)).text(), "false");
      assert.deepEqual(await (await call("POST", "/auth", {})).json(), {
        reject: { code: "Error", reason: "the provider failed" },
      });
      assert.deepEqual(
        audit.map(({ result }) => result),
        ["error", "error"],
      );
    });
  });

  describe("POST /register", () => {
    const user = { tenant_id: "home", user_id: "bert", password: "pass word" };
    const secret = { authorization: "Bearer let me register" };

    it("takes a user with the secret in either header, once, and he can log in", async () => {
      const { call, registered, audit } = await start();
      assert.equal((await call("POST", "/register", undefined, { ...user, ...secret })).status, 200);
      const again = { ...user, "x-registration-secret": "let me register" };
      assert.equal((await call("POST", "/register", undefined, again)).status, 400);
      assert.deepEqual(registered[0]?.identity, { tenantId: "home", userId: "bert", attrs: {} });
      const login = { username: "bert", password: Buffer.from("pass word").toString("base64") };
      const answer = await (await call("POST", "/auth", login)).json();
      assert.deepEqual(answer, { ok: { tenantId: "home", userId: "bert" } });
      assert.deepEqual(
        audit.map(({ method, result }) => [method, result]),
        [
          ["register", "ok"],
          ["register", "rejected"],
          ["auth", "ok"],
        ],
      );
      assert.ok(!/pass word|let me register/.test(JSON.stringify(audit)));
    });

    it("nobody registers as somebody who is known already under another user name, or as an app", async () => {
      const { call, registered } = await start();
      for (const user_id of ["u1", "kiosk"]) {
        const headers = { ...user, ...secret, user_id };
        assert.equal((await call("POST", "/register", undefined, headers)).status, 400, user_id);
      }
      assert.equal(registered.length, 0);
      const elsewhere = { ...user, ...secret, tenant_id: "away", user_id: "u1" };
      assert.equal((await call("POST", "/register", undefined, elsewhere)).status, 200);
    });

    it("without the right secret nothing is told and nobody is taken", async () => {
      const { call, registered } = await start();
      for (const headers of [
        {},
        { authorization: "Bearer " },
        { authorization: "Bearer let me registe" },
        { authorization: "let me register" },
        { "x-registration-secret": "LET ME REGISTER" },
        { "x-registration-secret": "wrong", authorization: "Bearer let me register" },
      ]) {
        const response = await call("POST", "/register", undefined, { ...user, ...headers });
        assert.equal(response.status, 401, JSON.stringify(headers));
      }
      assert.equal(registered.length, 0);
    });

    it("a registration with an empty secret is open to nobody", async () => {
      const { call } = await start({ registration: { secret: "", register: () => Promise.resolve(true) } });
      for (const headers of [{}, { "x-registration-secret": " " }, { authorization: "Bearer undefined" }])
        assert.equal((await call("POST", "/register", undefined, { ...user, ...headers })).status, 401);
    });

    it("guessing the secret is limited like guessing a password", async () => {
      const { call } = await start();
      const guess = { ...user, "x-registration-secret": "guess" };
      for (let i = 0; i < 101; i++) await call("POST", "/register", undefined, guess);
      assert.equal((await call("POST", "/register", undefined, { ...user, ...secret })).status, 401);
    });

    it("missing headers and names that a header can not carry unambiguously are bad requests", async () => {
      const { call, registered } = await start();
      for (const change of [{ tenant_id: "" }, { user_id: "" }, { password: "" }, { user_id: "Jos\u00e9" }]) {
        const response = await call("POST", "/register", undefined, { ...user, ...secret, ...change });
        assert.equal(response.status, 400, JSON.stringify(change));
      }
      assert.equal(registered.length, 0);
    });

    it("is not there when it is switched off", async () => {
      const { parts } = await start();
      const { registration, ...without } = parts;
      assert.ok(registration);
      const reply = await serve(plainRequest("POST", "/register"), without);
      assert.equal(reply.status, 404);
    });
  });

  describe("/apps/auth", () => {
    it("gives a key and makes it a session", async () => {
      const { call, audit, login } = await start();
      const issued = await call("GET", "/apps/auth");
      assert.equal(issued.status, 200);
      const { unverifiedKey, validUntil, ...more } = (await issued.json()) as Record<string, unknown>;
      assert.deepEqual([typeof unverifiedKey, typeof validUntil, more], ["string", "number", {}]);
      const verified = await call("POST", "/apps/auth", kiosk.request(String(unverifiedKey)));
      assert.equal(verified.status, 200);
      const session = (await verified.json()) as { key: string; validUntil: number };
      assert.deepEqual(Object.keys(session), ["key", "validUntil"]);
      assert.ok(Math.abs(session.validUntil - Number(validUntil) - 7140) < 0.001);
      assert.equal(login.appKeys.identify(session.key)?.userId, "kiosk");
      assert.deepEqual(
        audit.map(({ method, result, client }) => [method, result, client?.metadata["userId"]]),
        [
          ["key", "continue", undefined],
          ["session", "ok", "kiosk"],
        ],
      );
      assert.ok(!JSON.stringify(audit).includes(session.key));
    });

    it("400 keeps the key, 401 burns it", async () => {
      const { call } = await start();
      const issue = async () =>
        ((await (await call("GET", "/apps/auth")).json()) as { unverifiedKey: string }).unverifiedKey;
      const key = await issue();
      const request = kiosk.request(key);
      const { appid, ...without } = request;
      assert.ok(appid);
      for (const body of ["{", "5", without, { ...request, _sig: "no base64" }])
        assert.equal((await call("POST", "/apps/auth", body)).status, 400);
      assert.equal((await call("POST", "/apps/auth", request)).status, 200);
      assert.equal((await call("POST", "/apps/auth", request)).status, 401);
      const second = kiosk.request(await issue());
      assert.equal((await call("POST", "/apps/auth", { ...second, appid: "another" })).status, 401);
      assert.equal((await call("POST", "/apps/auth", second)).status, 401);
    });

    it("a flood of keys that nobody verifies is turned away", async () => {
      const { parts } = await start();
      const statuses: number[] = [];
      for (let i = 0; i < 1001; i++) statuses.push((await serve(plainRequest("GET", "/apps/auth"), parts)).status);
      assert.equal(statuses.indexOf(503), 1000);
    });
  });

  describe("every call", () => {
    it("GET /metrics is Prometheus text, or not there", async () => {
      const { call, parts, audit } = await start();
      await call("POST", "/check", pub("open/x"), names);
      const response = await call("GET", "/metrics?x=1");
      assert.equal(response.status, 200);
      assert.match(response.headers.get("content-type") ?? "", /^text\/plain/);
      assert.match(await response.text(), /call_exec_timer_seconds_count\{method="AuthProvider\/check"\} 1/);
      assert.equal(audit.length, 1);
      const { metrics, ...without } = parts;
      assert.ok(metrics);
      assert.equal((await serve(plainRequest("GET", "/metrics"), without)).status, 404);
    });

    it("other methods are 405 and name the right ones, other paths are 404", async () => {
      const { call, audit } = await start();
      for (const [method, path, allow] of [
        ["GET", "/auth", "POST"],
        ["PUT", "/check", "POST"],
        ["DELETE", "/apps/auth", "GET, POST"],
        ["POST", "/metrics", "GET"],
        ["HEAD", "/metrics", "GET"],
        ["OPTIONS", "/auth", "POST"],
      ] as const) {
        const response = await call(method, path);
        assert.equal(response.status, 405, `${method} ${path}`);
        assert.equal(response.headers.get("allow"), allow);
      }
      for (const path of ["/", "/auth/", "/auth/x", "/AUTH", "/constructor", "//auth"])
        assert.equal((await call("POST", path, "{}")).status, 404, path);
      assert.equal(audit.length, 0);
    });

    it("a body over 64 KiB is 413, announced or in chunks, whoever read it", async () => {
      const { call, url, parts } = await start();
      const large = JSON.stringify({ username: "x".repeat(70_000) });
      assert.equal((await call("POST", "/auth", large)).status, 413);
      const chunked = await fetch(`${url}/auth`, {
        method: "POST",
        body: Readable.toWeb(Readable.from([large.slice(0, 100), large.slice(100)])) as never,
        duplex: "half",
      } as RequestInit);
      assert.equal(chunked.status, 413);
      assert.equal(chunked.headers.get("connection"), "close");
      const endless = [
        "POST /auth HTTP/1.1",
        "Host: x",
        "Transfer-Encoding: chunked",
        "",
        "30000",
        "x".repeat(0x30000),
      ];
      assert.match(await rawCall(url, [...endless, ""]), /^HTTP\/1\.1 413 /);
      const parsed = JSON.parse(large) as unknown;
      for (const body of [parsed, large, Buffer.from(large)])
        assert.equal((await serve({ ...plainRequest("POST", "/auth"), parsed: body }, parts)).status, 413);
      const fits = JSON.stringify({ username: "x".repeat(65_000) });
      assert.equal((await call("POST", "/auth", fits)).status, 200);
    });

    it("a body that was parsed or read before is taken as it is", async () => {
      const { parts } = await start();
      const data = { username: "anna", password: Buffer.from("secret").toString("base64") };
      for (const parsed of [data, JSON.stringify(data), Buffer.from(JSON.stringify(data))]) {
        const reply = await serve({ ...plainRequest("POST", "/auth"), parsed }, parts);
        assert.equal(reply.status, 200);
        assert.match(reply.body, /^\{"ok":/);
      }
    });

    it("a body that never ends or breaks off is answered, not waited for", async () => {
      const never = new Readable({ read: () => undefined });
      const limits = { bytes: 100, ms: 30 };
      const source = { parsed: undefined, contentLength: undefined };
      const late = await readJsonBody({ ...source, stream: never }, limits);
      assert.ok(late.kind === "refused" && late.status === 408);
      const announced = await readJsonBody({ ...source, stream: never, contentLength: "101" }, limits);
      assert.ok(announced.kind === "refused" && announced.status === 413, "what is announced is not waited for");
      const broken = new Readable({ read: () => undefined });
      setImmediate(() => broken.destroy(new Error("gone")));
      const lost = await readJsonBody({ ...source, stream: broken }, limits);
      assert.ok(lost.kind === "refused" && lost.status === 400);
    });

    it("a body that is nested beyond measure is a bad request, whoever parsed it", async () => {
      const { parts, call } = await start();
      const nested = "[".repeat(30_000) + "]".repeat(30_000);
      for (const body of [nested, `{"pub":{"topic":${nested}}}`, `{"unheard":${nested}}`]) {
        assert.equal((await call("POST", "/check", body, names)).status, 400);
        const request = { ...plainRequest("POST", "/check"), headers: { tenant_id: ["home"], user_id: ["u1"] } };
        assert.equal((await serve({ ...request, parsed: JSON.parse(body) as unknown }, parts)).status, 400);
      }
    });

    it("books that can not be kept cost nobody the answer", async () => {
      const { call } = await start({
        audit: () => {
          throw new Error("the book is full");
        },
      });
      const response = await call("POST", "/check", pub("open/x"), names);
      assert.equal(await response.text(), "true");
    });

    it("an error inside is 500 without a word about it", async () => {
      const { call, audit } = await start({
        policy: {
          auth: () => Promise.reject(new Error("password hunter2 at /home/x.ts:5")),
          ask: () => {
            throw new Error("password hunter2 at /home/x.ts:5");
          },
        },
      });
      for (const path of ["/auth", "/check"]) {
        const response = await call("POST", path, path === "/auth" ? {} : pub("x"), names);
        assert.equal(response.status, 500);
        assert.equal(await response.text(), '{"error":"the call failed"}');
      }
      assert.ok(audit.length === 2 && audit.every(({ result }) => result === "error"));
      assert.ok(!JSON.stringify(audit).includes("hunter2"));
    });

    it("no answer may be kept or taken for another type", async () => {
      const { call } = await start();
      for (const response of [await call("GET", "/apps/auth"), await call("POST", "/auth", "{")]) {
        assert.equal(response.headers.get("cache-control"), "no-store");
        assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      }
    });
  });
});

function plainRequest(method: string, path: string): HttpRequest {
  const stream = Readable.from([]) as AsyncIterable<Uint8Array>;
  return { method, path, headers: {}, remoteAddress: undefined, parsed: undefined, stream, contentLength: undefined };
}

/** Sends lines as they are, and collects all that comes back. */
function rawCall(url: string, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = createConnection(Number(new URL(url).port), "127.0.0.1", () => socket.write(lines.join("\r\n")));
    socket.on("data", (chunk) => (received += chunk.toString("latin1")));
    socket.on("end", () => {
      resolve(received);
    });
    socket.on("error", reject);
  });
}
