import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PrintgateError } from "../../lib/errors";
import { client, gate, policy, start, through } from "../support/auth-flows";
import { ask, callsOf, deploy, Inbox, nodeOf, settle, statusOf, stopNodeRed, until } from "../support/helper";
import { ownTime } from "../support/wait";

const judged = (name: string) =>
  JSON.parse(readFileSync(join(__dirname, "..", "data", name), "utf8")) as [string, string, unknown][];

const allow = (topic: string, difference: object = {}) => ({
  effect: "allow",
  actions: ["pub", "sub", "unsub"],
  topics: [topic],
  ...difference,
});
const rules = (...list: object[]) => policy({ rules: list });

describe("auth-gate", () => {
  afterEach(stopNodeRed);

  describe("with the judged rows", () => {
    for (const [filter, topic, isMatch] of judged("topic-match.json")) {
      it(`${JSON.stringify(filter)} ${isMatch === true ? "lets" : "does not let"} ${JSON.stringify(topic)} be published to`, async () => {
        await start([rules(allow(filter)), ...gate()]);
        const { output } = await through("gate1", { topic });
        // A filter that MQTT forbids closes the policy: that is an error, and no grant.
        assert.equal(output === 1, isMatch === true);
        assert.notEqual(output, 0);
      });
    }

    for (const [filter, asked, isCovered] of judged("topic-cover.json")) {
      it(`${JSON.stringify(filter)} ${isCovered === true ? "covers" : "does not cover"} a subscription to ${JSON.stringify(asked)}`, async () => {
        await start([rules(allow(filter)), ...gate()]);
        const { output } = await through("gate1", { topic: asked, action: "subscribe" });
        assert.equal(output === 1, isCovered === true);
        assert.notEqual(output, 0);
      });
    }
  });

  it("lets what is granted through, unchanged but for msg.auth", async () => {
    await start([rules(allow("printers/+/commands/pause", { userProps: { by: "rule" } })), ...gate()]);
    const payload = { deep: [1] };
    const before = { _msgid: "m1", topic: "printers/a/commands/pause", payload, colour: "blue", qos: 1, retain: true };
    const sent: Record<string, unknown> = { ...before };
    const { output, msg, error } = await through("gate1", sent);
    assert.equal(error, null);
    assert.equal(output, 1);
    assert.ok(msg === sent, "the very message");
    const { auth, ...others } = msg;
    assert.deepEqual(others, before);
    assert.deepEqual(auth, {
      ...{ result: "granted", action: "pub", topic: before.topic, reason: "allowed by rule 1" },
      ...{ reasonCode: 0, rule: 0, userProps: { by: "rule" } },
    });
  });

  it("sends what no rule allows to its second output", async () => {
    await start([rules(allow("a/b")), ...gate()]);
    const { output, msg } = await through("gate1", { topic: "a/c" });
    assert.equal(output, 2);
    const { result, reason, reasonCode, rule } = msg.auth;
    assert.deepEqual([result, reason, reasonCode, rule], ["denied", "no rule allows it", 135, null]);
  });

  it("reads the actions as Node-RED's MQTT nodes write them", async () => {
    await start([
      rules({ effect: "allow", actions: ["sub"], topics: ["a/#"] }, { effect: "allow", actions: ["conn"] }),
      ...gate(),
    ]);
    const answers = [undefined, "publish", "subscribe", "unsubscribe", "connect"].map((action) => ({
      topic: "a/b",
      ...(action !== undefined && { action }),
    }));
    const got: unknown[] = [];
    for (const msg of answers) {
      const { msg: sent } = await through("gate1", msg);
      got.push([sent.auth.action, sent.auth.result, sent.auth.reasonCode]);
    }
    assert.deepEqual(got, [
      ["pub", "denied", 135],
      ["pub", "denied", 135],
      ["sub", "granted", 2],
      ["unsub", "denied", 135],
      ["conn", "granted", 0],
    ]);
  });

  it("judges what it is configured to, whatever msg.action says", async () => {
    await start([rules({ effect: "allow", actions: ["pub"], topics: ["#"] }), ...gate({ action: "sub" })]);
    assert.equal((await through("gate1", { topic: "a", action: "publish" })).output, 2);
  });

  it("takes topic and identity from where it is told", async () => {
    const typed = {
      topic: "payload.where",
      topicType: "msg",
      identity: '{"tenantId":"t","type":"","metadata":{"userId":"amy"}}',
    };
    await start([rules(allow("a/${userId}")), ...gate({ ...typed, identityType: "json" })]);
    assert.equal((await through("gate1", { topic: "x", payload: { where: "a/amy" } })).output, 1);
    assert.equal((await through("gate1", { topic: "a/amy", payload: {} })).output, 2);
  });

  it("keeps the order of its messages where an expression has to be worked out", async () => {
    await start([rules(allow("#")), ...gate({ topic: '"a/" & payload', topicType: "jsonata" })]);
    const inbox = new Inbox("granted");
    for (let payload = 0; payload < 20; payload += 1) nodeOf("gate1").receive({ payload });
    const got = await inbox.next(20);
    assert.deepEqual(
      got.map(({ auth }) => auth.topic),
      Array.from({ length: 20 }, (_, at) => `a/${at}`),
    );
  });

  it("ends in done(err) where an expression can not be worked out, and lets nothing pass", async () => {
    await start([rules(allow("#")), ...gate({ topic: "$nothing(", topicType: "jsonata" })]);
    const { error, output } = await through("gate1", { topic: "a" });
    assert.ok(error instanceof Error);
    assert.equal(output, 0);
  });

  it("answers a list one by one, and lets it pass only as a whole", async () => {
    await start([rules(allow("a/+"), allow("b")), ...gate()]);
    const { output, msg } = await through("gate1", {
      action: "subscribe",
      topic: [{ topic: "a/b", qos: 1 }, "c", { topic: "b", qos: 0 }],
    });
    assert.equal(output, 2);
    assert.deepEqual(msg.auth.topic, ["a/b", "c", "b"]);
    assert.deepEqual(
      msg.auth.results.map((one: any) => [one.topic, one.result, one.reasonCode, one.rule]),
      [
        ["a/b", "granted", 1, 0],
        ["c", "denied", 135, null],
        ["b", "granted", 0, 1],
      ],
    );
    assert.equal((await through("gate1", { action: "subscribe", topic: ["a/b", "b"] })).output, 1);
  });

  it("knows an anonymous client only by rules about anyone", async () => {
    await start([rules({ ...allow("a"), who: { userId: ["amy"] } }, allow("b")), ...gate()]);
    assert.equal((await through("gate1", { topic: "a" })).output, 2);
    assert.equal((await through("gate1", { topic: "b" })).output, 1);
    assert.equal((await through("gate1", { topic: "a", client: client("amy") })).output, 1);
  });

  describe("refuses as invalid", () => {
    const cases: [string, object, number][] = [
      ["a wildcard in a topic name", { topic: "a/+" }, 144],
      ["an empty topic", { topic: "" }, 144],
      ["a missing topic", {}, 144],
      ["a topic that is no string", { topic: 7 }, 144],
      ["a list for a publish", { topic: ["a"] }, 144],
      ["a null character", { topic: "a\0b" }, 144],
      ["a publish to a shared subscription", { topic: "$share/g/a" }, 144],
      ["a broken filter", { topic: "a/#/b", action: "subscribe" }, 143],
      ["an empty list", { topic: [], action: "subscribe" }, 143],
      ["a share without a name", { topic: "$share//a", action: "subscribe" }, 143],
      ["a qos in words", { topic: "a", qos: "1" }, 144],
      ["retain in words", { topic: "a", retain: "false" }, 144],
      ["an action that MQTT does not have", { topic: "a", action: "destroy" }, 144],
      ["an identity that is no object", { topic: "a", client: "amy" }, 144],
      ["metadata that is no text", { topic: "a", client: { tenantId: "t", metadata: { userId: 7 } } }, 144],
    ];
    for (const [what, msg, code] of cases) {
      it(what, async () => {
        await start([policy({ rules: [allow("#"), allow("$share/g/#")], bypassOnError: true }), ...gate()]);
        const { output, msg: sent } = await through("gate1", msg);
        assert.equal(output, 2);
        assert.match(sent.auth.reason, /^invalid/);
        assert.equal(sent.auth.reasonCode, code);
        assert.equal(sent.auth.rule, null);
      });
    }

    it("a topic that is read through a getter, which may say something else to the next node", async () => {
      await start([rules(allow("a")), ...gate()]);
      let asked = 0;
      const msg = Object.defineProperty({}, "topic", { get: () => (asked++ === 0 ? "a" : "secret"), enumerable: true });
      assert.equal((await through("gate1", msg)).output, 2);
    });

    it("a topic that comes from the message's prototype", async () => {
      await start([rules(allow("a")), ...gate()]);
      assert.equal((await through("gate1", Object.create({ topic: "a" }) as object)).output, 2);
    });
  });

  describe("is not fooled by", () => {
    const cases: [string, object[], object][] = [
      [
        "a user named # under a placeholder rule",
        [allow("u/${userId}")],
        { topic: "u/#", action: "subscribe", client: client("#") },
      ],
      ["a user named a/b under a placeholder rule", [allow("u/${userId}")], { topic: "u/a/b", client: client("a/b") }],
      [
        "a client without the value of a placeholder",
        [allow("u/${clientId}/x")],
        { topic: "u//x", client: client("amy") },
      ],
      ["a subscription to a/# under a/+", [allow("a/+")], { topic: "a/#", action: "subscribe" }],
      [
        "a wide subscription over a narrow deny",
        [{ ...allow("a/secret"), effect: "deny" }, allow("#")],
        { topic: "a/#", action: "subscribe" },
      ],
      [
        "a shared subscription to what is denied",
        [{ ...allow("a/secret"), effect: "deny" }, allow("#")],
        { topic: "$share/g/a/secret", action: "subscribe" },
      ],
      ["# that would reach $SYS", [allow("#")], { topic: "$SYS/x" }],
      ["a rule's topic as a prefix", [allow("allowed")], { topic: "allowed/secret" }],
      ["another case of letters", [allow("a/B")], { topic: "a/b" }],
      ["another Unicode spelling of the same word", [allow("caf\u00e9")], { topic: "cafe\u0301" }],
      ["a slash more", [allow("a/b")], { topic: "a/b/" }],
      [
        "the same user of another tenant",
        [{ ...allow("a"), who: { tenantId: "t1" } }],
        { topic: "a", client: client("amy") },
      ],
      [
        "a role that is inherited",
        [{ ...allow("a"), who: { role: "admin" } }],
        { topic: "a", client: { tenantId: "t", type: "", metadata: JSON.parse('{"__proto__":{"roles":"admin"}}') } },
      ],
      ["a qos upgrade", [{ ...allow("a"), qos: [0] }], { topic: "a", qos: 2 }],
      ["the retain flag", [{ ...allow("a"), retain: false }], { topic: "a", retain: true }],
      ["one filter of many", [allow("a")], { topic: ["a", "b"], action: "subscribe" }],
      ["an unsubscribe of what is not covered", [allow("a")], { topic: "b", action: "unsubscribe" }],
      ["an empty list of rules", [], { topic: "a" }],
    ];
    for (const [what, list, msg] of cases) {
      it(what, async () => {
        await start([rules(...list), ...gate()]);
        assert.equal((await through("gate1", msg)).output, 2);
      });
    }

    it("a topic of 30,000 levels", async () => {
      await start([rules(allow("a/+/+/+/#"), allow("${userId}/#")), ...gate()]);
      const began = process.cpuUsage();
      assert.equal((await through("gate1", { topic: "b" + "/".repeat(30_000), client: client("amy") })).output, 2);
      assert.ok(process.cpuUsage(began).user < 1_000_000, "a second");
    });
  });

  describe("with a broken policy", () => {
    const broken: [string, object, RegExp][] = [
      ["an unknown field", { rules: [allow("a"), { ...allow("b"), colour: "red" }] }, /Rule 2 .*colour/],
      ["an unknown effect", { rules: [{ ...allow("a"), effect: "maybe" }] }, /Rule 1 .*effect/],
      ["an unknown action", { rules: [{ ...allow("a"), actions: ["fly"] }] }, /Rule 1 .*fly/],
      ["a broken filter", { rules: [allow("a/#/b")] }, /Rule 1 .*a\/#\/b/],
      ["rules that are no list", { rules: { effect: "allow" } }, /no list/],
      ["rules that are no JSON", { rules: "[{" }, /no JSON/],
      ["an unset variable", { provider: "webhook", webhookUrl: "${NO_URL}" }, /NO_URL is not set/],
      ["an unknown provider", { provider: "oracle" }, /oracle/],
    ];
    for (const [what, difference, words] of broken) {
      it(`answers ${what} as an error, with bypassOnError too, and shows it`, async () => {
        await start([policy({ ...difference, bypassOnError: true }), ...gate()]);
        const { output, msg, error } = await through("gate1", { topic: "a" });
        assert.equal(error, null);
        assert.equal(output, 3);
        assert.match(msg.auth.reason, words);
        assert.equal(msg.auth.reasonCode, 131);
        for (const id of ["gate1", "policy1"]) {
          const { fill, shape, text } = statusOf(id) as Record<string, string>;
          assert.deepEqual([fill, shape], ["red", "ring"]);
          assert.match(text ?? "", words);
        }
      });
    }

    it("has the reason codes of each action", async () => {
      await start([policy({ rules: [{}] }), ...gate()]);
      const codes: unknown[] = [];
      for (const action of ["publish", "subscribe", "unsubscribe", "connect"])
        codes.push((await through("gate1", { topic: "a", action })).msg.auth.reasonCode);
      assert.deepEqual(codes, [131, 135, 135, 128]);
    });
  });

  describe("without a policy", () => {
    const cases: [string, object, string][] = [
      ["none selected", { policy: "" }, "no policy selected"],
      ["one that is gone", { policy: "nowhere" }, "the policy is missing"],
      ["an unset variable", { policy: "${NO_POLICY}" }, "environment variable NO_POLICY is not set"],
      ["another kind of node", { policy: "granted" }, "the policy is missing"],
    ];
    for (const [what, difference, words] of cases) {
      it(`shows ${what} with a red ring and ends an input with the same words`, async () => {
        await start([policy(), ...gate(difference)]);
        assert.deepEqual(statusOf("gate1"), { fill: "red", shape: "ring", text: words });
        const { error, sent } = await ask("gate1", { topic: "a" });
        assert.ok(error instanceof PrintgateError);
        assert.equal(error.message, words);
        assert.deepEqual(sent, []);
      });
    }
  });

  it("shows its last decision, not every one of them", async () => {
    await start([rules(allow("a")), ...gate()]);
    for (let turn = 0; turn < 50; turn += 1) await through("gate1", { topic: turn % 2 === 0 ? "a" : "b" });
    assert.deepEqual(statusOf("gate1"), { fill: "green", shape: "dot", text: "auth-gate.status.granted" });
    assert.ok(callsOf("gate1", "status").length <= 2);
  });

  it("is loud about dev-only: a warning in the log, yellow below every node", async () => {
    await start([policy({ provider: "dev-only" }), ...gate()]);
    assert.match(String(callsOf("policy1", "warn")[0]), /dev-only/);
    assert.equal((await through("gate1", { topic: "anything", client: client("anybody") })).output, 1);
    const { fill } = statusOf("gate1") as { fill: string };
    assert.equal(fill, "yellow");
  });

  it("takes rules from an environment variable, as JSON", async () => {
    process.env["PG_TEST_RULES"] = JSON.stringify([allow("a")]);
    try {
      await start([policy({ rules: "${PG_TEST_RULES}", bypassOnError: "false" }), ...gate()]);
      assert.equal((await through("gate1", { topic: "a" })).output, 1);
      assert.equal((await through("gate1", { topic: "b" })).output, 2);
    } finally {
      delete process.env["PG_TEST_RULES"];
    }
  });

  it("says of a user or app that can not be used only that one", async () => {
    await start([policy({ rules: [allow("a")], apps: [{ id: "x" }] }), ...gate()], {
      policy1: { users: JSON.stringify([{ username: "amy" }]) },
    });
    assert.deepEqual(callsOf("policy1", "warn").length, 2);
    assert.equal((await through("gate1", { topic: "a" })).output, 1);
  });

  describe("asking a webhook", () => {
    let server: Server;
    let reply: (topic: string) => Promise<{ status: number; body: string }>;
    const webhook = (difference: object = {}) => {
      const { port } = server.address() as AddressInfo;
      return policy({
        provider: "webhook",
        webhookUrl: `http://127.0.0.1:${port}`,
        webhookTimeout: "10000",
        ...difference,
      });
    };
    beforeEach(async () => {
      server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          const { pub } = JSON.parse(Buffer.concat(chunks).toString()) as { pub: { topic: string } };
          void reply(pub.topic).then(({ status, body }) => response.writeHead(status).end(body));
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    afterEach(() => {
      server.closeAllConnections();
      server.close();
    });

    it("keeps the order of one client while another one overtakes", async () => {
      const waiting = new Map<string, () => void>();
      reply = (topic) =>
        topic === "fast"
          ? Promise.resolve({ status: 200, body: "true" })
          : new Promise((resolve) =>
              waiting.set(topic, () => {
                resolve({ status: 200, body: "true" });
              }),
            );
      await start([webhook(), ...gate()]);
      const inbox = new Inbox("granted");
      for (const topic of ["1", "2", "3"]) nodeOf("gate1").receive({ topic, client: client("amy") });
      nodeOf("gate1").receive({ topic: "fast", client: client("bob") });
      assert.equal((await inbox.next())[0]?.topic, "fast");
      await until(() => waiting.size === 3);
      for (const topic of ["3", "2", "1"]) waiting.get(topic)?.();
      assert.deepEqual(
        (await inbox.next(3)).map(({ topic }) => topic),
        ["1", "2", "3"],
      );
    });

    const failures: [string, () => Promise<{ status: number; body: string }>][] = [
      ["a server error", () => Promise.resolve({ status: 500, body: "true" })],
      ["a redirect", () => Promise.resolve({ status: 302, body: "true" })],
      ["an empty answer", () => Promise.resolve({ status: 204, body: "" })],
      ["a line break behind true", () => Promise.resolve({ status: 200, body: "true\n" })],
      ["a byte order mark before true", () => Promise.resolve({ status: 200, body: "\ufefftrue" })],
      ["null", () => Promise.resolve({ status: 200, body: "null" })],
      ["no answer in time", () => new Promise(() => undefined)],
    ];
    for (const [what, answer] of failures) {
      it(`takes ${what} for an error, and passes it only with bypassOnError`, async () => {
        reply = answer;
        const soon = { webhookTimeout: "300" };
        await start([webhook(soon), ...gate()]);
        const { output, msg } = await through("gate1", { topic: "a", client: client("amy") });
        assert.equal(output, 3);
        assert.equal(msg.auth.result, "error");
        await deploy([{ id: "tab1", type: "tab" }, webhook({ ...soon, bypassOnError: "true" }), ...gate()], "full");
        const again = await through("gate1", { topic: "a", client: client("amy") });
        assert.equal(again.output, 1);
        assert.match(again.msg.auth.reason, /bypassOnError/);
      });
    }

    it("refuses a message that was changed while it waited", async () => {
      let tell: () => void = () => undefined;
      reply = () =>
        new Promise((resolve) => {
          tell = () => {
            resolve({ status: 200, body: "true" });
          };
        });
      await start([webhook(), ...gate()]);
      const msg = { topic: "a", client: client("amy") };
      let isAsked = false;
      const inner = reply;
      reply = (topic) => {
        isAsked = true;
        return inner(topic);
      };
      const answer = through("gate1", msg);
      await until(() => isAsked);
      msg.topic = "secret";
      tell();
      const { output, msg: sent } = await answer;
      assert.equal(output, 2);
      assert.match(sent.auth.reason, /changed/);
    });

    it("refuses an identity that a header can not carry, unasked", async () => {
      let asked = 0;
      reply = () => {
        asked += 1;
        return Promise.resolve({ status: 200, body: "true" });
      };
      await start([webhook({ bypassOnError: true }), ...gate()]);
      for (const userId of ["", "a\r\nX-Admin: 1", "\u4e2d"]) {
        const { output, msg } = await through("gate1", { topic: "a", client: client(userId) });
        assert.equal(output, 2, JSON.stringify(userId));
        assert.match(msg.auth.reason, /^invalid/);
      }
      assert.equal(asked, 0);
    });

    it("a redeploy while a question is open grants nothing and holds nobody up", async () => {
      reply = () => new Promise(() => undefined);
      await start([webhook({ webhookTimeout: "60000" }), ...gate()]);
      const inbox = new Inbox("granted");
      const answer = ask("gate1", { topic: "a", client: client("amy") });
      await settle();
      const next = [{ id: "tab1", type: "tab" }, webhook({ name: "other", webhookTimeout: "60000" }), ...gate()];
      assert.ok((await ownTime(() => deploy(next, "full"))) < 2000);
      assert.ok((await answer).error instanceof PrintgateError);
      assert.deepEqual(inbox.messages, []);
    });
  });
});
