import assert from "node:assert/strict";
import type { NodeAPI } from "node-red";
import { addPolicyRoutes } from "../../lib/node-red/auth/admin";
import { cheapHash, client, CREDENTIALS, gate, login, policy, start, through } from "../support/auth-flows";
import { request, stopNodeRed } from "../support/helper";

const USERS = CREDENTIALS([{ username: "amy", passwordHash: cheapHash("open sesame"), attrs: { roles: "guest" } }]);
const RULES = [
  { effect: "deny", actions: ["pub"], topics: ["printers/+/commands/nozzle-temperature"], note: "no heating" },
  { effect: "allow", actions: ["pub"], topics: ["printers/#"], who: { role: "guest" } },
];
const at = (path: string, id = "policy1") => `/printgate/policies/${id}/${path}`;
const guest = client("amy", { roles: "guest" });

describe("routes of the auth-policy dialog", () => {
  afterEach(stopNodeRed);
  const begin = (difference: object = {}) =>
    start([policy({ rules: RULES, ...difference }), login("password"), ...gate()], USERS);
  const canLogIn = async (username: string, password: string) =>
    (await through("login1", { credentials: { username, password } })).output === 1;

  it("each ask for a permission of the editor's user, and are added once", async () => {
    const routes: string[] = [];
    const route = (method: string) => (path: string, guard: { permission: string }) => {
      routes.push(`${method} ${path.replace("/printgate/policies/:id/", "")} ${guard.permission}`);
    };
    const httpAdmin = { get: route("get"), post: route("post"), delete: route("delete") };
    const needsPermission = (permission: string) => ({ permission });
    const RED = { httpAdmin, auth: { needsPermission } } as unknown as NodeAPI;
    addPolicyRoutes(RED);
    addPolicyRoutes(RED);
    assert.deepEqual(routes.sort(), [
      "delete users/:name auth-policy.write",
      "get users auth-policy.read",
      "post problems auth-policy.read",
      "post try auth-policy.read",
      "post users auth-policy.write",
      "post users/replace auth-policy.write",
    ]);
    await begin();
  });

  it("list the users without a password or a hash", async () => {
    await begin();
    const { body, text } = await request().get(at("users"));
    assert.deepEqual(body, {
      ok: true,
      users: [
        {
          ...{ name: "amy", tenantId: "default", userId: "amy", attrs: { roles: "guest" } },
          ...{ hasPassword: true, hasCertificate: false, registered: false, problem: null },
        },
      ],
    });
    assert.doesNotMatch(text, /scrypt|sesame/);
  });

  it("add a user, who can log in at once, and keep only a hash", async () => {
    await begin();
    const user = { username: "bob", password: "swordfish", attrs: { roles: "maker" } };
    const { body, text } = await request().post(at("users")).send(user);
    assert.equal(body.ok, true);
    assert.equal(body.users.length, 2);
    assert.doesNotMatch(text, /scrypt|swordfish/);
    assert.equal(await canLogIn("bob", "swordfish"), true);
    assert.equal(await canLogIn("bob", "guess"), false);
    assert.equal(await canLogIn("amy", "open sesame"), true);
  });

  it("change a password and leave the rest, or the rest and leave the password", async () => {
    await begin();
    await request().post(at("users")).send({ username: "amy", password: "swordfish" });
    assert.equal(await canLogIn("amy", "open sesame"), false);
    assert.equal(await canLogIn("amy", "swordfish"), true);
    const { body } = await request().post(at("users")).send({ username: "amy", tenantId: "club" });
    assert.deepEqual([body.users[0].tenantId, body.users[0].attrs], ["club", { roles: "guest" }]);
    assert.equal(await canLogIn("amy", "swordfish"), true);
  });

  it("take changes that come at the same time one after the other", async () => {
    await begin();
    const names = ["u1", "u2", "u3"];
    await Promise.all(names.map((username) => request().post(at("users")).send({ username, password: "p" })));
    const { body } = await request().get(at("users"));
    assert.deepEqual(body.users.map(({ name }: { name: string }) => name).sort(), ["amy", ...names]);
  });

  it("remove a user, who is out at once", async () => {
    await begin();
    const { body } = await request().delete(at("users/amy"));
    assert.deepEqual(body, { ok: true, users: [] });
    assert.equal(await canLogIn("amy", "open sesame"), false);
  });

  it("replace the whole list, by JSON or by the name of a variable", async () => {
    await begin();
    const list = JSON.stringify([{ username: "zoe", passwordHash: cheapHash("p") }]);
    assert.equal((await request().post(at("users/replace")).send({ users: list })).body.users[0].name, "zoe");
    process.env["PG_TEST_USERS"] = JSON.stringify([{ username: "kim", passwordHash: cheapHash("p") }]);
    try {
      const { body } = await request().post(at("users/replace")).send({ users: "${PG_TEST_USERS}" });
      assert.deepEqual([body.ok, body.reason], [false, "the users stand in the environment variable PG_TEST_USERS"]);
      assert.equal(await canLogIn("kim", "p"), true);
    } finally {
      delete process.env["PG_TEST_USERS"];
    }
    assert.equal((await request().post(at("users/replace")).send({ users: "[{" })).body.ok, false);
  });

  it("say what is wrong with a user", async () => {
    await begin();
    const cases: [object, RegExp][] = [
      [{ username: "bob" }, /no password/],
      [{ username: "", password: "p" }, /user name is missing/],
      [{ username: "bob", password: "x".repeat(2000) }, /longer than/],
      [{ username: "bob", password: "p", attrs: { roles: 1 } }, /attrs/],
      [{ username: "bob", certFingerprint: "ff" }, /certFingerprint/],
    ];
    for (const [user, words] of cases) {
      const { body } = await request().post(at("users")).send(user);
      assert.equal(body.ok, false);
      assert.match(body.reason, words);
    }
    for (const body of [[], {}, { username: "u", password: "p", attrs: { a: "x".repeat(20_000) } }])
      assert.equal((await request().post(at("users")).send(body)).body.ok, false);
  });

  it("leave the secrets of other nodes alone", async () => {
    await begin();
    for (const id of ["gate1", "login1", "a%2Fb"]) {
      assert.equal((await request().get(at("users", id))).body.ok, false, id);
      assert.equal((await request().post(at("users", id)).send({ username: "u", password: "p" })).body.ok, false, id);
    }
  });

  it("take users of a policy that was never deployed", async () => {
    await begin();
    const { body } = await request().post(at("users", "new1")).send({ username: "u", password: "p" });
    assert.equal(body.ok, true);
    assert.equal((await request().get(at("users", "new1"))).body.users[0].name, "u");
  });

  it("try a question on the running policy, and tell what each rule said", async () => {
    await begin();
    const question = { client: guest, topic: "printers/a/commands/nozzle-temperature" };
    const { body } = await request().post(at("try")).send({ question });
    assert.equal(body.ok, true);
    const { result, rule, reason, steps } = body.trial;
    assert.deepEqual([result, rule], ["denied", 0]);
    assert.match(reason, /rule 1: no heating/);
    assert.deepEqual(
      steps.map((step: any) => [step.rule, step.decides]),
      [[0, true]],
    );
    const pause = await request()
      .post(at("try"))
      .send({ question: { client: guest, topic: "printers/a/commands/pause" } });
    assert.deepEqual([pause.body.trial.result, pause.body.trial.rule], ["granted", 1]);
    const invalid = await request()
      .post(at("try"))
      .send({ question: { client: guest, topic: "a/#" } });
    assert.match(invalid.body.trial.reason, /^invalid/);
  });

  it("try a question on rules that are not deployed, with variables as they would be", async () => {
    await begin();
    process.env["PG_TEST_TOPIC"] = "open";
    try {
      const rules = [{ effect: "allow", actions: ["pub"], topics: ["${PG_TEST_TOPIC}"] }];
      const { body } = await request()
        .post(at("try", "new1"))
        .send({ rules, question: { topic: "open" } });
      assert.deepEqual([body.trial.result, body.trial.rule], ["granted", 0]);
    } finally {
      delete process.env["PG_TEST_TOPIC"];
    }
    const missing = await request()
      .post(at("try", "new1"))
      .send({ question: { topic: "open" } });
    assert.deepEqual(missing.body, { ok: false, reason: "the policy is not deployed" });
  });

  it("name every malformed rule by its place", async () => {
    await begin();
    const rules = [RULES[0], { effect: "maybe" }, { ...RULES[1], colour: "red" }];
    const { body } = await request().post(at("problems")).send({ rules });
    assert.deepEqual(
      body.problems.map(({ index }: { index: number }) => index),
      [1, 2],
    );
    assert.match(body.problems[1].message, /colour/);
    const tried = await request()
      .post(at("try"))
      .send({ rules, question: { topic: "a" } });
    assert.match(tried.body.reason, /Rule 2/);
  });

  it("refuse a form that is larger than any list of rules", async () => {
    await begin();
    const note = "x".repeat(3_000_000);
    const { body } = await request()
      .post(at("problems"))
      .send({ rules: [{ note }] });
    assert.deepEqual(body, { ok: false, reason: "the form can not be read" });
  });
});
