import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { request } from "node:https";
import { isPrintgateError } from "../../../../lib/errors";
import type { Fault, VirtualCloud } from "../../../../lib/simulator/cloud/virtual-cloud";
import { ANNA, ask, BERT, CloudBench, type Reply } from "./fixture";
import { ownTime } from "../../../support/wait";

const PRINT = "/v1/iot-service/api/user/print";
const BIND = "/v1/iot-service/api/user/bind";
const VERSION = "/v1/iot-service/api/user/device/version";
const SERIAL = "01P00A000000001";
const bench = new CloudBench();

async function withDevice(): Promise<{ cloud: VirtualCloud; get: (path: string) => Promise<Reply> }> {
  const cloud = await bench.cloud();
  cloud.addDevice({ serial: SERIAL, account: ANNA.account, name: "Workshop", accessCode: "11223344" });
  const token = cloud.token(ANNA.account);
  return { cloud, get: (path) => ask(cloud, "GET", path, { token }) };
}

describe("the device calls of the simulated cloud", () => {
  afterEach(() => bench.clear());

  it("list the same device under the keys of either call", async () => {
    const { get } = await withDevice();
    const queue = (await get(`${PRINT}?force=true`)).json;
    assert.deepEqual([queue.message, queue.code, queue.error], ["success", null, null]);
    const [row] = queue.devices;
    assert.deepEqual([row.dev_id, row.dev_name, row.dev_online, row.task_id], [SERIAL, "Workshop", true, null]);
    const [bound] = (await get(BIND)).json.devices;
    assert.deepEqual(
      [bound.dev_id, bound.name, bound.online, bound.print_status],
      [SERIAL, "Workshop", true, "SUCCESS"],
    );
    assert.deepEqual([row.dev_access_code, bound.dev_access_code], ["11223344", "11223344"]);
    assert.deepEqual([row.dev_model_name, bound.dev_product_name, bound.nozzle_diameter], ["C12", "P1S", 0.4]);
  });

  it("leave the key `devices` out of an empty queue and keep it in an empty list", async () => {
    const { cloud } = await withDevice();
    const token = cloud.token(BERT.account);
    const queue = (await ask(cloud, "GET", PRINT, { token })).json;
    assert.deepEqual([queue.message, "devices" in queue], ["success", false]);
    assert.deepEqual((await ask(cloud, "GET", BIND, { token })).json.devices, []);
  });

  it("rename a device by `dev_name`, and only one's own", async () => {
    const { cloud, get } = await withDevice();
    const rename = (account: string, body: object) =>
      ask(cloud, "PATCH", "/v1/iot-service/api/user/device/info", { token: cloud.token(account), body });
    assert.equal((await rename(ANNA.account, { dev_id: SERIAL, dev_name: "Cellar" })).json.message, "success");
    assert.equal((await get(BIND)).json.devices[0].name, "Cellar");
    assert.equal((await rename(BERT.account, { dev_id: SERIAL, dev_name: "Mine" })).status, 403);
    assert.equal((await rename(ANNA.account, { dev_id: SERIAL, name: "Attic" })).status, 400);
    assert.equal((await rename(ANNA.account, { dev_id: SERIAL, dev_name: " " })).status, 422);
  });

  it("tell the firmware catalogue of one's own devices", async () => {
    const { cloud, get } = await withDevice();
    const [row] = (await get(`${VERSION}?dev_id=${SERIAL}`)).json.devices;
    assert.deepEqual([row.dev_id, row.version, row.ams], [SERIAL, "01.08.02.00", []]);
    assert.deepEqual(
      [row.firmware.length, row.firmware[0].status, row.firmware[0].force_update],
      [1, "release", false],
    );
    cloud.setCatalogue(SERIAL, {
      version: null,
      firmware: [
        { version: "01.09.01.00", status: "beta", notes: "Faster.", force: true },
        { version: "01.08.02.00", status: null },
      ],
      ams: [{ amsId: 128, firmware: [{ version: "03.00.22.00" }] }],
    });
    const [said] = (await get(`${VERSION}?dev_id=${SERIAL}`)).json.devices;
    assert.equal("version" in said, false);
    assert.deepEqual(
      said.firmware.map((one: any) => [one.version, one.status, one.force_update, one.description]),
      [
        ["01.09.01.00", "beta", true, "Faster."],
        ["01.08.02.00", undefined, false, ""],
      ],
    );
    assert.deepEqual([said.ams[0].ams_id, said.ams[0].firmware[0].version], [128, "03.00.22.00"]);
    const foreign = await ask(cloud, "GET", `${VERSION}?dev_id=${SERIAL}`, { token: cloud.token(BERT.account) });
    assert.equal(foreign.status, 403);
    const none = await get(VERSION);
    assert.deepEqual([none.status, none.json], [400, null]);
  });

  it("hand out application papers that nobody else has: three certificates, a list of lists, an opaque key", async () => {
    const { get } = await withDevice();
    const call = (query: string) => get(`/v1/iot-service/api/user/applications/opaque/cert?${query}`);
    const { json } = await call("aes256=opaque&ver=1");
    const chain = (json.cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) as string[]).map(
      (pem) => new X509Certificate(pem),
    );
    assert.equal(chain.length, 3);
    assert.ok(chain[0]!.verify(chain[1]!.publicKey) && chain[1]!.verify(chain[2]!.publicKey));
    assert.match(json.crl[0], /^-----BEGIN X509 CRL-----/);
    assert.equal(Buffer.from(json.key, "base64").length, 704);
    assert.equal((await call("aes256=opaque&ver=2")).json.code, 101);
  });

  it("keep a log of what was asked, without tokens", async () => {
    const { cloud, get } = await withDevice();
    await get(`${PRINT}?force=true`);
    const [asked] = cloud.requests;
    assert.deepEqual([asked?.method, asked?.path, asked?.query], ["GET", PRINT, { force: "true" }]);
    assert.deepEqual([asked?.account, asked?.status], [ANNA.account, 200]);
    assert.equal(asked?.headers["authorization"], "Bearer ***");
  });

  it("say what is not there, not allowed or not readable", async () => {
    const { cloud } = await withDevice();
    assert.equal((await ask(cloud, "GET", "/v1/nothing")).status, 404);
    assert.equal((await ask(cloud, "DELETE", PRINT)).status, 405);
    const broken = await ask(cloud, "POST", "/v1/user-service/user/login", { body: "{" });
    assert.deepEqual([broken.status, broken.json], [400, null]);
    assert.equal((await ask(cloud, "POST", "/v1/user-service/user/login", { body: "[]" })).status, 400);
    const huge = await ask(cloud, "POST", "/v1/user-service/user/login", { body: { account: "x".repeat(70_000) } });
    assert.equal(huge.status, 413);
  });
});

