import assert from "node:assert/strict";
import { createFlowProvider, type FlowProvider, type FlowQuestion } from "../../../lib/auth/providers/flow-provider";
import { createMetrics } from "../../../lib/auth/metrics";
import { Policy } from "../../../lib/auth/policy/policy";
import type { Action, ClientInfo, Mqtt5AuthData } from "../../../lib/auth/provider";
import { readRequest } from "../../../lib/auth/request";

const CLIENT: ClientInfo = { tenantId: "home", type: "MQTT", metadata: { userId: "ada" } };
const PUB: Action = {
  kind: "pub",
  topic: "a",
  qos: 0,
  isRetained: false,
  userProps: [
    ["k", "1"],
    ["k", "2"],
    ["l", "3"],
  ],
};
const BASIC: Mqtt5AuthData = {
  version: "5",
  username: "ada",
  password: Buffer.from("secret"),
  remoteAddr: "192.0.2.7",
  remotePort: 5000,
  channelId: "c",
  responseInfo: false,
  userProps: [["k", "v"]],
};
const AUTH_STEP = { step: "auth", authMethod: "X", authData: Buffer.of(1), userProps: [], isReAuth: true } as const;

/** A flow that notes questions; what it says to them is up to the test. */
function flow(
  timeoutMs = 1000,
  reply?: (provider: FlowProvider, question: FlowQuestion) => unknown,
): {
  provider: FlowProvider;
  questions: FlowQuestion[];
} {
  const questions: FlowQuestion[] = [];
  const provider = createFlowProvider({
    timeoutMs,
    emit: (question) => {
      questions.push(question);
      reply?.(provider, question);
      return true;
    },
  });
  return { provider, questions };
}

const answering = (payload: unknown): FlowProvider =>
  flow(1000, (provider, { id }) => provider.answer(id, payload)).provider;

