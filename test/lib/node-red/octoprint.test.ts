import assert from "node:assert/strict";
import { KeyRequests } from "../../../lib/node-red/key-requests";
import { linkFor, tryPrinter } from "../../../lib/node-red/links/links";
import { pinsIn } from "../../../lib/node-red/links/pins";
import { differences, identityOf, type PrinterCredentials, readSettings } from "../../../lib/node-red/settings";
import { memoryStore } from "../../../lib/node-red/store";
import {
  startVirtualOctoprint,
  type VirtualOctoprint,
  type VirtualOctoprintOptions,
} from "../../../lib/simulator/octoprint/virtual-octoprint";
import { VECTOR } from "../../support/auth-apps";
import { fakeAccounts } from "../../support/fake-account";
import { LinkLog } from "../../support/link-log";
import { until } from "../../support/wait";

const KEY = "SECRET-KEY-0123456789";
const def = { connection: "octoprint", serial: "ender", url: "http://192.0.2.5/octoprint" };
const read = (difference: object = {}, credentials: PrinterCredentials = { apiKey: KEY }) =>
  readSettings({ ...def, ...difference }, credentials, "node1");

describe("printer-config for OctoPrint", () => {
  it("has an id as it was given, and another vendor", () => {
    const settings = read();
    assert.deepEqual([settings.id, settings.url, settings.apiKey], ["ender", def.url, KEY]);
    assert.equal(identityOf(settings).vendor, "octoprint");
    assert.equal(read({ connection: "simulated", serial: "ender" }).id, "ENDER");
  });

  it("needs an API key, or an app with its key", () => {
    const app = { appId: "com.example.app", appVersion: "1.0" };
    assert.throws(() => read({}, {}), { message: "no API key" });
    assert.throws(() => read({}, { appKey: VECTOR.privateKey }), { message: "no API key" });
    assert.throws(() => read({}, { apiKey: "${NOT_SET}" }), { message: "environment variable NOT_SET is not set" });
    assert.throws(() => read(app, {}), { message: "neither an API key nor an app key" });
    assert.equal(read(app, { appKey: VECTOR.privateKey }).appKey, VECTOR.privateKey.trim());
    assert.equal(read(app, { apiKey: KEY, appKey: "x" }).appKey, "", "the API key goes before");
  });

  it("keeps secrets of other connections out", () => {
    assert.deepEqual([read({}, { apiKey: KEY, accessCode: "12345678" }).accessCode], [""]);
    const lan = readSettings({ connection: "lan", serial: "S" }, { accessCode: "12345678", apiKey: KEY }, "node1");
    assert.deepEqual([lan.accessCode, lan.apiKey, lan.url], ["12345678", "", ""]);
  });

  it("says in what two of the same name differ, never with what", () => {
    assert.deepEqual(differences(read(), read()), []);
    assert.deepEqual(differences(read(), read({ url: "http://192.0.2.6" }, { apiKey: "other" })), [
      "address",
      "API key",
    ]);
  });

  describe("with a server in reach", () => {
    let server: VirtualOctoprint;
    const around = () => ({
      pins: pinsIn(memoryStore()),
      sightings: { watch: () => () => undefined },
      accounts: fakeAccounts().accounts,
    });
    const start = async (options: VirtualOctoprintOptions = {}): Promise<void> => {
      server = await startVirtualOctoprint({ apiKey: KEY, timeScale: 0, ...options });
    };
    afterEach(() => server.close());

    it("reaches the printer, and learns the certificate", async () => {
      await start({ tls: true });
      const surroundings = around();
      const log = new LinkLog(linkFor(read({ url: server.url }), surroundings));
      await until("a report", () => log.last?.complete === true);
      assert.equal(log.last?.status.state, "idle");
      await log.link.close();
      assert.equal(await surroundings.pins.read("ender"), server.fingerprint);
      assert.deepEqual([log.link.name, log.link.vendor], ["octoprint", "octoprint"]);
    });

    it("reaches a server of old by an app's handshake", async () => {
      const { id, version, publicKey } = VECTOR;
      await start({ apps: [{ id, version, publicKey }] });
      const inOneLine = VECTOR.privateKey.replace(/\s*\n/g, "");
      const settings = read({ url: server.url, appId: id, appVersion: version }, { appKey: inOneLine });
      const found = await tryPrinter(settings, around());
      assert.equal(found.model, "OctoPrint 1.3.12");
    });

    it("can be tried out without learning anything", async () => {
      await start({ tls: true, connected: false });
      const surroundings = around();
      const found = await tryPrinter(read({ url: server.url }), surroundings);
      assert.deepEqual([found.model, found.fingerprint], ["OctoPrint 1.11.8", server.fingerprint]);
      assert.match(found.remark ?? "", /off, or not connected/);
      assert.equal(await surroundings.pins.read("ender"), null);
    });

    it("says why a trial failed, without the key", async () => {
      await start();
      const wrong = read({ url: server.url }, { apiKey: "WRONG-KEY-000" });
      await assert.rejects(tryPrinter(wrong, around()), (error: Error) => {
        assert.match(error.message, /does not accept the API key/);
        assert.doesNotMatch(error.stack ?? "", /WRONG-KEY-000/);
        return true;
      });
      const bad = read({ url: server.url, appId: "a" }, { appKey: "hunter2" });
      await assert.rejects(tryPrinter(bad, around()), { code: "config-invalid" });
    });
  });
});