describe("faults of the simulated cloud", () => {
  afterEach(() => bench.clear());

  const ANSWERED: readonly (readonly [string, Fault, (reply: Reply) => void])[] = [
    [
      "a missing devices key",
      { kind: "no-devices" },
      ({ json }) => {
        assert.deepEqual([json.message, json.devices], ["success", undefined]);
      },
    ],
    [
      "an edge page known by its text",
      { kind: "edge-page" },
      ({ status, text, headers }) => {
        assert.deepEqual([status, headers.get("content-type")], [403, "text/html; charset=utf-8"]);
        assert.match(text, /Just a moment\.\.\./);
      },
    ],
    [
      "an edge page known by a header",
      { kind: "edge-page", shownBy: "challenge" },
      ({ text, headers }) => {
        assert.equal(headers.get("cf-mitigated"), "challenge");
        assert.doesNotMatch(text, /cloudflare|Just a moment/i);
      },
    ],
    [
      "an edge page known by the id of the request",
      { kind: "edge-page", status: 503, shownBy: "ray" },
      ({ status, headers }) => {
        assert.equal(status, 503);
        assert.ok(headers.get("cf-ray"));
      },
    ],
    [
      "an expired token",
      { kind: "expired" },
      ({ status, json }) => {
        assert.deepEqual([status, json.code], [401, 4]);
      },
    ],
    [
      "a plain 401",
      { kind: "unauthorized" },
      ({ status, json }) => {
        assert.deepEqual([status, json.code], [401, undefined]);
      },
    ],
    [
      "too many requests",
      { kind: "too-many", retryAfterSeconds: 90 },
      ({ status, headers }) => {
        assert.deepEqual([status, headers.get("retry-after")], [429, "90"]);
      },
    ],
    [
      "a server error",
      { kind: "status", status: 502 },
      ({ status }) => {
        assert.equal(status, 502);
      },
    ],
    [
      "a late answer",
      { kind: "slow", ms: 30 },
      ({ json }) => {
        assert.equal(json.devices.length, 1);
      },
    ],
    [
      "a redirect",
      { kind: "redirect", to: "http://127.0.0.1:9/elsewhere" },
      ({ status, headers }) => {
        assert.deepEqual([status, headers.get("location")], [302, "http://127.0.0.1:9/elsewhere"]);
      },
    ],
    [
      "a giant body",
      { kind: "giant", bytes: 300_000 },
      ({ text, json }) => {
        assert.ok(text.length > 300_000 && json.devices.length === 1);
      },
    ],
    [
      "broken JSON",
      { kind: "broken-json" },
      ({ status, text, json }) => {
        assert.ok(status === 200 && text.startsWith('{"message"') && json === null);
      },
    ],
    [
      "a web page",
      { kind: "web-page" },
      ({ status, text }) => {
        assert.ok(status === 200 && text.startsWith("<!doctype html>"));
      },
    ],
    [
      "wrong types",
      { kind: "wrong-types" },
      ({ json }) => {
        assert.deepEqual([json.message, Array.isArray(json.devices)], [[7], false]);
      },
    ],
    [
      "any answer",
      { kind: "answer", answer: { status: 200, body: { devices: [null, 7] } } },
      ({ json }) => {
        assert.deepEqual(json.devices, [null, 7]);
      },
    ],
  ];

  for (const [name, fault, check] of ANSWERED)
    it(`answer with ${name}`, async () => {
      const { cloud, get } = await withDevice();
      cloud.fault(fault);
      check(await get(PRINT));
    });

  it("cut the connection before or in the middle of an answer", async () => {
    const { cloud, get } = await withDevice();
    for (const kind of ["drop", "cut"] as const) {
      const lift = cloud.fault({ kind });
      await assert.rejects(get(PRINT));
      lift();
    }
    assert.deepEqual(
      cloud.requests.map(({ status }) => status),
      [null, null],
    );
    assert.equal((await get(PRINT)).status, 200);
  });

  it("lie on one path, for so many requests, and are lifted", async () => {
    const { cloud, get } = await withDevice();
    cloud.fault({ kind: "status", status: 500 }, { path: PRINT, times: 1 });
    assert.equal((await get(BIND)).status, 200);
    assert.deepEqual([(await get(PRINT)).status, (await get(PRINT)).status], [500, 200]);
    const lift = cloud.fault({ kind: "status", status: 501 }, { path: /user\/(print|bind)$/, method: "GET" });
    cloud.fault({ kind: "status", status: 502 }, { path: BIND });
    assert.deepEqual([(await get(PRINT)).status, (await get(BIND)).status], [501, 502]);
    lift();
    assert.equal((await get(PRINT)).status, 200);
    cloud.clearFaults();
    assert.equal((await get(BIND)).status, 200);
  });

  it("carry nothing out where they replace the answer", async () => {
    const { cloud } = await withDevice();
    cloud.fault({ kind: "status", status: 500 });
    const body = { email: ANNA.account, type: "codeLogin" };
    await ask(cloud, "POST", "/v1/user-service/user/sendemail/code", { body });
    assert.equal(cloud.lastCode(ANNA.account), null);
  });
});

