import assert from "node:assert/strict";
import { EndlessJobs } from "../../../lib/simulator/printer/machine/endless-jobs";
import { type FirmwareOffer, offerFirmware } from "../../../lib/simulator/printer/machine/firmware";
import { PrinterMachine } from "../../../lib/simulator/printer/machine/machine";
import { findProfile, PRINTER_PROFILES } from "../../../lib/simulator/printer/virtual-printer";
import type { RawClient } from "../../support/raw-client";
import { Bench } from "./fixture";

const bench = new Bench();

/** What the client read of a field, repeats left out. */
function course(client: RawClient, field: string): unknown[] {
  const seen = client.reports.map((report) => report[field] as unknown).filter((value) => value !== undefined);
  return seen.filter((value, index) => index === 0 || value !== seen[index - 1]);
}

describe("a simulated print", () => {
  afterEach(() => bench.clear());

  for (const { model } of PRINTER_PROFILES) {
    it(`goes from PREPARE to FINISH on the ${model}, layer by layer`, async () => {
      const { printer, client } = await bench.pair({ model });
      printer.startPrint({ name: "Vase", layers: 12, minutes: 6 });
      printer.advance(20 * 60);
      await client.settle();
      assert.deepEqual(course(client, "gcode_state"), ["IDLE", "PREPARE", "RUNNING", "FINISH"]);
      assert.deepEqual(course(client, "layer_num"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      assert.deepEqual(course(client, "total_layer_num"), [0, 12]);
      const percents = course(client, "mc_percent") as number[];
      assert.deepEqual(
        percents,
        [...percents].sort((left, right) => left - right),
      );
      assert.equal(percents.at(-1), 100);
      const minutes = course(client, "mc_remaining_time") as number[];
      assert.deepEqual(
        minutes.slice(1),
        [...minutes.slice(1)].sort((left, right) => right - left),
      );
      const status = await client.pushAll();
      assert.deepEqual(
        [status["subtask_name"], status["print_error"], status["nozzle_target_temper"], status["bed_target_temper"]],
        ["Vase", 0, 0, 0],
      );
    });
  }

  it("heats, levels, cleans the nozzle and changes filament half way", async () => {
    const { printer, client } = await bench.pair();
    printer.startPrint();
    printer.advance(30 * 60);
    await client.settle();
    assert.deepEqual(course(client, "stg_cur"), [255, 13, 2, 1, 7, 4, 14, 0, 4, 0, 255]);
    const trays = client.reports
      .map((report) => report["ams"]?.tray_now as unknown)
      .filter((tray) => tray !== undefined);
    assert.deepEqual(trays, ["255", "0", "255", "1"]);
  });

  it("reports temperatures that climb to the target and swing around it", async () => {
    const { printer, client } = await bench.pair();
    printer.startPrint({ minutes: 20 });
    for (let minute = 0; minute < 10; minute++) printer.advance(60);
    await client.settle();
    const nozzle = course(client, "nozzle_temper") as number[];
    assert.ok(nozzle.includes(25) && Math.max(...nozzle) < 221);
    assert.ok(nozzle.filter((value) => Math.abs(value - 220) < 1).length > 5);
  });

  it("takes half as long on ludicrous speed, as far as printing goes", () => {
    const secondsToFinish = (level: number): number => {
      const machine = new PrinterMachine(findProfile("P1S"));
      machine.startPrint({ minutes: 60 }, 0);
      machine.state.speedLevel = level;
      let seconds = 0;
      for (; machine.state.gcodeState !== "FINISH"; seconds++) machine.advance(1, () => undefined);
      return seconds;
    };
    const ratio = (secondsToFinish(2) - 300) / (secondsToFinish(4) - 300);
    assert.ok(ratio > 1.6 && ratio < 1.75, String(ratio));
  });

  it("pauses and goes on", async () => {
    const { printer, client } = await bench.pair();
    printer.startPrint();
    printer.advance(6 * 60);
    printer.pause();
    const layer = (await client.pushAll())["layer_num"] as number;
    printer.advance(30 * 60);
    const paused = await client.pushAll();
    assert.deepEqual([paused["gcode_state"], paused["stg_cur"], paused["layer_num"]], ["PAUSE", 16, layer]);
    printer.resume();
    printer.advance(20 * 60);
    await client.settle();
    assert.deepEqual(course(client, "gcode_state").slice(-4), ["RUNNING", "PAUSE", "RUNNING", "FINISH"]);
  });

  for (const [model, code, alert] of [
    ["P1S", 0x07008011, 0x07007000],
    ["A1", 0x12008011, 0x12007000],
    ["P1P", 0x07ff8011, null],
  ] as const) {
    it(`pauses when filament runs out and says which feeder it was (${model})`, async () => {
      const { printer, client } = await bench.pair({ model });
      printer.startPrint();
      printer.advance(6 * 60);
      printer.runOut();
      const empty = await client.pushAll();
      assert.deepEqual([empty["gcode_state"], empty["stg_cur"], empty["print_error"]], ["PAUSE", 6, code]);
      assert.equal(empty["hms"][0]?.attr ?? null, alert);
      if (model !== "P1P") assert.deepEqual(Object.keys(empty["ams"].ams[0].tray[0]), ["id", "state"]);
      printer.resume();
      const filled = await client.pushAll();
      assert.deepEqual([filled["gcode_state"], filled["print_error"], filled["hms"]], ["RUNNING", 0, []]);
      if (model !== "P1P") assert.equal(filled["ams"].ams[0].tray[0].remain, 100);
    });
  }

  it("fails with an error and an alert that the next print clears", async () => {
    const { printer, client } = await bench.pair();
    printer.startPrint();
    printer.advance(6 * 60);
    printer.fail();
    const failed = await client.wait((frame) => frame["print"]?.["gcode_state"] === "FAILED");
    assert.equal(failed["print"]!["print_error"], 0x03008008);
    assert.equal(failed["print"]!["hms"].length, 1);
    printer.startPrint();
    const next = await client.pushAll();
    assert.deepEqual([next["gcode_state"], next["print_error"], next["hms"]], ["PREPARE", 0, []]);
  });

  for (const [cancelOrder, expected] of [
    [
      "pulse-first",
      [
        [50348044, undefined],
        [undefined, "FAILED"],
        [0, undefined],
      ],
    ],
    [
      "failed-first",
      [
        [undefined, "FAILED"],
        [50348044, undefined],
        [0, undefined],
      ],
    ],
    [
      "together",
      [
        [50348044, "FAILED"],
        [0, undefined],
      ],
    ],
  ] as const) {
    it(`tells a cancel by a pulse of print_error (${cancelOrder})`, async () => {
      const { printer, client } = await bench.pair({ cancelOrder });
      printer.startPrint();
      printer.advance(6 * 60);
      await client.settle();
      const before = client.reports.length;
      printer.cancel();
      printer.advance(10);
      await client.settle();
      const told = client.reports
        .slice(before)
        .map((report) => [report["print_error"], report["gcode_state"]] as unknown[])
        .filter((pair) => pair.some((value) => value !== undefined));
      assert.deepEqual(told, expected);
    });
  }

  it("uses the newer cancel code on the models that have it", async () => {
    const { printer, client } = await bench.pair({ model: "P2S" });
    printer.startPrint();
    printer.cancel();
    await client.wait((frame) => frame["print"]?.["print_error"] === 0x0500400e);
  });

  it("is not begun twice, nor ended when there is none", async () => {
    const { printer, client } = await bench.pair();
    for (const act of ["pause", "resume", "cancel", "fail", "runOut", "finish"] as const) printer[act]();
    assert.equal(printer.state, "IDLE");
    printer.startPrint({ name: "One" });
    printer.startPrint({ name: "Two" });
    assert.equal((await client.pushAll())["subtask_name"], "One");
  });

  it("runs by itself when time does", async () => {
    const changes: string[] = [];
    const printer = await bench.printer({
      timeScale: 6000,
      reportIntervalMs: 20,
      onState: ({ state }) => changes.push(state),
    });
    const client = await bench.client(printer);
    await client.pushAll();
    const finished = client.wait((frame) => frame["print"]?.["gcode_state"] === "FINISH");
    printer.startPrint();
    await finished;
    assert.deepEqual(changes, ["PREPARE", "RUNNING", "FINISH"]);
  });
});

describe("endless jobs", () => {
  it("bring newer firmware after the second job and install it after the fifth; what others offer stays", () => {
    const run = (model: string, offer: FirmwareOffer | null): string[] => {
      const machine = new PrinterMachine(findProfile(model));
      const endless = new EndlessJobs(machine, "pulse-first");
      if (offer !== null) offerFirmware(machine.state.firmware, offer);
      const diary: string[] = [];
      let jobs = 0;
      let busy = false;
      for (let second = 0; second < 3 * 3600; second++) {
        machine.advance(1, () => undefined);
        endless.step(1, 0);
        if (machine.busy && !busy) jobs += 1;
        ({ busy } = machine);
        const { firmware } = machine.state;
        const entry = `${jobs}: ${firmware.installed} ${firmware.offer?.version ?? "-"} ${firmware.feeders.get("ams/0") ?? ""}`;
        if (!diary.at(-1)?.endsWith(entry.slice(3))) diary.push(entry);
      }
      return diary;
    };
    assert.deepEqual(run("P1S", null), [
      "0: 01.08.02.00 - 00.00.06.49",
      "2: 01.08.02.00 01.08.03.00 00.00.06.49",
      "5: 01.08.03.00 - 00.00.07.00",
    ]);
    assert.deepEqual(run("P1P", null), run("P1P", null));
    assert.deepEqual(run("P1S", { version: "01.09.01.00" }), ["0: 01.08.02.00 01.09.01.00 00.00.06.49"]);
  });

  it("bring every ending, a pause, a runout, an alert and the door within seven jobs, the same each time", () => {
    const run = (): { course: string[]; stages: Set<number>; alerts: number; doors: number; jobSeconds: number[] } => {
      const machine = new PrinterMachine(findProfile("X1C"));
      const endless = new EndlessJobs(machine, "pulse-first");
      const result = { course: ["IDLE"], stages: new Set<number>(), alerts: 0, doors: 0, jobSeconds: [] as number[] };
      let busyFor = 0;
      for (let second = 0; second < 5 * 3600; second++) {
        machine.advance(1, () => undefined);
        endless.step(1, 0);
        const { gcodeState, stage, alerts, doorOpen } = machine.state;
        if (result.course.at(-1) !== gcodeState) result.course.push(gcodeState);
        result.stages.add(stage);
        result.alerts += alerts.length;
        result.doors += doorOpen ? 1 : 0;
        if (machine.busy) busyFor += 1;
        else if (busyFor > 0) {
          result.jobSeconds.push(busyFor);
          busyFor = 0;
        }
      }
      return result;
    };
    const { course: states, stages, alerts, doors, jobSeconds } = run();
    const count = (state: string): number => states.filter((one) => one === state).length;
    assert.deepEqual([count("FINISH") >= 5, count("FAILED"), count("PAUSE") >= 2], [true, 2, true]);
    for (const stage of [1, 2, 4, 6, 7, 13, 14, 16, 0]) assert.ok(stages.has(stage), `stage ${stage}`);
    assert.ok(alerts > 0 && doors > 0);
    // At a minute a second a finished job takes 20 to 40 seconds.
    assert.ok(
      jobSeconds.every((seconds) => seconds >= 10 * 60 && seconds <= 40 * 60),
      jobSeconds.join(),
    );
    assert.deepEqual(run().course, states);
  });
});