describe("a provider written as a flow", () => {
  it("is asked about a check with the client and the action", async () => {
    const { provider, questions } = flow();
    const answer = provider.checkPermission(CLIENT, PUB);
    assert.equal(questions.length, 1);
    const { id, topic, payload } = questions[0]!;
    assert.equal(topic, "auth/check");
    assert.deepEqual(payload, {
      client: CLIENT,
      action: { pub: { topic: "a", qos: 0, isRetained: false, userProps: { k: ["1", "2"], l: "3" } } },
    });
    assert.equal(provider.answer(id, true), null);
    assert.deepEqual(await answer, { result: "granted" });
  });

  it("can not change who asks, nor what", async () => {
    const { provider, questions } = flow();
    const answer = provider.checkPermission(CLIENT, PUB);
    const payload = questions[0]!.payload as { client: { metadata: Record<string, string> } };
    payload.client.metadata.userId = "eve";
    assert.equal(CLIENT.metadata.userId, "ada");
    provider.answer(questions[0]!.id, false);
    assert.deepEqual(await answer, { result: "denied" });
  });

  it("is asked about logins with bytes as Buffers", async () => {
    const { provider, questions } = flow();
    const open = [
      provider.auth(BASIC),
      provider.extendedAuth({ step: "initial", basic: BASIC, authMethod: "X", authData: Buffer.of(7) }),
      provider.extendedAuth(AUTH_STEP),
    ];
    const basic = { ...BASIC, password: Buffer.from("secret"), userProps: { k: "v" } };
    assert.deepEqual(
      questions.map(({ topic, payload }) => [topic, payload]),
      [
        ["auth/auth", basic],
        ["auth/extAuth", { initial: { basic, authMethod: "X", authData: Buffer.of(7) } }],
        ["auth/extAuth", { auth: { authMethod: "X", authData: Buffer.of(1), userProps: {}, isReAuth: true } }],
      ],
    );
    for (const { id } of questions) provider.answer(id, false);
    for (const answer of open) assert.deepEqual(await answer, { result: "rejected", code: "NotAuthorized" });
  });

  it("gets each answer to its question, in whatever order they come", async () => {
    const { provider, questions } = flow();
    const answers = ["1", "2", "3"].map((topic) => provider.checkPermission(CLIENT, { ...PUB, topic }));
    assert.equal(new Set(questions.map(({ id }) => id)).size, 3);
    provider.answer(questions[2]!.id, true);
    provider.answer(questions[0]!.id, false);
    provider.answer(questions[1]!.id, true);
    assert.deepEqual(
      (await Promise.all(answers)).map(({ result }) => result),
      ["denied", "granted", "granted"],
    );
  });

  const checks: [unknown, object][] = [
    [{ granted: {} }, { result: "granted" }],
    [{ denied: { reason: "closed" } }, { result: "denied", reason: "closed" }],
    [{ error: { reason: "no database" } }, { result: "error", reason: "no database" }],
  ];
  for (const [payload, expected] of checks) {
    it(`may answer a check with ${JSON.stringify(payload)}`, async () => {
      const { result, reason } = (await answering(payload).checkPermission(CLIENT, PUB)) as {
        result: string;
        reason?: string;
      };
      assert.deepEqual({ result, ...(reason !== undefined && { reason }) }, expected);
    });
  }

  const identity = { tenantId: "home", userId: "ada", attrs: { roles: "guest" } };
  for (const word of ["ok", "success"]) {
    it(`may answer a login with { ${word} }`, async () => {
      const result = await answering({ [word]: identity }).auth(BASIC);
      assert.ok(result.result === "ok");
      assert.deepEqual(result.identity, identity);
    });
  }
  for (const word of ["reject", "failed"]) {
    it(`may answer a login with { ${word} }`, async () => {
      const result = await answering({ [word]: { code: "BadPass", reason: "no" } }).auth(BASIC);
      assert.deepEqual([result.result, result.result === "rejected" && result.code], ["rejected", "BadPass"]);
    });
  }

  it("may go on with an extended login, bytes as a Buffer or as base64", async () => {
    for (const authData of [Buffer.from("key"), "a2V5"]) {
      const result = await answering({ continue: { authData } }).extendedAuth(AUTH_STEP);
      assert.ok(result.result === "continue");
      assert.equal(Buffer.from(result.authData).toString(), "key");
    }
  });

  const nonsense: [string, unknown][] = [
    ["nothing", undefined],
    ["null", null],
    ["the word true", "true"],
    ["the number 1", 1],
    ["an empty object", {}],
    ["both answers", { granted: {}, denied: {} }],
    ["the answer to a login", { ok: identity }],
    ["a list", [true]],
  ];
  for (const [what, payload] of nonsense) {
    it(`that answers a check with ${what} is an error and is told so`, async () => {
      const { provider, questions } = flow();
      const answer = assert.rejects(provider.checkPermission(CLIENT, PUB), /makes no sense/);
      assert.match(provider.answer(questions[0]!.id, payload) ?? "", /^The flow's answer makes no sense/);
      await answer;
      assert.match(provider.answer(questions[0]!.id, true) ?? "", /second time/);
    });
  }

  it("can not let nobody in", async () => {
    for (const ok of [{}, { tenantId: "home" }, { userId: "ada" }, { tenantId: "", userId: "ada" }]) {
      await assert.rejects(answering({ ok }).auth(BASIC), /names no tenant and user/);
      await assert.rejects(answering({ success: ok }).extendedAuth(AUTH_STEP), /names no tenant and user/);
    }
  });

  it("can not let somebody in with true, which names nobody", async () => {
    await assert.rejects(answering(true).auth(BASIC), /makes no sense/);
    await assert.rejects(answering({ granted: {} }).auth(BASIC), /makes no sense/);
    await assert.rejects(answering(true).extendedAuth(AUTH_STEP), /makes no sense/);
  });

  it("that answers with something circular is an error", async () => {
    const circle: Record<string, unknown> = {};
    circle.ok = circle;
    await assert.rejects(answering(circle).auth(BASIC), /makes no sense/);
  });

  it("that answers twice is told so, and the first answer stands", async () => {
    const { provider, questions } = flow();
    const answer = provider.checkPermission(CLIENT, PUB);
    provider.answer(questions[0]!.id, false);
    assert.match(provider.answer(questions[0]!.id, true) ?? "", /too late, or a second time/);
    assert.equal((await answer).result, "denied");
  });

  it("that answers too late has lost its say", async () => {
    const { provider, questions } = flow(20);
    await assert.rejects(provider.checkPermission(CLIENT, PUB), /no answer in 20 ms/);
    assert.match(provider.answer(questions[0]!.id, true) ?? "", /too late/);
  });

  it("that makes up a number answers nothing", () => {
    const { provider } = flow();
    for (const id of [undefined, null, 1, "x", {}]) assert.match(provider.answer(id, true) ?? "", /no open question/);
  });

  it("that nobody has built is an error at once", async () => {
    await assert.rejects(
      createFlowProvider({ emit: () => false, timeoutMs: 1000 }).checkPermission(CLIENT, PUB),
      /no flow/,
    );
    const throwing = createFlowProvider({
      timeoutMs: 1000,
      emit: () => {
        throw new Error("no wire");
      },
    });
    await assert.rejects(throwing.checkPermission(CLIENT, PUB));
  });

  it("that is deployed anew while questions are open leaves errors, and may answer the next", async () => {
    const { provider, questions } = flow();
    const lost = assert.rejects(provider.checkPermission(CLIENT, PUB), /deployed anew/);
    provider.abandon("the flow was deployed anew");
    await lost;
    assert.match(provider.answer(questions[0]!.id, true) ?? "", /no open question/);
    const next = provider.checkPermission(CLIENT, PUB);
    provider.answer(questions[1]!.id, true);
    assert.equal((await next).result, "granted");
  });

  it("ends open questions as errors when it closes, and asks no more", async () => {
    const { provider, questions } = flow();
    const open = assert.rejects(provider.checkPermission(CLIENT, PUB), /closed/);
    await provider.close();
    await provider.close();
    await open;
    await assert.rejects(provider.auth(BASIC), /closed/);
    assert.equal(questions.length, 1);
  });

  it("behind a policy is asked side by side and heard in order", async () => {
    const { provider, questions } = flow();
    const policy = new Policy({ provider, timeoutMs: null, bypassOnError: false, metrics: createMetrics() });
    const told: unknown[] = [];
    const asked = ["1", "2"].map((topic) => readRequest({ message: { topic, client: CLIENT }, kind: "pub" }));
    const verdicts = asked.map((request) => policy.ask(request).then(({ topic }) => told.push(topic)));
    assert.equal(questions.length, 2);
    provider.answer(questions[1]!.id, true);
    provider.answer(questions[0]!.id, true);
    await Promise.all(verdicts);
    assert.deepEqual(told, ["1", "2"]);
    await policy.close();
  });
});
