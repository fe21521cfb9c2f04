import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { octoprint, type OctoprintOptions, probe } from "../../../lib/octoprint/session";
import { enteredKey, sessionKeys } from "../../../lib/octoprint/session-keys";
import {
  READ_ONLY,
  startVirtualOctoprint,
  type VirtualOctoprint,
  type VirtualOctoprintOptions,
} from "../../../lib/simulator/octoprint/virtual-octoprint";
import { VECTOR } from "../../support/auth-apps";
import { LinkLog } from "../../support/link-log";
import { ownTime, until } from "../../support/wait";

const KEY = "SECRET-KEY-0123456789";
const insecure = { mode: "insecure" } as const;

describe("an OctoPrint as a link", () => {
  let server: VirtualOctoprint;
  const logs: LinkLog[] = [];

  async function start(options: VirtualOctoprintOptions = {}): Promise<void> {
    server = await startVirtualOctoprint({
      apiKey: KEY,
      timeScale: 0,
      transitionSeconds: 0,
      currentIntervalMs: 2,
      ...options,
    });
  }
  function connect(options: Partial<OctoprintOptions> = {}): LinkLog {
    const link = octoprint({
      url: server.url,
      keys: enteredKey(KEY),
      trust: insecure,
      staleAfterMs: 60_000,
      waitMs: () => 20,
      ...options,
    });
    const log = new LinkLog(link);
    logs.push(log);
    return log;
  }
  const count = (path: string): number => server.requests.filter((request) => request.path === path).length;
  const state = (log: LinkLog) => log.last?.status.state;
  /** Its push socket is in use. */
  const pushed = async (log: LinkLog): Promise<void> => {
    await until("it is live", () => log.reports.length > 0 && server.sockets === 1);
    // REST is not asked again, so that a point of temperature can only have been pushed.
    server.setTarget("bed", 41);
    server.advance(0);
    await until("the socket brings pictures", () => log.last?.status.temperatures.bed.target === 41);
  };
  const kinds = (log: LinkLog) => log.states.map(({ kind }) => kind);

  afterEach(async () => {
    for (const log of logs.splice(0)) {
      await log.link.close();
      assert.ok(!log.allWords.includes(KEY), "the key is in no word that a user sees");
    }
    await server.close();
  });

  it("has its first picture over REST, then listens to the push socket and polls no more", async () => {
    await start();
    const log = connect();
    await pushed(log);
    assert.deepEqual(kinds(log), ["connecting", "live"]);
    assert.equal(log.reports[0]?.complete, true);
    assert.equal(log.reports[0].status.state, "idle");
    server.startPrint();
    await until("it prints", () => state(log) === "printing");
    server.pause();
    await until("it pauses", () => state(log) === "paused");
    assert.equal(count("/api/job"), 1);
    assert.deepEqual(log.warnings, []);
  });

  it("never puts the key into an address", async () => {
    await start();
    await pushed(connect());
    for (const request of server.requests)
      assert.doesNotMatch(JSON.stringify([request.path, request]), new RegExp(`apikey|${KEY}`));
  });

  it("works below a prefix, over TLS with a certificate that is learnt", async () => {
    await start({ prefix: "/octo/print", tls: true });
    const learnt: string[] = [];
    const learn = (fingerprint: string) => {
      learnt.push(fingerprint);
      return Promise.resolve();
    };
    const log = connect({ trust: { mode: "pin", fingerprint: null, learn } });
    await pushed(log);
    assert.deepEqual(learnt, [server.fingerprint]);
  });

  it("keeps the key from a server with another certificate", async () => {
    await start({ tls: true });
    const log = connect({ trust: { mode: "pin", fingerprint: "00".repeat(32), learn: () => Promise.resolve() } });
    await until("it waits", () => log.now === "waiting");
    assert.match(log.reasons[0] ?? "", /another certificate/);
    assert.equal(server.requests.length, 0);
  });

  it("tells a printer that is off from a server that is not there", async () => {
    await start({ connected: false });
    const log = connect();
    await until("a report", () => log.reports.length > 0);
    assert.deepEqual([log.now, log.last?.away, log.last?.status.stage.name], ["live", true, "printer off"]);
    server.connectPrinter();
    await until("it is on", () => log.last?.away === false && state(log) === "idle");
    server.losePrinter();
    await until("it is off again", () => log.last?.away === true);
    await server.stop();
    await until("the link is lost", () => log.now === "waiting");
    assert.match(log.reasons.at(-1) ?? "", /can not be reached: ECONNREFUSED/);
  });

  it("comes back after a restart of the server, however often", async () => {
    await start();
    const log = connect();
    for (let round = 1; round <= 2; round += 1) {
      await until("it is live", () => log.now === "live" && server.sockets === 1);
      await server.stop();
      await until("it is lost", () => log.now === "waiting");
      await server.start();
    }
    await until("it is live", () => log.now === "live");
    assert.deepEqual([...new Set(kinds(log))], ["connecting", "live", "waiting"]);
  });

  it("stays live over REST while the socket is cut, and says that something may have gone unheard", async () => {
    await start();
    let missed = 0;
    const log = connect();
    (log as { missed?: () => void }).missed = () => (missed += 1);
    await pushed(log);
    const sockets = count("/api/login");
    server.cutSockets();
    await until("a socket is there again", () => count("/api/login") > sockets && server.sockets === 1);
    assert.deepEqual(kinds(log), ["connecting", "live"]);
    assert.equal(missed, 1);
    assert.deepEqual(log.warnings, [], "a cut that mends itself is no news");
  });

  it("knows a cancel that fell between two sockets", async () => {
    await start();
    const log = connect({ waitMs: () => 150 });
    await pushed(log);
    server.startPrint();
    server.advance(60);
    await until("it prints", () => state(log) === "printing");
    const { length } = log.reports;
    server.cutSockets();
    await until("REST has answered", () => log.reports.length > length && server.sockets === 0);
    server.cancel();
    server.advance(5);
    await until("it is cancelled", () => state(log) === "cancelled");
    assert.ok(!log.reports.slice(length).some(({ status }) => status.state === "idle"));
  });

  it("does not believe an answer over REST that a push has overtaken", async () => {
    await start();
    const log = connect();
    await pushed(log);
    server.startPrint();
    await until("it prints", () => state(log) === "printing");
    const flags = { operational: true, printing: true };
    server.inject(
      { kind: "answer", answer: { status: 200, body: { state: { text: "Printing", flags } } } },
      { path: "/api/printer" },
    );
    server.inject({ kind: "slow", ms: 100 }, { path: "/api/job" });
    const asked = count("/api/job");
    log.link.refresh();
    await until("REST was asked", () => count("/api/job") > asked);
    server.finish();
    await until("it is finished", () => state(log) === "finished");
    const { length } = log.reports;
    await until("the answer came", () => log.reports.length > length);
    assert.equal(state(log), "finished");
  });

  it("takes a cancel from REST where the socket has gone quiet", async () => {
    await start();
    const log = connect({ staleAfterMs: 100 });
    await pushed(log);
    server.startPrint();
    server.advance(60);
    await until("it prints", () => state(log) === "printing");
    const file = { name: "test.gcode", display: "test.gcode", path: "test.gcode" };
    const ready = { state: { text: "Operational", flags: { operational: true, ready: true } } };
    server.inject({ kind: "answer", answer: { status: 200, body: { job: { file } } } }, { path: "/api/job" });
    server.inject({ kind: "answer", answer: { status: 200, body: ready } }, { path: "/api/printer" });
    await until("it is cancelled", () => state(log) === "cancelled");
  });

  it("asks over REST where no socket can be had, and says so once", async () => {
    await start();
    server.inject({ kind: "status", status: 403 }, { path: "/sockjs/websocket" });
    const log = connect({ pollMs: 20 });
    await until("it asked a few times", () => count("/api/job") > 4);
    server.startPrint();
    await until("it prints", () => state(log) === "printing");
    server.finish();
    await until("it is finished", () => state(log) === "finished");
    assert.equal(log.warnings.length, 1);
    assert.match(log.warnings[0] ?? "", /refused \(403\).*asked every 0\.02 s instead/);
  });

  it("gives a socket up that says nothing after the login", async () => {
    await start();
    const user = server.addUser("guest", READ_ONLY);
    server.inject(
      { kind: "answer", answer: { status: 200, body: { name: "guest", session: "wrong" } } },
      { path: "/api/login" },
    );
    const log = connect({ keys: enteredKey(user), answerMs: 60, pollMs: 20 });
    await until("it asked a few times", () => count("/api/job") > 3 && log.warnings.length > 0);
    assert.match(log.warnings[0] ?? "", /forgets our session|says nothing/);
    assert.equal(log.now, "live");
  });

  it("logs in anew when the session went stale", async () => {
    await start();
    const log = connect();
    await pushed(log);
    server.expireSessions();
    await until("it logged in again", () => count("/api/login") === 2);
    server.startPrint();
    await until("it hears", () => state(log) === "printing");
    assert.deepEqual(kinds(log), ["connecting", "live"]);
  });

  it("asks a quiet socket over REST, so that a printer that is off stays known to be off", async () => {
    await start({ connected: false });
    const log = connect({ staleAfterMs: 60 });
    await until("it asked a few times", () => count("/api/job") > 4);
    assert.deepEqual([log.now, log.last?.away], ["live", true]);
    assert.equal(count("/api/login"), 1, "a socket has nothing to say of such a printer");
  });

  it("leaves a socket that misses what REST can tell", async () => {
    await start();
    const log = connect({ staleAfterMs: 60 });
    await until("another socket", () => count("/api/login") > 1);
    assert.equal(log.now, "live");
  });

  it("is lost when REST does not answer either, until it does", async () => {
    await start();
    server.inject({ kind: "status", status: 403 }, { path: "/sockjs/websocket" });
    const log = connect({ pollMs: 10 });
    await until("it polls", () => count("/api/job") > 2);
    const lift = server.inject({ kind: "drop" }, { path: "/api/job" });
    await until("it is lost", () => log.now === "waiting");
    lift();
    await until("it is back", () => log.now === "live");
  });

  describe("refuses to work with", () => {
    const refused = async (options: Partial<OctoprintOptions> = {}) => {
      const log = connect(options);
      await until("it waits", () => log.now === "waiting");
      return log.states.flatMap((one) => ("reason" in one ? [one.reason] : []))[0];
    };

    it("a wrong key", async () => {
      await start();
      const reason = await refused({ keys: enteredKey("WRONG-KEY-000") });
      assert.equal(reason?.code, "account-refused");
      assert.match(reason.message, /does not accept the API key/);
    });

    it("a key whose user may not look", async () => {
      await start();
      const reason = await refused({ keys: enteredKey(server.addUser("nobody", [])) });
      assert.equal(reason?.code, "account-refused");
      assert.match(reason.message, /"nobody" .* permission "Status"/);
    });

    it("a page of a proxy", async () => {
      await start();
      server.inject({ kind: "html" });
      assert.equal((await refused())?.code, "bad-answer");
    });

    it("a server that only imitates OctoPrint", async () => {
      await start({ versionText: "PrusaLink" });
      assert.match((await refused())?.message ?? "", /not OctoPrint but "PrusaLink"/);
    });

    it("an address that is none, until it is changed", async () => {
      await start();
      const log = connect({ url: "octopi.local" });
      await until("it stops", () => log.now === "stopped");
    });
  });

  it("may look with a key that may not act, and says so", async () => {
    await start();
    const log = connect({ keys: enteredKey(server.addUser("viewer", READ_ONLY)) });
    await pushed(log);
    assert.match(log.last?.status.control.reason ?? "", /may only look/);
    const reply = await log.link.send(
      { name: "bed-temperature", target: 60 },
      { signal: new AbortController().signal },
    );
    assert.ok(reply.kind === "refused" && reply.code === 403 && /permission/.test(reply.reason));
    assert.equal(count("/api/printer/command"), 0, "it asks the printer for nothing either");
  });

  it("knows the printer's firmware because it asks for it while nothing prints", async () => {
    await start({ firmware: { FIRMWARE_NAME: "Prusa-Firmware 3.13.2 based on Marlin", MACHINE_TYPE: "MK3S" } });
    const log = connect();
    await until("firmware", () => log.last?.status.firmware.installed === "3.13.2");
    assert.equal(log.last?.model, "MK3S");
    assert.deepEqual(log.last.status.firmware.modules, [{ name: "octoprint", installed: "1.11.8" }]);
  });

  it("knows it from OctoPrint 2, which tells it once and keeps it, while it prints too", async () => {
    await start({ version: "2.0.0", firmware: { FIRMWARE_NAME: "Marlin 2.1.2.5 (Mar 12 2025 10:00:00)" } });
    server.startPrint();
    const log = connect();
    await until("firmware", () => log.last?.status.firmware.installed === "2.1.2.5");
    assert.equal(count("/api/printer/command"), 0);
  });

  it("does not ask a printer that prints", async () => {
    await start();
    server.startPrint();
    const log = connect();
    await pushed(log);
    assert.equal(count("/api/printer/command"), 0);
    server.finish();
    await until("then it asks", () => count("/api/printer/command") === 1);
  });

  it("says what OctoPrint offers of itself", async () => {
    await start({ version: "1.11.7" });
    server.setUpdate("1.11.8");
    const log = connect();
    await until("an offer", () => log.last?.firmware.says === "offered");
    assert.ok(log.last?.firmware.modules.some(({ name, offered }) => name === "octoprint" && offered === "1.11.8"));
  });

  it("has the layers of the plugin that counts them", async () => {
    await start({ layerPlugin: true });
    const log = connect();
    await pushed(log);
    server.startPrint({ layers: 20, minutes: 10 });
    server.advance(120);
    await until("layers", () => (log.last?.status.job?.layer ?? 0) > 1);
    assert.equal(log.last?.status.job?.totalLayers, 20);
  });

  it("says that a push was too large, not that the server is gone, and asks over REST", async () => {
    await start();
    server.inject({ kind: "slow", ms: 200 }, { path: "/api/login" });
    const log = connect();
    await until("a socket is open", () => server.sockets === 1);
    server.publish(`{"current":{"x":"${"y".repeat(4_200_000)}"}}`);
    await until("it is said", () => log.warnings.length > 0);
    assert.match(log.warnings[0] ?? "", /^OctoPrint pushed what can not be read \(WS_ERR_\w+\); .* asked every/);
    assert.equal(log.now, "live");
  });

  it("is not hurt by a thousand events in a second, nor by messages that are none", async () => {
    await start();
    const log = connect();
    await pushed(log);
    const before = log.reports.length;
    server.flood(1000);
    server.flood(1000, "PrintPaused");
    for (const text of [
      "",
      "{",
      "[]",
      "3",
      '{"current":7}',
      '{"event":null}',
      '{"plugin":{"plugin":3}}',
      '{"__proto__":{"a":1}}',
    ])
      server.publish(text);
    server.startPrint();
    await until("it still hears", () => state(log) === "printing");
    assert.ok(log.reports.length - before < 20, `${log.reports.length - before} reports`);
    assert.ok(log.warnings.length >= 1 && log.warnings.length <= 2);
    assert.equal(log.now, "live");
  });

  describe("carries out", () => {
    const signal = new AbortController().signal;
    const connected = async (options: VirtualOctoprintOptions = {}): Promise<LinkLog> => {
      await start(options);
      const log = connect();
      await pushed(log);
      return log;
    };

    it("pause, resume and stop, which the printer's state confirms", async () => {
      const log = await connected();
      server.startPrint();
      await until("it prints", () => state(log) === "printing");
      for (const [name, then] of [
        ["pause", "paused"],
        ["resume", "printing"],
        ["stop", "cancelled"],
      ] as const) {
        assert.deepEqual(await log.link.send({ name }, { signal }), { kind: "unanswered" });
        await until(`it is ${then}`, () => state(log) === then);
      }
    });

    it("nothing that does not fit: OctoPrint's own refusal is handed on", async () => {
      const log = await connected();
      const reply = await log.link.send({ name: "stop" }, { signal });
      assert.ok(reply.kind === "refused" && reply.code === 409);
    });

    it("temperatures", async () => {
      const log = await connected({ chamber: true });
      for (const name of ["bed-temperature", "chamber-temperature"] as const)
        assert.deepEqual(await log.link.send({ name, target: 55 }, { signal }), { kind: "unanswered" });
      await log.link.send({ name: "nozzle-temperature", target: 205, nozzle: null }, { signal });
      server.advance(10);
      await until("targets", () => log.last?.status.temperatures.nozzles[0]?.target === 205);
      const { bed, chamber } = log.last!.status.temperatures;
      assert.deepEqual([bed.target, chamber?.target], [55, 55]);
    });

    it("G-code, the fan and homing, which OctoPrint alone can confirm", async () => {
      const log = await connected();
      for (const command of [
        { name: "gcode", lines: "M117 hello" },
        { name: "fan", fan: "part", percent: 100 },
        { name: "home" },
        { name: "refresh" },
      ] as const)
        assert.deepEqual(await log.link.send(command, { signal }), { kind: "done" }, command.name);
    });

    const order = (file: string, content: Buffer | null) => ({
      name: "print" as const,
      order: {
        file,
        content: content === null ? null : { kind: "buffer" as const, data: content },
        ...{ plate: 1, ams: [], useAms: false, bedLeveling: true, flowCalibration: false },
        ...{ vibrationCalibration: false, timelapse: false },
      },
    });

    it("a print: uploads with progress, looks again, then starts; and a print of what is there", async () => {
      const log = await connected();
      const content = Buffer.from("G28\nG1 X10\n".repeat(20_000));
      const progress: [number, number | null][] = [];
      let left = 0;
      const reply = await log.link.send(order("a box.gcode", content), {
        signal,
        progress: (sent, total) => progress.push([sent, total]),
        leaving: () => {
          left += 1;
          assert.equal(state(log), "idle");
        },
      });
      assert.deepEqual([reply.kind, left], ["unanswered", 1]);
      assert.deepEqual(progress.at(-1), [content.length, content.length]);
      await until("it prints", () => state(log) === "printing");
      const { file } = log.last!.status.job!;
      server.finish();
      await until("it is finished", () => state(log) === "finished");
      assert.equal((await log.link.send(order(file ?? "", null), { signal })).kind, "unanswered");
      await until("it prints again", () => state(log) === "printing");
    });

    it("no print of a file that is not there, or of a name that leads elsewhere", async () => {
      const log = await connected();
      const reply = await log.link.send(order("nothing.gcode", null), { signal });
      assert.ok(reply.kind === "refused" && reply.code === 404);
      for (const name of ["", "../config.yaml", "a/../b.gcode", 'x".gcode', "a\nb"])
        await assert.rejects(log.link.send(order(name, Buffer.from("G28")), { signal }), { code: "message-invalid" });
      const absent = { ...order("x.gcode", null) };
      const path = { kind: "path", path: "/nonexistent/x.gcode" } as const;
      await assert.rejects(log.link.send({ ...absent, order: { ...absent.order, content: path } }, { signal }), {
        code: "message-invalid",
      });
    });

    it("no print of a stream that breaks, even before anybody reads it", async () => {
      const log = await connected();
      const stream = new Readable({ read: () => undefined });
      const absent = { ...order("x.gcode", null) };
      const broken = { kind: "stream", stream, bytes: 1000 } as const;
      const sent = log.link.send({ ...absent, order: { ...absent.order, content: broken } }, { signal });
      queueMicrotask(() => stream.destroy(new Error("the disk is gone")));
      await assert.rejects(sent, { code: "upload-failed" });
      assert.equal(state(log), "idle");
    });

    it("nothing more of an upload that nobody waits for", async () => {
      const log = await connected();
      const abort = new AbortController();
      server.inject({ kind: "hang" }, { path: "/api/files/local" });
      const sent = log.link.send(order("x.gcode", Buffer.alloc(1000)), { signal: abort.signal });
      setImmediate(() => {
        abort.abort();
      });
      await assert.rejects(sent, { code: "upload-failed" });
      assert.equal(state(log), "idle");
    });

    it("nothing that OctoPrint has no word for, nor anything without a connection", async () => {
      const log = await connected();
      await assert.rejects(log.link.send({ name: "speed", level: 2 }, { signal }), { code: "not-supported" });
      await server.stop();
      await until("it is lost", () => log.now === "waiting");
      await assert.rejects(log.link.send({ name: "pause" }, { signal }), { code: "offline" });
    });
  });

  it("makes a session key, and another one when a restart has made the server forget it", async () => {
    const app = { id: VECTOR.id, version: VECTOR.version, publicKey: VECTOR.publicKey };
    await start({ apps: [app] });
    const log = connect({ keys: sessionKeys({ ...app, privateKey: VECTOR.privateKey }) });
    await pushed(log);
    await server.restart();
    await until("a second handshake", () => count("/apps/auth") === 4);
    await until("it is back", () => log.now === "live" && server.sockets === 1);
    assert.ok(!log.allWords.includes("PRIVATE KEY"));
  });

  it("closes at any moment and says nothing afterwards", async () => {
    await start();
    for (const delay of [0, 1, 2, 4, 8, 16, 32]) {
      const log = connect();
      await new Promise((resolve) => setTimeout(resolve, delay));
      assert.ok((await ownTime(() => log.link.close())) < 1000);
      const said = [log.states.length, log.reports.length];
      server.startPrint();
      server.cancel();
      await new Promise((resolve) => setTimeout(resolve, 5));
      assert.deepEqual([log.states.length, log.reports.length], said);
    }
    await until("no socket is left", () => server.sockets === 0);
  });

  it("can be opened again after it was closed", async () => {
    await start();
    const log = connect();
    await pushed(log);
    await log.link.close();
    const again = new LinkLog(log.link);
    logs.push(again);
    await until("it reports", () => again.reports.length > 0);
  });

  it("can be tried out once", async () => {
    await start({ tls: true });
    const options = { url: server.url, keys: enteredKey(KEY), trust: insecure, staleAfterMs: 60_000 };
    const { observation, fingerprint } = await probe(options);
    assert.deepEqual([observation.status.state, fingerprint], ["idle", server.fingerprint]);
    assert.equal(observation.status.firmware.modules[0]?.installed, "1.11.8");
    await assert.rejects(probe({ ...options, keys: enteredKey("WRONG-KEY-000") }), { code: "account-refused" });
    assert.equal(server.sockets, 0);
  });
});
