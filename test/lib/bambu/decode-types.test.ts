import assert from "node:assert/strict";
import { PrinterReports } from "../../../lib/bambu/frames";
import type { Fields } from "../../../lib/bambu/values";
import type { PrinterStatus } from "../../../lib/printer/status";
import { frame, fullReport, serialOf, version, type ModelName } from "../../support/reports";

const AT = Date.UTC(2026, 0, 1);

/** The status of a printer after its full report. */
function status(model: ModelName): PrinterStatus {
  const reports = new PrinterReports({ serial: serialOf(model) });
  reports.accept(frame({ info: version(model) }), AT);
  const [accepted] = reports.accept(frame({ print: fullReport(model) }), AT);
  assert.ok(accepted?.kind === "report");
  return accepted.observation.status;
}

describe("Wrong types in Bambu reports", () => {
  const WRONG: unknown[] = [
    null,
    "",
    {},
    [],
    1e300,
    -1e300,
    "nonsense",
    true,
    [null],
    [[1]],
    { id: {} },
    "9".repeat(2000),
  ];

  /** Every field of a report by path, with the report that has `value` there instead. */
  function* spoilt(model: ModelName, value: unknown): Generator<[string, Fields]> {
    const walk = function* (at: unknown, path: string[]): Generator<string[]> {
      if (typeof at !== "object" || at === null) return;
      for (const key of Object.keys(at)) {
        yield [...path, key];
        yield* walk((at as Fields)[key], [...path, key]);
      }
    };
    for (const path of walk(fullReport(model), [])) {
      if (["command", "msg"].includes(path[0] ?? "")) continue;
      const report = fullReport(model);
      const parent = path.slice(0, -1).reduce<any>((place, key) => place[key], report);
      parent[path.at(-1)!] = value;
      yield [path.join("."), report];
    }
  }

  /** Which parts of a status may say something else when this field is spoilt. */
  const READ_BY: Record<string, (keyof PrinterStatus)[]> = {
    gcode_state: ["state", "job"],
    print_type: ["job", "stage"],
    stg_cur: ["stage"],
    stage: ["stage"],
    hms: ["alerts"],
    print_error: ["alerts"],
    spd_lvl: ["speed"],
    spd_mag: ["speed"],
    lights_report: ["lights"],
    net: ["network"],
    wifi_signal: ["network"],
    sdcard: ["storage"],
    home_flag: ["storage", "door"],
    aux: ["storage"],
    stat: ["door"],
    fun: ["control", "door"],
    ams: ["filament"],
    vt_tray: ["filament"],
    vir_slot: ["filament"],
    device: ["temperatures", "fans", "filament"],
    ...Object.fromEntries(
      ["cooling_fan_speed", "big_fan1_speed", "big_fan2_speed", "heatbreak_fan_speed"].map((key) => [key, ["fans"]]),
    ),
    ...Object.fromEntries(
      [
        "nozzle_temper",
        "nozzle_target_temper",
        "bed_temper",
        "bed_target_temper",
        "chamber_temper",
        "ctt",
        "nozzle_diameter",
        "nozzle_type",
      ].map((key) => [key, ["temperatures"]]),
    ),
    ...Object.fromEntries(
      [
        "gcode_file",
        "gcode_start_time",
        "task_id",
        "subtask_id",
        "subtask_name",
        "mc_percent",
        "mc_remaining_time",
        "layer_num",
        "total_layer_num",
      ].map((key) => [key, ["job"]]),
    ),
  };

  for (const [model, stride] of [
    ["P1S", 1],
    ["X1E", 3],
    ["H2D", 5],
  ] as const) {
    it(`in any field of a ${model} cost that field only, and the next good report is right`, () => {
      const good = status(model);
      const goodFrame = frame({ print: fullReport(model) });
      let tried = 0;
      for (const value of WRONG) {
        for (const [path, report] of spoilt(model, value)) {
          if (tried++ % stride !== 0) continue;
          const reports = new PrinterReports({ serial: serialOf(model) });
          reports.accept(frame({ info: version(model) }), AT);
          const [accepted] = reports.accept(frame({ print: report }), AT);
          assert.ok(accepted?.kind === "report", path);
          const may = READ_BY[path.split(".")[0]!] ?? [];
          for (const key of Object.keys(good) as (keyof PrinterStatus)[])
            if (!may.includes(key))
              assert.deepEqual(
                accepted.observation.status[key],
                good[key],
                `${path} = ${JSON.stringify(value)} changed ${key}`,
              );
          accepted.observation.raw();
          if (tried % 7 === 0) {
            const [next] = reports.accept(goodFrame, AT);
            assert.ok(next?.kind === "report");
            assert.deepEqual(next.observation.status, good, `after ${path} = ${JSON.stringify(value)}`);
          }
        }
      }
      assert.ok(tried > 1000);
    });
  }

  it("in the version reply cost the entry or the field only", () => {
    for (const value of WRONG) {
      const reports = new PrinterReports({ serial: serialOf("P1S") });
      const modules = [
        { name: "ota", sw_ver: value, product_name: value, hw_ver: value },
        value,
        { name: value, sw_ver: "1" },
        { name: "mc", sw_ver: "01.00.00.00" },
      ];
      for (const module of [value, modules]) reports.accept(frame({ info: { command: "get_version", module } }), AT);
      const [accepted] = reports.accept(frame({ print: fullReport("P1S") }), AT);
      assert.ok(accepted?.kind === "report");
      assert.ok(
        accepted.observation.status.firmware.modules.some(
          (module) => module.name === "mc" && module.installed === "01.00.00.00",
        ),
      );
    }
  });
});
