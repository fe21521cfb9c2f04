import assert from "node:assert/strict";
import { isPrintgateError } from "../../../../lib/errors";
import { fetchPreferenceUid } from "../../../../lib/bambu/cloud/calls";
import { createClient } from "../../../../lib/bambu/cloud/client";
import { fullBucket, mayAsk, type Rest, restAfter, spokenTime, takePermit } from "../../../../lib/bambu/cloud/pace";
import { startVirtualCloud } from "../../../../lib/simulator/cloud/virtual-cloud";
import { until } from "../../../support/wait";
import { ANNA, accountBed, closeBeds, signInAnna } from "../../../support/cloud-account";

const HOUR = 3_600_000;
const blocked = (error: unknown) => isPrintgateError(error, "blocked");

describe("the pace of requests", () => {
  it("is at most 160 in any five minutes, whoever asks how often", () => {
    let bucket = fullBucket(0);
    const sentAt: number[] = [];
    for (let now = 0; now < 20 * 60_000; now += 250) {
      const taken = takePermit(bucket, now);
      bucket = taken.bucket;
      if (taken.waitMs !== null) sentAt.push(now + taken.waitMs);
    }
    const most = Math.max(...sentAt.map((from) => sentAt.filter((at) => at >= from && at < from + 300_000).length));
    assert.ok(most <= 161, String(most));
    assert.ok(sentAt.length > 400);
  });

  it("lets sixty go at once, makes some wait up to a minute, and refuses the rest", () => {
    let bucket = fullBucket(0);
    const waits = Array.from({ length: 100 }, () => {
      const taken = takePermit(bucket, 0);
      bucket = taken.bucket;
      return taken.waitMs;
    });
    assert.equal(waits.filter((wait) => wait === 0).length, 60);
    assert.equal(Math.max(...waits.map((wait) => wait ?? 0)), 60_000);
    assert.equal(waits.filter((wait) => wait === null).length, 20);
  });

  it("survives a clock that is set back", () => {
    const taken = takePermit({ permits: 0.5, at: 1_000_000 }, 0);
    assert.equal(taken.waitMs, 1500);
    assert.equal(takePermit(taken.bucket, 9000).waitMs, 0);
  });

  it("rests for hours after a block, longer with each, a day at most", () => {
    let rest: Rest | null = null;
    const hours: number[] = [];
    for (let time = 0; time < 7; time += 1) {
      rest = restAfter(rest, { now: 0, retryAfterMs: null });
      hours.push(rest.until / HOUR);
    }
    assert.deepEqual(hours, [2, 4, 8, 16, 24, 24, 24]);
  });

  it("rests longer where the edge wishes so, never shorter, a week at most", () => {
    const until = (retryAfterMs: number) => restAfter(null, { now: 0, retryAfterMs }).until / HOUR;
    assert.equal(until(1000), 2);
    assert.equal(until(5 * HOUR), 5);
    assert.equal(until(1e15), 7 * 24);
  });

  it("lets a user through once, and then every ten minutes", () => {
    const rest = restAfter(null, { now: 0, retryAfterMs: null });
    assert.equal(mayAsk(rest, { by: "program", now: 1 }).allowed, false);
    const first = mayAsk(rest, { by: "user", now: 1 });
    assert.equal(first.allowed, true);
    const second = mayAsk(first.next, { by: "user", now: 60_001 });
    assert.deepEqual([second.allowed, second.waitMs], [false, 540_000]);
    assert.equal(mayAsk(first.next, { by: "user", now: 600_001 }).allowed, true);
    assert.equal(mayAsk(first.next, { by: "program", now: 600_001 }).allowed, false);
    assert.equal(mayAsk(first.next, { by: "program", now: 2 * HOUR }).allowed, true);
  });

  it("is over when a clock that was years ahead is set right", () => {
    const rest = restAfter(null, { now: 10 * 365 * 24 * HOUR, retryAfterMs: null });
    assert.equal(mayAsk(rest, { by: "program", now: 0 }).allowed, true);
  });

  it("is told in words", () => {
    assert.equal(spokenTime(0), "a minute");
    assert.equal(spokenTime(61_000), "2 minutes");
    assert.equal(spokenTime(2 * HOUR), "2 hours");
    assert.equal(spokenTime(2 * HOUR + 1), "3 hours");
  });
});

