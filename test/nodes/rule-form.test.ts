import assert from "node:assert/strict";
import { attributesOf, fieldsOf, ruleOf } from "../../nodes/editor/rule-form";

describe("a rule in the dialog", () => {
  const rules: [string, unknown][] = [
    ["the least", { effect: "allow", actions: ["conn"] }],
    [
      "everything",
      {
        ...{ effect: "deny", actions: ["pub", "sub"], topics: ["a/+", "b,c"], qos: [0, 2], retain: false },
        ...{ who: { role: ["guest", "maker"], address: ["192.0.2.0/24"] }, userProps: { by: "rule: 1" }, note: "why" },
      },
    ],
    ["an unknown field", { effect: "allow", actions: ["pub"], topics: ["a"], colour: "red" }],
    [
      "values of the wrong kind",
      { effect: "maybe", actions: "pub", topics: [1], who: "amy", qos: "1", retain: "true" },
    ],
    ["a user with a line break in the name", { effect: "allow", who: { userId: ["a\nb"] } }],
    ["nothing", {}],
  ];
  for (const [what, rule] of rules)
    it(`with ${what} comes out as it went in`, () => {
      assert.deepEqual(ruleOf(fieldsOf(rule)), rule);
    });

  it("writes a single value of who as a list: both mean the same", () => {
    const rule = { effect: "allow", actions: ["pub"], topics: ["a"], who: { userId: "amy" } };
    assert.deepEqual(ruleOf(fieldsOf(rule)), { ...rule, who: { userId: ["amy"] } });
  });

  it("reads attributes line by line, the last one of a name counting", () => {
    assert.deepEqual(attributesOf("roles: guest, maker\n\nurl: http://x\nroles: staff\nflag"), {
      roles: "staff",
      url: "http://x",
      flag: "",
    });
  });
});
