import assert from "node:assert/strict";
import { isPrintgateError } from "../../../../lib/errors";
import { devicesOf, mergeDevices } from "../../../../lib/bambu/cloud/devices";
import type { CloudDevice } from "../../../../lib/bambu/cloud/types";
import { ANNA, type AccountBed, accountBed, closeBeds, signInAnna } from "../../../support/cloud-account";

const PRINT = "GET /v1/iot-service/api/user/print";
const BIND = "GET /v1/iot-service/api/user/bind";
const print = { path: /\/user\/print$/ };
const bind = { path: /\/user\/bind$/ };
const SERIAL = "01P00A000000001";

async function signedIn(): Promise<AccountBed> {
  const bed = await accountBed();
  bed.cloud.addDevice({ serial: SERIAL, account: ANNA.account, name: "Workshop", accessCode: "11223344\n" });
  await signInAnna(bed.account);
  bed.asked();
  return bed;
}

describe("the printers of an account", () => {
  afterEach(closeBeds);

  it("come from the list of jobs, with the name of the model that people know", async () => {
    const { account, asked, cloud } = await signedIn();
    assert.deepEqual(await account.devices(), [
      { serial: SERIAL, name: "Workshop", model: "P1S", online: true, accessCode: "11223344", jobStatus: null },
    ]);
    assert.deepEqual(asked(), [PRINT]);
    assert.deepEqual(cloud.requests.at(-1)?.query, { force: "true" });
  });

  const failures = [
    ["has no member for them", { kind: "no-devices" }],
    ["is empty", { kind: "answer", answer: { status: 200, body: { message: "success", devices: [] } } }],
    [
      "holds something else",
      { kind: "answer", answer: { status: 200, body: { message: "success", devices: "none" } } },
    ],
    ["has the wrong types", { kind: "wrong-types" }],
    ["is a web page", { kind: "web-page" }],
    ["is cut off", { kind: "broken-json" }],
    ["is out of order", { kind: "status", status: 502 }],
    ["breaks off", { kind: "cut" }],
    ["is refused once", { kind: "unauthorized" }],
    ["has no body", { kind: "answer", answer: { status: 200, body: null } }],
  ] as const;
  for (const [words, fault] of failures) {
    it(`come from the list of what is bound where the list of jobs ${words}`, async () => {
      const { account, asked, cloud } = await signedIn();
      cloud.fault(fault, print);
      const devices = await account.devices();
      assert.deepEqual(
        devices.map(({ serial, name, online, accessCode }) => ({ serial, name, online, accessCode })),
        [{ serial: SERIAL, name: "Workshop", online: true, accessCode: "11223344" }],
      );
      assert.deepEqual(asked(), [PRINT, BIND]);
    });
  }

  it("stay known where both lists name none", async () => {
    const { account, clock, cloud } = await signedIn();
    const before = await account.devices();
    clock.now += 11 * 60_000;
    cloud.fault({ kind: "no-devices" });
    assert.deepEqual(await account.devices(), before);
  });

  it("are none, and no error, where there never was one", async () => {
    const { account } = await accountBed();
    await signInAnna(account);
    assert.deepEqual(await account.devices(), []);
  });

  it("are an error where neither list can be had", async () => {
    const { account, cloud } = await signedIn();
    cloud.fault({ kind: "status", status: 500 }, print);
    cloud.fault({ kind: "web-page" }, bind);
    await assert.rejects(account.devices(), (error) => isPrintgateError(error, "bad-answer"));
  });

  it("are not asked for a second time where the edge turned us away, or the token has ended", async () => {
    const { account, asked, cloud } = await signedIn();
    const lift = cloud.fault({ kind: "expired" }, print);
    await assert.rejects(account.devices(), (error) => isPrintgateError(error, "account-expired"));
    assert.deepEqual(asked(), [PRINT]);
    lift();
    await signInAnna(account);
    asked();
    cloud.fault({ kind: "edge-page" }, print);
    await assert.rejects(account.devices(), (error) => isPrintgateError(error, "blocked"));
    assert.deepEqual(asked(), [PRINT]);
  });

  it("are asked for once in ten minutes, anew at most once a minute, and once for many who ask together", async () => {
    const { account, asked, clock } = await signedIn();
    await Promise.all([account.devices(), account.devices({ fresh: true }), account.devices()]);
    await account.devices({ fresh: true });
    assert.deepEqual(asked(), [PRINT]);
    clock.now += 61_000;
    await account.devices();
    assert.deepEqual(asked(), []);
    await account.devices({ fresh: true });
    assert.deepEqual(asked(), [PRINT]);
    clock.now += 10 * 60_000;
    await account.devices();
    assert.deepEqual(asked(), [PRINT]);
  });

  it("are renamed, in the list that is kept too", async () => {
    const { account, asked, cloud } = await signedIn();
    await account.devices();
    asked();
    await account.rename(SERIAL.toLowerCase(), "  Cellar ");
    const [request] = cloud.requests.slice(-1);
    assert.equal(request?.method, "PATCH");
    assert.deepEqual(request.body, { dev_id: SERIAL, dev_name: "Cellar" });
    assert.equal((await account.devices())[0]?.name, "Cellar");
    assert.deepEqual(asked(), ["PATCH /v1/iot-service/api/user/device/info"]);
  });

  it("are not renamed to what is no name, nor where they are somebody else's", async () => {
    const { account, asked } = await signedIn();
    for (const name of ["", "  ", "two\nlines", "x".repeat(65)])
      await assert.rejects(account.rename(SERIAL, name), (error) => isPrintgateError(error, "request-invalid"));
    assert.deepEqual(asked(), []);
    await assert.rejects(account.rename("01P00A000000099", "Mine"), (error) =>
      isPrintgateError(error, "account-refused"),
    );
  });

  it("are read from both spellings, and from nothing that is no printer", () => {
    const hostile = JSON.parse(
      `[1, null, "x", [], {"dev_id": 7}, {"dev_id": ""}, {"dev_id": "a/b"}, {"dev_id": "__proto__"}, {"dev_id": "${"9".repeat(99)}"}]`,
    ) as unknown;
    assert.deepEqual(
      devicesOf(hostile).map(({ serial }) => serial),
      ["__PROTO__"],
    );
    for (const nothing of [null, undefined, 7, "x", {}, { devices: [] }]) assert.deepEqual(devicesOf(nothing), []);
    const queue = { dev_id: "00m00a000000002", dev_name: "Left", dev_online: 1, task_status: "RUNNING" };
    const bound = { dev_id: "03900A000000003", name: "Right", online: false, print_status: "SUCCESS" };
    assert.deepEqual(devicesOf([queue, bound, queue]), [
      {
        ...{ serial: "00M00A000000002", name: "Left", model: null, online: true },
        ...{ accessCode: null, jobStatus: "RUNNING" },
      },
      {
        ...{ serial: "03900A000000003", name: "Right", model: null, online: false },
        ...{ accessCode: null, jobStatus: "SUCCESS" },
      },
    ]);
  });

  it("have the model's marketing name whichever word the cloud uses", () => {
    const model = (words: object) => devicesOf([{ dev_id: SERIAL, ...words }])[0]?.model;
    assert.equal(model({ dev_model_name: "BL-P001" }), "X1C");
    assert.equal(model({ dev_model_name: "N7-V2", dev_product_name: "P2S" }), "P2S");
    assert.equal(model({ dev_model_name: "X1 Carbon" }), "X1C");
    assert.equal(model({ dev_product_name: "Bambu Lab A1 mini" }), "A1 mini");
    assert.equal(model({ dev_model_name: "Q9" }), "Q9");
    assert.equal(model({ dev_model_name: {}, dev_product_name: 4 }), null);
  });

  it("keep what a later, shorter answer leaves out", () => {
    const old: CloudDevice = {
      ...{ serial: SERIAL, name: "Workshop", model: "P1S", online: true },
      ...{ accessCode: "11223344", jobStatus: "RUNNING" },
    };
    const heard: CloudDevice = { ...old, name: SERIAL, model: null, online: null, accessCode: null, jobStatus: null };
    assert.deepEqual(mergeDevices([old], [heard]), [{ ...old, online: null, jobStatus: null }]);
    assert.deepEqual(mergeDevices([old], []), [old]);
    const other = { ...heard, serial: "00M00A000000002" };
    assert.deepEqual(mergeDevices([old], [other]), [other], "a printer that was given away is gone");
  });
});

