import assert from "node:assert/strict";
import { PrinterReports } from "../../../lib/bambu/frames";
import type { Fields } from "../../../lib/bambu/values";
import type { Observation } from "../../../lib/printer/link";
import type { PrinterStatus } from "../../../lib/printer/status";
import { frame, fullReport, MODEL_NAMES, packed, serialOf, version, type ModelName } from "../../support/reports";

const AT = Date.UTC(2026, 0, 1);

/** What is observed of a printer after its full report with this difference. */
function observe(model: ModelName | null, difference: Fields = {}): Observation {
  const reports = new PrinterReports({ serial: model === null ? "99900A000000001" : serialOf(model) });
  if (model !== null) reports.accept(frame({ info: version(model) }), AT);
  const [accepted] = reports.accept(frame({ print: fullReport(model ?? "P1S", difference) }), AT);
  assert.equal(accepted?.kind, "report");
  return accepted.observation;
}
const status = (model: ModelName | null, difference: Fields = {}): PrinterStatus => observe(model, difference).status;

describe("Decoding Bambu reports", () => {
  for (const model of MODEL_NAMES) {
    it(`reads the full report of a ${model}`, () => {
      const { status: read, model: name, complete, signals } = observe(model);
      const nested = ["P2S", "X2D", "H2D", "H2D Pro", "H2S", "H2C"].includes(model);
      const chamber = nested || model.startsWith("X1");
      assert.equal(name, model);
      assert.equal(complete, true);
      assert.deepEqual(signals, { cancelled: false, runout: false });
      assert.equal(read.state, "printing");
      assert.deepEqual(read.stage, { id: 0, name: "printing" });
      assert.deepEqual(
        { ...read.job },
        {
          id: "700100200",
          name: "lampshade",
          file: model.startsWith("X1") ? "plate_1.gcode" : "lampshade.gcode.3mf",
          origin: "cloud",
          progress: 42,
          layer: 61,
          totalLayers: 150,
          remainingSeconds: 4500,
          startedAt: "2026-01-01T00:00:00.000Z",
          endsAt: "2026-01-01T01:15:00.000Z",
        },
      );
      assert.equal(read.temperatures.nozzles.length, ["X2D", "H2D", "H2D Pro", "H2C"].includes(model) ? 2 : 1);
      assert.equal(read.temperatures.nozzles[0]?.active, true);
      assert.equal(read.temperatures.bed.target, 60);
      assert.equal(read.temperatures.chamber?.actual, chamber ? 38 : undefined);
      assert.equal(read.fans.part, 100);
      assert.equal(
        read.fans.aux,
        ["A1", "A1 mini", "A2L"].includes(model) ? null : nested ? 40 : model.startsWith("X1") ? 60 : 0,
      );
      assert.equal(read.lights.chamber, "on");
      assert.deepEqual(read.speed, { level: 2, name: "standard", percent: 100 });
      assert.equal(read.filament.units.length > 0, true);
      assert.deepEqual(read.alerts, []);
      assert.equal(read.firmware.installed, "01.08.00.00");
      assert.deepEqual(read.network, { ip: "192.0.2.20", wifiSignalDbm: -45 });
      assert.equal(read.door, chamber ? "closed" : null);
      assert.equal(read.storage, "ok");
      assert.deepEqual(read.control, { allowed: nested ? true : null, reason: null });
      assert.equal(read.online, false);
      assert.equal(read.lastSeen, null);
    });
  }

  it("translates every state, and calls all others unknown", () => {
    const expected: [unknown, string][] = [
      ["IDLE", "idle"],
      ["PREPARE", "preparing"],
      ["SLICING", "preparing"],
      ["RUNNING", "printing"],
      ["PAUSE", "paused"],
      ["FINISH", "finished"],
      ["FAILED", "failed"],
      ["INIT", "unknown"],
      ["OFFLINE", "unknown"],
      ["UNKNOWN", "unknown"],
      ["", "unknown"],
      ["PRINTING", "unknown"],
      ["toString", "unknown"],
      [7, "unknown"],
      [undefined, "unknown"],
    ];
    for (const [said, state] of expected) assert.equal(status("P1S", { gcode_state: said }).state, state, String(said));
  });

  it("names stages, with both words for idle, the boot glitch, and unknown numbers", () => {
    const stage = (difference: Fields): unknown => status("P1S", difference).stage;
    assert.deepEqual(stage({ stg_cur: -1 }), { id: -1, name: "idle" });
    assert.deepEqual(stage({ stg_cur: 255 }), { id: 255, name: "idle" });
    assert.deepEqual(stage({ stg_cur: 0, print_type: "idle" }), { id: 0, name: "idle" });
    assert.deepEqual(stage({ stg_cur: 13 }), { id: 13, name: "homing toolhead" });
    assert.deepEqual(stage({ stg_cur: 78 }), { id: 78, name: "unknown" });
    assert.deepEqual(stage({ stg_cur: undefined }), { id: null, name: null });
    assert.deepEqual(stage({ stg_cur: undefined, stage: { _id: 7 } }), { id: 7, name: "heating nozzle" });
    assert.deepEqual(stage({ stg_cur: 2, stage: { _id: 7 } }), { id: 2, name: "preheating bed" });
  });

  it("has no job while idle, nor when there is nothing to call it by", () => {
    const nameless = { task_id: "0", subtask_id: "", subtask_name: "", gcode_file: "-1" };
    assert.equal(status("P1S", { gcode_state: "IDLE" }).job, null);
    assert.equal(status("P1S", { gcode_state: "FINISH", ...nameless }).job, null);
    assert.equal(status("P1S", { gcode_state: "FINISH" }).job?.name, "lampshade");
    const job = status("P1S", { gcode_state: "RUNNING", ...nameless }).job;
    assert.deepEqual([job?.id, job?.name, job?.file, job?.progress], [null, null, null, 42]);
  });

  it("takes the job's second names where the first are empty", () => {
    assert.equal(status("P1S", { task_id: "0" }).job?.id, "700100201");
    assert.equal(status("P1S", { mc_remaining_time: undefined, remain_time: 3 }).job?.remainingSeconds, 180);
    const job = status("P1S", {
      layer_num: undefined,
      total_layer_num: undefined,
      "3D": { layer_num: 4, total_layer_num: 9 },
    }).job;
    assert.deepEqual([job?.layer, job?.totalLayers], [4, 9]);
  });

  it("knows no number of layers, start or end where the printer writes a zero", () => {
    const job = status("P1S", {
      total_layer_num: 0,
      gcode_start_time: "0",
      mc_remaining_time: 0,
      print_type: "system",
    }).job;
    assert.deepEqual([job?.totalLayers, job?.startedAt, job?.endsAt, job?.origin], [null, null, null, null]);
    assert.equal(job?.remainingSeconds, 0);
    assert.equal(status("P1S", { gcode_state: "FAILED" }).job?.endsAt, null);
  });

  it("unpacks two temperatures from one word, for both nozzles, the bed and the chamber", () => {
    const { nozzles, bed, chamber } = status("H2D").temperatures;
    assert.deepEqual(nozzles, [
      { index: 0, actual: 219, target: 220, active: true, diameter: 0.4, type: "hardened_steel" },
      { index: 1, actual: 25, target: 0, active: false, diameter: 0.4, type: "stainless_steel" },
    ]);
    assert.deepEqual(bed, { actual: 60, target: 60 });
    assert.deepEqual(chamber, { actual: 38, target: 45 });
  });

  it("reads the nozzle in use from bits 4 to 7, whatever the other bits say", () => {
    const active = (state: unknown): unknown => {
      const device = fullReport("H2D").device as { extruder: Fields };
      return status("H2D", { device: { ...device, extruder: { ...device.extruder, state } } }).temperatures.nozzles.map(
        (nozzle) => nozzle.active,
      );
    };
    assert.deepEqual(active(0x112), [false, true]);
    assert.deepEqual(active(2), [true, false]);
    assert.deepEqual(active(33042), [false, true]);
    for (const changing of [undefined, 0xf2, 0x1f2]) assert.deepEqual(active(changing), [null, null]);
  });

  it("does not say which nozzle flat fields mean on a printer with two", () => {
    assert.equal(status("H2D", { device: undefined }).temperatures.nozzles[0]?.active, null);
  });

  it("stands a nozzle list that is a number, as old X1 firmware sends it", () => {
    const [nozzle] = status("X1C", { device: { nozzle: { "0": { info: 4 }, info: 4 } } }).temperatures.nozzles;
    assert.deepEqual([nozzle?.actual, nozzle?.diameter, nozzle?.type], [219.75, 0.4, "hardened_steel"]);
  });

  it("translates nozzle codes and passes on words it does not know", () => {
    const type = (nozzle_type: unknown): unknown => status("P1S", { nozzle_type }).temperatures.nozzles[0]?.type;
    assert.deepEqual(["HS00", "HH01", "HU05", "HS01-0.4", "HS77", "brass", "", "N/A"].map(type), [
      "stainless_steel",
      "hardened_steel",
      "tungsten_carbide",
      "hardened_steel",
      "HS77",
      "brass",
      null,
      null,
    ]);
  });

  it("frees a nozzle's diameter from the noise of a 32-bit float", () => {
    const diameter = (nozzle_diameter: unknown): unknown =>
      status("P1S", { nozzle_diameter }).temperatures.nozzles[0]?.diameter;
    assert.deepEqual([0.4000000059604645, 0.20000000298023224, "0.6", "0.00", 0].map(diameter), [
      0.4,
      0.2,
      0.6,
      null,
      null,
    ]);
  });

  it("takes the placeholder 5 for no chamber sensor only while the model is unknown", () => {
    assert.equal(status(null, { chamber_temper: 5 }).temperatures.chamber, null);
    assert.deepEqual(status(null, { chamber_temper: 31 }).temperatures.chamber, { actual: 31, target: null });
    assert.equal(status("P1S", { chamber_temper: 31 }).temperatures.chamber, null);
    assert.deepEqual(status("X1C", { chamber_temper: 5 }).temperatures.chamber, { actual: 5, target: null });
    assert.deepEqual(status("X1E").temperatures.chamber, { actual: 38, target: 45 });
  });

  it("rounds the fifteen gears of a fan up to tens", () => {
    const gears = Array.from({ length: 17 }, (_, gear) => status("P1S", { cooling_fan_speed: String(gear) }).fans.part);
    assert.deepEqual(gears, [0, 10, 20, 20, 30, 40, 40, 50, 60, 60, 70, 80, 80, 90, 100, 100, null]);
  });

  it("takes the air duct's percent where there is one, also for a second auxiliary fan", () => {
    const device = {
      airduct: {
        parts: [
          { id: 16, state: 35 },
          { id: 48, state: 70 },
          { id: 160, state: 20 },
        ],
      },
    };
    assert.deepEqual(status("P2S", { device }).fans, { part: 35, aux: 0, aux2: 20, chamber: 70, heatbreak: 100 });
  });

  it("reads three lights, and no mode that it does not know", () => {
    const lights_report = [
      { node: "chamber_light", mode: "flashing" },
      { node: "chamber_light2", mode: "off" },
      { node: "work_light", mode: "disco" },
    ];
    assert.deepEqual(status("X1C", { lights_report }).lights, { chamber: "flashing", chamber2: "off", work: null });
  });

  it("reads the speed, and none from a level that does not exist", () => {
    assert.deepEqual(status("P1S", { spd_lvl: 4, spd_mag: 166 }).speed, { level: 4, name: "ludicrous", percent: 166 });
    assert.equal(status("P1S", { spd_lvl: 5 }).speed, null);
  });

  it("reads a little-endian address, the first that is none of zeros, also from a signed number", () => {
    const ip = (...words: unknown[]): unknown =>
      status("P1S", { net: { info: words.map((word) => ({ ip: word })) } }).network.ip;
    assert.equal(ip(0, 0x0a0200c0), "192.0.2.10");
    assert.equal(ip(0xc90200c0 | 0), "192.0.2.201");
    assert.equal(ip(0), null);
    assert.equal(ip("192.0.2.1"), null);
  });

  it("reads the radio signal from its text", () => {
    assert.equal(status("P1S", { wifi_signal: "-90dBm" }).network.wifiSignalDbm, -90);
    assert.equal(status("P1S", { wifi_signal: "none" }).network.wifiSignalDbm, null);
  });

  it("finds the door in bit 23 of the field that the model uses", () => {
    assert.equal(status("X1C", { home_flag: 0x800000 }).door, "open");
    assert.equal(status("X1C", { home_flag: -1 }).door, "open");
    assert.equal(status("X1C", { home_flag: 0 }).door, "closed");
    assert.equal(status("H2D", { stat: "4600800000" }).door, "open");
    assert.equal(status("H2D", { stat: "4600000000", home_flag: 0x800000 }).door, "closed");
    assert.equal(status("H2D", { stat: undefined }).door, null);
    assert.equal(status("P1S", { home_flag: 0x800000, stat: "800000" }).door, null);
  });

  it("believes a door of an unknown model only if the printer says it supports one", () => {
    assert.equal(status(null, { stat: "800000" }).door, null);
    assert.equal(status(null, { stat: "800000", fun: "1000" }).door, "open");
  });

  it("knows no door on X1 firmware from before the sensor was read", () => {
    const reports = new PrinterReports({ serial: serialOf("X1C") });
    const ota = { name: "ota", product_name: "Bambu Lab X1-Carbon", sw_ver: "01.06.06.58" };
    reports.accept(frame({ info: version("X1C", [ota]) }), AT);
    const [accepted] = reports.accept(frame({ print: fullReport("X1C") }), AT);
    assert.equal(accepted?.kind === "report" && accepted.observation.status.door, null);
  });

  it("reads the card from its own word first, and a bad one from the bits", () => {
    const storage = (difference: Fields): unknown => status("P1S", { home_flag: undefined, ...difference }).storage;
    assert.equal(storage({ sdcard: false, home_flag: 0x100 }), "missing");
    assert.equal(storage({ sdcard: true, home_flag: 0 }), "ok");
    assert.equal(storage({ sdcard: true, home_flag: 0x200 }), "error");
    assert.equal(storage({ sdcard: "HAS_SDCARD_ABNORMAL" }), "error");
    assert.equal(storage({ sdcard: "true" }), "ok");
    assert.equal(storage({ sdcard: undefined, home_flag: 0x100 }), "ok");
    assert.equal(storage({ sdcard: undefined, home_flag: 0 }), "missing");
    assert.equal(storage({ sdcard: undefined, aux: "3000" }), "error");
    assert.equal(storage({ sdcard: undefined }), null);
  });

  it("reads the signing bit from 64-bit hex text, inside or beside the print section", () => {
    assert.equal(status("P1S", { fun: "4FFFFF9FD7F7F8DF" }).control.allowed, true);
    assert.equal(status("P1S", { fun: "FFFFFFFFFFFFFFFF" }).control.allowed, false);
    assert.match(status("P1S", { fun: "20000000" }).control.reason ?? "", /developer mode/);
    assert.equal(status("P1S", { fun: "0" }).control.allowed, true);
    for (const fun of [undefined, "", "nonsense", 5, {}]) assert.equal(status("P1S", { fun }).control.allowed, null);
    const reports = new PrinterReports({ serial: serialOf("P1S") });
    const [accepted] = reports.accept(frame({ print: fullReport("P1S"), fun: "20000000" }), AT);
    assert.equal(accepted?.kind === "report" && accepted.observation.status.control.allowed, false);
  });

  it("lists modules, without inventing versions", () => {
    const { modules } = status("P1S").firmware;
    assert.deepEqual(modules.slice(2), [
      { name: "mc", installed: "00.00.32.18/00.00.32.18" },
      { name: "th", installed: null },
      { name: "xm", installed: null },
      { name: "ams/0", installed: "00.00.06.49" },
    ]);
  });

  it("prefers packed words over flat fields that say something else", () => {
    const device = { bed: { info: { temp: packed(70, 80) } } };
    assert.deepEqual(status("H2S", { device }).temperatures.bed, { actual: 70, target: 80 });
    assert.deepEqual(status("H2S", { device: { bed_temp: packed(71, 81) } }).temperatures.bed, {
      actual: 71,
      target: 81,
    });
  });
});
