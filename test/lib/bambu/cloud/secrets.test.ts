import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { SignInStep } from "../../../../lib/bambu/cloud/types";
import type { Fault } from "../../../../lib/simulator/cloud/virtual-cloud";
import { ANNA, accountBed, CARA, closeBeds } from "../../../support/cloud-account";

const SERIAL = "01P00A000000001";
const ACCESS_CODE = "90817263";

/** An answer that repeats everything it was sent, as a server in trouble might. */
const echo = (secrets: readonly string[], status: number): Fault => ({
  kind: "answer",
  answer: { status, body: { code: 9, error: secrets.join(" "), message: secrets.join(" "), reason: secrets[0] ?? "" } },
});

describe("secrets of an account", () => {
  afterEach(closeBeds);

  it("are in no error, log line, state or notice, whatever goes wrong", async () => {
    const { account, clock, cloud, logged, notices, store } = await accountBed({ timeoutMs: 200 });
    const heard: unknown[] = [];
    account.subscribe({ state: (state) => heard.push(state) });
    cloud.addDevice({ serial: SERIAL, account: ANNA.account, accessCode: ACCESS_CODE });
    cloud.addDevice({ serial: "00M00A000000002", account: CARA.account, accessCode: ACCESS_CODE });
    const typed = ["271828", "a ticket of somebody", "AQAtyped-token-of-somebody", "a wrong password"];
    const steps: readonly SignInStep[] = [
      { kind: "password", account: ANNA.account, password: ANNA.password },
      { kind: "password", account: ANNA.account, password: "a wrong password" },
      { kind: "password", account: CARA.account, password: CARA.password },
      { kind: "tfa", code: "271828" },
      { kind: "send-code", account: ANNA.account },
      { kind: "code", account: ANNA.account, code: "271828" },
      { kind: "ticket", ticket: "a ticket of somebody" },
      { kind: "token", accessToken: "AQAtyped-token-of-somebody" },
      { kind: "token", accessToken: "AQAtyped-token-of-somebody with\r\nmore" },
    ];
    const tokens = new Set<string>();
    const secrets = () => [...typed, ANNA.password, CARA.password, ACCESS_CODE, ...tokens];
    const note = async (work: Promise<unknown>): Promise<void> => {
      await work.catch((error: unknown) => heard.push(error));
      for (const session of store.saved) if (session !== null) tokens.add(session.accessToken);
    };
    const faults: readonly (() => Fault | null)[] = [
      () => null,
      () => ({ kind: "expired" }),
      () => ({ kind: "drop" }),
      () => ({ kind: "hang" }),
      () => ({ kind: "cut" }),
      () => ({ kind: "wrong-types" }),
      () => ({ kind: "broken-json" }),
      ...[200, 400, 401, 404, 500].map((status) => () => echo(secrets(), status)),
      () => ({ kind: "edge-page" }),
    ];
    for (const fault of faults) {
      clock.now += 600_000;
      await note(account.signIn({ kind: "token", accessToken: cloud.token(ANNA.account) }));
      const wrong = fault();
      if (wrong !== null) cloud.fault(wrong);
      await note(account.devices({ fresh: true }).then(() => undefined));
      await note(account.catalogue(SERIAL, { force: true }).then(() => undefined));
      await note(account.rename(SERIAL, "Workshop"));
      await note(account.betaOptIn());
      if (wrong?.kind !== "hang") for (const step of steps) await note(account.signIn(step));
      account.mqtt.refused();
      cloud.clearFaults();
    }
    store.failing = true;
    await note(account.signIn({ kind: "token", accessToken: cloud.token(ANNA.account) }));
    await note(account.signOut());

    assert.ok(tokens.size > 5, `${tokens.size} tokens`);
    assert.ok(heard.filter((one) => one instanceof Error).length > 60, "errors of every kind were told");
    const everything = inspect([heard, logged, notices, account.state], {
      depth: 20,
      showHidden: true,
      maxArrayLength: null,
    });
    for (const secret of secrets()) assert.ok(!everything.includes(secret), secret);
  });

  it("are in no notice and no address", async () => {
    const { account, cloud, notices } = await accountBed();
    const token = cloud.token(ANNA.account);
    await account.signIn({ kind: "token", accessToken: token });
    await account.devices();
    await account.rename(SERIAL, "x").catch(() => undefined);
    for (const { path, query } of cloud.requests) assert.ok(!`${path} ${JSON.stringify(query)}`.includes(token));
    cloud.expireTokens();
    await account.catalogue(SERIAL).catch(() => undefined);
    assert.equal(notices.length, 1);
    assert.ok(!JSON.stringify(notices).includes(token));
  });
});
