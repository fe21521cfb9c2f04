import assert from "node:assert/strict";
import { isPrintgateError } from "../../../lib/errors";
import type { Action, ClientInfo, Qos } from "../../../lib/auth/provider";
import { compileRules, findRuleProblems } from "../../../lib/auth/rules/rules";
import { allow, deny } from "../../support/auth-rules";

const ADA: ClientInfo = {
  tenantId: "home",
  type: "MQTT",
  metadata: { userId: "ada", clientId: "panel", address: "/192.0.2.7:51234", roles: "guest, operator", room: "lab" },
};
const NOBODY: ClientInfo = { tenantId: "", type: "", metadata: {} };

const pub = (topic: string, more: { qos?: Qos; isRetained?: boolean } = {}): Action => ({
  kind: "pub",
  topic,
  qos: 0,
  isRetained: false,
  userProps: [],
  ...more,
});
const sub = (topicFilter: string, qos: Qos = 0): Action => ({ kind: "sub", topicFilter, qos, userProps: [] });
const unsub = (topicFilter: string): Action => ({ kind: "unsub", topicFilter, userProps: [] });
const CONN: Action = { kind: "conn", userProps: [] };

function isGranted(rules: object[], action: Action, client = ADA): boolean {
  const compiled = compileRules(rules);
  const { result } = compiled.decide(client, action);
  assert.equal(compiled.explain(client, action).result, result, "the explanation says the same");
  return result === "granted";
}

/** The client, in who-conditions that are to fit it or not. */
function fits(who: object, client = ADA): boolean {
  return isGranted([allow("#", { who })], pub("a"), client);
}

