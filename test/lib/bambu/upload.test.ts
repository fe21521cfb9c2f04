import assert from "node:assert/strict";
import { promises as fs } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { isPrintgateError, type PrintgateError } from "../../../lib/errors";
import type { Trust } from "../../../lib/bambu/tls";
import { safeName, uploadTo } from "../../../lib/bambu/upload";
import type { PrintContent, PrintOrder } from "../../../lib/printer/commands";
import { startVirtualPrinter, type VirtualPrinter } from "../../../lib/simulator/printer/virtual-printer";
import { until } from "../../support/wait";

const CODE = "87654321";
const SERIAL = "01P00A000000007";
const BYTES = 300_000;
const data = Buffer.alloc(BYTES, "printgate ");

function order(content: PrintContent, file = "bracket.gcode.3mf"): PrintOrder {
  return {
    ...{ file, content, plate: 1, ams: [], useAms: false, bedLeveling: true },
    ...{ flowCalibration: false, vibrationCalibration: false, timelapse: false },
  };
}

describe("an upload to a printer", () => {
  let machine: VirtualPrinter;
  const abort = (): AbortController => new AbortController();
  const pinned = (): Trust => ({ mode: "pin", fingerprint: machine.fingerprint, learn: () => Promise.resolve() });
  const upload = (
    what: PrintOrder,
    difference: { accessCode?: string; trust?: Trust; signal?: AbortSignal; port?: number } = {},
    progress?: (sent: number, total: number) => void,
  ): Promise<PrintOrder> =>
    uploadTo(
      {
        host: "127.0.0.1",
        port: difference.port ?? machine.doors.ftpPort,
        serial: SERIAL,
        accessCode: difference.accessCode ?? CODE,
        trust: difference.trust ?? pinned(),
      },
      what,
      { signal: difference.signal ?? abort().signal, ...(progress ? { progress } : {}) },
    );
  const refusal = async (work: Promise<unknown>): Promise<PrintgateError> => {
    const thrown: unknown = await work.then(
      () => assert.fail("the upload did not fail"),
      (error: unknown) => error,
    );
    assert.ok(isPrintgateError(thrown), String(thrown));
    assert.ok(!JSON.stringify([thrown.message, String(thrown.cause)]).includes(CODE));
    return thrown;
  };
  const names = (): string[] => [...machine.doors.files.keys()];

  beforeEach(async () => {
    machine = await startVirtualPrinter({ model: "P1S", serial: SERIAL, accessCode: CODE, timeScale: 0 });
  });
  afterEach(() => machine.close());

  it("brings a Buffer to the card, whole, and says how far it is", async () => {
    const seen: [number, number][] = [];
    const done = await upload(order({ kind: "buffer", data }), {}, (sent, total) => seen.push([sent, total]));
    assert.deepEqual(done, { ...order({ kind: "buffer", data }), content: null });
    assert.deepEqual(names(), ["/bracket.gcode.3mf"]);
    assert.deepEqual(machine.doors.files.get("/bracket.gcode.3mf"), data);
    assert.deepEqual(seen.at(-1), [BYTES, BYTES]);
  });

  it("brings a file of this machine, and a stream of unknown length", async () => {
    const folder = await fs.mkdtemp(join(tmpdir(), "printgate-upload-"));
    const path = join(folder, "vase.gcode");
    await fs.writeFile(path, data);
    await upload(order({ kind: "path", path }, "vase.gcode"));
    const stream = Readable.from([data.subarray(0, 1000), data.subarray(1000)]);
    await upload(order({ kind: "stream", stream, bytes: null }, "lamp.3mf"));
    await fs.rm(folder, { recursive: true });
    assert.deepEqual(names().sort(), ["/lamp.3mf", "/vase.gcode"]);
    for (const name of names()) assert.ok(machine.doors.files.get(name)?.equals(data), name);
  });

  it("replaces a file of the same name", async () => {
    machine.doors.files.set("/bracket.gcode.3mf", Buffer.from("old"));
    await upload(order({ kind: "buffer", data }));
    assert.ok(machine.doors.files.get("/bracket.gcode.3mf")?.equals(data));
  });

  for (const percent of [1, 50, 99]) {
    it(`that is cut at ${percent} % leaves nothing on the card and says so`, async () => {
      machine.doors.faults.cutAfter = (BYTES * percent) / 100;
      const error = await refusal(upload(order({ kind: "buffer", data })));
      assert.equal(error.code, "upload-failed");
      assert.match(error.message, /nothing was started, nothing of it is left on the printer/);
      assert.deepEqual(names(), []);
    });

    it(`that is cut at ${percent} % by a printer that is gone then leaves a file that is marked incomplete`, async () => {
      Object.assign(machine.doors.faults, { cutAfter: (BYTES * percent) / 100, goneAfterCut: true });
      const error = await refusal(upload(order({ kind: "buffer", data })));
      assert.match(error.message, /nothing was started, an incomplete file "bracket.gcode.3mf.part" may be left/);
      assert.deepEqual(names(), ["/bracket.gcode.3mf.part"]);
    });
  }

  it("to a file server that can not rename goes under its name, and is removed when it fails", async () => {
    machine.doors.faults.noRename = true;
    await upload(order({ kind: "buffer", data }));
    assert.deepEqual(names(), ["/bracket.gcode.3mf"]);
    machine.doors.faults.cutAfter = 1000;
    await refusal(upload(order({ kind: "buffer", data }, "other.3mf")));
    assert.deepEqual(names(), ["/bracket.gcode.3mf"]);
  });

  it("that arrived with another size is not taken for whole", async () => {
    machine.doors.faults.wrongBy = -5;
    const error = await refusal(upload(order({ kind: "buffer", data })));
    assert.match(error.message, /^299995 of 300000 bytes arrived/);
    assert.deepEqual(names(), []);
  });

  it("of a stream that ends early, or breaks, starts nothing", async () => {
    const short = Readable.from([data.subarray(0, 1000)]);
    const early = await refusal(upload(order({ kind: "stream", stream: short, bytes: BYTES })));
    assert.match(early.message, /only 1000 of 300000 bytes could be read/);
    const broken = Readable.from(
      (function* () {
        yield data.subarray(0, 1000);
        throw new Error("the disk is gone");
      })(),
    );
    const error = await refusal(upload(order({ kind: "stream", stream: broken, bytes: BYTES })));
    assert.match(error.message, /the disk is gone/);
    assert.deepEqual(names(), []);
  });

  it("of a stream that breaks before anybody reads it fails in words", async () => {
    const stream = new Readable({ read: () => undefined });
    const work = refusal(upload(order({ kind: "stream", stream, bytes: BYTES })));
    setImmediate(() => stream.destroy(new Error("the disk is gone")));
    assert.match((await work).message, /the disk is gone/);
    assert.deepEqual(names(), []);
  });

  it("to a card that is full says that there is no space", async () => {
    machine.doors.faults.space = 100_000;
    const error = await refusal(upload(order({ kind: "buffer", data })));
    assert.match(error.message, /no space left on the printer's storage/);
    assert.deepEqual(names(), []);
  });

  it("with a wrong access code says so, and nothing was written", async () => {
    const error = await refusal(upload(order({ kind: "buffer", data }), { accessCode: "00000000" }));
    assert.equal(error.code, "access-refused");
    assert.deepEqual(names(), []);
  });

  it("never says the access code to a server with another certificate", async () => {
    const trust: Trust = { mode: "pin", fingerprint: "AA:".repeat(31) + "AA", learn: () => Promise.resolve() };
    const error = await refusal(upload(order({ kind: "buffer", data }), { trust }));
    assert.equal(error.code, "certificate-changed");
  });

  it("to a port where nothing answers says which", async () => {
    const port = machine.doors.ftpPort;
    await machine.close();
    const error = await refusal(upload(order({ kind: "buffer", data }), { port }));
    assert.equal(error.code, "unreachable");
    assert.match(error.message, new RegExp(`port ${port}`));
  });

  it("that nobody waits for any more is called off and put away", async () => {
    const controller = abort();
    const stream = new Readable({ read: () => undefined });
    stream.push(data.subarray(0, 10_000));
    const work = refusal(upload(order({ kind: "stream", stream, bytes: BYTES }), { signal: controller.signal }));
    await until("the upload has begun", () => names().length > 0);
    controller.abort();
    const error = await work;
    assert.equal(error.code, "upload-failed");
    await until("nothing is left", () => names().length === 0);
  });

  it("of a file that is not there, or is empty, fails before anything is said", async () => {
    const error = await refusal(upload(order({ kind: "path", path: "/nowhere/at-all.3mf" })));
    assert.match(error.message, /can not be read/);
  });
});

describe("the name of a file on the printer", () => {
  for (const [given, name] of [
    ["bracket.gcode.3mf", "bracket.gcode.3mf"],
    ["../../etc/passwd.3mf", "passwd.3mf"],
    ["a\r\nDELE b.gcode", "a__DELE b.gcode"],
    ["  .hidden.3mf", "hidden.3mf"],
    ["Größe 10 (neu).3mf", "Größe 10 (neu).3mf"],
    [".3mf", "print.3mf"],
    [`${"x".repeat(500)}.gcode`, `${"x".repeat(100)}.gcode`],
  ] as const) {
    it(`of ${JSON.stringify(given.slice(0, 30))} is ${JSON.stringify(name.slice(0, 30))}`, () => {
      assert.equal(safeName(given), name);
    });
  }
});
