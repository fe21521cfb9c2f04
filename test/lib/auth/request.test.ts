import assert from "node:assert/strict";
import type { ActionKind } from "../../../lib/auth/provider";
import {
  ANONYMOUS,
  clientOf,
  readRequest,
  reasonCodeOf,
  RESERVED,
  stillAsks,
  type Item,
  type Request,
} from "../../../lib/auth/request";

const CLIENT = { tenantId: "home", type: "MQTT", metadata: { userId: "ada", clientId: "panel", roles: "guest" } };

function read(message: object, kind: ActionKind | "msg" = "msg"): Request {
  return readRequest({ message, kind });
}

function only(request: Request): Item {
  assert.equal(request.items.length, 1);
  return request.items[0]!;
}

function problemOf(request: Request): string {
  const broken = request.items.find((item) => "problem" in item);
  assert.ok(broken && "problem" in broken, "the request has no problem");
  return broken.problem;
}

describe("a request read from a message", () => {
  it("is a publish of qos 0 when the message says nothing else", () => {
    const request = read({ topic: "a/b", payload: 1 });
    assert.deepEqual(only(request), {
      topic: "a/b",
      action: { kind: "pub", topic: "a/b", qos: 0, isRetained: false, userProps: [] },
    });
    assert.equal(request.client, ANONYMOUS);
    assert.equal(request.isList, false);
  });

  it("takes qos, retain and user properties of a publish from where Node-RED's MQTT nodes do", () => {
    const message = { topic: "a", qos: 1, retain: true, userProperties: { hue: "red", tag: ["x", "y"] } };
    assert.deepEqual(only(read(message)), {
      topic: "a",
      action: {
        kind: "pub",
        topic: "a",
        qos: 1,
        isRetained: true,
        userProps: [
          ["hue", "red"],
          ["tag", "x"],
          ["tag", "y"],
        ],
      },
    });
  });

  it("takes null for a property that was cleared", () => {
    const message = { topic: "a", action: null, qos: null, retain: null, userProperties: null, client: null };
    assert.deepEqual(read(message), read({ topic: "a" }));
  });

  it("subscribes with qos 2 to a string, whatever msg.qos says", () => {
    assert.deepEqual(only(read({ action: "subscribe", topic: "a/#", qos: 1, retain: "?" })), {
      topic: "a/#",
      action: { kind: "sub", topicFilter: "a/#", qos: 2, userProps: [] },
    });
  });

  it("subscribes with the qos of each entry of a list", () => {
    const request = read({ action: "subscribe", topic: ["a", { topic: "b/+", qos: 0, nl: true }, { topic: "c" }] });
    assert.equal(request.isList, true);
    assert.deepEqual(
      request.items.map((item) => "action" in item && item.action),
      [
        { kind: "sub", topicFilter: "a", qos: 2, userProps: [] },
        { kind: "sub", topicFilter: "b/+", qos: 0, userProps: [] },
        { kind: "sub", topicFilter: "c", qos: 2, userProps: [] },
      ],
    );
  });

  it("unsubscribes from strings, objects and lists alike", () => {
    const action = { kind: "unsub", topicFilter: "a/+", userProps: [] };
    for (const topic of ["a/+", { topic: "a/+", qos: 1 }, ["a/+"]]) {
      assert.deepEqual(only(read({ action: "unsubscribe", topic })), { topic: "a/+", action });
    }
  });

  it("connects without a topic", () => {
    const request = read({ action: "connect", topic: 7, userProperties: { a: "b" } });
    assert.deepEqual(only(request), { topic: null, action: { kind: "conn", userProps: [["a", "b"]] } });
  });

  it("is of the configured kind, whatever msg.action says", () => {
    assert.equal(read({ action: "heat", topic: "a" }, "pub").kind, "pub");
    assert.equal(read({ action: "connect", topic: "a" }, "unsub").kind, "unsub");
  });

  it("takes topic and identity from elsewhere when told to", () => {
    const request = readRequest({
      message: { topic: 1, client: 2 },
      kind: "pub",
      topic: { value: "x/y" },
      client: { value: CLIENT },
    });
    assert.equal(only(request).topic, "x/y");
    assert.deepEqual(request.client, CLIENT);
  });

  it("keeps a copy that later changes of the message do not reach", () => {
    const message = { topic: ["a"], action: "subscribe", client: structuredClone(CLIENT) };
    const request = read(message);
    const asked = { message, kind: "msg" as const };
    assert.ok(stillAsks(request, asked));
    message.topic[0] = "secret";
    message.client.metadata.userId = "eve";
    assert.equal(only(request).topic, "a");
    assert.equal(request.client.metadata.userId, "ada");
    assert.equal(stillAsks(request, asked), false);
  });

  it("is anonymous without an identity, and with an empty one", () => {
    for (const client of [undefined, null, {}, { metadata: {} }])
      assert.deepEqual(read({ topic: "a", client }).client, ANONYMOUS);
  });

  describe("is invalid with", () => {
    const inherited = Object.create({ topic: "a" }) as object;
    const getter = Object.defineProperty({}, "topic", { get: () => "a", enumerable: true });
    const secondFace = Object.defineProperty({ topic: "a" }, "action", { get: () => "publish" });
    const veiled = Object.defineProperty({ tenantId: "home" }, "metadata", { get: () => ({ userId: "eve" }) });
    const throwing = {
      get userId(): string {
        throw new Error("not today");
      },
    };
    const cases: [string, object, RegExp][] = [
      ["a missing topic", {}, /topic is missing/],
      ["a topic of null", { topic: null }, /topic is missing/],
      ["an empty topic", { topic: "" }, /empty/],
      ["a topic that is a number", { topic: 7 }, /no string/],
      ["a list to publish to", { topic: ["a", "b"] }, /no string/],
      ["an object to publish to", { topic: { topic: "a" } }, /no string/],
      ["a wildcard to publish to", { topic: "a/+" }, /wildcard/],
      ["a share to publish to", { topic: "$share/g/a" }, /subscriptions only/],
      ["NUL in the topic", { topic: "a\0" }, /NUL/],
      ["half a character in the topic", { topic: "\ud800" }, /Unicode/],
      ["an inherited topic", inherited, /inherited/],
      ["a topic behind a getter", getter, /no plain value/],
      ["an action behind a getter", secondFace, /no plain value/],
      ["an unknown action", { action: "heat", topic: "a" }, /none of publish/],
      ["an action in other letters", { action: "Publish", topic: "a" }, /none of publish/],
      ["an action that is a name of every object", { action: "constructor", topic: "a" }, /none of publish/],
      ["an action that is a number", { action: 1, topic: "a" }, /none of publish/],
      ["qos 3", { topic: "a", qos: 3 }, /qos/],
      ["qos as a string", { topic: "a", qos: "1" }, /qos/],
      ["half a qos", { topic: "a", qos: 0.5 }, /qos/],
      ["retain as a string", { topic: "a", retain: "true" }, /retain/],
      ["user properties as a list", { topic: "a", userProperties: ["x"] }, /userProperties/],
      ["a user property that is a number", { topic: "a", userProperties: { x: 1 } }, /userProperties/],
      ["NUL in a user property", { topic: "a", userProperties: { x: "\0" } }, /userProperties/],
      ["an empty list of filters", { action: "subscribe", topic: [] }, /list of topics is empty/],
      ["a bad filter in a list", { action: "subscribe", topic: ["a", "b/#/c"] }, /last level/],
      ["a number in a list", { action: "subscribe", topic: ["a", 1] }, /no string/],
      ["nothing in a list", { action: "unsubscribe", topic: ["a", null] }, /missing/],
      ["a list in a list", { action: "subscribe", topic: [["a"]] }, /no string/],
      ["a bad qos in a list", { action: "subscribe", topic: [{ topic: "a", qos: 3 }] }, /qos/],
      ["a getter in a list", { action: "subscribe", topic: [getter] }, /no plain value/],
      ["a share without a filter", { action: "unsubscribe", topic: "$share/g" }, /share is missing/],
      ["an identity that is a string", { topic: "a", client: "ada" }, /identity/],
      ["an identity that is a list", { topic: "a", client: [] }, /identity/],
      ["a tenant that is a number", { topic: "a", client: { tenantId: 1 } }, /tenantId/],
      ["metadata that is a string", { topic: "a", client: { metadata: "x" } }, /metadata/],
      ["metadata behind a getter", { topic: "a", client: veiled }, /metadata/],
      ["metadata that is inherited", { topic: "a", client: Object.create({ metadata: {} }) as object }, /metadata/],
      [
        "metadata whose names are inherited",
        { topic: "a", client: { metadata: Object.create({ userId: "eve" }) } },
        /metadata/,
      ],
      ["metadata that is a map", { topic: "a", client: { metadata: new Map([["userId", "eve"]]) } }, /metadata/],
      ["metadata that throws", { topic: "a", client: { metadata: throwing } }, /can not be read/],
      ["a user property that throws", { topic: "a", userProperties: throwing }, /can not be read/],
      ["metadata that holds a number", { topic: "a", client: { metadata: { userId: 1 } } }, /metadata/],
      [
        "an identity that is inherited",
        Object.assign(Object.create({ client: CLIENT }) as object, { topic: "a" }),
        /inherited/,
      ],
    ];
    for (const [what, message, reason] of cases) {
      it(what, () => {
        assert.match(problemOf(read(message)), reason);
      });
    }
  });

  it("does not let metadata reach into prototypes", () => {
    const metadata = JSON.parse('{"__proto__":"x","constructor":"y"}') as object;
    const { client } = read({ topic: "a", client: { tenantId: "t", metadata } });
    assert.equal(Object.getPrototypeOf(client.metadata), Object.prototype);
    assert.deepEqual(Object.keys(client.metadata), ["__proto__", "constructor"]);
  });
});

describe("the client of a login", () => {
  it("has the attributes, and the reserved names only from the login itself", () => {
    const spoofed = Object.fromEntries(RESERVED.map((name) => [name, "spoofed"]));
    const client = clientOf(
      { tenantId: "home", userId: "ada", attrs: { ...spoofed, roles: "guest" } },
      { clientId: "panel", ver: "5", address: "" },
    );
    assert.deepEqual(client, {
      tenantId: "home",
      type: "MQTT",
      metadata: { userId: "ada", clientId: "panel", ver: "5", roles: "guest" },
    });
  });
});

describe("reason codes", () => {
  const rows: [ActionKind, granted: number, denied: number, error: number, invalid: number][] = [
    ["pub", 0, 135, 131, 144],
    ["sub", 1, 135, 135, 143],
    ["unsub", 0, 135, 135, 143],
    ["conn", 0, 135, 128, 130],
  ];
  for (const [kind, granted, denied, error, invalid] of rows) {
    it(`of ${kind} are those that a broker would send`, () => {
      const codes = (["granted", "denied", "error", "invalid"] as const).map((outcome) =>
        reasonCodeOf(outcome, kind, 1),
      );
      assert.deepEqual(codes, [granted, denied, error, invalid]);
    });
  }
});