describe("the simulated cloud itself", () => {
  afterEach(() => bench.clear());

  it("speaks https with an authority of its own when told to", async () => {
    const cloud = await bench.cloud({ tls: true });
    const status = await new Promise((resolve, reject) => {
      request(`${cloud.url}/api/csrf`, { ca: cloud.caPem ?? "", agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once("error", reject)
        .end();
    });
    assert.equal(status, 200);
    await assert.rejects(ask(cloud, "GET", "/api/csrf"), "an unknown authority must not do");
  });

  it("closes within a second while answers are outstanding", async () => {
    const { cloud, get } = await withDevice();
    cloud.fault({ kind: "hang" }, { path: PRINT });
    cloud.fault({ kind: "slow", ms: 60_000 }, { path: BIND });
    const outstanding = [assert.rejects(get(PRINT)), assert.rejects(get(BIND))];
    while (cloud.requests.length < 2) await new Promise(setImmediate);
    assert.ok((await ownTime(() => Promise.all([cloud.close(), ...outstanding]))) < 1000);
  });

  it("says which option is wrong and which account it does not know", async () => {
    const wrong = (error: unknown): boolean => isPrintgateError(error, "config-invalid");
    await assert.rejects(bench.cloud({ users: [ANNA, ANNA] }), wrong);
    await assert.rejects(bench.cloud({ tokenSeconds: 0 }), wrong);
    const cloud = await bench.cloud();
    await assert.rejects(bench.cloud({ port: Number(new URL(cloud.url).port) }), wrong);
    assert.throws(() => cloud.token("nobody@example.org"), wrong);
    assert.throws(() => {
      cloud.addDevice({ serial: SERIAL, account: "nobody@example.org" });
    }, wrong);
  });
});