describe("a key that the dialog asks OctoPrint for", () => {
  let server: VirtualOctoprint;
  let now = 0;
  const trust = { mode: "insecure" } as const;
  const requests = (): KeyRequests => new KeyRequests({ now: () => now, pollEveryMs: 5 });
  const start = async (options: VirtualOctoprintOptions = {}): Promise<void> => {
    now = 0;
    server = await startVirtualOctoprint({ appKeys: "unlimited", timeScale: 0, ...options });
  };
  const settled = async (all: KeyRequests, request: string): Promise<string> => {
    const keys: (string | null)[] = [];
    await until("somebody decided", () => {
      keys.push(all.ask(request));
      return keys.at(-1) !== null;
    });
    return keys.at(-1) ?? "";
  };
  afterEach(() => server.close());

  it("is handed out once when somebody has accepted, and opens the API", async () => {
    await start({ prefix: "/octo" });
    const all = requests();
    const { request, page } = await all.start(server.url, trust);
    assert.match(page, /^http:\/\/127\.0\.0\.1:\d+\/octo\/plugin\/appkeys\/auth\/[\w-]+$/);
    assert.equal(all.ask(request), null);
    assert.deepEqual(server.waitingApps, ["Printgate for Node-RED"]);
    assert.ok(server.decide(true));
    const key = await settled(all, request);
    const answer = await fetch(`${server.url}/api/version`, { headers: { "X-Api-Key": key } });
    assert.equal(answer.status, 200);
    assert.throws(() => all.ask(request), { code: "account-refused" });
    assert.equal(all.size, 0);
  });

  it("is refused when somebody says no", async () => {
    await start();
    const all = requests();
    const { request } = await all.start(server.url, trust);
    server.decide(false);
    await assert.rejects(settled(all, request), { code: "account-refused", message: /denied/ });
    assert.equal(all.size, 0);
  });

  it("is given up after ten minutes, and when no dialog asks any more", async () => {
    await start();
    const all = requests();
    const first = await all.start(server.url, trust);
    for (now = 0; now < 610_000; now += 60_000) all.ask(first.request);
    await assert.rejects(settled(all, first.request), { code: "timeout" });
    await all.start(server.url, trust);
    now += 131_000;
    await until("it is forgotten", () => all.size === 0);
  });

  it("is dropped with the dialog, which nobody has to wait for", async () => {
    await start();
    const all = requests();
    const { request } = await all.start(server.url, trust);
    all.drop(request);
    all.drop(request);
    assert.equal(all.size, 0);
    const polls = () => server.requests.filter(({ path }) => path.startsWith("/plugin/appkeys/request/")).length;
    const before = polls();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(polls(), before);
  });

  it("can not be had from a server without Application Keys, nor as often as one likes", async () => {
    await start({ appKeys: "absent" });
    await assert.rejects(requests().start(server.url, trust), { code: "not-supported", message: /paste/ });
    await server.close();
    await start({ appKeys: "limited" });
    const all = requests();
    let refused: unknown = null;
    for (let time = 0; time < 8 && refused === null; time += 1)
      await all.start(server.url, trust).catch((thrown: unknown) => (refused = thrown));
    assert.match(String(refused), /wait/);
  });

  it("is asked for in words where the address leads nowhere", async () => {
    await start();
    await assert.rejects(requests().start("nowhere", trust), { code: "config-invalid" });
    const lift = server.inject({ kind: "html" });
    await assert.rejects(requests().start(server.url, trust), { code: "bad-answer", message: /web page/ });
    lift();
  });
});
