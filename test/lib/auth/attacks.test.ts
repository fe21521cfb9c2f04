import assert from "node:assert/strict";
import { createFlowProvider } from "../../../lib/auth/providers/flow-provider";
import { createMetrics } from "../../../lib/auth/metrics";
import { Policy } from "../../../lib/auth/policy/policy";
import { createProvider, createRulesProvider } from "../../../lib/auth/providers/providers";
import type { Verdict } from "../../../lib/auth/policy/verdict";
import type { AuthProvider, CheckResult } from "../../../lib/auth/provider";
import { clientOf, readRequest, RESERVED, stillAsks } from "../../../lib/auth/request";
import { compileRules } from "../../../lib/auth/rules/rules";
import { allow, deny } from "../../support/auth-rules";

/**
 * What has got past permission checks of brokers before, tried on ours: from the message to the verdict, in the
 * order of the collection of incidents that the project keeps. Where a case is about HTTP it is tested there.
 */

const parts = {
  logins: () => ({ login: () => Promise.reject(new Error("nobody logs in here")) }),
  webhook: () => assert.fail("not asked for"),
  flow: () => assert.fail("not asked for"),
};

function policyOf(rules: unknown): Policy {
  const provider = createProvider("rules", { ...parts, rules: () => compileRules(rules) });
  return new Policy({ provider, timeoutMs: null, bypassOnError: false, metrics: createMetrics() });
}

type Metadata = Record<string, string>;

function verdictOf(rules: unknown, message: object, metadata: Metadata | null = { userId: "eve" }): Verdict {
  let verdict: Verdict | undefined;
  const client = metadata && { tenantId: "home", type: "MQTT", metadata };
  const request = readRequest({ message: "client" in message ? message : { ...message, client }, kind: "msg" });
  policyOf(rules).check(request, (told) => (verdict = told));
  assert.ok(verdict, "rules decide at once");
  return verdict;
}

function isGranted(rules: unknown, message: object, metadata?: Metadata | null): boolean {
  const { result, reasonCode } = verdictOf(rules, message, metadata);
  assert.notEqual(result, "error");
  assert.equal(result === "granted", reasonCode < 128);
  return result === "granted";
}

function isInvalid(message: object): boolean {
  const { result, reason, reasonCode } = verdictOf([allow("#")], message);
  return result === "denied" && reason.startsWith("invalid") && [143, 144].includes(reasonCode);
}

const subscribe = (topic: unknown): object => ({ action: "subscribe", topic });

