import assert from "node:assert/strict";
import { hasRunOut, refreshDue, warnedAt, warningDue } from "../../../../lib/bambu/cloud/life";
import { sessionOf } from "../../../../lib/bambu/cloud/session-keeper";
import type { CloudSession } from "../../../../lib/bambu/cloud/types";
import { ANNA, accountBed, closeBeds, signInAnna } from "../../../support/cloud-account";
import { until } from "../../../support/wait";

const DAY = 86_400_000;
const session: CloudSession = {
  ...sessionOf(
    { accessToken: "AQAtoken", refreshToken: "AQArefresh", expiresAt: 100 * DAY, refreshExpiresAt: null },
    { account: ANNA.account, pasted: false },
  ),
};
const REFRESH = "POST /v1/user-service/user/refreshtoken";

describe("the life of a session", () => {
  it("has warnings at 14, 3 and 1 days, each once", () => {
    let held = session;
    const told: [number, number][] = [];
    for (let hour = 0; hour < 101 * 24; hour += 1) {
      const now = hour * 3_600_000;
      const days = warningDue(held, now);
      if (days === null) continue;
      told.push([hour / 24, days]);
      held = warnedAt(held, now);
    }
    assert.deepEqual(told, [
      [86, 14],
      [97, 3],
      [99, 1],
    ]);
    assert.deepEqual(held.warned, [14, 3, 1]);
  });

  it("tells a warning that was missed late, once, and with the days that are left", () => {
    assert.equal(warningDue(session, 97.5 * DAY), 3);
    const warned = warnedAt(session, 97.5 * DAY);
    assert.deepEqual(warned.warned, [14, 3]);
    assert.equal(warningDue(warned, 98 * DAY), null);
    assert.equal(warningDue(warned, 99 * DAY), 1);
    assert.equal(warningDue(session, 90.2 * DAY), 10);
  });

  it("has none where the end is not known, is over, or was told", () => {
    assert.equal(warningDue({ ...session, expiresAt: null }, 99 * DAY), null);
    assert.equal(warningDue(session, 100 * DAY), null);
    assert.equal(warningDue({ ...session, expired: true }, 99 * DAY), null);
  });

  it("is prolonged from the last fifteen days on, at most once a day", () => {
    const due = (now: number, triedAt: number | null = null, other: Partial<CloudSession> = {}) =>
      refreshDue({ ...session, ...other }, { now, triedAt });
    assert.equal(due(84.9 * DAY), false);
    assert.equal(due(85 * DAY), true);
    assert.equal(due(86 * DAY, 85.5 * DAY), false);
    assert.equal(due(86.5 * DAY, 85.5 * DAY), true);
    assert.equal(due(100 * DAY), false);
    assert.equal(due(90 * DAY, null, { refreshToken: null }), false);
    assert.equal(due(90 * DAY, null, { refreshExpiresAt: 89 * DAY }), false);
    assert.equal(due(90 * DAY, null, { expired: true }), false);
  });

  it("is over at its time only as far as the clock can tell", () => {
    assert.equal(hasRunOut(session, 100 * DAY - 1), false);
    assert.equal(hasRunOut(session, 100 * DAY), true);
    assert.equal(hasRunOut({ ...session, expiresAt: null }, 1e15), false);
  });
});

