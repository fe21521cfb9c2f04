import assert from "node:assert/strict";
import { requestOf } from "../../../lib/bambu/command-frames";
import { type Known, PrinterReports } from "../../../lib/bambu/frames";
import { demandsSignature, verdictOf } from "../../../lib/bambu/replies";
import { isPrintgateError } from "../../../lib/errors";
import { readCommand } from "../../../lib/printer/command-reading";
import type { CommandName } from "../../../lib/printer/commands";
import { UNKNOWN_STATUS } from "../../../lib/printer/status";
import { encodeModules } from "../../../lib/simulator/printer/report/firmware-encoder";
import { PrinterMachine } from "../../../lib/simulator/printer/machine/machine";
import { findProfile } from "../../../lib/simulator/printer/machine/profiles";
import { encodeStatus } from "../../../lib/simulator/printer/report/encoder";

/** What is known of a printer of this model that has just been switched on. */
function knownOf(model: string, print: object = {}): Known {
  const profile = findProfile(model);
  const around = { serial: `${profile.serialPrefix}00A000000001`, address: "192.0.2.10", signedCommands: false };
  const reports = new PrinterReports({ serial: around.serial });
  const hear = (frame: object) => reports.accept(Buffer.from(JSON.stringify(frame)), 0);
  const { state } = new PrinterMachine(profile);
  hear({ info: { command: "get_version", sequence_id: "1", module: encodeModules(state, profile, around.serial) } });
  const report = encodeStatus(state, profile, around);
  hear({ print: { ...report, ...print, command: "push_status", msg: 0 } });
  return reports.known;
}

function fieldsFor(model: string, name: Exclude<CommandName, "rename">, payload?: unknown, print?: object) {
  const command = readCommand(name, payload);
  assert.ok(command.name !== "rename");
  const { section, command: word, fields } = requestOf(command, knownOf(model, print));
  return { [`${section}.${word}`]: fields };
}

const LED_TIMES = { led_on_time: 500, led_off_time: 500, loop_times: 1, interval_time: 1000 };
const DIRECT = ["P2S", "H2D", "H2S"];
const BY_GCODE = ["P1S", "P1P", "X1C", "X1", "A1", "A1 mini"];