describe("attacks", () => {
  it("1: a client id or user name with a wildcard or a slash opens nothing through a placeholder", () => {
    const rules = [allow("users/${userId}/#"), allow("clients/${clientId}")];
    for (const name of ["#", "+", "a/+", "eve/../ada", "/", "a/b"]) {
      const metadata = { userId: name, clientId: name };
      for (const topic of ["users/ada/x", `users/${name}/x`, `clients/${name}`, "clients/a/b", "clients/ada"]) {
        if (!/[+#]/.test(topic)) assert.ok(!isGranted(rules, { topic }, metadata), `${name} publishes ${topic}`);
        assert.ok(!isGranted(rules, subscribe(topic), metadata), `${name} subscribes to ${topic}`);
      }
    }
  });

  it("2: a client id of regular-expression characters matches nothing but itself", () => {
    for (const name of [".*", "a|b", "^", "[a-z]+".replace("+", ""), "(a+)".replace("+", "{1,}"), "\\w", "$"]) {
      const rules = [allow("clients/${clientId}"), allow("vip", { who: { clientId: name } })];
      assert.ok(isGranted(rules, { topic: `clients/${name}` }, { clientId: name }));
      assert.ok(!isGranted(rules, { topic: "clients/ada" }, { clientId: name }));
      assert.ok(!isGranted(rules, { topic: "vip" }, { clientId: "ada" }));
    }
  });

  it("3: a placeholder without a value matches neither an empty level nor anything else", () => {
    const rules = [allow("test/${clientId}/x"), allow("rooms/${attrs.room}/#")];
    for (const metadata of [{}, { clientId: "", room: "" }] as Metadata[]) {
      for (const topic of ["test//x", "test/x", "test/${clientId}/x", "rooms//a", "rooms/undefined/a"]) {
        assert.ok(!isGranted(rules, { topic }, metadata), topic);
        assert.ok(!isGranted(rules, subscribe(topic), metadata), topic);
      }
    }
  });

  it("4: a wider subscription than allowed is not granted", () => {
    assert.ok(!isGranted([allow("a/+")], subscribe("a/#")));
    assert.ok(!isGranted([allow("+")], subscribe("#")));
    assert.ok(!isGranted([allow("a/b/#")], subscribe("a/+/#")));
    assert.ok(isGranted([allow("a/#")], subscribe("a/+")));
  });

  it("5: a wide subscription does not read round a narrow deny", () => {
    const rules = [deny("a/secret"), deny("+/+/keys/#"), allow("#")];
    for (const filter of ["a/#", "#", "+/secret", "a/+", "+/+", "a/b/#", "+/b/keys"]) {
      assert.ok(!isGranted(rules, subscribe(filter)), filter);
    }
    assert.ok(isGranted(rules, subscribe("b/open")));
  });

  it("6: a share or a queue prefix hides nothing that is denied", () => {
    const rules = [deny("a/secret"), allow("#")];
    for (const filter of ["$share/g/a/secret", "$share/g/a/#", "$oshare/g/a/secret", "$share/g/#"]) {
      assert.ok(!isGranted(rules, subscribe(filter)), filter);
    }
    assert.ok(!isGranted(rules, subscribe("$queue/a/secret")), "no share here, but no wildcard opens it");
    assert.ok(isGranted(rules, subscribe("$share/g/b")));
    for (const broken of [
      "$share",
      "$share/g",
      "$share/g/",
      "$share//x",
      "$share/+/x",
      "$share/#",
      "$share/g/$share/h/x",
      "$oshare/g/$share/h/x",
    ]) {
      assert.ok(isInvalid(subscribe(broken)), broken);
    }
  });

  it("7: $-topics are opened by no wildcard, and shares can not be published to", () => {
    for (const topic of ["$SYS/x", "$SYS", "$CONTROL/dynamic-security/v1", "$delayed/5/a", "$"]) {
      for (const wide of ["#", "+/#", "+", "+/+", "+/+/+"]) {
        assert.ok(!isGranted([allow(wide)], { topic }), `${topic} by ${wide}`);
        assert.ok(!isGranted([allow(wide)], subscribe(`${topic}/#`)), `${topic}/# by ${wide}`);
      }
      assert.ok(!isGranted([deny("#")], { topic }), "and a list that denies all denies them by default");
    }
    assert.ok(!isGranted([allow("${clientId}/#")], { topic: "$SYS/x" }, { clientId: "$SYS" }));
    for (const topic of ["$share/g/a", "$oshare/g/a", "$share"]) assert.ok(isInvalid({ topic }), topic);
  });

  it("8: a destination inside a $-topic is not reached by the rule for the destination, nor by a wide one", () => {
    const rules = [deny("a/secret"), allow("#")];
    for (const topic of ["$delayed/5/a/secret", "$exclusive/a/secret", "$bridge/x/a/secret"]) {
      assert.ok(!isGranted(rules, { topic }), topic);
      assert.ok(!isGranted(rules, subscribe(topic)), topic);
    }
  });

  it("9: a message without a client, as of an orphan will, has no rights of anybody", () => {
    const rules = [allow("#", { who: { userId: "ada" } }), allow("a", { who: { tenantId: "home" } }), allow("open")];
    assert.ok(!isGranted(rules, { topic: "a" }, null));
    assert.ok(isGranted(rules, { topic: "open" }, null));
  });

  it("10: a retained publish needs a rule for retained messages", () => {
    const rules = [allow("a", { retain: false })];
    assert.ok(!isGranted(rules, { topic: "a", retain: true }));
    assert.ok(isInvalid({ topic: "a", retain: "false" }));
  });

  it("11: a right that was taken away is not found in anything remembered", async () => {
    assert.ok(isGranted([allow("a")], { topic: "a" }));
    assert.ok(!isGranted([deny("a"), allow("a")], { topic: "a" }));
    const old = policyOf([allow("a")]);
    await old.close();
    const request = readRequest({ message: { topic: "a" }, kind: "pub" });
    assert.equal((await old.ask(request)).result, "error", "a policy that was replaced grants nothing more");
  });

  it("12: a topic that is changed while it is judged is noticed, and the verdict names what was judged", async () => {
    let decide: (answer: CheckResult) => void = () => assert.fail("not asked");
    const provider: AuthProvider = {
      ...createRulesProvider(compileRules([]), parts.logins()),
      checkPermission: () => new Promise((resolve) => (decide = resolve)),
    };
    delete (provider as { checkNow?: unknown }).checkNow;
    const policy = new Policy({ provider, timeoutMs: 1000, bypassOnError: false, metrics: createMetrics() });
    const message = { topic: "open", client: { tenantId: "home", metadata: { userId: "eve" } } };
    const asked = { message, kind: "msg" } as const;
    const request = readRequest(asked);
    const verdict = policy.ask(request);
    message.topic = "secret";
    decide({ result: "granted" });
    assert.equal((await verdict).topic, "open");
    assert.equal(stillAsks(request, asked), false);
  });

  it("13: a literal rule is no prefix", () => {
    for (const topic of ["allowed/secret", "allowed/", "allowedx", "/allowed", "Allowed"]) {
      assert.ok(!isGranted([allow("allowed")], { topic }), topic);
    }
  });

  it("14: an empty list allows nothing, and a broken one closes everything", () => {
    assert.ok(!isGranted([], { topic: "a" }));
    for (const broken of [
      undefined,
      null,
      {},
      "",
      [allow("a"), { ...allow("#"), unless: "x" }],
      [allow("a"), { note: "#" }],
    ]) {
      assert.equal(verdictOf(broken, { topic: "a" }).result, "error", JSON.stringify(broken));
    }
  });

  it("15: a provider that fails, hesitates or talks nonsense grants nothing", async () => {
    const answers: unknown[] = [
      undefined,
      null,
      true,
      "true",
      "true\n",
      1,
      {},
      [],
      { result: "Granted" },
      { granted: {} },
    ];
    const failing: (() => Promise<unknown>)[] = [
      ...answers.map((answer) => () => Promise.resolve(answer)),
      () => Promise.reject(new Error("down")),
      () => new Promise(() => undefined),
    ];
    for (const ask of failing) {
      const provider = { ...createRulesProvider(compileRules([]), parts.logins()) };
      delete provider.checkNow;
      provider.checkPermission = ask as AuthProvider["checkPermission"];
      const policy = new Policy({ provider, timeoutMs: 10, bypassOnError: false, metrics: createMetrics() });
      const { result, reasonCode } = await policy.ask(readRequest({ message: { topic: "a" }, kind: "pub" }));
      assert.deepEqual([result, reasonCode], ["error", 131]);
    }
    for (const answer of [
      undefined,
      null,
      "true",
      "true\n",
      1,
      {},
      [],
      { granted: true },
      { granted: {}, error: {} },
    ]) {
      const provider = createFlowProvider({ emit: ({ id }) => provider.answer(id, answer) !== "", timeoutMs: 10 });
      const policy = new Policy({ provider, timeoutMs: null, bypassOnError: false, metrics: createMetrics() });
      const { result } = await policy.ask(readRequest({ message: { topic: "a" }, kind: "pub" }));
      assert.equal(result, "error", JSON.stringify(answer));
    }
  });

  it("16: every filter of a list is checked, and a bad one approves nothing", () => {
    const rules = [allow("a"), allow("b")];
    assert.ok(isGranted(rules, subscribe(["a", "b"])));
    for (const list of [
      ["a", "secret"],
      ["secret", "a"],
      ["a", "b", "#"],
      ["a", "a/#/b"],
      ["", "a"],
      ["a", {}],
    ]) {
      assert.ok(!isGranted(rules, subscribe(list)), JSON.stringify(list));
    }
    assert.ok(isInvalid(subscribe([])));
  });

  it("17: no other spelling of a topic is the same topic", () => {
    for (const topic of ["a.b", "a/b/", "/a/b", "a//b", "a\\b", "a%2Fb", "a/b ", " a/b", "A/b", "a>b"]) {
      assert.ok(!isGranted([allow("a/b")], { topic }), topic);
      assert.ok(isGranted([deny("a/b"), allow("#")], { topic }), `${topic} is another name`);
    }
  });

  it("18: line breaks and quotes in names are just other names", () => {
    const rules = [allow("users/${userId}/x", { who: { userId: "ada" } })];
    for (const userId of ["ada\r\n", "ada\n", 'ada","x":"', "ada\0", "ada\t", "'ada'"]) {
      assert.ok(!isGranted(rules, { topic: "users/ada/x" }, { userId }), JSON.stringify(userId));
    }
    assert.ok(!isGranted([allow("a")], { topic: "a\r\nb" }));
    assert.ok(isInvalid({ topic: "a", userProperties: { "x\0": "y" } }));
  });

  it("19: Unicode is compared to the byte, and what is no Unicode is refused", () => {
    const rules = [allow("caf\u00e9/\u0430"), allow("\ufeffb")];
    assert.ok(isGranted(rules, { topic: "caf\u00e9/\u0430" }));
    for (const topic of ["cafe\u0301/\u0430", "caf\u00e9/a", "CAF\u00c9/\u0430", "caf\u00e9\u200b/\u0430", "b"]) {
      assert.ok(!isGranted(rules, { topic }), topic);
    }
    for (const topic of ["a\0", "\ud800", "a/\udc00/b", "a".repeat(65_536), "\u20ac".repeat(21_846)]) {
      assert.ok(isInvalid({ topic }), JSON.stringify(topic.slice(0, 10)));
      assert.ok(isInvalid(subscribe(topic)));
    }
    assert.ok(!isGranted([allow("a")], { topic: "a\u0007" }), "a control character is legal, and another name");
  });

  it("20: thousands of levels, rules and filters are decided without delay", () => {
    const rules = [
      ...Array.from({ length: 5_000 }, (_, i) => deny(`${"+/".repeat(1 + (i % 60))}x${i}/#`)),
      allow("/".repeat(65_535)),
      allow(`${"a/".repeat(30_000)}#`),
      deny(`${"+/".repeat(32_000)}+`),
      allow(`${"${userId}/".repeat(5_000)}x`),
      allow("#"),
    ];
    const policy = policyOf(rules);
    assert.equal(policy.broken, null);
    const questions = [
      { topic: "/".repeat(65_535) },
      { topic: "eve/".repeat(16_000) },
      subscribe("/".repeat(65_535)),
      subscribe(`${"+/".repeat(32_000)}#`),
      subscribe("#"),
      subscribe(`${"a/".repeat(32_000)}+`),
      subscribe(Array.from({ length: 100 }, () => "+/+/+/#")),
    ];
    const begin = process.cpuUsage();
    for (const message of questions) {
      let told = 0;
      const client = { tenantId: "home", metadata: { userId: "eve" } };
      policy.check(readRequest({ message: { ...message, client }, kind: "msg" }), ({ result }) => {
        told++;
        assert.notEqual(result, "error");
      });
      assert.equal(told, 1);
    }
    const { user } = process.cpuUsage(begin);
    assert.ok(user < 3_000_000, `${user} µs`);
  });

  it("21: an empty topic, as a topic alias leaves it, is refused", () => {
    for (const topic of ["", null, undefined]) {
      assert.ok(isInvalid({ topic }));
      assert.ok(isInvalid(subscribe(topic)));
    }
  });

  it("22: neither attributes nor the names of every object pass for an identity", () => {
    const spoofed = Object.fromEntries([...RESERVED, "tenantId"].map((name) => [name, "ada"]));
    const client = clientOf({ tenantId: "home", userId: "eve", attrs: spoofed }, { clientId: "c" });
    for (const name of RESERVED.filter((one) => !["userId", "clientId"].includes(one))) {
      assert.equal(Object.hasOwn(client.metadata, name), false, name);
    }
    const rules = [
      allow("a", { who: { userId: "ada" } }),
      allow("a", { who: { clientId: "ada" } }),
      allow("a", { who: { tenantId: "ada" } }),
      allow("${attrs.constructor}"),
      allow("${attrs.__proto__}"),
    ];
    assert.ok(!isGranted(rules, { topic: "a", client }));
    const hostile = JSON.parse('{"tenantId":"home","metadata":{"__proto__":{"userId":"ada"}}}') as object;
    assert.match(verdictOf(rules, { topic: "a", client: hostile }).reason, /^invalid/);
    for (const topic of ["[object Object]", "function Object() { [native code] }", "constructor"]) {
      assert.ok(!isGranted(rules, { topic }, {}), topic);
    }
  });

  it("22: a polluted prototype gives nobody a name, a role or an action", () => {
    const pollution = { userId: "ada", roles: "chief", action: "connect", client: { tenantId: "ada" } };
    const rules = [
      allow("a", { who: { userId: "ada" } }),
      allow("a", { who: { role: "chief" } }),
      allow("${userId}"),
      { effect: "allow", actions: ["conn"] },
    ];
    try {
      for (const [name, value] of Object.entries(pollution)) {
        Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true, enumerable: false });
      }
      for (const topic of ["a", "ada"]) assert.notEqual(verdictOf(rules, { topic }, {}).result, "granted");
    } finally {
      for (const name of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, name);
    }
    assert.equal("userId" in {}, false);
  });

  it("23: no grant outlives its question, and nothing glued together stands for somebody else", async () => {
    const rules = [allow("a", { qos: [0], retain: false, who: { userId: "ada" } })];
    assert.ok(isGranted(rules, { topic: "a" }, { userId: "ada" }));
    assert.ok(!isGranted(rules, { topic: "a", qos: 1 }, { userId: "ada" }));
    assert.ok(!isGranted(rules, { topic: "a", retain: true }, { userId: "ada" }));
    assert.ok(!isGranted(rules, { topic: "a" }, { userId: "eve" }));
    // Two clients whose names run together the same way are still two queues.
    let free: (answer: CheckResult) => void = () => undefined;
    const provider = { ...createRulesProvider(compileRules([]), parts.logins()) };
    delete provider.checkNow;
    provider.checkPermission = ({ metadata }) =>
      metadata.userId === "a" ? new Promise((resolve) => (free = resolve)) : Promise.resolve({ result: "denied" });
    const policy = new Policy({ provider, timeoutMs: 1000, bypassOnError: false, metrics: createMetrics() });
    const ask = (tenantId: string, userId: string): Promise<Verdict> =>
      policy.ask(readRequest({ message: { topic: "x", client: { tenantId, metadata: { userId } } }, kind: "pub" }));
    const waiting = ask('t","', "a");
    assert.equal((await ask("t", '","a')).result, "denied");
    free({ result: "granted" });
    assert.equal((await waiting).result, "granted");
  });

  it("24: the same names in another tenant are somebody else", () => {
    const rules = [allow("a", { who: { tenantId: "work", userId: "eve", clientId: "c" } }), allow("${tenantId}/x")];
    assert.ok(!isGranted(rules, { topic: "a" }, { userId: "eve", clientId: "c" }));
    assert.ok(!isGranted(rules, { topic: "work/x" }, { tenantId: "work" }), "metadata name no tenant");
    assert.ok(isGranted(rules, { topic: "home/x" }));
  });

  it("25: a message with two faces is refused", () => {
    let reads = 0;
    const twoFaced = Object.defineProperty({}, "topic", {
      get: () => (reads++ === 0 ? "open" : "secret"),
      enumerable: true,
    });
    const fromPrototype = Object.create({ topic: "open" }) as object;
    for (const message of [twoFaced, fromPrototype]) {
      const request = readRequest({ message, kind: "pub" });
      assert.ok("problem" in request.items[0]!);
    }
    const toString = { toString: () => "open" };
    for (const message of [
      { topic: ["open"] },
      { topic: toString },
      { topic: new String("open") },
      { topic: 7 },
      { topic: true },
    ]) {
      assert.ok(isInvalid(message), JSON.stringify(message));
    }
    for (const qos of ["1", 3, -1, 0.5, NaN, true, [1]]) {
      assert.ok(isInvalid({ topic: "a", qos }), String(qos));
      assert.ok(isInvalid(subscribe({ topic: "a", qos })), String(qos));
    }
  });

  it("26: unsubscribing, a higher qos and a retain flag need their own right", () => {
    const rules = [allow("a/+", { actions: ["sub"], qos: [0] }), allow("b", { retain: false, qos: [0] })];
    assert.ok(isGranted(rules, subscribe({ topic: "a/x", qos: 0 })));
    assert.ok(!isGranted(rules, subscribe({ topic: "a/x", qos: 1 })));
    assert.ok(!isGranted(rules, subscribe("a/x")), "which asks for qos 2");
    assert.ok(!isGranted(rules, { action: "unsubscribe", topic: "a/x" }));
    assert.ok(!isGranted([deny("a/guard"), allow("#")], { action: "unsubscribe", topic: "a/#" }));
    assert.ok(!isGranted(rules, { topic: "b", qos: 2 }));
    assert.ok(!isGranted(rules, { topic: "b", retain: true }));
  });
});
