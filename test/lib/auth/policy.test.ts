import assert from "node:assert/strict";
import { PrintgateError } from "../../../lib/errors";
import { createMetrics, type Metrics } from "../../../lib/auth/metrics";
import { Policy, type PolicyOptions } from "../../../lib/auth/policy/policy";
import { Order } from "../../../lib/auth/policy/order";
import { createProvider, createRulesProvider, type ProviderParts } from "../../../lib/auth/providers/providers";
import type { Verdict } from "../../../lib/auth/policy/verdict";
import type { AuthData, AuthProvider, AuthResult, CheckResult } from "../../../lib/auth/provider";
import { readRequest, type Request } from "../../../lib/auth/request";
import { compileRules } from "../../../lib/auth/rules/rules";

const LOGIN: AuthData = { version: "3", isMQIsdp: false, remoteAddr: "192.0.2.7", remotePort: 5000, channelId: "c" };
const OK: AuthResult = { result: "ok", identity: { tenantId: "home", userId: "ada", attrs: {} } };

/** A provider that does nothing but what the test says. */
function provider(more: Partial<AuthProvider>): AuthProvider {
  return {
    auth: () => Promise.resolve(OK),
    extendedAuth: () => Promise.resolve(OK),
    checkPermission: () => Promise.resolve({ result: "granted" }),
    close: () => Promise.resolve(),
    ...more,
  };
}

function policyOf(with_: Partial<AuthProvider> | PrintgateError, more: Partial<PolicyOptions> = {}): Policy {
  const made = with_ instanceof PrintgateError ? with_ : provider(with_);
  return new Policy({ provider: made, timeoutMs: 1000, bypassOnError: false, metrics: createMetrics(), ...more });
}

function request(message: object, userId = "ada"): Request {
  return readRequest({ message: { client: { tenantId: "home", metadata: { userId } }, ...message }, kind: "msg" });
}

/** Questions whose answers the test gives when it likes. */
class Oracle {
  readonly asked: string[] = [];
  private readonly answers = new Map<string, (answer: CheckResult) => void>();

  readonly provider: Partial<AuthProvider> = {
    checkPermission: (_client, action) =>
      new Promise((resolve) => {
        const topic = action.kind === "pub" ? action.topic : action.kind === "conn" ? "" : action.topicFilter;
        this.asked.push(topic);
        this.answers.set(topic, resolve);
      }),
  };

  answer(topic: string, answer: CheckResult = { result: "granted" }): void {
    this.answers.get(topic)!(answer);
  }
}

