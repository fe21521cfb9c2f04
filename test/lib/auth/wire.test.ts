import assert from "node:assert/strict";
import type { Action, AuthResult, Mqtt3AuthData, Mqtt5AuthData } from "../../../lib/auth/provider";
import {
  actionJson,
  asMqtt3,
  authDataJson,
  mqtt3AuthResultJson,
  printAction,
  printAuthData,
  readAction,
  readAuthResult,
  readCheckResult,
  readExtendedAuthData,
  readExtendedAuthResult,
  readMqtt3AuthData,
  readMqtt3AuthResult,
  readMqtt5AuthData,
} from "../../../lib/auth/wire";
import { bytesOfBase64, parseJson } from "../../../lib/auth/wire-json";

const lines = (...rows: string[]): string => rows.join("\n");
const value = <T>(reading: { kind: "read"; value: T } | { kind: "malformed"; reason: string }): T => {
  assert.equal(reading.kind, "read", JSON.stringify(reading));
  return (reading as { value: T }).value;
};
const reason = (reading: { kind: string; reason?: string }): string => {
  assert.equal(reading.kind, "malformed", JSON.stringify(reading));
  return reading.reason ?? "";
};

const client: Mqtt3AuthData = {
  version: "3",
  isMQIsdp: false,
  username: "dev",
  password: Buffer.from("pass"),
  clientId: "c1",
  remoteAddr: "192.0.2.7",
  remotePort: 51234,
  channelId: "0a1b",
};

describe("the wire of a broker: what the demo plugin sends", () => {
  it("a login is printed field by field in the order of the message, bytes as base64", () => {
    assert.equal(
      printAuthData(client),
      lines(
        "{",
        '  "username": "dev",',
        '  "password": "cGFzcw==",',
        '  "clientId": "c1",',
        '  "remoteAddr": "192.0.2.7",',
        '  "remotePort": 51234,',
        '  "channelId": "0a1b"',
        "}",
      ),
    );
  });

  it("a plain field with its default value is left out, an optional one that was set to nothing is not", () => {
    const bare: Mqtt3AuthData = {
      version: "3",
      isMQIsdp: false,
      username: "",
      password: new Uint8Array(),
      clientId: "",
      remoteAddr: "",
      remotePort: 0,
      channelId: "",
    };
    assert.equal(printAuthData(bare), lines("{", '  "username": "",', '  "password": "",', '  "clientId": ""', "}"));
    assert.equal(printAuthData({ ...bare, isMQIsdp: true }).split("\n")[1], '  "isMQIsdp": true,');
  });

  it("a login without any field is an empty object over two lines", () => {
    const { username, password, clientId, ...none } = client;
    assert.ok(username && password && clientId);
    assert.equal(printAuthData({ ...none, remoteAddr: "", remotePort: 0, channelId: "" }), "{\n}");
  });

  it("a MQTT 5 client is told as a MQTT 3 one: no channel, no properties, a client id even where none was sent", () => {
    const five: Mqtt5AuthData = {
      version: "5",
      username: "dev",
      cert: Buffer.from([0x30, 0x00]),
      remoteAddr: "192.0.2.7",
      remotePort: 4,
      channelId: "x",
      responseInfo: true,
      userProps: [["a", "b"]],
    };
    assert.deepEqual(asMqtt3(five), {
      version: "3",
      isMQIsdp: false,
      username: "dev",
      cert: Buffer.from([0x30, 0x00]),
      clientId: "",
      remoteAddr: "192.0.2.7",
      remotePort: 4,
      channelId: "",
    });
    assert.equal(
      printAuthData(five),
      lines(
        "{",
        '  "username": "dev",',
        '  "cert": "MAA=",',
        '  "clientId": "",',
        '  "remoteAddr": "192.0.2.7",',
        '  "remotePort": 4',
        "}",
      ),
    );
  });

  const actions: [string, Action, string][] = [
    [
      "a publication with everything",
      { kind: "pub", topic: "a/b", qos: 1, isRetained: true, userProps: [["k", "v"]] },
      lines(
        "{",
        '  "pub": {',
        '    "topic": "a/b",',
        '    "qos": "AT_LEAST_ONCE",',
        '    "isRetained": true,',
        '    "userProps": {',
        '      "userProperties": [{',
        '        "key": "k",',
        '        "value": "v"',
        "      }]",
        "    }",
        "  }",
        "}",
      ),
    ],
    [
      "a publication with QoS 0, not retained, two properties of one name",
      {
        kind: "pub",
        topic: "a",
        qos: 0,
        isRetained: false,
        userProps: [
          ["k", "1"],
          ["k", ""],
        ],
      },
      lines(
        "{",
        '  "pub": {',
        '    "topic": "a",',
        '    "userProps": {',
        '      "userProperties": [{',
        '        "key": "k",',
        '        "value": "1"',
        "      }, {",
        '        "key": "k"',
        "      }]",
        "    }",
        "  }",
        "}",
      ),
    ],
    [
      "a subscription",
      { kind: "sub", topicFilter: "$share/g/a/#", qos: 2, userProps: [] },
      lines(
        "{",
        '  "sub": {',
        '    "topicFilter": "$share/g/a/#",',
        '    "qos": "EXACTLY_ONCE",',
        '    "userProps": {',
        "    }",
        "  }",
        "}",
      ),
    ],
    [
      "an end of a subscription",
      { kind: "unsub", topicFilter: "a/+", userProps: [] },
      lines("{", '  "unsub": {', '    "topicFilter": "a/+",', '    "userProps": {', "    }", "  }", "}"),
    ],
    [
      "a connect",
      { kind: "conn", userProps: [] },
      lines("{", '  "conn": {', '    "userProps": {', "    }", "  }", "}"),
    ],
  ];
  for (const [what, action, body] of actions) {
    it(`${what} is printed to the byte and read back the same`, () => {
      assert.equal(printAction(action), body);
      assert.deepEqual(value(readAction(JSON.parse(body))), action);
    });
  }

  it("a quote, a line break or a NUL in a topic stays inside its string", () => {
    const topic = 'a","isRetained":true,"x":"\r\n\u0000\u2028é';
    const body = printAction({ kind: "pub", topic, qos: 0, isRetained: false, userProps: [] });
    assert.ok(body.includes("\\u2028") && body.includes("\\u0000") && body.includes("é"));
    assert.equal((JSON.parse(body) as { pub: { topic: string } }).pub.topic, topic);
  });
});