describe("requests to Bambu printers", () => {
  it("ask for a print to pause, resume and stop, and for its speed", () => {
    for (const name of ["pause", "resume", "stop"] as const)
      assert.deepEqual(fieldsFor("P1S", name), { [`print.${name}`]: { param: "" } });
    assert.deepEqual(fieldsFor("P1S", "speed", "ludicrous"), { "print.print_speed": { param: "4" } });
  });

  it("switch a light with all the members without which the frame is dropped", () => {
    assert.deepEqual(fieldsFor("H2D", "light", { node: "chamber2", mode: "off" }), {
      "system.ledctrl": { led_node: "chamber_light2", led_mode: "off", ...LED_TIMES },
    });
  });

  it("heat and blow directly where the firmware knows how", () => {
    for (const model of DIRECT) {
      assert.deepEqual(fieldsFor(model, "bed-temperature", 65), { "print.set_bed_temp": { temp: 65 } }, model);
      assert.deepEqual(fieldsFor(model, "nozzle-temperature", 230), {
        "print.set_nozzle_temp": { extruder_index: 0, target_temp: 230 },
      });
      assert.deepEqual(fieldsFor(model, "fan", { fan: "aux2", percent: 50 }), {
        "print.set_fan": { fan_index: 10, speed: 128 },
      });
    }
    assert.deepEqual(fieldsFor("H2D", "chamber-temperature", 45), { "print.set_ctt": { ctt_val: 45 } });
    assert.deepEqual(fieldsFor("H2D", "nozzle-temperature", { target: 230, nozzle: 1 }), {
      "print.set_nozzle_temp": { extruder_index: 1, target_temp: 230 },
    });
  });

  it("heat and blow by G-code everywhere else, an unknown model included", () => {
    for (const model of BY_GCODE) {
      assert.deepEqual(fieldsFor(model, "bed-temperature", 65), { "print.gcode_line": { param: "M140 S65\n" } }, model);
      assert.deepEqual(fieldsFor(model, "nozzle-temperature", 230), { "print.gcode_line": { param: "M104 S230\n" } });
      assert.deepEqual(fieldsFor(model, "fan", { fan: "part", percent: 100 }), {
        "print.gcode_line": { param: "M106 P1 S255\n" },
      });
      assert.deepEqual(fieldsFor(model, "home"), { "print.gcode_line": { param: "G28\n" } });
    }
    const unknown = new PrinterReports({ serial: "ZZZ00A000000001" }).known;
    assert.equal(unknown.model.name, null);
    assert.equal(requestOf({ name: "chamber-temperature", target: 40 }, unknown).fields["param"], "M141 S40\n");
  });

  it("heat the nozzle in use where nobody says which", () => {
    const known = knownOf("H2D");
    const { temperatures } = known.status;
    const nozzles = temperatures.nozzles.map((nozzle) => ({ ...nozzle, active: nozzle.index === 1 }));
    const left = { ...known, status: { ...known.status, temperatures: { ...temperatures, nozzles } } };
    assert.equal(
      requestOf({ name: "nozzle-temperature", target: 200, nozzle: null }, left).fields["extruder_index"],
      1,
    );
  });

  it("are not made for what a model lacks", () => {
    const lacking: [string, Exclude<CommandName, "rename">, unknown][] = [
      ["P1S", "chamber-temperature", 40],
      ["X1C", "chamber-temperature", 40],
      ["A1", "fan", { fan: "chamber", percent: 10 }],
      ["P1S", "nozzle-temperature", { target: 200, nozzle: 1 }],
      ["P1P", "ams-load", { slot: 0 }],
      ["P1S", "ams-load", { unit: 3, slot: 0 }],
      ["H2D", "ams-load", { unit: 128, slot: 1 }],
      ["H2D", "ams-load", { external: true }],
      ["P1S", "ams-dry", { unit: 0, temperature: 55, hours: 8 }],
      ["A1", "ams-dry", { unit: 0, on: false }],
      ["P1S", "ams-dry", { unit: 2, temperature: 55, hours: 8 }],
    ];
    for (const [model, name, payload] of lacking)
      assert.throws(
        () => fieldsFor(model, name, payload),
        (thrown) => isPrintgateError(thrown, "not-supported"),
        `${model} ${name}`,
      );
  });

  it("count slots over units, a single-slot unit by its own id, and take the spool's own temperature", () => {
    const load = (model: string, payload: unknown) =>
      fieldsFor(model, "ams-load", payload)["print.ams_change_filament"];
    assert.deepEqual(load("P1S", { unit: 0, slot: 1 }), {
      ...{ ams_id: 0, slot_id: 1, target: 1 },
      ...{ curr_temp: 220, tar_temp: 215 },
    });
    assert.deepEqual(load("H2D", { unit: 128, slot: 0 }), {
      ...{ ams_id: 128, slot_id: 0, target: 128 },
      ...{ curr_temp: 220, tar_temp: 250 },
    });
    const lite = { ams: { ams: [{ id: "16", tray: [{ id: "2" }] }], ams_exist_bits: "1000" } };
    const change = fieldsFor("A1", "ams-load", { unit: 16, slot: 2 }, lite)["print.ams_change_filament"];
    assert.deepEqual([change?.["ams_id"], change?.["slot_id"], change?.["target"]], [16, 2, 16]);
    assert.equal(load("P1S", { external: true })?.["target"], 254);
    assert.equal(load("H2D", { external: true, slot: 1 })?.["target"], 254);
  });

  it("take filament out, from the nozzle in use where there are two", () => {
    assert.deepEqual(fieldsFor("P1S", "ams-unload"), { "print.unload_filament": {} });
    const change = fieldsFor("H2D", "ams-unload")["print.ams_change_filament"];
    assert.deepEqual([change?.["target"], change?.["slot_id"], change?.["extruder_id"]], [255, 255, 0]);
  });

  it("dry and stop drying", () => {
    const dry = fieldsFor("H2D", "ams-dry", { unit: 128, temperature: 65, hours: 8 })["print.ams_filament_drying"];
    assert.deepEqual([dry?.["ams_id"], dry?.["mode"], dry?.["temp"], dry?.["duration"]], [128, 1, 65, 8]);
    assert.equal(fieldsFor("H2D", "ams-dry", { unit: 128, on: false })["print.ams_filament_drying"]?.["mode"], 0);
  });

  it("describe a spool, with usual values for a usual material", () => {
    assert.deepEqual(fieldsFor("P1S", "ams-set", { slot: 2, type: "PETG", color: "#00FF00" }), {
      "print.ams_filament_setting": {
        ...{ ams_id: 0, slot_id: 2, tray_id: 2, tray_info_idx: "GFG99", setting_id: "" },
        ...{ tray_color: "00FF00FF", nozzle_temp_min: 220, nozzle_temp_max: 270, tray_type: "PETG" },
      },
    });
    const outside = fieldsFor("P1S", "ams-set", { external: true, type: "PLA", color: "#000000" });
    assert.deepEqual(
      ["ams_id", "slot_id", "tray_id"].map((key) => outside["print.ams_filament_setting"]?.[key]),
      [255, 0, 254],
    );
    const rare = { slot: 0, type: "PEEK", color: "#000000" };
    for (const payload of [rare, { ...rare, nozzleMin: 300, nozzleMax: 280 }])
      assert.throws(
        () => fieldsFor("P1S", "ams-set", payload),
        (thrown) => isPrintgateError(thrown, "message-invalid"),
      );
  });

  it("acknowledge an error by its number, and unsigned where the firmware wants signatures", () => {
    const error = { print_error: 117473286, subtask_id: "77" };
    assert.deepEqual(fieldsFor("P1S", "clear-error", null, error), {
      "print.clean_print_error": { subtask_id: "77", print_error: 117473286 },
    });
    assert.deepEqual(fieldsFor("P1S", "clear-error", null, { ...error, fun: "20000000" }), {
      "system.uiop": { name: "print_error", action: "close", source: 1, type: "dialog", err: "07008006" },
    });
  });

  it("start a plate of a package or bare G-code that is on the printer", () => {
    assert.deepEqual(fieldsFor("P1S", "print", "cache/a b.gcode"), {
      "print.gcode_file": { param: "cache/a b.gcode" },
    });
    const order = { file: "a b.gcode.3mf", plate: 3, ams: [{ unit: 0, slot: 2 }, { unit: 128, slot: 0 }, null] };
    const p1 = fieldsFor("P1S", "print", order)["print.project_file"];
    assert.equal(p1?.["param"], "Metadata/plate_3.gcode");
    assert.deepEqual([p1["subtask_name"], p1["url"], p1["use_ams"]], ["a b", "file:///sdcard/a%20b.gcode.3mf", true]);
    assert.deepEqual(p1["ams_mapping"], [2, 128, 254]);
    assert.deepEqual(p1["ams_mapping2"], [
      { ams_id: 0, slot_id: 2 },
      { ams_id: 128, slot_id: 0 },
      { ams_id: 255, slot_id: 0 },
    ]);
    const h2 = fieldsFor("H2D", "print", order)["print.project_file"];
    assert.deepEqual([h2?.["url"], h2?.["use_ams"], h2?.["timelapse"]], ["ftp:///a%20b.gcode.3mf", 1, 0]);
  });
});