/** Promises that were kept have been told when this is over. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function samples(metrics: Metrics, pattern: RegExp): string[] {
  return metrics
    .text()
    .split("\n")
    .filter((line) => pattern.test(line));
}

describe("a policy", () => {
  describe("of rules", () => {
    const rules = compileRules([
      { effect: "allow", actions: ["pub", "sub"], topics: ["a/#"], userProps: { hint: "yes" } },
      { effect: "deny", actions: ["pub"], topics: ["#"], note: "closed" },
      { effect: "allow", actions: ["sub"], topics: ["b"] },
    ]);
    const policy = policyOf(createRulesProvider(rules, { login: () => Promise.resolve(OK) }));

    function judge(message: object): Verdict {
      let told: Verdict | undefined;
      policy.check(request(message), (verdict) => (told = verdict));
      assert.ok(told, "told before check returns");
      return told;
    }

    it("answers at once, with the rule, its reason and its user properties", () => {
      assert.deepEqual(judge({ topic: "a/b" }), {
        result: "granted",
        action: "pub",
        topic: "a/b",
        reason: "allowed by rule 1",
        reasonCode: 0,
        rule: 0,
        userProps: { hint: "yes" },
      });
      assert.deepEqual(judge({ topic: "x" }), {
        result: "denied",
        action: "pub",
        topic: "x",
        reason: "denied by rule 2: closed",
        reasonCode: 135,
        rule: 1,
        userProps: {},
      });
    });

    it("denies by default, with no rule", () => {
      const { result, rule, topic, action, reasonCode } = judge({ action: "connect" });
      assert.deepEqual([result, rule, topic, action, reasonCode], ["denied", null, null, "conn", 135]);
    });

    it("answers a list entry by entry, and grants it only if all pass", () => {
      const granted = judge({
        action: "subscribe",
        topic: [
          { topic: "a/+", qos: 0 },
          { topic: "a", qos: 1 },
        ],
      });
      assert.deepEqual([granted.result, granted.reasonCode, granted.rule], ["granted", 1, 0]);
      assert.deepEqual(granted.topic, ["a/+", "a"]);
      assert.deepEqual(granted.userProps, { hint: "yes" });
      assert.deepEqual(
        granted.results?.map(({ reasonCode }) => reasonCode),
        [0, 1],
      );
      const mixed = judge({ action: "subscribe", topic: ["a", "b"] });
      assert.deepEqual([mixed.result, mixed.rule], ["granted", null], "several rules are none");
      const denied = judge({ action: "subscribe", topic: ["a", "c", "b"] });
      assert.deepEqual([denied.result, denied.reasonCode], ["denied", 135]);
      assert.deepEqual(
        denied.results?.map(({ result }) => result),
        ["granted", "denied", "granted"],
      );
    });

    it("refuses a list with one bad filter as invalid", () => {
      const verdict = judge({ action: "subscribe", topic: ["a", "c", "a/#/b"] });
      assert.match(verdict.reason, /^invalid/);
      assert.deepEqual([verdict.result, verdict.reasonCode], ["denied", 143]);
      assert.deepEqual(
        verdict.results?.map(({ reasonCode }) => reasonCode),
        [2, 135, 143],
      );
    });

    it("refuses a publish to a wildcard as invalid", () => {
      const verdict = judge({ topic: "a/+" });
      assert.match(verdict.reason, /^invalid/);
      assert.deepEqual([verdict.result, verdict.reasonCode, verdict.rule], ["denied", 144, null]);
    });
  });

  describe("keeps order", () => {
    it("of one client while its questions are open side by side", async () => {
      const oracle = new Oracle();
      const policy = policyOf(oracle.provider);
      const told: string[] = [];
      for (const topic of ["1", "2", "3"])
        policy.check(request({ topic }), (verdict) => told.push(verdict.topic as string));
      assert.deepEqual(oracle.asked, ["1", "2", "3"]);
      oracle.answer("3");
      oracle.answer("2", { result: "denied" });
      await turn();
      assert.deepEqual(told, []);
      oracle.answer("1");
      await turn();
      assert.deepEqual(told, ["1", "2", "3"]);
    });

    it("so that bad input waits behind good", async () => {
      const oracle = new Oracle();
      const policy = policyOf(oracle.provider);
      const told: string[] = [];
      policy.check(request({ topic: "1" }), () => told.push("slow"));
      policy.check(request({ topic: "" }), () => told.push("invalid"));
      assert.deepEqual(told, []);
      oracle.answer("1");
      await turn();
      assert.deepEqual(told, ["slow", "invalid"]);
    });

    it("of each client by itself", async () => {
      const oracle = new Oracle();
      const policy = policyOf(oracle.provider);
      const told: string[] = [];
      policy.check(request({ topic: "1" }, "ada"), () => told.push("ada"));
      policy.check(request({ topic: "2" }, "eve"), () => told.push("eve"));
      policy.check(
        readRequest({
          message: { topic: "3", client: { tenantId: "work", metadata: { userId: "ada" } } },
          kind: "pub",
        }),
        () => told.push("ada at work"),
      );
      oracle.answer("3");
      oracle.answer("2");
      await turn();
      assert.deepEqual(told.sort(), ["ada at work", "eve"]);
      oracle.answer("1");
      await turn();
      assert.equal(told.at(-1), "ada");
    });

    it("when whoever is told asks again, and when it throws", async () => {
      const oracle = new Oracle();
      const policy = policyOf(oracle.provider);
      const told: string[] = [];
      policy.check(request({ topic: "1" }), () => {
        told.push("1");
        policy.check(request({ topic: "" }), () => told.push("asked by 1"));
        throw new Error("not the policy's");
      });
      policy.check(request({ topic: "2" }), () => told.push("2"));
      oracle.answer("2");
      oracle.answer("1");
      await turn();
      assert.deepEqual(told, ["1", "2", "asked by 1"]);
    });
  });

  describe("and its order", () => {
    it("forgets a client with its last answer, so that nothing grows and bad input is told at once again", () => {
      const order = new Order<number>();
      const told: number[] = [];
      const [first, second] = [1, 2].map(() => order.enter("ada", (answer) => told.push(answer)));
      second?.(2);
      assert.deepEqual([told, order.isEmpty], [[], false]);
      first?.(1);
      assert.deepEqual([told, order.isEmpty], [[1, 2], true]);
    });

    it("tells everybody whose turn it is, though the first of them throws", () => {
      const order = new Order<number>();
      const told: number[] = [];
      const first = order.enter("ada", () => {
        throw new Error("not my day");
      });
      const second = order.enter("ada", (answer) => told.push(answer));
      second(2);
      assert.throws(() => {
        first(1);
      }, /not my day/);
      assert.deepEqual([told, order.isEmpty], [[2], true]);
    });
  });

  describe("whose provider fails", () => {
    const nonsense: [string, unknown][] = [
      ["nothing", undefined],
      ["null", null],
      ["true", true],
      ["the word true", "true"],
      ["an unknown result", { result: "allow" }],
      ["an empty object", {}],
      ["a list", ["granted"]],
      ["a grant with a broken reason", { result: "granted", reason: 1 }],
      ["a grant with broken user properties", { result: "granted", userProps: { a: "b" } }],
    ];
    for (const [what, answer] of nonsense) {
      it(`by answering ${what} is an error, at once or later`, async () => {
        for (const with_ of [
          { checkPermission: () => Promise.resolve(answer as CheckResult) },
          { checkNow: () => answer as CheckResult },
        ]) {
          const { result, reason, reasonCode } = await policyOf(with_).ask(request({ topic: "a" }));
          assert.deepEqual([result, reason, reasonCode], ["error", "the provider gave no decision", 131]);
        }
      });
    }

    const failures: [string, Partial<AuthProvider>, RegExp][] = [
      ["by rejecting", { checkPermission: () => Promise.reject(new Error("no database")) }, /^no database$/],
      [
        "by throwing",
        {
          checkPermission: () => {
            throw new Error("at once");
          },
        },
        /^at once$/,
      ],
      [
        "in memory",
        {
          checkNow: () => {
            throw new RangeError("stack");
          },
        },
        /^stack$/,
      ],
      ["by never answering", { checkPermission: () => new Promise(() => undefined) }, /no answer in 20 ms/],
      ["by its own word", { checkPermission: () => Promise.resolve({ result: "error", reason: "busy" }) }, /^busy$/],
    ];
    for (const [how, with_, reason] of failures) {
      it(`${how} is an error, and granted only with bypassOnError, which says so`, async () => {
        const verdict = await policyOf(with_, { timeoutMs: 20 }).ask(request({ topic: "a" }));
        assert.equal(verdict.result, "error");
        assert.match(verdict.reason, reason);
        const bypassed = await policyOf(with_, { timeoutMs: 20, bypassOnError: true }).ask(request({ topic: "a" }));
        assert.deepEqual([bypassed.result, bypassed.reasonCode], ["granted", 0]);
        assert.match(bypassed.reason, /bypassOnError/);
      });
    }

    it("has the reason codes of an error", async () => {
      const policy = policyOf({ checkPermission: () => Promise.reject(new Error("x")) });
      const codes = await Promise.all(
        ["publish", "subscribe", "unsubscribe", "connect"].map(
          async (action) => (await policy.ask(request({ action, topic: "a" }))).reasonCode,
        ),
      );
      assert.deepEqual(codes, [131, 135, 135, 128]);
    });

    it("does not answer twice when the answer comes after its time", async () => {
      const oracle = new Oracle();
      const policy = policyOf(oracle.provider, { timeoutMs: 20 });
      const told: string[] = [];
      policy.check(request({ topic: "1" }), ({ result }) => told.push(result));
      await policy.ask(request({ topic: "2" }));
      oracle.answer("1");
      oracle.answer("2");
      await turn();
      assert.deepEqual(told, ["error"]);
    });

    it("never lets bad input pass, and never asks for it", async () => {
      const oracle = new Oracle();
      const policy = policyOf(oracle.provider, { bypassOnError: true, timeoutMs: 20 });
      for (const message of [{ topic: "a/+" }, { action: "subscribe", topic: [] }, { topic: "a", qos: "1" }, {}]) {
        const { result, reason } = await policy.ask(request(message));
        assert.equal(result, "denied");
        assert.match(reason, /^invalid/);
      }
      assert.deepEqual(oracle.asked, []);
    });

    it("turns a login down, whatever bypassOnError says", async () => {
      const broken = [
        undefined,
        null,
        true,
        {},
        { result: "ok" },
        { ...OK, identity: { tenantId: "a", userId: 1, attrs: {} } },
        { ...OK, identity: { tenantId: "a", userId: "", attrs: {} } },
        { ...OK, identity: { tenantId: "a", userId: "b" } },
      ];
      for (const answer of broken) {
        const policy = policyOf({ auth: () => Promise.resolve(answer as AuthResult) }, { bypassOnError: true });
        assert.deepEqual(await policy.auth(LOGIN), {
          result: "rejected",
          code: "Error",
          reason: "the provider gave no decision",
        });
      }
      const slow = policyOf({ auth: () => new Promise(() => undefined) }, { timeoutMs: 20 });
      assert.equal((await slow.auth(LOGIN)).result, "rejected");
      const thrown = policyOf({ extendedAuth: () => Promise.reject(new Error("gone")) });
      const step = { step: "auth", authMethod: "X", authData: Buffer.of(1), userProps: [], isReAuth: false } as const;
      assert.deepEqual(await thrown.extendedAuth(step), { result: "rejected", code: "Error", reason: "gone" });
    });
  });

  it("hands on what a login says", async () => {
    const going = { result: "continue", authData: Buffer.of(1) } as const;
    const policy = policyOf({ extendedAuth: () => Promise.resolve(going) });
    assert.deepEqual(await policy.auth(LOGIN), OK);
    assert.deepEqual(
      await policy.extendedAuth({
        step: "initial",
        authMethod: "X",
        basic: { ...LOGIN, version: "5", responseInfo: false, userProps: [] },
      }),
      going,
    );
  });

  it("that is closed for its rules answers every check with an error, even with bypassOnError", async () => {
    const broken = new PrintgateError("config-invalid", "Rule 2 (index 1): the effect is missing");
    const policy = policyOf(broken, { bypassOnError: true });
    assert.equal(policy.broken, broken);
    for (const action of ["publish", "subscribe", "connect"]) {
      const { result, reason } = await policy.ask(request({ action, topic: "a" }));
      assert.deepEqual([result, reason], ["error", broken.message]);
    }
    assert.match((await policy.ask(request({ topic: "" }))).reason, /^invalid/);
    assert.deepEqual(await policy.auth(LOGIN), { result: "rejected", code: "Error", reason: broken.message });
  });

  it("ends open questions as errors when it closes, in order, and answers no more", async () => {
    const oracle = new Oracle();
    let closed = 0;
    const policy = policyOf(
      {
        ...oracle.provider,
        auth: () => new Promise(() => undefined),
        close: () => {
          closed++;
          return Promise.reject(new Error("can not even end"));
        },
      },
      { bypassOnError: true },
    );
    const told: string[] = [];
    for (const topic of ["1", "2"]) policy.check(request({ topic }), ({ result }) => told.push(topic + result));
    const login = policy.auth(LOGIN);
    await Promise.all([policy.close(), policy.close()]);
    assert.equal((await login).result, "rejected");
    await turn();
    assert.deepEqual(told, ["1error", "2error"]);
    assert.equal(closed, 1);
    assert.equal((await policy.ask(request({ topic: "3" }))).result, "error");
    assert.equal((await policy.auth(LOGIN)).result, "rejected");
    oracle.answer("1");
  });

  it("asks the provider nothing more once it is closed", async () => {
    let asked = 0;
    const count = (): Promise<AuthResult> => {
      asked++;
      return Promise.resolve(OK);
    };
    const policy = policyOf({ auth: count, extendedAuth: count });
    await policy.close();
    assert.equal((await policy.auth(LOGIN)).result, "rejected");
    const step = { step: "auth", authMethod: "X", authData: new Uint8Array(), userProps: [], isReAuth: false } as const;
    assert.equal((await policy.extendedAuth(step)).result, "rejected");
    assert.equal(asked, 0);
  });

  it("counts a question that was not answered in time once, whenever its answer comes", async () => {
    const metrics = createMetrics();
    const oracle = new Oracle();
    const policy = policyOf(oracle.provider, { metrics, timeoutMs: 10 });
    assert.equal((await policy.ask(request({ topic: "1" }))).result, "error");
    oracle.answer("1");
    await turn();
    assert.deepEqual(samples(metrics, /_count.*AuthProvider\/check/), [
      'call_exec_timer_seconds_count{method="AuthProvider/check"} 0',
      'call_exec_fail_count_total{method="AuthProvider/check"} 1',
    ]);
  });

  it("counts the time of answers and the number of failures, a denial being none", async () => {
    const metrics = createMetrics();
    const answers: (() => Promise<CheckResult>)[] = [
      () => Promise.resolve({ result: "granted" }),
      () => Promise.resolve({ result: "denied" }),
      () => Promise.reject(new Error("x")),
    ];
    for (const checkPermission of answers)
      await policyOf({ checkPermission }, { metrics }).ask(request({ topic: "a" }));
    await policyOf({ checkNow: () => ({ result: "denied" }) }, { metrics }).ask(request({ topic: "a" }));
    await policyOf({}, { metrics }).ask(request({ topic: "a/+" }));
    assert.deepEqual(samples(metrics, /_count.*AuthProvider\/check/), [
      'call_exec_timer_seconds_count{method="AuthProvider/check"} 3',
      'call_exec_fail_count_total{method="AuthProvider/check"} 1',
    ]);
  });
});

describe("providers by name", () => {
  const parts: ProviderParts = {
    rules: () => compileRules([]),
    logins: () => ({ login: () => Promise.resolve(OK) }),
    webhook: () => provider({}),
    flow: () => provider({}),
  };

  it("are made of what they need and nothing else", async () => {
    const unused = (): never => {
      throw new Error("not needed");
    };
    const none: ProviderParts = { rules: unused, logins: unused, webhook: unused, flow: unused };
    const used: [string, Partial<ProviderParts>][] = [
      ["rules", { rules: parts.rules, logins: parts.logins }],
      ["webhook", { webhook: parts.webhook }],
      ["flow", { flow: parts.flow }],
      ["dev-only", {}],
    ];
    for (const [name, own] of used) {
      const made = createProvider(name, { ...none, ...own });
      assert.ok(!(made instanceof PrintgateError), name);
      assert.deepEqual((await made.auth(LOGIN)).result, "ok");
      await made.close();
    }
  });

  it("are an error for an unknown name and for malformed rules", () => {
    for (const name of ["Rules", "", undefined, "constructor"]) {
      assert.match((createProvider(name, parts) as PrintgateError).message, /none of rules/);
    }
    const broken = createProvider("rules", { ...parts, rules: () => compileRules([{}]) });
    assert.match((broken as PrintgateError).message, /^Rule 1/);
  });

  it("of rules know an extended login only where there is one", async () => {
    const step = { step: "auth", authMethod: "X", authData: Buffer.of(1), userProps: [], isReAuth: false } as const;
    const without = createRulesProvider(compileRules([]), parts.logins());
    assert.deepEqual(await without.extendedAuth(step), {
      result: "rejected",
      code: "BadAuthMethod",
      reason: "there is no extended login",
    });
    const with_ = createRulesProvider(compileRules([]), { ...parts.logins(), extended: () => Promise.resolve(OK) });
    assert.equal(await with_.extendedAuth(step), OK);
  });
});
