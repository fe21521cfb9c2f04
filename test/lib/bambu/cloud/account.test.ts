import assert from "node:assert/strict";
import { isPrintgateError } from "../../../../lib/errors";
import { chooseSession, sessionOf } from "../../../../lib/bambu/cloud/session-keeper";
import type { CloudSession } from "../../../../lib/bambu/cloud/types";
import { ANNA, accountBed, BEN, closeBeds, signInAnna, TestStore } from "../../../support/cloud-account";
import { ownTime, until } from "../../../support/wait";

const SERIAL = "01P00A000000001";
const signedOut = (error: unknown) => isPrintgateError(error, "signed-out");
const tokens = { refreshToken: null, expiresAt: null, refreshExpiresAt: null };
const sessionWith = (accessToken: string, more: Partial<CloudSession> = {}): CloudSession => ({
  ...sessionOf({ accessToken, ...tokens }, { account: null, pasted: false }),
  ...more,
});

describe("an account of the cloud", () => {
  afterEach(closeBeds);

  it("asks nothing before somebody signs in, and says so", async () => {
    const { account, asked } = await accountBed();
    await account.open();
    assert.deepEqual(account.state, { kind: "signed-out" });
    const all = [account.devices(), account.catalogue(SERIAL), account.rename(SERIAL, "x"), account.mqtt.credentials()];
    for (const one of all) await assert.rejects(one, signedOut);
    assert.equal(await account.betaOptIn(), false);
    await account.signOut();
    assert.deepEqual(asked(), []);
  });

  it("goes on after a restart with what was kept, without asking", async () => {
    const { account, again, asked } = await accountBed();
    await signInAnna(account);
    const state = account.state;
    await account.close();
    asked();
    const restarted = again();
    await restarted.open();
    assert.deepEqual(restarted.state, state);
    assert.equal((await restarted.mqtt.credentials()).username, "u_1001");
    assert.deepEqual(asked(), []);
  });

  it("tells nobody of a session before it is saved", async () => {
    const { account, states, store } = await accountBed();
    let open = (): void => undefined;
    store.gate = new Promise((resolve) => (open = resolve));
    const going = signInAnna(account);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(states, []);
    assert.equal(account.state.kind, "signed-out");
    open();
    await going;
    assert.equal(states[0], "signed-in");
  });

  it("works although nothing can be saved, and says so", async () => {
    const { account, logged, store } = await accountBed();
    store.failing = true;
    assert.equal((await signInAnna(account)).next, "done");
    await account.devices();
    assert.equal(logged.filter((line) => /lost at a restart/.test(line)).length, 1);
  });

  it("forgets the session at a sign-out, whatever the cloud answers", async () => {
    for (const fault of [null, { kind: "status", status: 500 }, { kind: "drop" }, { kind: "edge-page" }] as const) {
      const { account, asked, cloud, states, store } = await accountBed();
      await signInAnna(account);
      asked();
      if (fault !== null) cloud.fault(fault);
      await account.signOut();
      assert.deepEqual(asked(), ["POST /v1/user-service/my/logout"]);
      assert.deepEqual(cloud.requests.at(-1)?.body, { refreshtoken: "" });
      assert.equal(store.session, null);
      assert.equal(states.at(-1), "signed-out");
      await assert.rejects(account.devices(), signedOut);
    }
  });

  it("gives no answer that was asked for before a sign-out", async () => {
    const { account, cloud } = await accountBed();
    cloud.addDevice({ serial: SERIAL, account: ANNA.account });
    await signInAnna(account);
    cloud.fault({ kind: "slow", ms: 150 }, { path: /print$|version$/ });
    const going = [account.devices(), account.catalogue(SERIAL)].map((one) => assert.rejects(one, signedOut));
    await until("they are asked for", () => cloud.requests.some(({ path }) => path.endsWith("version")));
    await account.signOut();
    await Promise.all(going);
  });

  it("shows nobody the printers of the one who was signed in before", async () => {
    const { account, cloud } = await accountBed();
    cloud.addDevice({ serial: SERIAL, account: ANNA.account });
    cloud.addDevice({ serial: "00M00A000000002", account: BEN.account });
    await signInAnna(account);
    cloud.fault({ kind: "slow", ms: 150 }, { path: /print$/, times: 1 });
    const late = assert.rejects(account.devices(), signedOut);
    await until("it is asked for", () => cloud.requests.some(({ path }) => path.endsWith("print")));
    await account.signIn({ kind: "token", accessToken: cloud.token(BEN.account) });
    await late;
    assert.deepEqual(
      (await account.devices()).map(({ serial }) => serial),
      ["00M00A000000002"],
    );
    assert.equal(await account.betaOptIn(), true);
    assert.equal((await account.mqtt.credentials()).username, "u_1002");
  });

  it("has the later of two sign-ins that were begun together", async () => {
    const { account, cloud } = await accountBed();
    cloud.fault({ kind: "slow", ms: 80 }, { path: /login$/, times: 1 });
    const first = signInAnna(account);
    const second = account.signIn({ kind: "token", accessToken: cloud.token(BEN.account) });
    assert.deepEqual([(await first).next, (await second).next], ["done", "done"]);
    assert.equal((await account.mqtt.credentials()).username, "u_1002");
    await Promise.all([signInAnna(account), account.signOut()]);
    assert.equal(account.state.kind, "signed-out");
  });

  it("tells the broker's side of new credentials, and not of what is none", async () => {
    const { account, cloud } = await accountBed();
    let changes = 0;
    const stop = account.mqtt.changed(() => (changes += 1));
    account.mqtt.changed(() => {
      throw new Error("a listener of no use");
    });
    await signInAnna(account);
    assert.ok(changes >= 1);
    const before = changes;
    cloud.fault(
      { kind: "answer", answer: { status: 200, body: { uid: 1001, name: "Anna B." } } },
      { path: /profile$/ },
    );
    await account.betaOptIn();
    assert.equal(changes, before);
    await account.signOut();
    assert.equal(changes, before + 1);
    stop();
    await signInAnna(account);
    assert.equal(changes, before + 1);
  });

  it("can be closed at every moment, within a second, and says nothing afterwards", async () => {
    for (const afterMs of [0, 1, 5, 20, 60]) {
      const { account, cloud, notices, states, store } = await accountBed();
      cloud.fault({ kind: "slow", ms: 30 });
      const outcomes = [signInAnna(account), account.devices(), account.betaOptIn(), account.mqtt.credentials()].map(
        (one) => one.catch((error: unknown) => error),
      );
      account.mqtt.refused();
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      assert.ok((await ownTime(() => account.close())) < 1000);
      const [said, saved] = [states.length + notices.length, store.saved.length];
      for (const outcome of await Promise.all(outcomes))
        if (outcome instanceof Error) assert.ok(isPrintgateError(outcome), String(outcome));
      await account.close();
      await new Promise((resolve) => setTimeout(resolve, 40));
      assert.equal(states.length + notices.length, said);
      assert.equal(store.saved.length, saved);
      await assert.rejects(account.open(), signedOut);
      await assert.rejects(account.devices(), signedOut);
      await closeBeds();
    }
  });

  it("keeps a login that came just before it was closed", async () => {
    const { account, cloud, store } = await accountBed();
    cloud.fault({ kind: "hang" }, { path: /profile$/ });
    const going = signInAnna(account).catch((error: unknown) => error);
    await until("the profile is asked for", () => cloud.requests.some(({ path }) => path.endsWith("profile")));
    await account.close();
    await going;
    assert.ok(store.session !== null && cloud.token(ANNA.account) !== store.session.accessToken);
  });
});

