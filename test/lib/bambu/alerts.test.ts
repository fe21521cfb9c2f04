import assert from "node:assert/strict";
import { PrinterReports } from "../../../lib/bambu/frames";
import type { Fields } from "../../../lib/bambu/values";
import type { Observation } from "../../../lib/printer/link";
import { frame, fullReport, serialOf, version, type ModelName } from "../../support/reports";

function observe(difference: Fields, model: ModelName = "P1S"): Observation {
  const reports = new PrinterReports({ serial: serialOf(model) });
  reports.accept(frame({ info: version(model) }), 0);
  const [accepted] = reports.accept(frame({ print: fullReport(model, difference) }), 0);
  assert.ok(accepted?.kind === "report");
  return accepted.observation;
}
const alerts = (difference: Fields): readonly unknown[] => observe(difference).status.alerts;
const codes = (difference: Fields): string[] => observe(difference).status.alerts.map(({ code }) => code);

describe("Alerts of Bambu printers", () => {
  it("names a health entry by its four words, severity, module and page", () => {
    assert.deepEqual(alerts({ hms: [{ attr: 50331904, code: 65543 }] }), [
      {
        source: "hms",
        code: "0300_0100_0001_0007",
        severity: "fatal",
        module: "motion controller",
        url: "https://wiki.bambulab.com/en/p1/troubleshooting/hmscode/0300_0100_0001_0007",
      },
    ]);
  });

  it("names a print error by its two words, padded also for modules from 10 on", () => {
    const [alert] = observe({ print_error: 117473286 }).status.alerts;
    assert.deepEqual(
      [alert?.source, alert?.code, alert?.module, alert?.severity],
      ["print-error", "0700_8006", "AMS", "unknown"],
    );
    assert.deepEqual(codes({ print_error: 0x12008007 }), ["1200_8007"]);
    assert.deepEqual(codes({ print_error: 0x18ff8010 }), ["18FF_8010"]);
    assert.deepEqual(codes({ hms: [{ attr: 0x12012000, code: 0x00020001 }] }), ["1201_2000_0002_0001"]);
  });

  it("reads words that the firmware wrote as signed numbers", () => {
    assert.deepEqual(codes({ print_error: 0x83008006 | 0, hms: [{ attr: 0x97000300 | 0, code: 0x00030001 }] }), [
      "9700_0300_0003_0001",
      "8300_8006",
    ]);
  });

  it("knows four severities and every module, and calls others unknown", () => {
    const severity = (high: number): unknown =>
      observe({ hms: [{ attr: 0x05000100, code: high * 0x10000 + 1 }] }).status.alerts[0]?.severity;
    assert.deepEqual([1, 2, 3, 4, 5, 0].map(severity), ["fatal", "serious", "common", "info", "unknown", "unknown"]);
    const module = (high: number): unknown =>
      observe({ hms: [{ attr: high * 0x1000000, code: 0x10001 }] }).status.alerts[0]?.module;
    assert.deepEqual([3, 5, 7, 8, 0xc, 0x10, 0x12, 0x18, 0x44].map(module), [
      "motion controller",
      "mainboard",
      "AMS",
      "toolhead",
      "camera inspection",
      "slicer",
      "AMS lite",
      "AMS HT",
      "unknown",
    ]);
  });

  it("says each thing once, and skips entries that are none", () => {
    const entry = { attr: 0x03000100, code: 0x10001 };
    assert.equal(alerts({ hms: [entry, entry, null, 5, { attr: "x", code: 1 }, { attr: 1 }] }).length, 1);
    assert.equal(
      alerts({ hms: Array.from({ length: 500 }, (_, i) => ({ attr: 0x03000100, code: 0x10000 + i })) }).length,
      64,
    );
  });

  it("points to the pages of the printer's own series", () => {
    const url = (model: ModelName): string => observe({ print_error: 1 }, model).status.alerts[0]?.url ?? "";
    assert.match(url("A1 mini"), /\/en\/a1-mini\//);
    assert.match(url("X1C"), /\/en\/x1\//);
    assert.match(url("H2D"), /\/en\/h2d\//);
  });

  it("takes both words for a cancel as a signal, and as no fault", () => {
    for (const difference of [
      { print_error: 0x0300400c },
      { print_error: 0x0500400e },
      { hms: [{ attr: 0x03000100, code: 0x0001400c }] },
      { hms: [{ attr: 0x05000000, code: 0x0002400e }] },
    ]) {
      assert.deepEqual(observe(difference).signals, { cancelled: true, runout: false }, JSON.stringify(difference));
      assert.deepEqual(alerts(difference), []);
    }
    assert.equal(observe({ print_error: 0x0300400e }).signals.cancelled, false);
  });

  it("hears of a cancel from the reason that a failed job leaves behind, and from no other state", () => {
    const cancelled = (gcode_state: string, fail_reason: unknown): boolean =>
      observe({ gcode_state, fail_reason }, "H2C").signals.cancelled;
    for (const reason of ["50348044", "83902478", 50348044]) {
      assert.equal(cancelled("FAILED", reason), true);
      for (const state of ["PREPARE", "RUNNING", "PAUSE", "FINISH", "IDLE"])
        assert.equal(cancelled(state, reason), false);
    }
    for (const reason of ["0", "50364434", "", "cancelled", null, undefined, []])
      assert.equal(cancelled("FAILED", reason), false);
  });

  it("hears that filament ran out, by stage, error or health entry", () => {
    for (const difference of [
      { stg_cur: 6 },
      { print_error: 0x07008011 },
      { print_error: 0x07ff8011 },
      { print_error: 0x12018011 },
      { print_error: 0x18008011 },
      { print_error: 0x03008004 },
      { print_error: 0x03008015 },
      { hms: [{ attr: 0x07017000, code: 0x00020007 }] },
      { hms: [{ attr: 0x07002000, code: 0x00020001 }] },
      { hms: [{ attr: 0x07032300, code: 0x00020005 }] },
      { hms: [{ attr: 0x12002100, code: 0x00030001 }] },
      { hms: [{ attr: 0x18002000, code: 0x00020001 }] },
      { hms: [{ attr: 0x07ff2000, code: 0x00020001 }] },
    ])
      assert.deepEqual(observe(difference).signals, { cancelled: false, runout: true }, JSON.stringify(difference));
    for (const difference of [
      { print_error: 0x05008011 },
      { hms: [{ attr: 0x07002000, code: 0x00020002 }] },
      { hms: [{ attr: 0x07002000, code: 0x00030002 }] },
      { hms: [{ attr: 0x07002400, code: 0x00020001 }] },
      { hms: [{ attr: 0x03002000, code: 0x00020001 }] },
    ])
      assert.equal(observe(difference).signals.runout, false, JSON.stringify(difference));
  });

  it("drops the cancel word as soon as the printer does", () => {
    const reports = new PrinterReports({ serial: serialOf("P1S") });
    const seen = [{ print_error: 0x0300400c }, { print_error: 0 }].map((difference) => {
      const [accepted] = reports.accept(frame({ print: fullReport("P1S", difference) }), 0);
      return accepted?.kind === "report" && accepted.observation.signals.cancelled;
    });
    assert.deepEqual(seen, [true, false]);
  });
});
