import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { generate } from "selfsigned";
import { isPrintgateError } from "../../../lib/errors";
import type { Action, AuthProvider, ClientInfo } from "../../../lib/auth/provider";
import { settle } from "../../../lib/auth/providers/breaker";
import { createWebhookProvider, type WebhookOptions } from "../../../lib/auth/providers/webhook";
import { printAction, printAuthData } from "../../../lib/auth/wire";
import { ANNA } from "../../support/auth-login";
import { type LocalServer, rawAnswer, serveRaw, serveSampleWebhook } from "../../support/auth-webhook";
import { ownTime } from "../../support/wait";

const client: ClientInfo = { tenantId: "home", type: "MQTT", metadata: { userId: "anna", clientId: "c1" } };
const publish: Action = { kind: "pub", topic: "a/b", qos: 1, isRetained: false, userProps: [] };

describe("the webhook provider", () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    open.push(one);
    return one;
  };
  const providerFor = (server: LocalServer, more: Partial<WebhookOptions> = {}): AuthProvider =>
    keep(createWebhookProvider({ url: server.url, timeoutMs: 30_000, ...more }));
  const answering = async (answer: (socket: Socket) => void, more: Partial<WebhookOptions> = {}) => {
    const server = keep(await serveRaw(answer));
    return { server, provider: providerFor(server, more) };
  };
  const writing = (bytes: string | Buffer) => (socket: Socket) => void socket.write(bytes);
  const check = (provider: AuthProvider) => provider.checkPermission(client, publish);

  it("sends a check as the demo plugin does, to the byte", async () => {
    const { server, provider } = await answering(writing(rawAnswer(200, "true")));
    assert.deepEqual(await check(provider), { result: "granted" });
    const [request] = server.requests;
    assert.equal(request?.line, "POST /check HTTP/1.1");
    assert.equal(request.body.toString(), printAction(publish));
    for (const line of ["Content-Type: application/json", "tenant_id: home", "user_id: anna"])
      assert.ok(request.headers.includes(line), `${line} in ${request.headers.join(" | ")}`);
    const names = request.headers.map((line) => line.split(":")[0]?.toLowerCase());
    assert.deepEqual(names.sort(), ["connection", "content-length", "content-type", "host", "tenant_id", "user_id"]);
  });

  it("sends a login as the demo plugin does, to the byte, below the path of its address", async () => {
    const server = keep(
      await serveRaw(writing(rawAnswer(200, '{"ok":{"tenantId":"home","userId":"anna","attrs":{"role":"x"}}}'))),
    );
    const provider = keep(createWebhookProvider({ url: `${server.url}/hook/v1/`, timeoutMs: 30_000 }));
    assert.deepEqual(await provider.auth(ANNA), {
      result: "ok",
      identity: { tenantId: "home", userId: "anna", attrs: { role: "x" } },
    });
    assert.equal(server.requests[0]?.line, "POST /hook/v1/auth HTTP/1.1");
    assert.equal(server.requests[0].body.toString(), printAuthData(ANNA));
    assert.ok(!server.requests[0].headers.some((line) => /^(tenant_id|user_id|authorization)/i.test(line)));
  });

  it("works with the sample webhook of BifroMQ's documentation", async () => {
    const server = keep(await serveSampleWebhook());
    const provider = providerFor(server);
    const register = await fetch(`${server.url}/register`, {
      method: "POST",
      headers: { tenant_id: "home", user_id: "anna", password: "secret" },
    });
    assert.equal(register.status, 200);
    assert.deepEqual(await provider.auth(ANNA), {
      result: "ok",
      identity: { tenantId: "home", userId: "anna", attrs: {} },
    });
    assert.deepEqual(await check(provider), { result: "granted" });
    const wrong = await provider.auth({ ...ANNA, password: Buffer.from("guess") });
    assert.deepEqual(wrong, { result: "rejected", code: "Error", reason: "the webhook refused with status 403" });
    const { password, ...without } = ANNA;
    assert.ok(password);
    assert.equal((await provider.auth(without)).result, "rejected");
    const stranger = { ...client, metadata: { userId: "bert" } };
    assert.equal((await provider.checkPermission(stranger, publish)).result, "denied");
  });

  describe("only the bytes of true grant", () => {
    const granting: [string, Buffer][] = [
      ["true", rawAnswer(200, "true")],
      ["TRUE, as the demo plugin takes it", rawAnswer(200, "TRUE")],
      [
        "true in chunks",
        Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ntr\r\n2\r\nue\r\n0\r\n\r\n"),
      ],
      ["true up to the end of the connection", Buffer.from("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ntrue")],
    ];
    for (const [what, bytes] of granting) {
      it(`${what} grants`, async () => {
        const { provider } = await answering((socket) => {
          socket.write(bytes);
          if (bytes.includes("Connection: close")) socket.end();
        });
        assert.deepEqual(await check(provider), { result: "granted" });
      });
    }

    for (const [status, body] of [
      [200, "false"],
      [200, "False"],
      [400, "true"],
      [401, "true"],
      [403, "true"],
      [404, "true"],
      [429, "true"],
    ] as const) {
      it(`status ${status} with ${body} is denied`, async () => {
        const { provider } = await answering(writing(rawAnswer(status, body)));
        assert.equal((await check(provider)).result, "denied");
      });
    }

    const nonsense: [string, Buffer][] = [
      ["true with a line break", rawAnswer(200, "true\n")],
      ["true with CR LF", rawAnswer(200, "true\r\n")],
      ["true behind a space", rawAnswer(200, " true")],
      ["true behind a byte order mark", rawAnswer(200, "\ufefftrue")],
      ["true in UTF-16", rawAnswer(200, Buffer.from("true", "utf16le"), ["Content-Type: text/plain; charset=utf-16"])],
      ["true in quotes", rawAnswer(200, '"true"')],
      ["true with a NUL", rawAnswer(200, "true\0")],
      ["true zipped", rawAnswer(200, gzipSync("true"), ["Content-Encoding: gzip"])],
      ["an object that grants", rawAnswer(200, '{"granted":{}}', ["Content-Type: application/json"])],
      ["1", rawAnswer(200, "1")],
      ["yes", rawAnswer(200, "yes")],
      ["nothing", rawAnswer(200, "")],
      ["201 with true", rawAnswer(201, "true")],
      ["204", Buffer.from("HTTP/1.1 204 No Content\r\n\r\n")],
      ["206 with true", rawAnswer(206, "true")],
      ["304", Buffer.from("HTTP/1.1 304 Not Modified\r\n\r\n")],
      ["500 with true", rawAnswer(500, "true")],
      ["503 with true", rawAnswer(503, "true")],
      ["a status that does not exist", rawAnswer(999, "true")],
    ];
    for (const [what, bytes] of nonsense) {
      it(`${what} is no decision`, async () => {
        const { provider } = await answering(writing(bytes));
        await assert.rejects(check(provider), (error) => isPrintgateError(error, "provider-failed"));
      });
    }

    for (const status of [301, 302, 303, 307, 308]) {
      it(`a redirect with ${status} is not followed`, async () => {
        const elsewhere = keep(await serveRaw(writing(rawAnswer(200, "true"))));
        const { provider } = await answering(writing(rawAnswer(status, "true", [`Location: ${elsewhere.url}/check`])));
        await assert.rejects(check(provider), (error) => isPrintgateError(error, "provider-failed"));
        assert.equal(elsewhere.requests.length, 0);
      });
    }

    it("an answer of 2 MB is cut off, whether it tells its length or not", async () => {
      const two = Buffer.alloc(2 * 1024 * 1024, "true");
      const chunked = Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${two.length.toString(16)}\r\n`),
        two,
        Buffer.from("\r\n0\r\n\r\n"),
      ]);
      for (const bytes of [rawAnswer(200, two), chunked]) {
        const { provider } = await answering(writing(bytes));
        await assert.rejects(check(provider), /more than 65536 bytes/);
      }
    });

    it("half an answer is none, by length and by chunk", async () => {
      for (const bytes of [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ntrue",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntrue\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
      ]) {
        const { provider } = await answering((socket) => socket.end(bytes));
        await assert.rejects(
          check(provider),
          (error) => isPrintgateError(error, "link-lost") || isPrintgateError(error, "unreachable"),
        );
      }
    });

    it("what is not HTTP, an upgrade or headers without end are no answer", async () => {
      for (const bytes of [
        "true",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\ntrue",
        `HTTP/1.1 200 OK\r\nX: ${"y".repeat(70_000)}\r\n\r\ntrue`,
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\ntrue",
      ]) {
        const { provider } = await answering((socket) => socket.end(bytes));
        await assert.rejects(check(provider), (error) => isPrintgateError(error), bytes.slice(0, 40));
      }
    });

    it("a silent, a dripping and a stopped answer end at the time limit", async () => {
      const drips = (socket: Socket) => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        const timer = setInterval(() => socket.write("t"), 10);
        socket.on("close", () => {
          clearInterval(timer);
        });
      };
      const stops = (socket: Socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ntrue");
      for (const slow of [() => undefined, drips, stops]) {
        const { provider } = await answering(slow, { timeoutMs: 80 });
        const ends = () => assert.rejects(check(provider), (error) => isPrintgateError(error, "timeout"));
        assert.ok((await ownTime(ends)) < 2000);
      }
    });
  });

  it("a login that is answered with anything else than an auth result is an error, never ok", async () => {
    for (const [status, body, reason] of [
      [200, "true", /not an object/],
      [200, "", /not JSON/],
      [200, "{}", /no known kind/],
      [200, '\ufeff{"ok":{"tenantId":"t","userId":"u"}}', /not JSON/],
      [200, '{"ok":{"tenantId":"t"}}', /without naming/],
      [200, '{"ok":{"tenantId":"t","userId":"u"},"reject":{}}', /at once/],
      [201, '{"ok":{"tenantId":"t","userId":"u"}}', /status 201/],
      [302, '{"ok":{"tenantId":"t","userId":"u"}}', /status 302/],
      [403, '{"ok":{"tenantId":"t","userId":"u"}}', /status 403/],
    ] as const) {
      const { provider } = await answering(writing(rawAnswer(status, body)));
      const result = await provider.auth(ANNA);
      assert.ok(result.result === "rejected" && result.code === "Error", `${status} ${body}`);
      assert.match(result.reason ?? "", reason);
    }
    const { provider } = await answering(writing(rawAnswer(500, '{"ok":{"tenantId":"t","userId":"u"}}')));
    await assert.rejects(provider.auth(ANNA), (error) => isPrintgateError(error, "provider-failed"));
  });

  it("a refusal keeps its code and reason, extended authentication is none of its trades", async () => {
    const { provider, server } = await answering(
      writing(rawAnswer(200, '{"reject":{"code":1,"tenantId":"t","reason":"r"}}')),
    );
    assert.deepEqual(await provider.auth(ANNA), {
      result: "rejected",
      code: "NotAuthorized",
      tenantId: "t",
      reason: "r",
    });
    const step = { step: "auth", authMethod: "M", authData: Buffer.from("x"), userProps: [], isReAuth: false } as const;
    const extended = await provider.extendedAuth(step);
    assert.ok(extended.result === "rejected" && extended.code === "NotAuthorized");
    assert.equal(server.requests.length, 1);
  });

  it("an identity that a header can not carry is refused unasked", async () => {
    const { provider, server } = await answering(writing(rawAnswer(200, "true")));
    const identities: ClientInfo[] = [
      { tenantId: "", type: "", metadata: {} },
      { tenantId: "home", type: "MQTT", metadata: {} },
      ...[
        "",
        " ",
        " anna",
        "anna ",
        "a\tb",
        "a\r\nuser_id: root",
        "a\nb",
        "a\0",
        "a\x7f",
        "a\x85b",
        "名",
        "a\u0100",
      ].map((userId) => ({ ...client, metadata: { userId } })),
      { ...client, tenantId: "ho\rme" },
    ];
    for (const identity of identities) {
      const decision = await provider.checkPermission(identity, publish);
      assert.equal(decision.result, "denied", JSON.stringify(identity));
      assert.match(decision.reason ?? "", /^invalid identity/);
    }
    assert.equal(server.requests.length, 0);
    assert.equal(
      (await provider.checkPermission({ ...client, metadata: { userId: "José" } }, publish)).result,
      "granted",
    );
    assert.ok(server.requests[0]?.headers.includes("user_id: José"));
  });

  it("over TLS a certificate that nobody vouches for is no webhook", async () => {
    const { private: key, cert } = await generate([{ name: "commonName", value: "127.0.0.1" }]);
    const server = createServer({ key, cert }, (_req, res) => res.end("true"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open.push({
      close: () =>
        new Promise(
          (resolve) =>
            void server.close(() => {
              resolve();
            }),
        ),
    });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = keep(createWebhookProvider({ url, timeoutMs: 30_000 }));
    await assert.rejects(check(provider), (error) => isPrintgateError(error, "unreachable"));
  });

  it("checks in a row share one connection", async () => {
    const { provider, server } = await answering(writing(rawAnswer(200, "true")));
    for (let i = 0; i < 5; i++) assert.equal((await check(provider)).result, "granted");
    assert.equal(server.connections(), 1);
  });

  it("a kept connection that the server closed meanwhile is replaced without an error", async () => {
    let asked = 0;
    const { provider, server } = await answering((socket) => {
      // The first connection answers once and then drops the next question, as a server does that closes idle ones.
      if (++asked === 2) socket.resetAndDestroy();
      else socket.write(rawAnswer(200, "true"));
    });
    assert.equal((await check(provider)).result, "granted");
    assert.equal((await check(provider)).result, "granted");
    assert.equal(server.connections(), 2);
    assert.equal(asked, 3);
  });

  it("a fresh connection that is dropped is an error and is not asked again", async () => {
    const { provider, server } = await answering((socket) => socket.resetAndDestroy());
    await assert.rejects(check(provider), (error) => isPrintgateError(error, "unreachable"));
    assert.equal(server.requests.length, 1);
  });

  describe("the circuit breaker", () => {
    const limits = { failures: 20, restMs: 1000 };
    const fails = (provider: AuthProvider) => assert.rejects(check(provider), (error) => isPrintgateError(error));

    it("opens after 20 failures in a row, lets one probe through after the rest, and closes when it works", async () => {
      let now = 0;
      let status = 500;
      const { provider, server } = await answering((socket) => socket.write(rawAnswer(status, "true")), {
        now: () => now,
        breaker: limits,
      });
      for (let i = 0; i < 19; i++) await fails(provider);
      status = 200;
      assert.equal((await check(provider)).result, "granted");
      status = 500;
      for (let i = 0; i < 20; i++) await fails(provider);
      assert.equal(server.requests.length, 40);
      await assert.rejects(check(provider), /left alone/);
      await assert.rejects(provider.auth(ANNA), /left alone/);
      assert.equal(server.requests.length, 40);

      now = 1000;
      await assert.rejects(check(provider), /status 500/);
      await assert.rejects(check(provider), /left alone/);
      assert.equal(server.requests.length, 41);

      now = 2000;
      status = 200;
      const both = await Promise.allSettled([check(provider), check(provider)]);
      assert.deepEqual(
        both.map((one) => one.status),
        ["fulfilled", "rejected"],
      );
      assert.equal(server.requests.length, 42);
      assert.equal((await check(provider)).result, "granted");
    });

    it("answers to questions from before it opened neither close it nor prolong its rest", () => {
      const open = { kind: "open", untilMs: 1000 } as const;
      for (const breaker of [open, { kind: "probing" } as const])
        for (const worked of [true, false])
          assert.deepEqual(settle(breaker, { admitted: "as usual", worked, nowMs: 500 }, limits), breaker);
    });

    it("never opens on refusals, redirects or nonsense", async () => {
      for (const bytes of [rawAnswer(403, ""), rawAnswer(302, ""), rawAnswer(200, "true\n")]) {
        const { provider, server } = await answering(writing(bytes), { breaker: limits });
        for (let i = 0; i < 30; i++) await check(provider).catch(() => undefined);
        assert.equal(server.requests.length, 30);
      }
    });

    it("opens on time-outs and on a server that is not there", async () => {
      const { provider, server } = await answering(() => undefined, { timeoutMs: 30, breaker: limits });
      await Promise.all(Array.from({ length: 20 }, () => fails(provider)));
      await assert.rejects(check(provider), /left alone/);
      await server.close();
      const gone = providerFor(server, { breaker: limits });
      for (let i = 0; i < 20; i++) await assert.rejects(check(gone), (error) => isPrintgateError(error, "unreachable"));
      await assert.rejects(check(gone), /left alone/);
    });
  });

  describe("the decision cache", () => {
    const cached = async () => {
      const clock = { now: 0 };
      const made = await answering(writing(rawAnswer(200, "true")), {
        now: () => clock.now,
        cache: { ttlMs: 1000, entries: 10 },
      });
      return { ...made, clock };
    };

    it("a grant that is used all the time still ends when its time is over", async () => {
      const { provider, server, clock } = await cached();
      for (clock.now = 0; clock.now < 1000; clock.now += 100) await check(provider);
      assert.equal(server.requests.length, 1);
      clock.now = 1000;
      await check(provider);
      assert.equal(server.requests.length, 2);
    });

    it("everything that was asked is part of the key, and no value imitates a border", async () => {
      const { provider, server } = await cached();
      const asked: [ClientInfo, Action][] = [
        [client, publish],
        [{ ...client, tenantId: "other" }, publish],
        [{ ...client, metadata: { ...client.metadata, clientId: "c2" } }, publish],
        [{ ...client, metadata: { ...client.metadata, role: "admin" } }, publish],
        [{ ...client, metadata: { userId: 'anna","clientId":"c1' } }, publish],
        [client, { ...publish, qos: 2 }],
        [client, { ...publish, isRetained: true }],
        [client, { ...publish, topic: "a/b/" }],
        [client, { ...publish, userProps: [["a", "b"]] }],
        [client, { kind: "sub", topicFilter: "a/b", qos: 1, userProps: [] }],
        [client, { kind: "unsub", topicFilter: "a/b", userProps: [] }],
        [client, { kind: "conn", userProps: [] }],
      ];
      for (const [who, action] of asked) await provider.checkPermission(who, action);
      assert.equal(server.requests.length, asked.length);
      const sameInOtherOrder = { ...client, metadata: { clientId: "c1", userId: "anna" } };
      await provider.checkPermission(sameInOtherOrder, { kind: "conn", userProps: [] });
      assert.equal(server.requests.length, asked.length);
    });

    it("errors are not kept, refusals are, and the oldest entry makes room", async () => {
      let body = "nonsense";
      const server = keep(await serveRaw((socket) => socket.write(rawAnswer(200, body))));
      const provider = providerFor(server, { cache: { ttlMs: 1000, entries: 2 }, now: () => 0 });
      const ask = (topic: string) => provider.checkPermission(client, { ...publish, topic });
      await assert.rejects(ask("a"));
      body = "false";
      for (const topic of ["a", "a", "b", "c", "a"]) assert.equal((await ask(topic)).result, "denied");
      assert.equal(server.requests.length, 5);
    });
  });

  it("an address that can not be used is refused when the provider is made, without its secrets", () => {
    for (const url of ["", "printer", "ftp://192.0.2.1", "http://u:hunter2@192.0.2.1", "http://192.0.2.1/?x=hunter2"]) {
      assert.throws(
        () => createWebhookProvider({ url, timeoutMs: 1 }),
        (error) => isPrintgateError(error, "config-invalid") && !error.message.includes("hunter2"),
      );
    }
  });

  it("closing ends open questions as errors, twice is once, and nothing is asked after", async () => {
    const { provider } = await answering(() => undefined);
    const asked = assert.rejects(check(provider), (error) => isPrintgateError(error, "provider-failed"));
    await provider.close();
    await provider.close();
    await asked;
    await assert.rejects(check(provider), /not asked any more/);
  });
});
