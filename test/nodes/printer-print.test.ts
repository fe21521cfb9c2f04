import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { startVirtualPrinter, type VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import printerCommand from "../../nodes/printer-command";
import printerConfig from "../../nodes/printer-config";
import { SERIAL, tab } from "../support/flows";
import { ask, load, nodeOf, startNodeRed, statusOf, stopNodeRed } from "../support/helper";
import { codesFor, configFor, lanHouse } from "../support/lan-house";
import { until } from "../support/wait";

const CODE = "87654321";
const TOPIC = `printers/${SERIAL}/commands/print`;
const BYTES = 200_000;
const data = Buffer.alloc(BYTES, "printgate ");

/** A file that takes its time: a piece every so often. */
function slowly(pieces: number, everyMs: number): Readable {
  const piece = BYTES / pieces;
  let given = 0;
  return new Readable({
    read() {
      setTimeout(() => {
        this.push(given < pieces ? data.subarray(given * piece, ++given * piece) : null);
      }, everyMs);
    },
  });
}

describe("printing from a flow", () => {
  let machine: VirtualPrinter;
  let house: ReturnType<typeof lanHouse>;
  const files = (): string[] => [...machine.doors.files.keys()];
  const orders = () => machine.requests.filter(({ command }) => /^(project|gcode)_file$/.test(command));

  /** A printer that is known, and the node. */
  async function start(timeout = "5"): Promise<void> {
    const command = {
      id: "command1",
      z: "tab1",
      type: "printer-command",
      printer: "config1",
      command: "print",
      timeout,
    };
    const flow = [tab, configFor(machine), { ...command, wires: [[], [], []] }];
    await load([house.install, printerConfig, printerCommand], flow, codesFor(machine));
    await until("it is known", () => (statusOf("command1") as { text: string }).text.endsWith("status.idle"));
  }

  /** What left each output. */
  async function print(payload: object): Promise<{ done: any[]; refused: any[]; progress: any[] }> {
    const { sent, error } = await ask("command1", { _msgid: "m1", payload, colour: "blue" });
    assert.equal(error, null);
    const at = (output: number) => sent.map((out) => [out].flat()[output] ?? null).filter((msg) => msg !== null);
    assert.ok(!JSON.stringify(sent).includes(CODE));
    return { done: at(0), refused: at(1), progress: at(2) };
  }

  async function refusal(payload: object): Promise<{ code: unknown; reason: string }> {
    const { done, refused } = await print(payload);
    assert.deepEqual([done.length, refused.length], [0, 1]);
    assert.equal(refused[0].colour, "blue");
    assert.deepEqual([machine.state, orders().length], ["IDLE", 0], "nothing was started");
    return refused[0].payload;
  }

  beforeEach(async () => {
    house = lanHouse();
    const identity = { model: "P1S", serial: SERIAL, accessCode: CODE };
    machine = await startVirtualPrinter({ ...identity, reportIntervalMs: 50 });
    await startNodeRed();
  });
  afterEach(async () => {
    await stopNodeRed();
    await house.close();
    await machine.close();
  });

  it("brings a Buffer to the printer and starts it", async () => {
    await start();
    const { done, refused, progress } = await print({ file: "bracket.gcode.3mf", content: data, plate: 2 });
    assert.equal(refused.length, 0);
    assert.deepEqual(
      { ...done[0].payload, seconds: 0 },
      { command: "print", confirmed: true, by: "reply", seconds: 0 },
    );
    assert.deepEqual([done[0].topic, done[0].colour], [TOPIC, "blue"]);
    assert.deepEqual(files(), ["/bracket.gcode.3mf"]);
    assert.ok(machine.doors.files.get("/bracket.gcode.3mf")?.equals(data));
    assert.deepEqual([machine.state, orders().length], ["PREPARE", 1]);
    assert.equal(orders()[0]?.body["param"], "Metadata/plate_2.gcode");
    assert.deepEqual([progress.at(-1).topic, progress.at(-1).payload.percent], [TOPIC, 100]);
  });

  it("brings a file of this machine, under its name or another", async () => {
    await start();
    const folder = await mkdtemp(join(tmpdir(), "printgate-print-"));
    const path = join(folder, "vase.gcode");
    await writeFile(path, data);
    const { done } = await print({ path, name: "tall vase.gcode" });
    await rm(folder, { recursive: true });
    assert.equal(done.length, 1);
    assert.ok(machine.doors.files.get("/tall vase.gcode")?.equals(data));
    assert.deepEqual([orders()[0]?.command, orders()[0]?.body["param"]], ["gcode_file", "tall vase.gcode"]);
  });

  it("prints what is on the printer already, and not what is not", async () => {
    await start();
    const { done, refused } = await print({ file: "nowhere.3mf" });
    assert.deepEqual([done.length, machine.state], [0, "IDLE"]);
    assert.match(refused[0].payload.reason, /file not found/);
    machine.doors.files.set("/here & now.3mf", data);
    assert.equal((await print({ file: "here & now.3mf" })).done.length, 1);
    assert.equal(machine.state, "PREPARE");
  });

  for (const percent of [1, 50, 99]) {
    it(`that is cut at ${percent} % of the upload starts nothing, and says so on the second output`, async () => {
      await start();
      machine.doors.faults.cutAfter = (BYTES * percent) / 100;
      const { code, reason } = await refusal({ file: "bracket.3mf", content: data });
      assert.equal(typeof code, "string");
      assert.match(reason, /nothing was started, nothing of it is left on the printer/);
      assert.deepEqual(files(), []);
    });
  }

  it("is refused before a byte is sent while another print is on", async () => {
    await start();
    machine.startPrint();
    await until("it is seen", () => (statusOf("command1") as { text: string }).text.includes("preparing"));
    const { refused, progress } = await print({ file: "bracket.3mf", content: data });
    assert.deepEqual([refused[0].payload.code, progress.length, files().length], ["wrong-state", 0, 0]);
  });

  it("is called off when another print was started during the upload", async () => {
    await start();
    const work = print({ file: "bracket.3mf", content: slowly(5, 60), bytes: BYTES });
    await until("the upload has begun", () => files().length > 0);
    machine.startPrint({ name: "somebody else's" });
    const { done, refused } = await work;
    assert.equal(done.length, 0);
    assert.equal(refused[0].payload.code, "wrong-state");
    assert.equal(orders().length, 0);
  });

  it("may take longer than the timeout as long as the upload goes on, and tells its progress once a second", async () => {
    await start("1");
    const { done, progress } = await print({ file: "bracket.3mf", content: slowly(40, 40), bytes: BYTES });
    assert.equal(done.length, 1);
    const seconds = done[0].payload.seconds as number;
    assert.ok(seconds > 1.2);
    const told = progress.map(({ payload }) => payload.percent as number);
    assert.ok(told.length >= 2 && told.length <= 2 + seconds, `${told.join(", ")} in ${seconds} s`);
    assert.deepEqual(
      told,
      [...new Set(told)].sort((a, b) => a - b),
      "always farther",
    );
    assert.equal(told.at(-1), 100, "the end");
  });

  it("that falls silent during the upload ends with the timeout and leaves nothing", async () => {
    await start("0.3");
    const stuck = new Readable({ read: () => undefined });
    stuck.push(data.subarray(0, 1000));
    const { code, reason } = await refusal({ file: "bracket.3mf", content: stuck, bytes: BYTES });
    assert.equal(code, "timeout");
    assert.match(reason, /nothing was started/);
    await until("nothing is left", () => files().length === 0 && stuck.destroyed);
  });

  it("whose node is closed during the upload leaves nothing, and starts nothing", async () => {
    await start();
    const asked = ask("command1", { payload: { file: "bracket.3mf", content: slowly(100, 20), bytes: BYTES } });
    await until("the upload has begun", () => files().length > 0);
    await nodeOf("command1").close(false);
    const { error, sent } = await asked;
    assert.match(String(error), /closed before the printer had answered/);
    assert.ok(sent.every((out) => [out].flat()[0] == null && [out].flat()[1] == null));
    await until("nothing is left", () => files().length === 0);
    await until("the printer is free again", () => machine.clients === 0);
    assert.deepEqual([machine.state, orders().length], ["IDLE", 0]);
  });
});
