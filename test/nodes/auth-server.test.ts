import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { createConnection, type AddressInfo } from "node:net";
import type { NodeAPI } from "node-red";
import { makeApp } from "../support/auth-apps";
import { AUTH_NODES, cheapHash, CREDENTIALS, login, policy, tab, through } from "../support/auth-flows";
import {
  deploy,
  type Flow,
  Inbox,
  load,
  settings,
  startNodeRed,
  statusOf,
  stopNodeRed,
  withRed,
} from "../support/helper";

const SECRET = "let me register";
const RULES = [
  { effect: "deny", actions: ["pub"], topics: ["staff/#"], who: { role: "banned" } },
  { effect: "allow", actions: ["pub", "sub"], topics: ["staff/#"], who: { role: "staff" } },
  { effect: "allow", actions: ["pub"], topics: ["mine/${clientId}", "open/#"] },
];
const USERS = [
  {
    username: "amy",
    passwordHash: cheapHash("open sesame"),
    tenantId: "club",
    userId: "amy",
    attrs: { roles: "staff" },
  },
  {
    username: "bob",
    passwordHash: cheapHash("open sesame"),
    tenantId: "club",
    userId: "bob",
    attrs: { roles: "banned,staff" },
  },
];
const secrets = { ...CREDENTIALS(USERS), server1: { registrationSecret: SECRET } };
const site = (difference: object = {}): Flow => [
  { id: "server1", z: "tab1", type: "auth-server", policy: "policy1", wires: [["books"]], ...difference },
  { id: "books", z: "tab1", type: "helper" },
];
const amy = { tenant_id: "club", user_id: "amy" };
const pub = (topic: string) => ({ pub: { topic, qos: "AT_MOST_ONCE" } });
const authData = (password: string) => ({
  ...{ username: "amy", password: Buffer.from(password).toString("base64") },
  ...{ clientId: "c1", remoteAddr: "192.0.2.9", remotePort: 5000, channelId: "ch1" },
});

