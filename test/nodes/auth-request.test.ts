import assert from "node:assert/strict";
import { PrintgateError } from "../../lib/errors";
import { client, gate, login, policy, start, through } from "../support/auth-flows";
import { ask, deploy, Inbox, nodeOf, statusOf, stopNodeRed } from "../support/helper";

const flowPolicy = (difference: object = {}) => policy({ provider: "flow", webhookTimeout: "10000", ...difference });
const asking = (difference: object = {}) => [
  { id: "request1", z: "tab1", type: "auth-request", policy: "policy1", wires: [["asked"]], ...difference },
  { id: "asked", z: "tab1", type: "helper" },
  { id: "response1", z: "tab1", type: "auth-response", wires: [] },
];
const tab = { id: "tab1", type: "tab", label: "tab" };

/** A flow that answers each question with what `reply` makes of it. */
function answering(reply: (payload: any, topic: string) => unknown): void {
  nodeOf("asked").on("input", (msg) => {
    nodeOf("response1").receive({ ...msg, payload: reply(msg.payload, msg.topic ?? "") });
  });
}

describe("a provider written as a flow", () => {
  afterEach(stopNodeRed);

  it("asks with BifroMQ's words and takes true and false", async () => {
    await start([flowPolicy(), ...asking(), ...gate()]);
    const inbox = new Inbox("asked");
    answering(({ action }) => action.pub.topic === "a");
    assert.equal((await through("gate1", { topic: "a", qos: 1, client: client("amy") })).output, 1);
    assert.equal((await through("gate1", { topic: "b", client: client("amy") })).output, 2);
    const [question] = await inbox.next();
    assert.equal(question?.topic, "auth/check");
    assert.deepEqual(question.payload, {
      client: { tenantId: "default", type: "MQTT", metadata: { userId: "amy" } },
      action: { pub: { topic: "a", qos: 1, isRetained: false, userProps: {} } },
    });
  });

  const answers: [string, unknown, number][] = [
    ["{ granted }", { granted: {} }, 1],
    ["{ denied }", { denied: {} }, 2],
    ["{ error }", { error: { reason: "no database" } }, 3],
    ["nothing", undefined, 3],
    ["a word", "true", 3],
    ["a number", 1, 3],
    ["two answers in one", { granted: {}, denied: {} }, 3],
  ];
  for (const [what, payload, output] of answers) {
    it(`takes ${what} for output ${output}`, async () => {
      await start([flowPolicy(), ...asking(), ...gate()]);
      answering(() => payload);
      assert.equal((await through("gate1", { topic: "a", client: client("amy") })).output, output);
    });
  }

  it("decides logins, and its Ok carries who it is", async () => {
    await start([flowPolicy(), ...asking(), login("password")]);
    answering(({ username, password }) =>
      username === "amy" && Buffer.from(password).toString() === "sesame"
        ? { ok: { tenantId: "club", userId: "amy", attrs: { roles: "guest" } } }
        : { reject: { code: "BAD_PASS", reason: "no" } },
    );
    const good = await through("login1", { credentials: { username: "amy", password: "sesame" } });
    assert.equal(good.output, 1);
    assert.deepEqual(good.msg.client, { tenantId: "club", type: "MQTT", metadata: { roles: "guest", userId: "amy" } });
    const bad = await through("login1", { credentials: { username: "amy", password: "guess" } });
    assert.equal(bad.output, 2);
  });

  it("is an error when no answer comes in time, and says so to an answer that comes too late, or twice", async () => {
    await start([flowPolicy({ webhookTimeout: "1000" }), ...asking(), ...gate()]);
    const inbox = new Inbox("asked");
    const late = await through("gate1", { topic: "a", client: client("amy") });
    assert.equal(late.output, 3);
    assert.match(late.msg.auth.reason, /1000 ms/);
    const [question] = await inbox.next();
    const tooLate = await ask("response1", { ...question, payload: true });
    assert.ok(tooLate.error instanceof PrintgateError, String(tooLate.error));
    assert.match(tooLate.error.message, /too late/);

    const pending = through("gate1", { topic: "a", client: client("amy") });
    const [second] = await inbox.next();
    assert.equal((await ask("response1", { ...second, payload: true })).error, null);
    assert.ok((await ask("response1", { ...second, payload: false })).error instanceof PrintgateError);
    assert.equal((await pending).output, 1);
  });

  it("does not take an answer whose question is lost or invented", async () => {
    await start([flowPolicy(), ...asking()]);
    for (const authQuestion of [undefined, "x", { policy: "policy1", id: "made-up" }, { policy: "nowhere", id: "x" }]) {
      const { error } = await ask("response1", { payload: true, authQuestion });
      assert.ok(error instanceof PrintgateError, JSON.stringify(authQuestion));
    }
  });

  it("is an error while no flow takes questions", async () => {
    await start([flowPolicy(), ...gate()]);
    const { output, msg } = await through("gate1", { topic: "a", client: client("amy") });
    assert.equal(output, 3);
    assert.match(msg.auth.reason, /no flow/);
  });

  it("ends open questions as errors when its flow is redeployed, and goes on with the new one", async () => {
    const before = [flowPolicy({ webhookTimeout: "60000" }), ...asking(), ...gate()];
    await start(before);
    const open = through("gate1", { topic: "a", client: client("amy") });
    const inbox = new Inbox("asked");
    await Promise.race([inbox.next(), new Promise((resolve) => setImmediate(resolve))]);
    await deploy([tab, flowPolicy({ webhookTimeout: "60000" }), ...asking({ name: "new" }), ...gate()], "nodes");
    const { output, msg } = await open;
    assert.equal(output, 3);
    assert.match(msg.auth.reason, /redeployed/);
    answering(() => true);
    assert.equal((await through("gate1", { topic: "a", client: client("amy") })).output, 1);
  });

  it("shows that a policy which asks nobody has no questions", async () => {
    await start([policy(), ...asking()]);
    assert.deepEqual(statusOf("request1"), { fill: "red", shape: "ring", text: "the policy's provider is no flow" });
  });
});