describe("the wire of a broker: what is read", () => {
  it("a login of the demo plugin is read with absent fields absent", () => {
    const sent = '{"username":"dev","password":"cGFzcw==","clientId":"c1","remoteAddr":"192.0.2.7","remotePort":51234}';
    assert.deepEqual(value(readMqtt3AuthData(JSON.parse(sent))), { ...client, channelId: "" });
    assert.deepEqual(value(readMqtt3AuthData({})), {
      version: "3",
      isMQIsdp: false,
      remoteAddr: "",
      remotePort: 0,
      channelId: "",
    });
  });

  it("null is not set, unknown fields are ignored, a port may be decimal text", () => {
    const odd = {
      username: null,
      remotePort: "51234",
      sinceVersion9: { a: [1] },
      __proto__: { clientId: "inherited" },
    };
    assert.deepEqual(value(readMqtt3AuthData(odd)), {
      version: "3",
      isMQIsdp: false,
      remoteAddr: "",
      remotePort: 51234,
      channelId: "",
    });
  });

  it("bytes come in either base64 alphabet, padded or not, or as a Buffer; anything else is malformed", () => {
    const bytes = Buffer.from([0xfb, 0xff, 0xfe, 0x01]);
    for (const given of ["+//+AQ==", "+//+AQ", "-__-AQ==", "-__-AQ", bytes]) {
      const password = value(readMqtt3AuthData({ password: given })).password;
      assert.ok(password && bytes.equals(password), String(given));
    }
    for (const given of ["+//+AQ=", "+/-_AQ==", "AAAAA", " AAAA", "AAA\n", "A===", "é", 7, true, {}, [1]]) {
      assert.equal(
        reason(readMqtt3AuthData({ password: given })),
        "auth data.password is not base64",
        JSON.stringify(given),
      );
    }
    assert.equal(bytesOfBase64("")?.length, 0);
  });

  it("a field of a wrong type names its place", () => {
    assert.equal(reason(readMqtt3AuthData({ username: 5 })), "auth data.username is not a string");
    assert.equal(reason(readMqtt3AuthData({ isMQIsdp: "true" })), "auth data.isMQIsdp is not true or false");
    for (const port of [-1, 1.5, 2 ** 32, "1e3", "", NaN, "12345678901"])
      assert.match(reason(readMqtt3AuthData({ remotePort: port })), /remotePort is not a whole number/);
    for (const whole of [null, undefined, "x", 5, [], Buffer.from("{}")])
      assert.equal(reason(readMqtt3AuthData(whole)), "auth data is not an object");
    assert.equal(
      reason(readAction({ pub: { topic: "a", userProps: { userProperties: [{ key: "k" }, 5] } } })),
      "action.pub.userProps.userProperties[1] is not an object",
    );
  });

  it("QoS comes as name or number; an unknown one is malformed, not zero", () => {
    const qos = (given: unknown) => readAction({ sub: { topicFilter: "a", qos: given } });
    for (const [given, wanted] of [
      ["AT_MOST_ONCE", 0],
      ["EXACTLY_ONCE", 2],
      [1, 1],
      [null, 0],
    ] as const) {
      assert.equal((value(qos(given)) as { qos: number }).qos, wanted);
    }
    for (const given of ["QOS1", 3, -1, 0.5, "1", true])
      assert.match(reason(qos(given)), /action\.sub\.qos is not one of/);
  });

  it("an action is of exactly one kind", () => {
    assert.equal(reason(readAction({})), "action is of no known kind");
    assert.equal(reason(readAction({ publish: {} })), "action is of no known kind");
    assert.equal(reason(readAction({ pub: null })), "action is of no known kind");
    assert.equal(reason(readAction({ pub: { topic: "a" }, sub: {} })), "action is pub and sub at once");
  });

  it("an answer of a webhook is ok or reject, never both, never MQTT 5's words", () => {
    assert.deepEqual(
      value(readMqtt3AuthResult({ ok: { tenantId: "t", userId: "u", attrs: { role: "x" } }, more: 1 })),
      { result: "ok", identity: { tenantId: "t", userId: "u", attrs: { role: "x" } } },
    );
    assert.deepEqual(value(readMqtt3AuthResult({ reject: { code: "NotAuthorized", userId: "u", reason: "no" } })), {
      result: "rejected",
      code: "NotAuthorized",
      userId: "u",
      reason: "no",
    });
    assert.equal((value(readMqtt3AuthResult({ reject: {} })) as { code: string }).code, "BadPass");
    assert.equal((value(readMqtt3AuthResult({ reject: { code: 2 } })) as { code: string }).code, "Error");
    assert.match(reason(readMqtt3AuthResult({ reject: "NotAuthorized" })), /reject is not an object/);
    assert.match(reason(readMqtt3AuthResult({ reject: { code: "Banned" } })), /code is not one of/);
    assert.match(reason(readMqtt3AuthResult({ ok: {}, reject: {} })), /at once/);
    assert.match(reason(readMqtt3AuthResult({ success: { tenantId: "t" } })), /no known kind/);
    assert.match(reason(readMqtt3AuthResult({ ok: { attrs: { role: 1 } } })), /ok\.attrs\.role is not a string/);
  });

  it("an attribute named __proto__ stays a name and changes no object", () => {
    const answer = JSON.parse('{"ok":{"tenantId":"t","userId":"u","attrs":{"__proto__":"evil"}}}') as unknown;
    const result = value(readMqtt3AuthResult(answer)) as Extract<AuthResult, { result: "ok" }>;
    assert.deepEqual(Object.keys(result.identity.attrs), ["__proto__"]);
    assert.equal(Object.getPrototypeOf(result.identity.attrs), Object.prototype);
  });

  it("JSON with a byte order mark, invalid UTF-8 or something behind it is not JSON", () => {
    assert.deepEqual(value(parseJson(Buffer.from('{"a":1}'))), { a: 1 });
    for (const text of ["\ufeff{}", "{}x", "", "{a:1}"]) assert.equal(reason(parseJson(Buffer.from(text))), "not JSON");
    assert.equal(reason(parseJson(Buffer.from([0x22, 0xff, 0x22]))), "not JSON");
  });
});

