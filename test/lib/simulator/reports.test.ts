import assert from "node:assert/strict";
import { PRINTER_PROFILES } from "../../../lib/simulator/printer/virtual-printer";
import { Bench } from "./fixture";

const bench = new Bench();

/** Feeder modules and the way the state of a firmware update is told, by model. */
const EXPECTED: Record<string, { ams: string[]; prefix: string; door: boolean; two?: boolean }> = {
  P1S: { ams: ["ams/0"], prefix: "Bambu Lab P1S", door: false },
  P1P: { ams: [], prefix: "Bambu Lab P1P", door: false },
  X1C: { ams: ["ams/0"], prefix: "Bambu Lab X1-Carbon", door: true },
  X1: { ams: ["ams/0"], prefix: "", door: true },
  A1: { ams: ["ams_f1/0"], prefix: "Bambu Lab A1", door: false },
  "A1 mini": { ams: ["ams_f1/0"], prefix: "Bambu Lab A1 mini", door: false },
  P2S: { ams: ["n3f/0"], prefix: "Bambu Lab P2S", door: true },
  H2D: { ams: ["n3f/0", "n3s/128"], prefix: "Bambu Lab H2D", door: true, two: true },
  H2S: { ams: ["n3f/0"], prefix: "Bambu Lab H2S", door: true },
};

const low = (packed: number): number => packed & 0xffff;
const high = (packed: number): number => packed >>> 16;
const bit = (word: string | number, index: number): boolean => ((BigInt(word) >> BigInt(index)) & 1n) === 1n;