describe("auth-server", () => {
  let web: Server;
  let before: ((app: NodeAPI["httpNode"]) => void) | null = null;

  /** Node-RED, its HTTP nodes listening as they do behind red.js. */
  async function start(flow: Flow, credentials: object = secrets): Promise<void> {
    await startNodeRed();
    const serve = withRed((RED) => {
      before?.(RED.httpNode);
      web = createServer(RED.httpNode);
    });
    await load([serve, ...AUTH_NODES], [tab, ...flow], credentials);
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  }
  const url = (path: string) => `http://127.0.0.1:${(web.address() as AddressInfo).port}${path}`;
  const post = (path: string, body: unknown, headers: object = {}) =>
    fetch(url(path), {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  afterEach(async () => {
    before = null;
    web.closeAllConnections();
    web.close();
    await stopNodeRed();
  });

  it("answers a broker's login, and tells of it without the password", async () => {
    await start([policy({ rules: RULES }), ...site()]);
    const books = new Inbox("books");
    const good = await post("/printgate/auth", authData("open sesame"));
    assert.equal(good.status, 200);
    assert.deepEqual(await good.json(), { ok: { tenantId: "club", userId: "amy", attrs: { roles: "staff" } } });
    const bad = await post("/printgate/auth", authData("guess"));
    assert.equal(bad.status, 200);
    assert.deepEqual(Object.keys((await bad.json()) as object), ["reject"]);
    const told = await books.next(2);
    assert.deepEqual(
      told.map(({ topic, payload }) => [topic, (payload as any).method, (payload as any).result]),
      [
        ["auth/auth", "auth", "ok"],
        ["auth/auth", "auth", "rejected"],
      ],
    );
    assert.doesNotMatch(JSON.stringify(told.map(({ payload }) => payload)), /sesame|guess|b3BlbiBzZXNhbWU/);
    assert.deepEqual(Object.keys(told[0]?.payload as object).sort(), [
      ...["action", "client", "method", "reason", "result", "seconds"],
    ]);
  });

  it("answers a check with exactly true or false", async () => {
    await start([policy({ rules: RULES }), ...site()]);
    const books = new Inbox("books");
    const check = async (topic: string, user: string) => {
      const response = await post("/printgate/check", pub(topic), { tenant_id: "club", user_id: user });
      return [response.status, response.headers.get("content-type"), await response.text()];
    };
    assert.deepEqual(await check("staff/room", "amy"), [200, "text/plain", "true"]);
    assert.deepEqual(await check("staff/room", "bob"), [200, "text/plain", "false"]);
    assert.deepEqual(await check("open/x", "nobody"), [200, "text/plain", "true"]);
    assert.deepEqual(await check("mine/c1", "amy"), [200, "text/plain", "false"], "the wire names no client id");
    assert.deepEqual(await check("staff/#", "amy"), [200, "text/plain", "false"], "a filter is no topic");
    const told = await books.next(5);
    assert.deepEqual(
      told.map(({ payload }) => (payload as any).result),
      ["granted", "denied", "granted", "denied", "denied"],
    );
    assert.equal((told[0]?.payload as any).action.kind, "pub");
  });

  it("refuses what is no call of the table", async () => {
    await start([policy({ rules: RULES }), ...site()]);
    const status = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
      (await fetch(url(path), { method, headers, ...(body !== undefined && { body }) })).status;
    assert.equal(await status("GET", "/printgate/auth"), 405);
    assert.equal(await status("PUT", "/printgate/check", "{}", amy), 405);
    assert.equal(await status("DELETE", "/printgate/metrics"), 405);
    assert.equal(await status("POST", "/printgate/auth", "{"), 400);
    assert.equal(await status("POST", "/printgate/check", "{", amy), 400);
    assert.equal(await status("POST", "/printgate/check", JSON.stringify(pub("a"))), 400, "without headers");
    assert.equal(await status("POST", "/printgate/check", "[]", amy), 400);
    assert.equal(await status("POST", "/printgate/register"), 404, "registration is off");
    assert.equal(await status("GET", "/printgate/nothing"), 404);
    assert.equal(await status("GET", "/printgateway/metrics"), 404);
    assert.equal(await status("GET", "/printgate/metrics"), 200, "and it still lives");
  });

  it("reads no more than 64 KiB, whether the length is announced or not", async () => {
    await start([policy({ rules: RULES }), ...site()]);
    const large = JSON.stringify({ pub: { topic: "a".repeat(3_000_000) } });
    assert.equal((await post("/printgate/check", large, amy)).status, 413);
    const chunked = await fetch(url("/printgate/check"), {
      method: "POST",
      headers: amy,
      body: new Blob([large]).stream(),
      duplex: "half",
    } as RequestInit);
    assert.equal(chunked.status, 413);
    const { port } = web.address() as AddressInfo;
    const socket = createConnection(port, "127.0.0.1");
    socket.write(
      "POST /printgate/check HTTP/1.1\r\nHost: x\r\ntenant_id: t\r\nuser_id: u\r\nContent-Length: 9999999\r\n\r\n",
    );
    const [first] = (await Promise.race([
      new Promise<Buffer[]>((resolve) =>
        socket.once("data", (data: Buffer) => {
          resolve([data]);
        }),
      ),
    ])) as [Buffer];
    assert.match(first.toString(), /^HTTP\/1.1 413/);
    socket.destroy();
  });

  it("takes a body that Node-RED has parsed before", async () => {
    before = (app) => {
      app.use((request: any, _response: unknown, next: () => void) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          request.body = request.headers["content-type"] === "application/json" ? JSON.parse(text) : text;
          request._body = true;
          next();
        });
      });
    };
    await start([policy({ rules: RULES }), ...site()]);
    for (const type of ["application/json", "text/plain"]) {
      const response = await post("/printgate/check", pub("open/x"), { ...amy, "content-type": type });
      assert.equal(await response.text(), "true", type);
    }
  });

  it("is not misled by a parser that left an empty body behind", async () => {
    before = (app) => {
      app.use((request: any, _response: unknown, next: () => void) => {
        request.body = {};
        next();
      });
    };
    await start([policy({ rules: RULES }), ...site()]);
    assert.equal(await (await post("/printgate/check", pub("open/x"), amy)).text(), "true");
  });

  describe("with registration", () => {
    const register = (headers: object) => post("/printgate/register", "", headers);
    const eve = { tenant_id: "club", user_id: "eve", password: "her secret" };

    it("keeps users for good: they log in after a redeploy, too", async () => {
      const flow = [policy({ rules: RULES }), ...site({ register: "true" }), login("password")];
      await start(flow);
      assert.equal((await register(eve)).status, 401);
      assert.equal((await register({ ...eve, authorization: "Bearer guess" })).status, 401);
      assert.equal((await register({ ...eve, authorization: `Bearer ${SECRET}` })).status, 200);
      assert.equal((await register({ ...eve, "x-registration-secret": SECRET })).status, 400, "taken");
      assert.equal((await register({ ...eve, user_id: "amy", "x-registration-secret": SECRET })).status, 400);
      const credentials = { username: "eve", password: "her secret" };
      assert.equal((await through("login1", { credentials })).output, 1);
      await deploy([tab, ...flow.map((node) => ({ ...node, name: "again" }))], "full", secrets);
      assert.equal((await through("login1", { credentials })).output, 1);
      const attributes = await post("/printgate/check", pub("open/x"), { tenant_id: "club", user_id: "eve" });
      assert.equal(await attributes.text(), "true");
    });

    it("takes nobody for somebody who is there by another name, or whose row can not be used", async () => {
      const users = [
        ...USERS,
        { username: "root@club", passwordHash: cheapHash("x"), tenantId: "club", userId: "root", attrs: { a: "1" } },
        { username: "ruth@club", passwordHash: cheapHash("y"), tenantId: "club", userId: "root", attrs: { a: "2" } },
        { username: "broken", passwordHash: "$scrypt$", tenantId: "club", userId: "broken" },
      ];
      await start([policy({ rules: RULES }), ...site({ register: true })], {
        ...secrets,
        ...CREDENTIALS(users),
      });
      for (const user_id of ["root", "broken"])
        assert.equal((await register({ ...eve, user_id, "x-registration-secret": SECRET })).status, 400, user_id);
    });

    it("is red without a secret, and where its variable is not set", async () => {
      await start([policy(), ...site({ register: true })], CREDENTIALS(USERS));
      assert.deepEqual(statusOf("server1"), { fill: "red", shape: "ring", text: "no registration secret" });
      const unset = { ...secrets, server1: { registrationSecret: "${NO_SECRET}" } };
      await deploy([tab, policy(), ...site({ register: true, name: "b" })], "full", unset);
      assert.equal((await register({ ...eve, "x-registration-secret": "${NO_SECRET}" })).status, 404);
    });
  });

  it("leads an app through its handshake", async () => {
    const app = makeApp("com.example.slicer", "1.0", 1024);
    await start([policy({ apps: [app.row], minModulusBits: 1024 }), ...site(), login("http")]);
    const books = new Inbox("books");
    const issued = (await (await fetch(url("/printgate/apps/auth"))).json()) as { unverifiedKey: string };
    const bad = await post("/printgate/apps/auth", { ...app.request(issued.unverifiedKey), _sig: "?" });
    assert.equal(bad.status, 400);
    const good = await post("/printgate/apps/auth", app.request(issued.unverifiedKey));
    assert.equal(good.status, 200);
    const { key } = (await good.json()) as { key: string };
    assert.equal((await through("login1", { req: { headers: { "x-api-key": key } } })).output, 1);
    assert.equal((await post("/printgate/apps/auth", app.request(key))).status, 401);
    const told = await books.next(4);
    assert.deepEqual(
      told.map(({ topic }) => topic),
      ["auth/key", "auth/session", "auth/session", "auth/session"],
    );
    assert.ok(!JSON.stringify(told.map(({ payload }) => payload)).includes(key));
  });

  it("tells its metrics, all methods from the start", async () => {
    await start([policy({ rules: RULES }), ...site()]);
    const text = await (await fetch(url("/printgate/metrics"))).text();
    for (const method of ["auth", "extAuth", "check"]) {
      assert.ok(text.includes(`call_exec_timer_seconds_count{method="AuthProvider/${method}"} 0`), text);
      assert.ok(text.includes(`call_exec_fail_count_total{method="AuthProvider/${method}"} 0`));
    }
    await post("/printgate/check", pub("open/x"), amy);
    const after = await (await fetch(url("/printgate/metrics"))).text();
    assert.ok(after.includes('call_exec_timer_seconds_count{method="AuthProvider/check"} 1'));
    assert.match(after, /printgate_printer_online/);
  });

  it("has no metrics where they are switched off", async () => {
    await start([policy(), ...site({ metrics: "false" })]);
    assert.equal((await fetch(url("/printgate/metrics"))).status, 404);
  });

  it("fails closed with a broken policy", async () => {
    await start([policy({ rules: [{}], bypassOnError: true }), ...site()]);
    assert.equal(await (await post("/printgate/check", pub("open/x"), amy)).text(), "false");
    assert.deepEqual(Object.keys((await (await post("/printgate/auth", authData("open sesame"))).json()) as object), [
      "reject",
    ]);
    assert.equal((statusOf("server1") as { fill: string }).fill, "red");
  });

  it("lives and goes with its node, path by path", async () => {
    await start([policy({ rules: RULES }), ...site({ path: "/one" })]);
    assert.deepEqual(statusOf("server1"), { fill: "green", shape: "dot", text: "/one" });
    assert.equal((await fetch(url("/one/metrics"))).status, 200);
    await deploy([tab, policy({ rules: RULES }), ...site({ path: "/two/deep" })], "full", secrets);
    assert.equal((await fetch(url("/one/metrics"))).status, 404);
    assert.equal((await fetch(url("/two/deep/metrics"))).status, 200);
    await deploy([tab, policy({ rules: RULES })], "full", secrets);
    assert.equal((await fetch(url("/two/deep/metrics"))).status, 404);
  });

  it("leaves a path to whoever has it, and takes it when it becomes free", async () => {
    const second = { ...site({ id: "server2", path: "/printgate/apps" })[0] };
    await start([policy(), ...site(), second]);
    assert.deepEqual(statusOf("server2"), { fill: "red", shape: "ring", text: "the path /printgate/apps is taken" });
    assert.equal((await fetch(url("/printgate/apps/metrics"))).status, 404);
    await deploy([tab, policy(), ...site({ path: "/elsewhere" }), second], "nodes", secrets);
    assert.equal((await fetch(url("/printgate/apps/metrics"))).status, 200);
    assert.deepEqual(statusOf("server2"), { fill: "green", shape: "dot", text: "/printgate/apps" });
  });

  it("is red where Node-RED serves no HTTP", async () => {
    settings({ httpNodeRoot: false });
    try {
      await start([policy(), ...site()]);
      const { fill, text } = statusOf("server1") as { fill: string; text: string };
      assert.equal(fill, "red");
      assert.match(text, /httpNodeRoot/);
    } finally {
      settings({});
    }
  });

  it("is red with a path that is none", async () => {
    await start([policy(), ...site({ path: "no slash" })]);
    assert.match((statusOf("server1") as { text: string }).text, /^path must begin with/);
  });
});
