import assert from "node:assert/strict";
import type { NodeAPI } from "node-red";
import { PrintgateError } from "../../lib/errors";
import { addAccountRoutes } from "../../lib/node-red/accounts/admin";
import type { House } from "../../lib/node-red/composition";
import printerAccount from "../../nodes/printer-account";
import printerConfig from "../../nodes/printer-config";
import printerStatus from "../../nodes/printer-status";
import { PASSWORD } from "../support/fake-account";
import { account, CODES, config, FakeHouse, observation, SERIAL, statusNode, tab } from "../support/flows";
import {
  ask,
  callsOf,
  deploy,
  type Flow,
  load,
  request,
  settle,
  startNodeRed,
  statusOf,
  stopNodeRed,
  until,
} from "../support/helper";
import { aSession } from "../support/sessions";

const DAY_MS = 24 * 3600_000;
const NOBODY = { uid: null, account: null, name: null };

const cloudConfig = (difference: object = {}) => config({ connection: "auto", account: "account1", ...difference });
const FORM = { name: "", region: "global", apiUrl: "", mqttUrl: "", tlsConfig: "", accessToken: "" };

describe("printer-account", () => {
  let house: FakeHouse;
  const nodes = () => [house.install, printerAccount, printerConfig, printerStatus];
  const fakes = () => house.fakes.made;
  const post = (path: string, body: object = {}) =>
    request()
      .post(`/printgate/accounts/${path}`)
      .send({ form: FORM, ...body });
  const signInWith = (password: string, form: object = {}) =>
    post("account1/sign-in", {
      form: { ...FORM, ...form },
      step: { kind: "password", account: "jo@example.org", password },
    });

  beforeEach(async () => {
    house = new FakeHouse();
    await startNodeRed();
  });
  afterEach(async () => {
    await stopNodeRed();
    await house.fakes.accounts.close();
  });

  describe("as the account of a printer", () => {
    it("is one for all nodes, and survives a redeploy as it is", async () => {
      const flow = [tab, account(), cloudConfig(), ...statusNode()];
      await load(nodes(), flow, CODES);
      await house.opened();
      await deploy(flow, "full", CODES);
      await house.opened(2);
      await settle();
      assert.equal(fakes().length, 1);
      assert.equal(fakes()[0]?.isClosed, false);
      assert.equal(house.settings[0]?.account, "account1");
    });

    it("is made anew when it is edited, and the printers that use it connect anew", async () => {
      await load(nodes(), [tab, account(), cloudConfig(), ...statusNode()], CODES);
      const first = await house.opened();
      await deploy([tab, account({ region: "china" }), cloudConfig(), ...statusNode()], "nodes", CODES);
      await house.opened(2);
      await until(() => fakes()[0]?.isClosed === true);
      assert.equal(first.isOpen, false);
      assert.equal(fakes()[1]?.settings.region, "china");
    });

    it("is missed in words where it is missing, disabled or broken", async () => {
      const shown = async (flow: Flow) => {
        await deploy([tab, ...flow, ...statusNode()], "full", CODES);
        return (statusOf("status1") as { text: string }).text;
      };
      await load(nodes(), [tab], CODES);
      assert.match(await shown([cloudConfig()]), /account is missing or disabled/);
      assert.match(await shown([cloudConfig({ account: "" })]), /no account selected/);
      assert.match(await shown([account({ d: true }), cloudConfig()]), /account is missing or disabled/);
      assert.match(
        await shown([account({ apiUrl: "ftp://x" }), cloudConfig()]),
        /account can not be used: apiUrl must/,
      );
      assert.match(await shown([account({ region: "moon" }), cloudConfig()]), /region "moon" is unknown/);
      assert.match(await shown([account({ tlsConfig: "none" }), cloudConfig()]), /TLS configuration is missing/);
      assert.match((await ask("status1")).error?.toString() ?? "", /TLS configuration is missing/);
      assert.equal(house.links.length, 0);
    });

    it("takes address and token from environment variables, and names one that is not set", async () => {
      Object.assign(process.env, { PG_CLOUD: "https://cloud.example.org/", PG_TOKEN: "AQA-from-the-environment" });
      try {
        const flow = [tab, account({ apiUrl: "${PG_CLOUD}" })];
        await load(nodes(), flow, { account1: { accessToken: "${PG_TOKEN}" } });
        assert.equal(fakes()[0]?.settings.apiUrl, "https://cloud.example.org");
        assert.equal(fakes()[0]?.settings.pastedToken, "AQA-from-the-environment");
        await deploy(flow, "full", { account1: { accessToken: "${PG_NOT_SET}" } });
        assert.deepEqual(callsOf("account1", "warn").at(-1), "environment variable PG_NOT_SET is not set");
      } finally {
        for (const name of ["PG_CLOUD", "PG_TOKEN"]) Reflect.deleteProperty(process.env, name);
      }
    });

    it("reads the files of a core TLS node, and nothing that would weaken the check", async () => {
      const tls = (valid: boolean) => (RED: NodeAPI) => {
        function Tls(this: any, def: any) {
          RED.nodes.createNode(this, def);
          this.valid = valid;
          this.addTLSOptions = (options: object) => Object.assign(options, { ca: "PEM", rejectUnauthorized: false });
        }
        RED.nodes.registerType("tls-config", Tls as never);
      };
      await load([...nodes(), tls(true)], [tab, { id: "tls1", type: "tls-config" }, account({ tlsConfig: "tls1" })]);
      assert.deepEqual(fakes()[0]?.settings.tls, { ca: "PEM" });
    });

    it("warns in the log and in yellow of an address without encryption", async () => {
      const flow = [tab, account({ apiUrl: "http://127.0.0.1:9", mqttUrl: "mqtt://127.0.0.1:9" }), cloudConfig()];
      await load(nodes(), [...flow, ...statusNode()], CODES);
      assert.equal(callsOf("account1", "warn").filter((words) => /not encrypted/.test(String(words))).length, 2);
      assert.equal((statusOf("account1") as { fill: string }).fill, "yellow");
      fakes()[0]?.become({ kind: "signed-in", who: NOBODY, until: null });
      const link = await house.opened();
      link.state({ kind: "live" });
      link.report(observation());
      const { fill, text } = statusOf("status1") as { fill: string; text: string };
      assert.equal(fill, "yellow");
      assert.match(text, /status\.idle, printer-account\.status\.insecure/);
    });

    it("shows below the printers that use it when its sign-in ends", async () => {
      await load(nodes(), [tab, account(), cloudConfig(), ...statusNode()], CODES);
      const link = await house.opened();
      link.state({ kind: "live" });
      link.report(observation());
      const shown = () => {
        const { fill, text } = statusOf("status1") as { fill: string; text: string };
        return `${fill} ${text.replaceAll("printer-config.", "")}`;
      };
      const [fake] = fakes();
      const signedIn = (days: number) => {
        fake?.become({ kind: "signed-in", who: NOBODY, until: Date.now() + days * DAY_MS - 1000 });
        return shown();
      };
      assert.equal(signedIn(30), "grey status.idle");
      assert.equal(signedIn(3), "yellow status.idle, remark.expires-in-days");
      assert.equal(signedIn(1), "yellow status.idle, remark.expires-in-a-day");
      fake?.become({ kind: "expired", who: NOBODY });
      assert.equal(shown(), "yellow status.idle, remark.expired");
      link.state({ kind: "stopped", reason: new PrintgateError("account-expired", "sign in again") });
      assert.equal(shown(), "red trouble.account-expired");
      await deploy([tab, account()], "full");
      assert.equal(fake?.heard, 1, "nobody listens any more but who keeps the models");
    });

    it("gives the model that the printer has not said", async () => {
      await load(nodes(), [tab, account(), cloudConfig(), ...statusNode({ emit: "request" })], CODES);
      await house.opened();
      await house.fakes.accounts.of("account1")?.learnModels();
      assert.equal((await ask("status1")).sent[0].printer.model, "P1S");
    });

    it("two printers with one serial and different accounts are a conflict", async () => {
      const flow = [
        ...[tab, account(), account({ id: "account2" }), cloudConfig(), ...statusNode()],
        cloudConfig({ id: "config2", account: "account2", name: "twin" }),
        { id: "status2", z: "tab1", type: "printer-status", printer: "config2", wires: [[]] },
      ];
      await load(nodes(), flow, CODES);
      await house.opened();
      assert.match((statusOf("status2") as { text: string }).text, /already uses serial .* another account/);
    });
  });

  describe("in its dialog", () => {
    it("asks for a permission at every route, and adds each once", () => {
      const routes: string[] = [];
      const add = (path: string, guard: { permission: string }) => routes.push(`${path} ${guard.permission}`);
      const needsPermission = (permission: string) => ({ permission });
      const RED = { httpAdmin: { post: add }, auth: { needsPermission } } as unknown as NodeAPI;
      addAccountRoutes(RED, {} as House);
      addAccountRoutes(RED, {} as House);
      const path = "/printgate/accounts/:id";
      assert.deepEqual(routes.sort(), [
        `${path}/check-token printer-account.write`,
        `${path}/devices printer-account.write`,
        `${path}/devices/:serial/access-code printer-account.write`,
        `${path}/sign-in printer-account.write`,
        `${path}/sign-out printer-account.write`,
        `${path}/state printer-account.read`,
      ]);
    });

    it("signs in before the first deploy, and the session waits for its node", async () => {
      await load(nodes(), [tab]);
      const { body } = await signInWith(PASSWORD);
      assert.deepEqual(body, {
        ...{ ok: true, next: "done", state: "signed-in", who: "Jo (jo@example.org)", account: "jo@example.org" },
        ...{ until: new Date(aSession().expiresAt ?? 0).toISOString(), pasted: false },
      });
      await deploy([tab, account()], "full");
      assert.equal(fakes().length, 1);
      assert.equal(house.fakes.accounts.of("account1")?.account.state.kind, "signed-in");
    });

    it("goes through the steps of a code, and of an authenticator", async () => {
      await load(nodes(), [tab]);
      const step = async (given: object) => (await post("account1/sign-in", { step: given })).body;
      assert.deepEqual(await step({ kind: "send-code", account: " jo@example.org " }), {
        ...{ ok: true, next: "code", sentBy: "email" },
      });
      assert.equal((await step({ kind: "code", account: "jo@example.org", code: " 123456 " })).next, "done");
      assert.deepEqual((await signInWith("with-tfa")).body, { ok: true, next: "tfa" });
      assert.equal((await step({ kind: "tfa", code: "654321" })).next, "done");
      assert.deepEqual(fakes()[0]?.steps.slice(0, 2), [
        { kind: "send-code", account: "jo@example.org" },
        { kind: "code", account: "jo@example.org", code: "123456" },
      ]);
    });

    it("says why not, without the password that was typed", async () => {
      await load(nodes(), [tab]);
      const { body, text } = await signInWith("my-wrong-password");
      assert.deepEqual(body, { ok: false, reason: "the cloud refused jo@example.org with ***" });
      assert.ok(!text.includes("my-wrong-password"));
    });

    it("signs out, and says so of an account that runs", async () => {
      await load(nodes(), [tab, account()]);
      await signInWith(PASSWORD);
      assert.equal((await post("account1/state")).body.state, "signed-in");
      assert.equal((await post("account1/sign-out")).body.state, "signed-out");
      assert.equal((await post("account1/state")).body.state, "signed-out");
    });

    it("tells who is signed in without making an account, or sending anything to an address in the form", async () => {
      await house.fakes.sessions.of("account1", "global").save(aSession());
      await load(nodes(), [tab]);
      assert.equal((await post("account1/state")).body.who, "Jo (jo@example.org)");
      const elsewhere = { form: { ...FORM, apiUrl: "https://192.0.2.66" } };
      assert.equal((await post("account1/state", elsewhere)).body.state, "signed-out");
      assert.equal(fakes().length, 0);
    });

    it("says that a pasted token is used", async () => {
      await load(nodes(), [tab, account()], { account1: { accessToken: "AQA-pasted" } });
      const { body, text } = await post("account1/state", { form: { ...FORM, accessToken: "__PWRD__" } });
      assert.equal(body.pasted, true);
      assert.ok(!text.includes("AQA-pasted"));
    });

    it("does not take a sign-in that could not be saved for a pasted token", async () => {
      await load(nodes(), [tab, account()]);
      fakes()[0]?.become({ kind: "signed-in", who: NOBODY, until: null });
      const { body } = await post("account1/state", { form: FORM });
      assert.deepEqual([body.state, body.pasted], ["signed-in", false]);
    });

    it("checks a token that was typed, or the one that is stored", async () => {
      await load(nodes(), [tab, account()], { account1: { accessToken: "AQA-stored" } });
      const check = async (accessToken: string) =>
        (await post("account1/check-token", { form: { ...FORM, accessToken } })).body;
      assert.deepEqual(await check("AQA-typed"), { ok: true, who: "Jo (jo@example.org)" });
      assert.deepEqual(await check("__PWRD__"), { ok: true, who: "Jo (jo@example.org)" });
      assert.deepEqual(await check(""), { ok: false, reason: "no access token" });
      const tried = fakes().flatMap(({ steps }) => steps);
      assert.deepEqual(tried, [
        { kind: "token", accessToken: "AQA-typed" },
        { kind: "token", accessToken: "AQA-stored" },
      ]);
    });

    it("lists the printers without their access codes, and gives one where it was asked for", async () => {
      await load(nodes(), [tab]);
      const { body } = await post("account1/devices");
      assert.deepEqual(body, {
        ok: true,
        devices: [{ serial: SERIAL, name: "Garage", model: "P1S", online: true, hasAccessCode: true }],
      });
      const code = async (serial: string) => (await post(`account1/devices/${serial}/access-code`)).body;
      assert.deepEqual(await code(SERIAL.toLowerCase()), { ok: true, accessCode: "87654321" });
      assert.equal((await code("00M00A000000009")).ok, false);
    });

    it("refuses what is no form of it, and what belongs to another node", async () => {
      await load(nodes(), [tab, account(), config()], { ...CODES, stranger: { accessToken: "x", other: "y" } });
      const reasons = async (path: string, body: object) => (await post(path, body)).body.reason;
      const unreadable = "the form can not be read";
      for (const form of [null, [], {}, "x", { region: {} }, { region: "x".repeat(9000) }, { region: 1 }])
        assert.equal(await reasons("account1/state", { form }), unreadable);
      for (const step of [null, {}, { kind: "toString" }, { kind: "constructor" }, { kind: "password", account: "a" }])
        assert.equal(await reasons("account1/sign-in", { step }), unreadable);
      assert.equal(await reasons("account1/sign-in", { step: { kind: "code", account: "a", code: 1 } }), unreadable);
      assert.equal(await reasons("config1/state", {}), "this is no account");
      assert.equal(
        await reasons("stranger/state", { form: { ...FORM, accessToken: "__PWRD__" } }),
        "this is no account",
      );
      assert.equal(await reasons("a%2Fb/state", {}), "this is no account");
      assert.match(await reasons("account1/state", { form: { ...FORM, region: "moon" } }), /region "moon" is unknown/);
      assert.equal(fakes().length, 1);
    });
  });
});