describe("rules", () => {
  it("without any, everything is denied", () => {
    const rules = compileRules([]);
    for (const action of [pub("a"), sub("a"), unsub("a"), CONN]) {
      assert.deepEqual(rules.decide(ADA, action), { result: "denied", reason: "no rule allows it" });
    }
  });

  it("the first that decides wins, whatever follows", () => {
    assert.ok(isGranted([allow("a"), deny("a")], pub("a")));
    assert.ok(!isGranted([deny("a"), allow("a")], pub("a")));
    assert.ok(isGranted([deny("a/b"), allow("a/#"), deny("#")], pub("a/c")));
  });

  it("the answer names the rule, its note and its user properties", () => {
    const rules = compileRules([allow("a", { userProps: { hint: "ok" } }), deny("b", { note: "guests do not heat" })]);
    assert.deepEqual(rules.decide(ADA, pub("a")), {
      result: "granted",
      rule: 0,
      reason: "allowed by rule 1",
      userProps: [["hint", "ok"]],
    });
    assert.deepEqual(rules.decide(ADA, pub("b")), {
      result: "denied",
      rule: 1,
      reason: "denied by rule 2: guests do not heat",
      userProps: [],
    });
  });

  it("of any number are each found by their own topic and by no other", () => {
    const topics = Array.from({ length: 3000 }, (_, i) => `devices/d${i}/${i % 3 === 0 ? "+" : `part${i}`}/end`);
    const rules = compileRules(topics.map((topic) => allow(topic)));
    for (const [i, topic] of topics.entries()) {
      assert.equal(rules.decide(ADA, pub(topic.replace("+", "x"))).rule, i);
      assert.equal(rules.decide(ADA, pub(topic.replace("devices/d", "devices/e").replace("+", "x"))).rule, undefined);
      assert.equal(rules.decide(ADA, sub(topic)).rule, i);
    }
  });

  it("tell levels apart that only look alike to a hash", () => {
    // Their hashes are the same, as they are in Java.
    for (const [one, other] of [
      ["Aa", "BB"],
      ["AaAa", "BBBB"],
      ["AaBB", "BBAa"],
    ] as const) {
      const rules = compileRules([allow(`${one}/+`), deny(`+/${other}`), allow(`x/${one}`)]);
      assert.equal(rules.decide(ADA, pub(`${one}/x`)).rule, 0);
      assert.equal(rules.decide(ADA, pub(`${other}/x`)).rule, undefined);
      assert.equal(rules.decide(ADA, pub(`x/${other}`)).rule, 1);
      assert.equal(rules.decide(ADA, pub(`x/${one}`)).rule, 2);
      assert.equal(rules.decide(ADA, sub(`${other}/+`)).rule, 1);
    }
  });

  it("are asked only for the actions they list", () => {
    const rules = [allow("a", { actions: ["pub"] })];
    assert.ok(isGranted(rules, pub("a")));
    assert.ok(!isGranted(rules, sub("a")) && !isGranted(rules, unsub("a")) && !isGranted(rules, CONN));
  });

  it("decide a connection without looking at topics", () => {
    assert.ok(isGranted([{ effect: "allow", actions: ["conn"] }], CONN));
    assert.ok(isGranted([allow("never/this", { actions: ["pub", "conn"] })], CONN));
    assert.ok(!isGranted([deny("never/this", { actions: ["conn"] }), { effect: "allow", actions: ["conn"] }], CONN));
  });

  describe("on a subscription", () => {
    const cases: [string, object[], string, boolean][] = [
      ["an allow that covers it decides", [allow("a/#")], "a/+/c", true],
      ["an allow that covers only part of it does not", [allow("a/+")], "a/#", false],
      ["two allows that cover it together do not", [allow("a"), allow("a/+/#")], "a/#", false],
      ["an allow that is too narrow is passed over for a wider one", [allow("a/b"), allow("a/#")], "a/#", true],
      ["a deny that overlaps it decides", [deny("a/secret"), allow("a/#")], "a/#", false],
      ["a deny below an allow that covers it comes too late", [allow("a/#"), deny("a/secret")], "a/#", true],
      ["a deny that has nothing to do with it is passed over", [deny("a/secret"), allow("a/#")], "a/b/#", true],
      ["a share is judged by its inner filter", [allow("a/#")], "$share/g/a/+", true],
      ["a share does not get round a deny", [deny("a/b"), allow("#")], "$share/g/a/+", false],
      ["a rule that is written as a share is judged by its inner filter", [allow("$share/g/a/+")], "a/b", true],
      ["a wildcard of an allow does not reach $-topics", [allow("#")], "$SYS/#", false],
      ["a wildcard that is asked does not reach the deny of a $-topic", [deny("$SYS/#"), allow("#")], "#", true],
    ];
    for (const [title, rules, filter, expected] of cases) {
      it(title, () => {
        assert.equal(isGranted(rules, sub(filter)), expected);
        assert.equal(isGranted(rules, unsub(filter)), expected, "and the same to unsubscribe");
      });
    }
  });

  describe("conditions", () => {
    it("qos is asked of publishes and subscriptions only", () => {
      const rules = [allow("a", { qos: [0, 1] })];
      assert.ok(
        isGranted(rules, pub("a", { qos: 1 })) && isGranted(rules, sub("a", 0)) && isGranted(rules, unsub("a")),
      );
      assert.ok(!isGranted(rules, pub("a", { qos: 2 })) && !isGranted(rules, sub("a", 2)));
    });

    it("retain is asked of publishes only", () => {
      const rules = [allow("a", { retain: false })];
      assert.ok(isGranted(rules, pub("a")) && isGranted(rules, sub("a")) && isGranted(rules, unsub("a")));
      assert.ok(!isGranted(rules, pub("a", { isRetained: true })));
      assert.ok(!isGranted([allow("a", { retain: true })], pub("a")));
    });

    const people: [string, object, boolean][] = [
      ["a user by name", { userId: "ada" }, true],
      ["another user", { userId: "Ada" }, false],
      ["one user of a list", { userId: ["eve", "ada"] }, true],
      ["a client id", { clientId: "panel" }, true],
      ["a tenant", { tenantId: "home" }, true],
      ["the same user in another tenant", { tenantId: "work", userId: "ada" }, false],
      ["the first role", { role: "guest" }, true],
      ["a role after a space", { role: ["chief", "operator"] }, true],
      ["a part of a role", { role: "oper" }, false],
      ["an address", { address: "192.0.2.7" }, true],
      ["a range of addresses", { address: "192.0.2.0/29" }, true],
      ["the range beside it", { address: "192.0.2.8/29" }, false],
      ["two conditions of which one fails", { userId: "ada", role: "chief" }, false],
    ];
    for (const [what, who, expected] of people) {
      it(`${what} ${expected ? "fits" : "does not fit"}`, () => {
        assert.equal(fits(who), expected);
        assert.equal(fits(who, NOBODY), false, "and never the anonymous client");
      });
    }

    it("a rule without who is for the anonymous client too", () => {
      assert.ok(isGranted([allow("a")], pub("a"), NOBODY));
    });

    const addresses: [string, string, boolean][] = [
      ["::ffff:192.0.2.7:51234", "192.0.2.0/24", true],
      ["/0:0:0:0:0:ffff:192.0.2.7:51234", "192.0.2.0/24", true],
      ["::192.0.2.7:51234", "::c000:207", true],
      ["fe80::1%eth0:51234", "fe80::1", true],
      ["/fe80:0:0:0:0:0:0:1%eth0:51234", "fe80::1", true],
      ["192.0.2.7%eth0", "192.0.2.7", false],
      ["192.0.2.1", "192.0.2.1", true],
      ["192.0.2.1:1883", "192.0.2.1", true],
      ["/192.0.2.1:51234", "192.0.2.0/24", true],
      ["panel.local/192.0.2.1:51234", "192.0.2.0/24", true],
      ["/198.51.100.1:51234", "192.0.2.0/24", false],
      ["192.0.2.1", "0.0.0.0/0", true],
      ["2001:db8::1", "0.0.0.0/0", false],
      ["192.0.2.1", "::/0", false],
      ["[2001:db8::1]:51234", "2001:db8::/32", true],
      ["/[2001:db8:0:0:0:0:0:1]:51234", "2001:db8::1", true],
      ["/2001:db8:0:0:0:0:0:1:51234", "2001:db8::1", true],
      ["2001:DB8::1", "2001:db8:0::0:1", true],
      ["2001:db8::1", "2001:db8::2", false],
      ["2001:db9::1", "2001:db8::/31", true],
      ["fe80::1%eth0", "fe80::/10", true],
      ["::ffff:192.0.2.1", "192.0.2.0/24", true],
      ["192.0.2.1", "::ffff:192.0.2.0/120", true],
      ["::1", "::1/128", true],
      ["panel.local", "0.0.0.0/0", false],
      ["192.0.2.300", "0.0.0.0/0", false],
      ["", "0.0.0.0/0", false],
      [`::1${"%".repeat(200_000)}`, "::1", false],
    ];
    for (const [address, range, expected] of addresses) {
      it(`a client at ${JSON.stringify(address.slice(0, 60))} is ${expected ? "" : "not "}in ${range}`, () => {
        assert.equal(fits({ address: range }, { ...ADA, metadata: { address } }), expected);
      });
    }
  });

  describe("placeholders", () => {
    const cases: [string, string, boolean][] = [
      ["users/${userId}/#", "users/ada/x", true],
      ["users/${userId}/#", "users/eve/x", false],
      ["${tenantId}/${clientId}", "home/panel", true],
      ["rooms/${attrs.room}/+", "rooms/lab/light", true],
      ["rooms/${attrs.floor}/+", "rooms//light", false],
      ["rooms/${attrs.constructor}", "rooms/x", false],
      ["$share/g/${userId}/a", "ada/a", true],
      ["a/${userId}", "a/${userId}", false],
    ];
    for (const [topic, name, expected] of cases) {
      it(`${topic} ${expected ? "allows" : "does not allow"} ${name}`, () => {
        assert.equal(isGranted([allow(topic)], pub(name)), expected);
      });
    }

    it("cover and overlap with the value in their place", () => {
      assert.ok(isGranted([allow("users/${userId}/#")], sub("users/ada/+")));
      assert.ok(!isGranted([allow("users/${userId}/#")], sub("users/+/x")));
      assert.ok(!isGranted([deny("users/${userId}/secret"), allow("#")], sub("users/+/secret")));
      assert.ok(isGranted([deny("users/${userId}/secret"), allow("#")], sub("users/eve/#")));
    });

    it("names that every object has are no attributes, whatever is asked", () => {
      for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
        const rules = [deny(`\${attrs.${name}}/x`), allow("+/x")];
        assert.ok(isGranted(rules, sub("+/x")), name);
        assert.ok(isGranted(rules, sub("a/x")), name);
      }
    });

    it("a client by the name of $SYS gets no $-topic that is not written out", () => {
      const client = { ...ADA, metadata: { clientId: "$SYS" } };
      assert.ok(!isGranted([allow("${clientId}/#")], pub("$SYS/x"), client));
      assert.ok(
        !isGranted([deny("${clientId}/#"), allow("$SYS/#")], pub("$SYS/x"), client),
        "while a deny still holds",
      );
      assert.ok(isGranted([allow("clients/${clientId}")], pub("clients/$SYS"), client));
    });
  });

  describe("with something unknown of the client", () => {
    const unknown = new Set(["clientId", "address", "attrs"] as const);
    const known = { tenantId: "home", type: "MQTT", metadata: { userId: "ada" } };
    const depending: [string, object][] = [
      ["a client id", { who: { clientId: "panel" } }],
      ["an address", { who: { address: "192.0.2.0/24" } }],
      ["a role", { who: { role: "guest" } }],
      ["a placeholder", { topics: ["${clientId}"] }],
      ["an attribute as a placeholder", { topics: ["${attrs.room}"] }],
    ];
    for (const [what, more] of depending) {
      it(`a deny that depends on ${what} decides, an allow does not`, () => {
        for (const action of [pub("a"), sub("a")]) {
          const denies = compileRules([deny("a", more), allow("#")]);
          assert.equal(denies.decide(known, action, unknown).rule, 0);
          assert.equal(denies.explain(known, action, unknown).rule, 0);
          const allows = compileRules([allow("a", more), deny("#")]);
          assert.equal(allows.decide(known, action, unknown).rule, 1);
          assert.match(allows.explain(known, action, unknown).steps[0]!.why, /not known here.*not enough to allow/);
        }
      });
    }

    it("a rule that fails by what is known is passed over", () => {
      const rules = compileRules([deny("a", { who: { userId: "eve", clientId: "panel" } }), allow("a")]);
      assert.equal(rules.decide(known, pub("a"), unknown).rule, 1);
    });
  });

  it("an explanation tells what each rule said, up to the one that decided", () => {
    const rules = compileRules([
      allow("a", { actions: ["conn"] }),
      allow("b"),
      allow("a", { qos: [2] }),
      allow("a", { retain: true }),
      allow("a", { who: { userId: "eve" } }),
      deny("a/#", { note: "closed" }),
      allow("a"),
    ]);
    const { result, rule, reason, steps } = rules.explain(ADA, pub("a"));
    assert.deepEqual([result, rule, reason], ["denied", 5, 'denied by rule 6: closed ("a/#" matches)']);
    assert.deepEqual(
      steps.map(({ decides, why }) => (decides ? `! ${why}` : why)),
      [
        "it is not about publishing",
        "none of its topics matches",
        "it is not about qos 0",
        "it is about retained messages",
        "it is about another userId",
        '! "a/#" matches',
      ],
    );
  });

  describe("a malformed rule closes the whole list and is named:", () => {
    const { effect, actions, topics } = { effect: "allow", actions: ["pub"], topics: ["a"] };
    const cases: [string, unknown, RegExp][] = [
      ["no object", "allow", /no object/],
      ["a list", [], /no object/],
      ["nothing", null, /no object/],
      ["an unknown field", { effect, actions, topics, topicz: ["b"] }, /unknown field "topicz"/],
      [
        "a field by the name of a prototype",
        JSON.parse('{"effect":"allow","actions":["pub"],"topics":["a"],"__proto__":{}}'),
        /__proto__/,
      ],
      ["no effect", { actions, topics }, /effect/],
      ["an unknown effect", { effect: "Allow", actions, topics }, /effect/],
      ["no actions", { effect, topics }, /actions is missing/],
      ["no action in the list", { effect, actions: [], topics }, /actions is empty/],
      ["an unknown action", { effect, actions: ["publish"], topics }, /"publish" is none of pub/],
      ["an action that is no list", { effect, actions: "pub", topics }, /actions is no list/],
      ["no topics", { effect, actions }, /topics is missing/],
      ["no topic in the list", { effect, actions, topics: [] }, /topics is empty/],
      ["a topic that is no list", { effect, actions, topics: "a" }, /topics is no list/],
      ["a topic that is a number", { effect, actions, topics: [1] }, /no string/],
      ["an empty topic", { effect, actions, topics: [""] }, /"" is no topic filter/],
      ["a broken filter", { effect, actions, topics: ["a/#/b"] }, /"a\/#\/b" is no topic filter/],
      ["a broken topic of a rule that needs none", { effect, actions: ["conn"], topics: ["a+"] }, /no topic filter/],
      ["a broken share", { effect, actions, topics: ["$share/g"] }, /share/],
      ["a placeholder in part of a level", { effect, actions, topics: ["a-${userId}"] }, /whole level/],
      ["two placeholders in a level", { effect, actions, topics: ["${userId}${clientId}"] }, /whole level/],
      ["an open placeholder", { effect, actions, topics: ["${userId"] }, /whole level/],
      ["an unknown placeholder", { effect, actions, topics: ["a/${username}"] }, /\$\{username\} is unknown/],
      ["an attribute without a name", { effect, actions, topics: ["${attrs.}"] }, /unknown/],
      ["a reserved name as an attribute", { effect, actions, topics: ["${attrs.address}"] }, /no attribute/],
      ["a placeholder for the name of a share", { effect, actions, topics: ["$share/${userId}/a"] }, /share/],
      ["who as a string", { effect, actions, topics, who: "ada" }, /who is no object/],
      [
        "an unknown field of who",
        { effect, actions, topics, who: { username: "ada" } },
        /unknown field "username"; known are userId, /,
      ],
      ["nobody in who", { effect, actions, topics, who: { userId: [] } }, /who.userId is empty/],
      ["an empty name in who", { effect, actions, topics, who: { userId: "" } }, /who.userId holds ""/],
      ["a number in who", { effect, actions, topics, who: { userId: [1] } }, /who.userId holds 1/],
      ["a role with a comma", { effect, actions, topics, who: { role: "a,b" } }, /no role/],
      [
        "an address that is none",
        { effect, actions, topics, who: { address: "192.0.2.300" } },
        /neither an IP address/,
      ],
      ["a range that is too long", { effect, actions, topics, who: { address: "192.0.2.0/33" } }, /neither/],
      ["a range that is no number", { effect, actions, topics, who: { address: "192.0.2.0/x" } }, /neither/],
      ["a range of a range", { effect, actions, topics, who: { address: "192.0.2.0/24/8" } }, /neither/],
      ["a mapped range that leaves its map", { effect, actions, topics, who: { address: "::ffff:0:0/95" } }, /neither/],
      ["qos as a number", { effect, actions, topics, qos: 1 }, /qos is no list/],
      ["a qos that is none", { effect, actions, topics, qos: [3] }, /3 is none of 0, 1, 2/],
      ["a qos that is a string", { effect, actions, topics, qos: ["1"] }, /"1" is none/],
      ["retain of null", { effect, actions, topics, retain: null }, /retain/],
      ["a note of null", { effect, actions, topics, note: null }, /note/],
      ["retain as a string", { effect, actions, topics, retain: "true" }, /retain/],
      ["user properties as a list", { effect, actions, topics, userProps: [] }, /userProps/],
      ["a user property that is a number", { effect, actions, topics, userProps: { a: 1 } }, /userProps.a/],
      ["a note that is a number", { effect, actions, topics, note: 1 }, /note/],
    ];
    for (const [what, rule, reason] of cases) {
      it(what, () => {
        const config = [{ effect, actions, topics }, rule];
        assert.throws(
          () => compileRules(config),
          (thrown) =>
            isPrintgateError(thrown, "config-invalid") &&
            reason.test(thrown.message) &&
            thrown.message.startsWith("Rule 2 (index 1): "),
        );
        assert.deepEqual(
          findRuleProblems(config).map(({ index }) => index),
          [1],
        );
      });
    }

    it("anything that is no list", () => {
      for (const config of [undefined, null, {}, "[]"]) {
        assert.throws(() => compileRules(config), /The rules are no list/);
      }
    });

    it("all broken rules are found at once", () => {
      assert.deepEqual(
        findRuleProblems([null, { effect, actions, topics }, {}]).map(({ index }) => index),
        [0, 2],
      );
      assert.deepEqual(findRuleProblems([{ effect, actions, topics }]), []);
    });
  });
});
