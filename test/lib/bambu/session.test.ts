import assert from "node:assert/strict";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock } from "node:test";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";
import type { Sighting, Sightings } from "../../../lib/bambu/discovery";
import { type BambuLanOptions, bambuLan } from "../../../lib/bambu/session";
import type { Trust } from "../../../lib/bambu/tls";
import { makeCertificate } from "../../../lib/simulator/printer/certificate";
import {
  startVirtualPrinter,
  type VirtualPrinter,
  type VirtualPrinterOptions,
} from "../../../lib/simulator/printer/virtual-printer";
import { LinkLog } from "../../support/link-log";
import { ownTime, until } from "../../support/wait";

const SERIAL = "01P00A000000001";
const CODE = "s3cr3t-code";

describe("a session with a Bambu printer", () => {
  const toClose: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of toClose.splice(0).reverse()) await close();
  });

  async function aPrinter(options: Partial<VirtualPrinterOptions> = {}): Promise<VirtualPrinter> {
    const printer = await startVirtualPrinter({
      model: "P1S",
      serial: SERIAL,
      accessCode: CODE,
      reportIntervalMs: 50,
      ...options,
    });
    toClose.push(() => printer.close());
    return printer;
  }

  function aLink(options: Partial<BambuLanOptions> & { port: number }): LinkLog {
    const insecure: Trust = { mode: "insecure" };
    const link = bambuLan({
      serial: SERIAL,
      host: "127.0.0.1",
      accessCode: CODE,
      trust: insecure,
      staleAfterMs: 60_000,
      ...options,
    });
    toClose.push(() => link.close());
    return new LinkLog(link);
  }

  /** Accepts connections and does with them as told. */
  async function aServer(server: Server, onSocket: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    server.on(server instanceof TlsServer ? "secureConnection" : "connection", (socket: Socket) => {
      sockets.add(socket.on("error", () => undefined));
      onSocket(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    toClose.push(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  }

  const count = (printer: VirtualPrinter, command: string) =>
    printer.requests.filter((request) => request.command === command).length;
  const complete = (log: LinkLog) => until("the first complete report", () => log.last?.complete === true);

  it("asks for versions and the full report once, and reports the printer", async () => {
    const printer = await aPrinter();
    const log = aLink({ port: printer.port });
    await complete(log);
    await until("the model is known", () => log.last?.model === "P1S");
    assert.deepEqual([count(printer, "get_version"), count(printer, "pushall")], [1, 1]);
    assert.equal(log.last?.status.state, "idle");
    assert.match(log.last.status.firmware.installed ?? "", /^\d\d\.\d\d\.\d\d\.\d\d$/);
    assert.deepEqual(
      log.states.map((state) => state.kind),
      ["connecting", "live"],
    );
  });

  it("uses sequence ids inside 20000..29999, QoS 0, and listens to reports only", async () => {
    const printer = await aPrinter();
    await complete(aLink({ port: printer.port }));
    for (const { body } of printer.requests) {
      const id = Number(body["sequence_id"]);
      assert.ok(id >= 20_000 && id <= 29_999, String(id));
    }
    assert.equal(printer.clients, 1, "a client that listens to requests is thrown out");
  });

  it("closing says goodbye to the printer", async () => {
    const printer = await aPrinter();
    const log = aLink({ port: printer.port });
    await complete(log);
    await log.link.close();
    await until("the printer saw the goodbye", () => printer.disconnectsClean === 1);
    assert.equal(printer.clients, 0);
  });

  it("five dropped links end in one connection, and no report is doubled", async () => {
    const printer = await aPrinter();
    const log = aLink({ port: printer.port });
    await complete(log);
    for (let drop = 1; drop <= 5; drop++) {
      printer.dropLinks();
      await until(`connection ${drop + 1}`, () => log.now === "live" && count(printer, "pushall") === drop + 1);
    }
    assert.equal(printer.connects, 6);
    await until("the last full report", () => log.last?.complete === true);
    assert.equal(count(printer, "get_version"), 6);
    assert.equal(printer.clients, 1);
    const before = log.reports.length;
    printer.publish({ print: { command: "push_status", msg: 1, bed_temper: 33.25 } });
    await until("the report", () => log.last?.status.temperatures.bed.actual === 33.25);
    assert.equal(
      log.reports.slice(before).filter((report) => report.status.temperatures.bed.actual === 33.25).length,
      1,
    );
    assert.ok(!log.reasons.some((reason) => reason.includes("another program")));
    printer.dropLinks();
    await until("it suspects a rival", () => log.reasons.at(-1)?.includes("another program") === true);
  });

  it("what comes after a new connection is not complete before its own full report", async () => {
    const printer = await aPrinter();
    const log = aLink({ port: printer.port });
    await complete(log);
    const before = log.reports.length;
    printer.dropLinks();
    await until("the next full report", () => log.reports.length > before && log.last?.complete === true);
    // Versions are answered first.
    assert.equal(log.reports[before]?.complete, false);
  });

  it("a refresh asks for the full report anew when the last one was asked for five minutes ago, not before", async () => {
    const printer = await aPrinter();
    const log = aLink({ port: printer.port });
    await complete(log);
    const began = Date.now();
    const clock = mock.method(Date, "now", () => began + 290_000);
    try {
      log.link.refresh();
      clock.mock.mockImplementation(() => began + 300_000);
      log.link.refresh();
      log.link.refresh();
    } finally {
      clock.mock.restore();
    }
    await until("the request", () => count(printer, "pushall") > 1);
    printer.publish({ print: { command: "push_status", msg: 1, bed_temper: 33.25 } });
    await until("a later report", () => log.last?.status.temperatures.bed.actual === 33.25);
    assert.equal(count(printer, "pushall"), 2);
  });

  it("a refused access code ends the attempts with a clear reason", async () => {
    const printer = await aPrinter();
    const log = aLink({ port: printer.port, accessCode: "wrong-code" });
    await until("it stops", () => log.now === "stopped");
    assert.match(log.reasons[0] ?? "", /access code refused.*printer's screen/);
    assert.deepEqual(log.warnings, log.reasons);
    assert.equal(printer.connects, 0);
  });

  it("the first certificate is learnt, the same one is accepted again", async () => {
    const printer = await aPrinter();
    const learnt: string[] = [];
    const learn = (fingerprint: string) => Promise.resolve(void learnt.push(fingerprint));
    const log = aLink({ port: printer.port, trust: { mode: "pin", fingerprint: null, learn } });
    await complete(log);
    assert.deepEqual(learnt, [printer.fingerprint]);
    const pasted = printer.fingerprint.replaceAll(":", "").toLowerCase();
    await complete(aLink({ port: printer.port, trust: { mode: "pin", fingerprint: pasted, learn } }));
    assert.equal(learnt.length, 1);
  });

  it("a changed certificate is refused with both fingerprints, and never sees the access code", async () => {
    const expected = "AB:".repeat(31) + "AB";
    const { key, cert } = await makeCertificate(SERIAL);
    let received = 0;
    const port = await aServer(createTlsServer({ key, cert }), (socket) => {
      socket.on("data", (bytes) => (received += bytes.length));
    });
    const log = aLink({ port, trust: { mode: "pin", fingerprint: expected, learn: () => Promise.resolve() } });
    await until("it gives up for now", () => log.now === "waiting");
    assert.match(
      log.reasons[0] ?? "",
      new RegExp(`${expected}.*was expected.*([0-9A-F]{2}:){31}[0-9A-F]{2} was presented`),
    );
    assert.equal(received, 0);
  });

  it("a certificate of another printer is refused in both careful modes, before anything is sent", async () => {
    const { key, cert } = await makeCertificate("01P00A000000009");
    let received = 0;
    const port = await aServer(createTlsServer({ key, cert }), (socket) => {
      socket.on("data", (bytes) => (received += bytes.length));
    });
    const log = aLink({
      port,
      trust: { mode: "pin", fingerprint: null, learn: () => Promise.reject(new Error("never")) },
    });
    await until("it gives up for now", () => log.now === "waiting");
    assert.match(log.reasons[0] ?? "", /is "01P00A000000009", not "01P00A000000001"/);
    assert.equal(received, 0);
  });

  it("a certificate signed by the given authority is accepted, one of another authority is not", async () => {
    const printer = await aPrinter();
    const folder = await mkdtemp(join(tmpdir(), "printgate-ca-"));
    toClose.push(() => rm(folder, { recursive: true }));
    const right = join(folder, "right.pem");
    const wrong = join(folder, "wrong.pem");
    await writeFile(right, printer.caPem);
    await writeFile(wrong, (await makeCertificate("X")).cert);
    await complete(aLink({ port: printer.port, trust: { mode: "verify", caFile: right } }));
    const refused = aLink({ port: printer.port, trust: { mode: "verify", caFile: wrong } });
    await until("it gives up for now", () => refused.now === "waiting");
    assert.match(refused.reasons[0] ?? "", /not signed by a trusted authority/);
    const missing = aLink({ port: printer.port, trust: { mode: "verify", caFile: join(folder, "none.pem") } });
    await until("it stops", () => missing.now === "stopped");
    assert.match(missing.reasons[0] ?? "", /none\.pem can not be read/);
  });

  it("an unreachable host is said once, not once per attempt", async () => {
    const port = await aServer(createTcpServer(), (socket) => socket.destroy());
    await toClose.pop()?.();
    const log = aLink({ port });
    await until("three attempts", () => log.reasons.length >= 3);
    assert.equal(new Set(log.reasons).size, 1);
    assert.match(log.reasons[0] ?? "", /nothing answers there/);
    assert.deepEqual(log.warnings, [log.reasons[0]]);
    const waits = log.states.flatMap((state) => (state.kind === "waiting" ? [state.retryInMs ?? 0] : []));
    assert.ok(waits[0]! < waits[1]! && waits[1]! < waits[2]!, waits.join());
    const troubles = log.states.flatMap((state) => (state.kind === "connecting" ? [state.after?.message ?? null] : []));
    assert.deepEqual(troubles.slice(0, 3), [null, log.reasons[0], log.reasons[0]]);
  });

  it("a printer that was off comes back by itself", async () => {
    const printer = await aPrinter();
    const log = aLink({ port: printer.port });
    await complete(log);
    await printer.powerCycle();
    await until("it is back", () => log.now === "live" && printer.clients === 1);
    await until("its report", () => count(printer, "pushall") === 2);
  });

  it("a silent printer is asked to go on, then connected to anew", async () => {
    const printer = await aPrinter({ reportIntervalMs: 20 });
    const log = aLink({ port: printer.port, staleAfterMs: 400 });
    await complete(log);
    printer.silence(true);
    await until("it is asked", () =>
      printer.requests.some(({ section, command }) => section === "pushing" && command === "start"),
    );
    assert.equal(printer.connects, 1);
    await until("a fresh connection", () => printer.connects === 2);
    assert.ok(log.reasons.some((reason) => reason.includes("sends no reports")));
    await until("the full report is asked for again", () => count(printer, "pushall") === 2);
  });

  it("bad frames are passed over, said once a kind, and the next good report is right", async () => {
    const printer = await aPrinter();
    const log = aLink({ port: printer.port });
    await complete(log);
    const bad = [
      "{",
      "[]",
      "42",
      '{"print":7}',
      Buffer.from([0xff, 0xfe, 0x00]),
      Buffer.alloc(1_000_000, 0x61),
      '{"print":{"command":"push_status","msg":1,"bed_temper":{"a":[]}}}',
    ];
    for (let round = 0; round < 3; round++) for (const frame of bad) printer.publish(frame);
    printer.publish({ print: { command: "push_status", msg: 1, bed_temper: 41.5 } });
    await until("the good report", () => log.last?.status.temperatures.bed.actual === 41.5);
    assert.equal(new Set(log.warnings).size, log.warnings.length);
    assert.equal(log.warnings.length, 4);
    assert.equal(log.now, "live");
  });

  it("a printer that lets us in and answers nothing more is left for now, not waited for", async () => {
    const { key, cert } = await makeCertificate(SERIAL);
    const accepted = Buffer.from([0x20, 0x02, 0x00, 0x00]);
    let logins = 0;
    const port = await aServer(createTlsServer({ key, cert }), (socket) => {
      socket.once("data", () => {
        logins += 1;
        socket.resume().write(accepted);
      });
    });
    const log = aLink({ port });
    await until("the login", () => logins === 1);
    await until("it gives up for now", () => log.now === "waiting");
    assert.match(log.reasons[0] ?? "", /let us in, but does not answer/);
    await until("the next attempt", () => logins === 2);
  });

  it("a printer that does not let us listen to that serial is not called again and again", async () => {
    const { key, cert } = await makeCertificate(SERIAL);
    const port = await aServer(createTlsServer({ key, cert }), (socket) => {
      socket.on("data", (packet) => {
        const [connect, subscribe] = [0x10, 0x82];
        if (packet[0] === connect) socket.write(Buffer.from([0x20, 0x02, 0x00, 0x00]));
        if (packet[0] === subscribe) socket.write(Buffer.from([0x90, 0x03, packet[2]!, packet[3]!, 0x80]));
      });
    });
    const log = aLink({ port });
    await until("two attempts", () => log.reasons.length === 2);
    for (const state of log.states) if (state.kind === "waiting") assert.equal(state.reason.code, "wrong-serial");
    assert.match(log.reasons[0] ?? "", /does not let us listen to its reports; is the serial right/);
    assert.deepEqual(log.warnings, [log.reasons[0]]);
  });

  it("an IPv6 address may stand in brackets", async function () {
    const printer = await startVirtualPrinter({ model: "P1S", serial: SERIAL, accessCode: CODE, host: "::1" }).catch(
      () => null,
    );
    if (printer === null) return this.skip();
    toClose.push(() => printer.close());
    for (const host of ["[::1]", "::1"]) await complete(aLink({ port: printer.port, host }));
  });

  it("closes within two seconds in every state, and leaves no phantom", async () => {
    const printer = await aPrinter();
    const mute = await aServer(createTcpServer(), () => undefined);
    const { key, cert } = await makeCertificate(SERIAL);
    const deaf = await aServer(createTlsServer({ key, cert }), (socket) => socket.resume());
    const connecting = aLink({ port: mute });
    const loggingIn = aLink({ port: deaf });
    const waiting = aLink({ port: 1 });
    const stopped = aLink({ port: printer.port, accessCode: "wrong" });
    const live = aLink({ port: printer.port });
    const unopened = bambuLan({
      serial: SERIAL,
      host: "127.0.0.1",
      port: 1,
      accessCode: "",
      trust: { mode: "insecure" },
      staleAfterMs: 1,
    });
    await complete(live);
    await until(
      "each is where it should be",
      () => stopped.now === "stopped" && waiting.now === "waiting" && connecting.now === "connecting",
    );
    const logs = [connecting, loggingIn, waiting, stopped, live];
    const closing = () => Promise.all([...logs.map((log) => log.link.close()), unopened.close(), live.link.close()]);
    assert.ok((await ownTime(closing)) < 2000);
    const said = logs.map((log) => log.states.length);
    await until("the printer is alone", () => printer.clients === 0);
    printer.publish({ print: { command: "push_status", msg: 1, bed_temper: 1 } });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      logs.map((log) => log.states.length),
      said,
      "nothing is said after the close",
    );
  });

  it("can be opened again after it was closed", async () => {
    const printer = await aPrinter();
    const log = aLink({ port: printer.port });
    await complete(log);
    await log.link.close();
    const again = new LinkLog(log.link);
    await complete(again);
    assert.equal(printer.clients, 1);
  });

  it("a printer without an address is connected to when it announces itself, and followed when it moves", async () => {
    const printer = await aPrinter();
    let announce: (sighting: Sighting) => void = () => assert.fail("nobody watches");
    let watched = false;
    const sightings: Sightings = {
      watch(serial, seen) {
        assert.equal(serial, SERIAL);
        announce = seen;
        watched = true;
        return () => (watched = false);
      },
    };
    const log = aLink({ port: printer.port, host: "", sightings });
    await until("it waits to be found", () => log.now === "waiting");
    assert.match(log.reasons[0] ?? "", /not seen on the network/);
    announce({ serial: SERIAL, address: "127.0.0.1", name: "x", model: null, mode: null });
    await complete(log);
    await log.link.close();
    assert.equal(watched, false);
  });

  it("an announced address is followed only where the certificate will be judged", async () => {
    const printer = await aPrinter();
    const moved: Sighting = { serial: SERIAL, address: "127.0.0.1", name: "x", model: null, mode: null };
    const calls: ((sighting: Sighting) => void)[] = [];
    const sightings: Sightings = { watch: (_serial, seen) => (calls.push(seen), () => undefined) };
    // 127.0.0.2 answers nothing on that port: the printer listens on 127.0.0.1 only.
    const pinned: Trust = { mode: "pin", fingerprint: printer.fingerprint, learn: () => Promise.resolve() };
    const careless = aLink({ port: printer.port, host: "127.0.0.2", sightings });
    const careful = aLink({ port: printer.port, host: "127.0.0.2", sightings, trust: pinned });
    await until("both wait", () => careless.now === "waiting" && careful.now === "waiting");
    for (const seen of calls) seen(moved);
    await complete(careful);
    assert.equal(careless.last, undefined);
  });

  it("a printer that announces itself after it was away is called at once; one that never went, or refused, is not", async () => {
    const printer = await aPrinter();
    const here: Sighting = { serial: SERIAL, address: "127.0.0.1", name: "x", model: null, mode: null };
    const calls: ((sighting: Sighting) => void)[] = [];
    const sightings: Sightings = { watch: (_serial, seen) => (calls.push(seen), () => undefined) };
    const announce = () => {
      for (const seen of calls) seen(here);
    };
    const away = aLink({ port: 1, sightings });
    const refused = aLink({ port: printer.port, accessCode: "wrong", sightings });
    await until("one waits, one has stopped", () => away.now === "waiting" && refused.now === "stopped");
    announce();
    assert.deepEqual([away.now, refused.now], ["connecting", "stopped"]);
    announce();
    await until("it waits again", () => away.now === "waiting");
    announce();
    assert.deepEqual([away.now, refused.now], ["waiting", "stopped"]);
    assert.equal(away.states.filter((state) => state.kind === "connecting").length, 2);
  });

  it("says the access code nowhere", async () => {
    const printer = await aPrinter();
    const live = aLink({ port: printer.port });
    await complete(live);
    printer.setAccessCode("another-code");
    printer.publish({ system: { command: "get_access_code", access_code: CODE, sequence_id: "20000" } });
    printer.publish({ print: { command: "push_status", msg: 1, ipcam: { access_code: CODE } } });
    printer.dropLinks();
    await until("it is refused", () => live.now === "stopped");
    assert.ok(!live.allWords.includes(CODE), live.allWords);
  });
});