describe("an account whose sign-in comes to its end", () => {
  afterEach(closeBeds);

  it("warns ahead, each time once, also over a restart, and says the end once", async () => {
    const { account, again, clock, cloud, notices, states, store } = await accountBed();
    cloud.switches.refresh = "refused";
    await signInAnna(account);
    const begun = clock.now;
    const told = () => notices.map(({ event, value }) => `${event} ${String(value)}`);
    clock.now = begun + 76 * DAY;
    await until("the first warning is told", () => notices.length === 1);
    await account.close();
    const restarted = again();
    await restarted.open();
    clock.now = begun + 87 * DAY;
    await until("the second warning is told", () => notices.length === 2);
    clock.now = begun + 89.5 * DAY;
    await until("the third warning is told", () => notices.length === 3);
    clock.now = begun + 90 * DAY;
    await until("the end is told", () => notices.length === 4);
    assert.deepEqual(told(), [
      "account.expiring 14",
      "account.expiring 3",
      "account.expiring 1",
      "account.expired null",
    ]);
    assert.match(notices[0]?.reason ?? "", /ends in 14 days/);
    assert.match(notices[2]?.reason ?? "", /ends in a day/);
    assert.equal(restarted.state.kind, "expired");
    assert.equal(states.at(-1), "expired");
    assert.equal(store.session?.expired, true);
    await restarted.close();
    const third = again();
    await third.open();
    await assert.rejects(third.devices(), /sign in again/);
    assert.equal(notices.length, 4, "told once");
    assert.equal(third.state.kind, "expired");
  });

  it("prolongs it in time, without a warning, and goes on with the new token", async () => {
    const { account, asked, clock, notices, store } = await accountBed();
    await signInAnna(account);
    const { password: old } = await account.mqtt.credentials();
    let changes = 0;
    account.mqtt.changed(() => (changes += 1));
    asked();
    clock.now += 75 * DAY + 1000;
    await until("a new token is saved", () => store.session?.accessToken !== old);
    assert.deepEqual(asked(), [REFRESH]);
    await until("it is told", () => changes === 1);
    assert.notEqual((await account.mqtt.credentials()).password, old);
    assert.equal(store.session?.expiresAt, clock.now + 90 * DAY);
    assert.equal(store.session.uid, "1001");
    clock.now += 10 * DAY;
    await account.devices();
    assert.deepEqual(notices, []);
  });

  it("keeps the token where prolonging is refused, says so once, and tries again a day later", async () => {
    const { account, asked, clock, cloud, logged, notices } = await accountBed({ deaf: true });
    cloud.switches.refresh = "refused";
    await signInAnna(account);
    asked();
    for (let day = 0; day < 3; day += 1) {
      clock.now += day === 0 ? 76 * DAY : DAY;
      await until("it is tried", () => cloud.requests.filter(({ path }) => path.endsWith("refreshtoken")).length > day);
    }
    await account.devices();
    assert.equal(asked().filter((path) => path === REFRESH).length, 3);
    assert.equal(account.state.kind, "signed-in");
    await until("it is logged", () => logged.length > 0);
    assert.equal(logged.length, 1, logged.join("; "));
    assert.match(logged[0] ?? "", /could not be prolonged/);
    assert.deepEqual(notices, []);
  });

  it("asks the cloud at the announced end, and goes on where it still lets us in", async () => {
    const { account, asked, clock, cloud, notices } = await accountBed();
    cloud.switches.refresh = "refused";
    const lasting = { accessToken: cloud.token(ANNA.account), expiresIn: 60 };
    const lift = cloud.fault({ kind: "answer", answer: { status: 200, body: lasting } }, { path: /login$/ });
    await signInAnna(account);
    lift();
    await until("its short life is told", () => notices.length === 1);
    asked();
    clock.now += 61_000;
    await until("the cloud is asked", () => asked().includes("GET /v1/user-service/my/profile"));
    assert.equal(account.state.kind, "signed-in");
    await account.devices();
    assert.deepEqual(
      notices.map(({ event }) => event),
      ["account.expiring"],
    );
  });

  it("asks the cloud at the announced end also after a clock that was years ahead", async () => {
    const { account, asked, clock, cloud, notices } = await accountBed();
    cloud.switches.refresh = "refused";
    await signInAnna(account);
    const begun = clock.now;
    asked();
    clock.now = begun + 20 * 365 * DAY;
    await until("the cloud is asked", () => asked().includes("GET /v1/user-service/my/profile"));
    cloud.expireTokens();
    clock.now = begun + 91 * DAY;
    await until("the end is told", () => account.state.kind === "expired");
    assert.ok(notices.some(({ event }) => event === "account.expired"));
  });

  it("keeps a notice until somebody listens, and drops it when somebody signs in", async () => {
    const { account, cloud } = await accountBed({ deaf: true });
    await signInAnna(account);
    cloud.expireTokens();
    await assert.rejects(account.devices());
    const heard: string[] = [];
    account.subscribe({ notice: ({ event }) => void heard.push(event) });
    account.subscribe({ notice: ({ event }) => void heard.push(event) });
    await until("both hear it", () => heard.length === 2);
    assert.deepEqual(heard, ["account.expired", "account.expired"]);
  });

  it("is told of an end by any call, once, and by no other refusal", async () => {
    const { account, cloud, notices } = await accountBed();
    cloud.addDevice({ serial: "01P00A000000001", account: ANNA.account });
    await signInAnna(account);
    for (const fault of [{ kind: "unauthorized" }, { kind: "status", status: 403 }] as const) {
      const lift = cloud.fault(fault);
      await assert.rejects(account.devices());
      lift();
    }
    assert.equal(account.state.kind, "signed-in");
    cloud.expireTokens();
    const all = [account.devices(), account.catalogue("01P00A000000001"), account.rename("01P00A000000001", "x")];
    for (const one of await Promise.allSettled(all)) assert.equal(one.status, "rejected");
    assert.deepEqual(
      notices.map(({ event }) => event),
      ["account.expired"],
    );
    await signInAnna(account);
    assert.equal(account.state.kind, "signed-in");
    await account.devices();
  });

  it("asks the cloud when the broker refuses the token, and says when it makes sense to try again", async () => {
    const { account, cloud, notices, clock } = await accountBed();
    await signInAnna(account);
    let changes = 0;
    account.mqtt.changed(() => (changes += 1));
    cloud.expireTokens();
    // The profile was asked a moment ago, and what it said is not true any more.
    clock.now += 10_000;
    account.mqtt.refused();
    await until("the end is told", () => notices.length === 1);
    await until("the broker's side knows", () => changes === 1);
    await assert.rejects(account.mqtt.credentials(), /sign in again/);
    await signInAnna(account);
    assert.ok(changes >= 2);
    assert.equal((await account.mqtt.credentials()).username, "u_1001");
  });

  it("has the broker tried again with a token that still lives, later with each refusal", async () => {
    const { account, asked, clock } = await accountBed();
    await signInAnna(account);
    let changes = 0;
    account.mqtt.changed(() => (changes += 1));
    for (const minutes of [15, 30, 60]) {
      const before = changes;
      clock.now += 60_000;
      asked();
      account.mqtt.refused();
      await until("the cloud is asked", () => asked().includes("GET /v1/user-service/my/profile"));
      await account.devices();
      clock.now += minutes * 60_000 - 1;
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(changes, before, `not before ${minutes} minutes`);
      clock.now += 1;
      await until("it may be tried", () => changes === before + 1);
    }
    assert.equal(account.state.kind, "signed-in");
  });
});