describe("a token that is pasted into the settings", () => {
  afterEach(closeBeds);

  it("is used while nobody has signed in, and asks who it is when that is needed", async () => {
    const { again, asked, cloud } = await accountBed();
    const pastedToken = cloud.token(ANNA.account);
    const account = again({ pastedToken: ` ${pastedToken}\n` });
    await account.open();
    const who = { uid: null, account: null, name: null };
    assert.deepEqual(account.state, { kind: "signed-in", who, until: null });
    assert.deepEqual(asked(), []);
    assert.deepEqual(await account.mqtt.credentials(), { username: "u_1001", password: pastedToken });
    assert.deepEqual(asked(), ["GET /v1/user-service/my/profile"]);
    assert.equal(account.state.who.name, "Anna");
  });

  it("says when it ends and whose it is, where it is of the kind that knows", async () => {
    const { again, cloud, clock } = await accountBed({ cloud: { tokens: "jwt" } });
    const account = again({ pastedToken: cloud.token(ANNA.account) });
    await account.open();
    assert.equal(account.state.kind === "signed-in" && account.state.until, clock.now + 90 * 86_400_000);
    assert.equal((await account.mqtt.credentials()).username, "u_1001");
  });

  it("is not logged out, since it belongs to whatever it was copied from", async () => {
    const { again, asked, cloud } = await accountBed();
    const account = again({ pastedToken: cloud.token(ANNA.account) });
    await account.open();
    await account.signOut();
    assert.deepEqual(asked(), []);
    assert.equal(account.state.kind, "signed-out");
  });

  it("takes the place of a sign-in that ends, at once: by the cloud's word, and when somebody signs out", async () => {
    for (const end of ["cloud", "user"] as const) {
      const { again, clock, cloud, store, notices } = await accountBed();
      const pastedToken = cloud.token(BEN.account);
      const account = again({ pastedToken });
      await signInAnna(account);
      await account.devices();
      if (end === "user") await account.signOut();
      else {
        clock.now += 61_000;
        cloud.fault({ kind: "expired" }, { times: 1 });
        await assert.rejects(account.devices({ fresh: true }), { code: "account-expired" });
        assert.match(notices.at(-1)?.reason ?? "", /the pasted token is used$/);
      }
      assert.equal(account.state.kind, "signed-in");
      assert.equal(store.session?.pasted, true);
      assert.deepEqual(await account.mqtt.credentials(), { username: "u_1002", password: pastedToken });
      cloud.fault({ kind: "expired" });
      await assert.rejects(account.devices(), { code: "account-expired" }, "nothing is shown of the one before");
      assert.equal(account.state.kind, "expired", "and then there is nobody left");
    }
  });

  it("that is none leaves nobody signed in, with a word in the log", async () => {
    const { again, logged } = await accountBed();
    const account = again({ pastedToken: "two words" });
    await account.open();
    assert.equal(account.state.kind, "signed-out");
    assert.match(logged.join(), /pasted token can not be used/);
    assert.ok(!logged.join().includes("two words"));
  });

  it("is in the way of nobody, and does not outlive its removal", () => {
    const dialog = sessionWith("AQAdialog");
    const pasted = sessionWith("AQApasted", { pasted: true });
    const other = sessionWith("AQAother", { pasted: true });
    const kept = { ...pasted, uid: "1001", warned: [14] };
    assert.equal(chooseSession(null, null), null);
    assert.equal(chooseSession(null, pasted), pasted);
    assert.equal(chooseSession(dialog, pasted), dialog);
    assert.equal(chooseSession(dialog, null), dialog);
    assert.equal(chooseSession(kept, pasted), kept, "what was learnt of it stays");
    assert.equal(chooseSession(kept, other), other);
    assert.equal(chooseSession(kept, null), null);
    const expired = { ...dialog, expired: true };
    assert.equal(chooseSession(expired, pasted), pasted);
    assert.equal(chooseSession(expired, null), expired);
  });

  it("that was removed is removed from the store too", async () => {
    const store = new TestStore(sessionWith("AQAgone", { pasted: true }));
    const { account } = await accountBed({ store });
    await account.open();
    assert.equal(account.state.kind, "signed-out");
    assert.equal(store.session, null);
  });
});
