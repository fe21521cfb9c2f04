import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { isPrintgateError } from "../../../lib/errors";
import type { VirtualPrinter } from "../../../lib/simulator/printer/virtual-printer";
import { RawClient } from "../../support/raw-client";
import { Bench, CODE, SERIAL, until } from "./fixture";

const bench = new Bench();

async function handshake(printer: VirtualPrinter, options: object = {}): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port: printer.port, rejectUnauthorized: false, ...options });
  await once(socket, "secureConnect");
  return socket;
}

describe("the virtual printer's door", () => {
  afterEach(() => bench.clear());

  it("lets bblp with the access code in and nobody else (CONNACK 5)", async () => {
    const printer = await bench.printer();
    await assert.rejects(RawClient.open(printer, "wrong"), { code: 5 });
    await assert.rejects(RawClient.open(printer, CODE, { username: "admin" }), { code: 5 });
    await bench.client(printer);
    assert.equal(printer.clients, 1);
    assert.equal(printer.connects, 1);
  });

  it("takes a changed access code for the next login", async () => {
    const printer = await bench.printer();
    const before = await bench.client(printer);
    printer.setAccessCode("55555555");
    await assert.rejects(RawClient.open(printer, CODE), { code: 5 });
    assert.ok(before.mqtt.connected);
  });

  it("ends the connection of a client that subscribes to the request topic, by wildcard too", async () => {
    const printer = await bench.printer();
    for (const topic of [`device/${SERIAL}/request`, "device/+/request"]) {
      const client = await bench.client(printer, { topic: "" });
      const closed = client.closed();
      client.mqtt.subscribe(topic);
      await closed;
    }
  });

  it("sends reports to wildcards that cover the report topic, and only those", async () => {
    const printer = await bench.printer();
    const client = await bench.client(printer, { topic: "device/#" });
    const other = await bench.client(printer, { topic: "device/01P00A999999999/report" });
    await client.pushAll();
    await client.sendRaw("{}", `device/${SERIAL}/report`);
    await client.settle();
    assert.deepEqual(
      client.frames.map((frame) => Object.keys(frame)[0]),
      ["print", "info"],
    );
    assert.deepEqual(other.frames, []);
  });

  it("ignores commands to another serial", async () => {
    const printer = await bench.printer();
    const client = await bench.client(printer);
    await client.sendRaw('{"pushing":{"sequence_id":"1","command":"pushall"}}', "device/01P00A999999999/request");
    await client.settle();
    assert.equal(client.reports.length, 0);
    assert.deepEqual(
      printer.requests.map(({ command }) => command),
      ["get_version"],
    );
  });

  it("turns a fifth client away and takes one again when a place is free", async () => {
    const printer = await bench.printer();
    const clients = await Promise.all([1, 2, 3, 4].map(() => bench.client(printer)));
    await assert.rejects(RawClient.open(printer, CODE), /the link ended/);
    assert.equal(printer.clients, 4);
    await clients[0]!.leave();
    await until(() => printer.clients < 4);
    await bench.client(printer);
    assert.equal(printer.clients, 4);
  });

  it("ends the older connection when the same client id comes again, also with all places taken", async () => {
    const printer = await bench.printer({ maxClients: 1 });
    const first = await bench.client(printer, { clientId: "studio" });
    const ended = first.closed();
    const second = await bench.client(printer, { clientId: "studio" });
    await ended;
    assert.ok(second.mqtt.connected);
    await until(() => printer.clients === 1);
    assert.equal(printer.connects, 2);
  });

  it("tells a goodbye from a lost connection", async () => {
    const printer = await bench.printer();
    await (await bench.client(printer)).leave();
    await until(() => printer.disconnectsClean > 0);
    (await bench.client(printer)).mqtt.stream.destroy();
    await until(() => printer.clients === 0);
    assert.equal(printer.disconnectsClean, 1);
  });

  it("speaks TLS 1.2 with a certificate whose only name is the serial", async () => {
    const printer = await bench.printer();
    const socket = await handshake(printer);
    const peer = new X509Certificate(socket.getPeerCertificate(true).raw);
    assert.equal(socket.getProtocol(), "TLSv1.2");
    assert.equal(peer.subject, `CN=${SERIAL}`);
    assert.equal(peer.subjectAltName, undefined);
    assert.equal(peer.fingerprint256, printer.fingerprint);
    socket.destroy();
    await assert.rejects(handshake(printer, { minVersion: "TLSv1.3" }));
  });

  it("is verified by its authority once the name check accepts the serial", async () => {
    for (const model of ["P1S", "P2S"]) {
      const printer = await bench.printer({ model });
      const socket = await handshake(printer, {
        ca: printer.caPem,
        rejectUnauthorized: true,
        servername: SERIAL,
        checkServerIdentity: () => undefined,
      });
      assert.ok(socket.authorized);
      socket.destroy();
      await assert.rejects(handshake(printer, { rejectUnauthorized: true }), (error: NodeJS.ErrnoException) =>
        ["SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"].includes(error.code ?? ""),
      );
    }
  });

  it("keeps port, certificate and filaments over a power cycle and loses the job", async () => {
    const { printer, client } = await bench.pair();
    const { fingerprint, port } = printer;
    printer.startPrint();
    const ended = client.closed();
    await printer.powerCycle();
    await ended;
    assert.deepEqual([printer.fingerprint, printer.port, printer.state], [fingerprint, port, "IDLE"]);
    const socket = await handshake(printer);
    assert.equal(socket.getPeerCertificate().fingerprint256, fingerprint);
    socket.destroy();
    const again = await bench.client(printer);
    const status = await again.pushAll();
    assert.deepEqual([status["gcode_state"], status["subtask_name"], status["layer_num"]], ["IDLE", "", 0]);
    assert.equal(status["upgrade_state"].new_version_state, 0);
    assert.equal(printer.connects, 2);
  });

  it("keeps its identity when a certificate is handed over", async () => {
    const first = await bench.printer();
    const second = await bench.printer({ certificate: first.certificate });
    assert.deepEqual([second.fingerprint, second.caPem], [first.fingerprint, first.caPem]);
  });

  it("closes within a second with clients connected and leaves nothing open", async () => {
    // A timer or socket left behind would keep this process from ending.
    const child = [join(__dirname, "close-child.ts")];
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", ...child], { timeout: 50_000 });
    const { closedInMs } = JSON.parse(stdout) as { closedInMs: number };
    assert.ok(closedInMs < 1000);
  });

  it("says which models there are, and which option is wrong", async () => {
    const start = (options: object): Promise<unknown> => bench.printer(options);
    await assert.rejects(
      start({ model: "X9" }),
      (error: unknown) => isPrintgateError(error, "config-invalid") && error.message.includes("A1 mini"),
    );
    await assert.rejects(start({ serial: "a/b" }), /not a serial/);
    await assert.rejects(start({ timeScale: -1 }), /time scale/);
    const { port } = await bench.printer();
    await assert.rejects(start({ port }), (error: unknown) => isPrintgateError(error, "config-invalid"));
  });
});