describe("a client of the cloud", () => {
  it("makes those who ask too often wait, refuses the rest, and lets nobody wait for ever", async () => {
    const cloud = await startVirtualCloud({ users: [ANNA] });
    const places = { api: cloud.url, web: cloud.url, mqtt: "mqtts://127.0.0.1:8883" };
    const client = createClient({ places, timeoutMs: 5000, now: () => 0 });
    const token = cloud.token(ANNA.account);
    const outcomes: string[] = [];
    const all = Array.from({ length: 90 }, () =>
      fetchPreferenceUid(client, token).then(
        () => outcomes.push("answered"),
        (error: unknown) => outcomes.push(isPrintgateError(error) ? error.code : "?"),
      ),
    );
    const count = (outcome: string) => outcomes.filter((one) => one === outcome).length;
    await until("those that may go have gone", () => count("answered") === 60);
    assert.deepEqual([outcomes.length, count("blocked"), cloud.requests.length], [70, 10, 60]);
    client.close();
    await Promise.all(all);
    assert.equal(count("signed-out"), 20);
    await cloud.close();
  });
});

describe("an account that the edge turned away", () => {
  afterEach(closeBeds);

  it("asks nothing for hours, whatever is wanted of it, and longer after the next block", async () => {
    const { account, asked, clock, cloud } = await accountBed();
    await signInAnna(account);
    asked();
    cloud.fault({ kind: "too-many", retryAfterSeconds: 30 });
    await assert.rejects(account.catalogue("01P00A000000001"), blocked);
    assert.equal(asked().length, 1);
    for (const minutes of [1, 30, 60]) {
      clock.now += minutes * 60_000;
      await assert.rejects(account.catalogue("01P00A000000001"), blocked);
      await assert.rejects(account.devices(), blocked);
    }
    assert.deepEqual(asked(), []);
    clock.now += HOUR;
    await assert.rejects(account.devices(), blocked);
    assert.equal(asked().length, 1);
    clock.now += 3 * HOUR;
    await assert.rejects(account.devices(), blocked);
    assert.equal(asked().length, 0);
    cloud.clearFaults();
    clock.now += HOUR;
    await account.devices();
    assert.equal(account.state.kind, "signed-in");
  });

  it("never repeats a login by itself, and lets one try of the user through", async () => {
    const { account, asked, clock, cloud } = await accountBed();
    cloud.fault({ kind: "edge-page" });
    await assert.rejects(signInAnna(account), blocked);
    assert.deepEqual(asked(), ["POST /v1/user-service/user/login"]);
    clock.now += 60_000;
    await assert.rejects(signInAnna(account), blocked);
    assert.equal(asked().length, 1);
    await assert.rejects(signInAnna(account), /try again in 10 minutes/);
    clock.now += 5 * 60_000;
    await assert.rejects(signInAnna(account), blocked);
    assert.deepEqual(asked(), []);
    clock.now += 5 * 60_000;
    cloud.clearFaults();
    assert.equal((await signInAnna(account)).next, "done");
    await account.devices();
  });

  it("counts requests that were out together as one block", async () => {
    const { account, clock, cloud, asked } = await accountBed();
    await signInAnna(account);
    cloud.fault({ kind: "edge-page" });
    const all = ["01P00A000000001", "01P00A000000002", "01P00A000000003"].map((serial) => account.catalogue(serial));
    for (const one of await Promise.allSettled(all)) assert.equal(one.status, "rejected");
    clock.now += 2 * HOUR;
    cloud.clearFaults();
    asked();
    await account.devices();
    assert.equal(asked().length, 2);
  });

  it("still asks the API where only the web pages are guarded", async () => {
    const { account, cloud } = await accountBed();
    cloud.fault({ kind: "edge-page" }, { path: /^\/v1\// });
    await assert.rejects(account.signIn({ kind: "send-code", account: ANNA.account }), blocked);
    cloud.clearFaults();
    // One origin here, so that the user's own try is what goes through.
    assert.equal((await account.signIn({ kind: "send-code", account: ANNA.account })).next, "code");
  });
});