describe("the firmware catalogue of an account", () => {
  afterEach(closeBeds);
  const path = "GET /v1/iot-service/api/user/device/version";

  it("has the entry of the printer as the cloud sent it, found by its serial", async () => {
    const { account, asked, cloud } = await signedIn();
    const entry = { dev_id: SERIAL, version: "01.08.02.00", firmware: [{ version: "01.09.00.00", status: "beta" }] };
    const devices = [{ dev_id: "00M00A000000002", firmware: [] }, null, { ...entry, extra: { kept: true }, ams: null }];
    cloud.fault({ kind: "answer", answer: { status: 200, body: { message: "success", devices } } }, { times: 1 });
    assert.deepEqual(await account.catalogue(SERIAL.toLowerCase()), { ...entry, extra: { kept: true }, ams: null });
    assert.deepEqual(asked(), [path]);
    assert.deepEqual(cloud.requests.at(-1)?.query, { dev_id: SERIAL });
    assert.match(cloud.requests.at(-1)?.headers["x-bbl-client-id"] ?? "", /^slicer:1001:[0-9a-f]{4}$/);
  });

  it("has nothing for a printer that the answer does not name", async () => {
    const { account, cloud } = await signedIn();
    cloud.fault({ kind: "no-devices" }, { times: 1 });
    assert.equal(await account.catalogue(SERIAL), null);
    const foreign = { status: 200, body: { message: "success", devices: [{ dev_id: "00M00A000000002" }] } };
    cloud.fault({ kind: "answer", answer: foreign }, { times: 1 });
    assert.equal(await account.catalogue("03900A000000003"), null);
  });

  it("is no catalogue where the list is something else", async () => {
    const { account, cloud } = await signedIn();
    cloud.fault({ kind: "wrong-types" }, { path: /version$/ });
    await assert.rejects(account.catalogue(SERIAL), (error) => isPrintgateError(error, "bad-answer"));
  });

  it("is kept for six hours a printer, and asked for anew at most once a minute", async () => {
    const { account, asked, clock, cloud } = await signedIn();
    cloud.addDevice({ serial: "00M00A000000002", account: ANNA.account });
    await Promise.all([account.catalogue(SERIAL), account.catalogue(SERIAL, { force: true })]);
    await account.catalogue("00M00A000000002");
    await account.catalogue(SERIAL, { force: true });
    assert.equal(asked().length, 2);
    clock.now += 61_000;
    await account.catalogue(SERIAL);
    assert.equal(asked().length, 0);
    await account.catalogue(SERIAL, { force: true });
    assert.equal(asked().length, 1);
    clock.now += 6 * 3_600_000;
    await account.catalogue(SERIAL);
    assert.equal(asked().length, 1);
  });

  it("is asked for again after a failure", async () => {
    const { account, cloud } = await signedIn();
    cloud.fault({ kind: "status", status: 503 }, { times: 1 });
    await assert.rejects(account.catalogue(SERIAL), (error) => isPrintgateError(error, "unreachable"));
    assert.equal((await account.catalogue(SERIAL))?.dev_id, SERIAL);
  });

  it("knows the wish for beta firmware from the profile, and else as it was kept", async () => {
    const { account, asked, clock, cloud, store, again } = await signedIn();
    assert.equal(await account.betaOptIn(), false);
    const wish = { uid: 1001, account: ANNA.account, setting: { isFirmwareBetaOpen: 1 } };
    cloud.fault({ kind: "answer", answer: { status: 200, body: wish } }, { path: /profile$/, times: 1 });
    assert.equal(await account.betaOptIn(), false, "asked at most every six hours");
    clock.now += 6 * 3_600_000;
    assert.equal(await account.betaOptIn(), true);
    assert.equal(store.session?.firmwareBetaOpen, true);
    cloud.fault({ kind: "status", status: 500 });
    const restarted = again();
    asked();
    assert.equal(await restarted.betaOptIn({ kept: true }), true);
    assert.deepEqual(asked(), [], "as it is kept, without asking");
    assert.equal(await restarted.betaOptIn(), true);
    assert.deepEqual(asked(), ["GET /v1/user-service/my/profile"]);
  });
});