describe("the wire of a broker: MQTT 5", () => {
  it("auth data goes there and back with its user properties", () => {
    const five: Mqtt5AuthData = {
      version: "5",
      username: "u",
      password: Buffer.from([0, 255]),
      clientId: "",
      remoteAddr: "192.0.2.9",
      remotePort: 1,
      channelId: "ch",
      responseInfo: true,
      userProps: [
        ["k", "v"],
        ["k", "w"],
      ],
    };
    assert.deepEqual(value(readMqtt5AuthData(authDataJson(five))), five);
    const initial = { step: "initial", basic: five, authMethod: "APP-SESSION", authData: Buffer.from("x") } as const;
    assert.deepEqual(
      value(
        readExtendedAuthData({ initial: { basic: authDataJson(five), authMethod: "APP-SESSION", authData: "eA==" } }),
      ),
      initial,
    );
    const step = { step: "auth", authMethod: "M", authData: Buffer.from("y"), userProps: [], isReAuth: true } as const;
    assert.deepEqual(
      value(readExtendedAuthData({ auth: { authMethod: "M", authData: "eQ==", isReAuth: true } })),
      step,
    );
  });

  it("extended auth data is one step, and the first has the basic data", () => {
    assert.match(reason(readExtendedAuthData({ initial: { authMethod: "M" } })), /initial\.basic is missing/);
    assert.match(reason(readExtendedAuthData({})), /no known kind/);
    assert.match(reason(readExtendedAuthData({ initial: { basic: {} }, auth: {} })), /at once/);
  });

  it("results of both versions are read, and success carries its response information under its odd name", () => {
    const wire = {
      success: {
        tenantId: "t",
        userId: "u",
        ResponseInfo: "ri",
        userProps: { userProperties: [{ key: "a", value: "b" }] },
        authData: "AQI=",
      },
    };
    const result: AuthResult = {
      result: "ok",
      identity: { tenantId: "t", userId: "u", attrs: {} },
      responseInfo: "ri",
      userProps: [["a", "b"]],
      authData: Buffer.from([1, 2]),
    };
    assert.deepEqual(value(readAuthResult(wire)), result);
    assert.deepEqual(value(readAuthResult({ failed: { code: "Banned" } })), { result: "rejected", code: "Banned" });
    assert.deepEqual(value(readExtendedAuthResult({ continue: { authData: "AQI=", reason: "more" } })), {
      result: "continue",
      authData: Buffer.from([1, 2]),
      reason: "more",
    });
    assert.match(reason(readExtendedAuthResult({ continue: {}, failed: {} })), /at once/);
    assert.match(reason(readAuthResult({ continue: {} })), /no known kind/);
  });

  it("a code that MQTT 3 does not have is told as NotAuthorized there", () => {
    for (const [code, told] of [
      ["BadPass", "BadPass"],
      ["NotAuthorized", "NotAuthorized"],
      ["Banned", "NotAuthorized"],
      ["BadAuthMethod", "NotAuthorized"],
      ["Error", "Error"],
    ] as const) {
      assert.deepEqual(mqtt3AuthResultJson({ result: "rejected", code, reason: "r" }), {
        reject: { code: told, reason: "r" },
      });
    }
    assert.deepEqual(
      mqtt3AuthResultJson({ result: "ok", identity: { tenantId: "t", userId: "u", attrs: { role: "x" } } }),
      { ok: { tenantId: "t", userId: "u", attrs: { role: "x" } } },
    );
  });

  it("check results are read, and nothing else is one", () => {
    assert.deepEqual(value(readCheckResult({ granted: {} })), { result: "granted" });
    assert.deepEqual(value(readCheckResult({ denied: { reason: "no", userProps: {} } })), {
      result: "denied",
      reason: "no",
      userProps: [],
    });
    assert.deepEqual(value(readCheckResult({ error: { reason: "db" } })), { result: "error", reason: "db" });
    for (const odd of [true, "granted", {}, { granted: true }, { granted: {}, denied: {} }, { allow: {} }])
      assert.equal(readCheckResult(odd).kind, "malformed", JSON.stringify(odd));
  });

  it("an action as JSON keeps the protobuf rules", () => {
    assert.deepEqual(actionJson({ kind: "pub", topic: "", qos: 0, isRetained: false, userProps: [] }), {
      pub: { userProps: {} },
    });
  });
});