describe("answers of Bambu printers", () => {
  it("mean yes where they say so or only repeat the request", () => {
    for (const body of [
      {},
      { result: "success" },
      { result: "SUCCESS", reason: "SUCCESS", err_code: 0 },
      { result: 0 },
    ])
      assert.deepEqual(verdictOf({ command: "pause", ...body }), { kind: "done" });
  });

  it("mean no with a number, a word, or both", () => {
    const no = (body: object) => {
      const verdict = verdictOf({ ...body });
      assert.ok(verdict?.kind === "refused");
      return [verdict.code, verdict.reason];
    };
    assert.deepEqual(no({ result: "fail", reason: "busy" }), ["refused", "the printer refused it: busy"]);
    assert.deepEqual(no({ result: "FAILED" }), ["refused", "the printer refused it without a reason"]);
    assert.deepEqual(no({ result: -1 }), ["refused", "the printer refused it without a reason"]);
    assert.deepEqual(no({ result: "success", err_code: 83935248 }), [
      83935248,
      "the printer refused it without a reason (0500_C010)",
    ]);
    assert.equal(
      no({ result: "fail", reason: `a\n\u001b[2J${"b".repeat(500)}` })[1]
        ?.toString()
        .includes("\n"),
      false,
    );
  });

  it("demand a signature by each number of the family, by their words, and by an alert", () => {
    for (let code = 84033543; code <= 84033548; code++) {
      const verdict = verdictOf({ result: "failed", reason: "mqtt message verify failed", err_code: code });
      assert.ok(verdict?.kind === "refused" && verdict.code === code);
      assert.match(verdict.reason, /developer mode/);
    }
    const worded = verdictOf({ result: "failed", reason: "mqtt message verify failed" });
    assert.ok(worded?.kind === "refused" && worded.code === 84033543);
    assert.equal(demandsSignature(UNKNOWN_STATUS), false);
    const alert = { source: "hms", severity: "fatal", module: "mainboard", url: "" } as const;
    assert.ok(demandsSignature({ ...UNKNOWN_STATUS, alerts: [{ ...alert, code: "0500_0500_0001_0007" }] }));
  });

  it("mean nothing where they are neither", () => {
    for (const result of ["maybe", {}, []]) assert.equal(verdictOf({ result }), null);
  });
});