describe("the virtual printer's reports", () => {
  afterEach(() => bench.clear());

  for (const { model } of PRINTER_PROFILES) {
    it(`answer get_version and pushall in the words of the ${model}`, async () => {
      const expected = EXPECTED[model]!;
      const printer = await bench.printer({ model });
      const client = await bench.client(printer);
      const { module } = await client.ask("info", "get_version");
      const names = (module as { name: string }[]).map(({ name }) => name);
      const ota = module.find(({ name }: { name: string }) => name === "ota");
      assert.deepEqual(
        names.filter((name) => name.includes("/")),
        expected.ams,
      );
      assert.equal(ota.product_name ?? "", expected.prefix);
      assert.match(ota.sw_ver, /^\d\d(\.\d\d){3}$/);
      assert.equal(ota.sn, printer.serial);

      const status = await client.pushAll();
      assert.equal(status["gcode_state"], "IDLE");
      assert.equal(status["stg_cur"], model.startsWith("P1") ? 255 : -1);
      assert.equal(status["upgrade_state"].new_version_state, 2);
      assert.equal("new_ver_list" in status["upgrade_state"], /^(P1|A1)/.test(model));
      assert.equal(status["ams"].ams.length, expected.ams.length);
      assert.equal(status["chamber_temper"], /^(P1|A1)/.test(model) ? 5 : 25);
      assert.equal(
        status["device"]?.extruder.info.length,
        /^(P2|H2)/.test(model) ? (expected.two === true ? 2 : 1) : undefined,
      );
      assert.equal(status["sequence_id"] === "2021", /^(X1|P2|H2)/.test(model));
      assert.equal(status["msg"], model === "X1" ? undefined : 0);
      assert.ok(client.qos.every((qos) => qos === 0));
    });

    it(`show the door of the ${model} where it has a sensor`, async () => {
      const { printer, client } = await bench.pair({ model });
      printer.openDoor();
      const open = await client.pushAll();
      printer.closeDoor();
      const closed = await client.pushAll();
      const seen = [open, closed].map((status) =>
        model.startsWith("X1")
          ? bit(status["home_flag"], 23)
          : "stat" in status && bit(`0x${String(status["stat"])}`, 23),
      );
      assert.deepEqual(seen, [EXPECTED[model]!.door, false]);
    });
  }

  it("of a P1S are silent until somebody asked for the whole, then carry changes only", async () => {
    const printer = await bench.printer();
    const client = await bench.client(printer);
    printer.advance(120);
    await client.settle();
    assert.equal(client.reports.length, 0);

    const status = await client.pushAll();
    assert.equal(status["msg"], 0);
    assert.ok(Object.keys(status).length > 40);
    printer.startPrint();
    printer.advance(60);
    await client.settle();
    const deltas = client.reports.slice(1);
    assert.ok(deltas.length >= 3);
    for (const delta of deltas) {
      assert.equal(delta["msg"], 1);
      assert.ok(JSON.stringify(delta).length < 400);
    }
    assert.ok(!deltas.some((delta) => "lights_report" in delta || "hms" in delta || "ams" in delta));
  });

  it("of an X1C are whole each time and carry the same sequence id", async () => {
    const { printer, client } = await bench.pair({ model: "X1C" });
    printer.startPrint();
    printer.advance(30);
    await client.settle();
    assert.ok(client.reports.length >= 4);
    for (const report of client.reports) {
      assert.equal(report["sequence_id"], "2021");
      assert.ok("lights_report" in report && "ams" in report && "hms" in report);
    }
  });

  it("of an X1C come about every second though nothing happens", async () => {
    const { client } = await bench.pair({ model: "X1C", timeScale: 1, reportIntervalMs: 25 });
    for (let count = 0; count < 3; count++) await client.wait((frame) => frame["print"]?.["gcode_state"] === "IDLE");
  });

  it("of an H2D pack both nozzles, the bed and the chamber into `device`", async () => {
    const { printer, client } = await bench.pair({ model: "H2D", serial: "09400A000000001" });
    printer.startPrint({ minutes: 20 });
    printer.advance(8 * 60);
    const first = await client.pushAll();
    const [right, left] = first["device"].extruder.info;
    assert.equal(high(right.temp), 220);
    assert.ok(Math.abs(low(right.temp) - 220) <= 1);
    assert.deepEqual([high(left.temp), low(left.temp)], [0, 25]);
    assert.equal(high(first["device"].bed.info.temp), 55);
    assert.ok(Math.abs(low(first["device"].bed_temp) - 55) <= 1);
    assert.ok(low(first["device"].ctc.info.temp) > 25 && low(first["device"].ctc.info.temp) < 45);
    assert.equal(first["device"].extruder.state, 0x002);
    assert.deepEqual([right.snow, left.snow], [0x0000, 0xfeff]);

    printer.advance(10 * 60);
    const second = await client.pushAll();
    const [waiting, working] = second["device"].extruder.info;
    assert.equal(second["device"].extruder.state, 0x112);
    assert.equal(working.snow, 0x8000);
    assert.deepEqual([high(working.temp), high(waiting.temp)], [255, 140]);
    assert.equal(second["ams"].tray_now, "128");
    assert.deepEqual([second["ams"].ams_exist_bits, second["ams"].tray_exist_bits], ["11", "10007"]);
    assert.deepEqual(
      second["ams"].ams.map(({ id, info }: { id: string; info: string }) => [id, info]),
      [
        ["0", "3"],
        ["128", "104"],
      ],
    );
  });

  it("word an empty slot as a tray with an id and at most a state", async () => {
    const { client } = await bench.pair();
    const { ams } = await client.pushAll();
    assert.deepEqual(ams.ams[0].tray[3], { id: "3", state: 8 });
    assert.equal(ams.tray_exist_bits, "7");
    const old = await bench.pair({ model: "X1" });
    assert.deepEqual((await old.client.pushAll())["ams"].ams[0].tray[3], { id: "3" });
  });

  it("give the printer's address as a little-endian number", async () => {
    const { client } = await bench.pair();
    const { net } = await client.pushAll();
    assert.equal(net.info[0].ip, 0x0100007f);
  });

  it("stop and go on when pushing is switched off and on", async () => {
    const { printer, client } = await bench.pair();
    await client.send("pushing", "stop");
    await client.settle();
    printer.startPrint();
    await client.settle();
    assert.equal(client.reports.length, 1);
    await client.send("pushing", "start");
    await client.settle();
    printer.advance(1);
    await client.wait((frame) => frame["print"]?.["gcode_state"] === "PREPARE");
  });

  it("are withheld by a printer that hangs while its connection stays up", async () => {
    const { printer, client } = await bench.pair();
    printer.silence(true);
    printer.startPrint();
    await client.send("info", "get_version");
    await client.send("pushing", "pushall");
    await client.mqtt.publishAsync(`device/${printer.serial}/request`, "{}", { qos: 1 });
    assert.equal(client.frames.length, 1);
    assert.ok(client.mqtt.connected);
    printer.silence(false);
    await client.settle();
  });

  it("can be any raw frame a test wants to try", async () => {
    const { printer, client } = await bench.pair();
    printer.publish(Buffer.from([0x7b, 0xff, 0xfe]));
    printer.publish("not json");
    printer.publish({ event: { event: "client.disconnected" } });
    await client.wait((frame) => frame["event"] !== undefined);
    assert.equal(client.raw.at(-2)!.toString(), "not json");
  });

  it("tell alerts when they come and go", async () => {
    const { printer, client } = await bench.pair();
    printer.raiseAlert(50331904, 65543);
    await client.wait((frame) => frame["print"]?.["hms"]?.[0]?.attr === 50331904);
    printer.clearAlerts();
    await client.wait((frame) => frame["print"]?.["hms"]?.length === 0);
  });
});
