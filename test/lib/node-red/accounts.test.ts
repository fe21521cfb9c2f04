import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { PrintgateError } from "../../../lib/errors";
import { Accounts } from "../../../lib/node-red/accounts/accounts";
import { placeOf, warningsOf } from "../../../lib/node-red/accounts/settings";
import { memoryKey } from "../../../lib/node-red/installation-key";
import { sessionsIn } from "../../../lib/node-red/accounts/sessions";
import { memoryStore } from "../../../lib/node-red/store";
import { accountSettings, aDevice, fakeAccounts, PASSWORD } from "../../support/fake-account";
import { settle } from "../../support/helper";
import { until } from "../../support/wait";

const quiet = { warn: () => undefined };
const node = { nodeId: "account1", accountId: "account1" };
const signIn = { kind: "password", account: "jo@example.org", password: PASSWORD } as const;

describe("accounts", () => {
  it("stay as they are over a redeploy that leaves their settings as they were", async () => {
    const { accounts, made } = fakeAccounts();
    const events = new EventEmitter();
    accounts.follow(events);
    const seat = accounts.claim(node, accountSettings(), quiet);
    events.emit("flows:started");
    for (let deploy = 0; deploy < 3; deploy++) {
      events.emit("flows:stopping");
      seat.release();
      events.emit("flows:stopped");
      events.emit("flows:starting");
      assert.equal(accounts.claim(node, accountSettings(), quiet).handle, seat.handle);
      events.emit("flows:started");
      await settle();
    }
    assert.equal(made.length, 1);
    assert.equal(made[0]?.isClosed, false);
    await accounts.close();
  });

  it("with other settings are made anew, and the old one has said goodbye before the new one begins", async () => {
    const { accounts, made } = fakeAccounts();
    const seat = accounts.claim(node, accountSettings(), quiet);
    await seat.handle.ready;
    const first = made[0]!;
    let letGo: () => void = () => undefined;
    first.close = () => new Promise((resolve) => (letGo = resolve));
    seat.release();
    const next = accounts.claim(node, accountSettings({ mqttUrl: "mqtts://192.0.2.7:8883" }), quiet);
    await settle();
    assert.equal(made.length, 2);
    assert.equal(made[1]!.isOpen, false);
    letGo();
    await next.handle.ready;
    assert.equal(made[1]?.isOpen, true);
    assert.equal(accounts.of("account1"), next.handle);
    await accounts.close();
  });

  it("end when their node is gone and the flows run", async () => {
    const { accounts, made } = fakeAccounts();
    const events = new EventEmitter();
    accounts.follow(events);
    const seat = accounts.claim(node, accountSettings(), quiet);
    events.emit("flows:stopping");
    seat.release();
    await settle();
    assert.equal(made[0]?.isClosed, false);
    events.emit("flows:started");
    await until("it is closed", () => made[0]?.isClosed === true);
    assert.equal(accounts.of("account1"), null);
  });

  it("end when flows stop and do not start again", async () => {
    const { accounts, made } = fakeAccounts({ restartMs: 10 });
    const events = new EventEmitter();
    const leave = accounts.follow(events);
    const seat = accounts.claim(node, accountSettings(), quiet);
    events.emit("flows:stopping");
    seat.release();
    events.emit("flows:stopped");
    await until("it is closed", () => made[0]?.isClosed === true);
    leave();
    assert.deepEqual(events.eventNames(), []);
  });

  it("that a dialog signed in before the first deploy wait for their node", async () => {
    const { accounts, made } = fakeAccounts();
    const handle = accounts.visit("account1", accountSettings());
    await handle.ready;
    await handle.account.signIn(signIn);
    const seat = accounts.claim(node, accountSettings(), quiet);
    assert.equal(seat.handle, handle);
    assert.equal(made.length, 1);
    assert.equal(seat.handle.account.state.kind, "signed-in");
    await accounts.close();
  });

  it("that waited too long for their node are found in the store", async () => {
    const { accounts, made } = fakeAccounts({ visitMs: 5 });
    const handle = accounts.visit("account1", accountSettings());
    await handle.ready;
    await handle.account.signIn(signIn);
    await until("the visit is over", () => made[0]?.isClosed === true);
    const seat = accounts.claim(node, accountSettings(), quiet);
    await seat.handle.ready;
    assert.equal(made.length, 2);
    assert.equal(seat.handle.account.state.kind, "signed-in");
    await accounts.close();
  });

  it("are visited where they run, as long as the form means the same cloud", async () => {
    const { accounts, made } = fakeAccounts();
    const { handle } = accounts.claim(node, accountSettings({ mqttUrl: "mqtts://192.0.2.7:8883" }), quiet);
    assert.equal(accounts.look("account1", accountSettings()), handle);
    assert.equal(accounts.visit("account1", accountSettings()), handle);
    assert.equal(accounts.look("account1", accountSettings({ region: "china" })), null);
    const other = accounts.visit("account1", accountSettings({ region: "china" }));
    assert.notEqual(other, handle);
    await other.ready;
    await other.account.signIn(signIn);
    assert.equal(handle.account.state.kind, "signed-out", "another cloud is another account");
    assert.equal(made.length, 2);
    await accounts.close();
  });

  it("of instances of a subflow share one session", async () => {
    const { accounts, made } = fakeAccounts();
    const one = accounts.claim({ nodeId: "instance1", accountId: "template" }, accountSettings(), quiet);
    const two = accounts.claim({ nodeId: "instance2", accountId: "template" }, accountSettings(), quiet);
    assert.equal(one.handle, two.handle);
    one.release();
    await settle();
    assert.equal(made[0]?.isClosed, false);
    assert.equal(accounts.of("instance2"), two.handle);
    two.release();
    await until("it is closed", () => made[0]?.isClosed === true);
  });

  it("know the models of their printers once they were asked for, and survive that nobody answers", async () => {
    const { accounts, made } = fakeAccounts({ devices: [aDevice()] });
    const { handle } = accounts.claim(node, accountSettings(), quiet);
    assert.equal(handle.modelOf("01P00A000000001"), null);
    await handle.learnModels();
    assert.equal(handle.modelOf("01P00A000000001"), "P1S");
    made[0]!.devices = () => Promise.reject(new PrintgateError("unreachable", "no way"));
    await handle.learnModels();
    assert.equal(handle.modelOf("01P00A000000001"), "P1S");
    await accounts.close();
  });

  it("know the models of their printers also where somebody signs in later", async () => {
    const { accounts, made } = fakeAccounts();
    const { handle } = accounts.claim(node, accountSettings(), quiet);
    made[0]!.devices = () => Promise.reject(new PrintgateError("signed-out", "nobody is signed in"));
    await handle.learnModels();
    made[0]!.devices = () => Promise.resolve([aDevice()]);
    await handle.account.signIn(signIn);
    await until("the model is known", () => handle.modelOf("01P00A000000001") === "P1S");
    await accounts.close();
  });

  it("speak in the log of their node, or in the common one while there is none", async () => {
    const { accounts, made, warnings } = fakeAccounts();
    const said: string[] = [];
    accounts.visit("account1", accountSettings());
    made[0]!.log.warn("early");
    accounts.claim(node, accountSettings(), { warn: (message) => void said.push(message) });
    made[0]!.log.warn("late");
    assert.deepEqual([warnings, said], [["early"], ["late"]]);
    await accounts.close();
  });

  it("that can not be opened or closed say so, and are there all the same", async () => {
    const warnings: string[] = [];
    const log = { warn: (message: string) => void warnings.push(message) };
    const { accounts, made } = fakeAccounts();
    await accounts.close();
    const broken = () =>
      Object.assign(accounts.visit("x", accountSettings()).account, {
        open: () => Promise.reject(new Error("no opening")),
        close: () => Promise.reject(new Error("no closing")),
      });
    const odd = new Accounts({
      make: broken,
      sessions: sessionsIn({ store: memoryStore(), key: memoryKey(), ...log }),
      log,
    });
    const seat = odd.claim(node, accountSettings(), log);
    await seat.handle.ready;
    await odd.close();
    assert.deepEqual(warnings, ["no opening", "no closing"]);
    assert.equal(made.length, 1);
    made[0]!.close = () => Promise.resolve();
    await accounts.close();
  });

  it("tell whose a token is, and keep nothing", async () => {
    const { accounts, made, sessions } = fakeAccounts();
    const settings = accountSettings({ pastedToken: "AQA-pasted" });
    assert.equal((await accounts.tryToken(settings)).account, "jo@example.org");
    assert.equal(made[0]?.isClosed, true);
    assert.equal(await sessions.of("account1", placeOf(settings)).load(), null);
    assert.equal(accounts.look("account1", settings), null);
  });
});

describe("settings of an account", () => {
  it("name the cloud that a session belongs to", () => {
    assert.equal(placeOf({ region: "china", apiUrl: "" }), "china");
    assert.equal(placeOf({ region: "china", apiUrl: "https://Cloud.example.org" }), "https://cloud.example.org");
  });

  it("warn of addresses without encryption", () => {
    assert.deepEqual(warningsOf(accountSettings({ apiUrl: "https://a", mqttUrl: "mqtts://a:1" })), []);
    const warnings = warningsOf(accountSettings({ apiUrl: "http://a", mqttUrl: "mqtt://a:1" }));
    assert.deepEqual(
      warnings.map((warning) => warning.split(" is ")[0]),
      ["http://a", "mqtt://a:1"],
    );
  });
});
