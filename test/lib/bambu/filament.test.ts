import assert from "node:assert/strict";
import { PrinterReports } from "../../../lib/bambu/frames";
import type { Fields } from "../../../lib/bambu/values";
import type { Filament } from "../../../lib/printer/status";
import { ams, delta, frame, fullReport, serialOf, tray, unit, version, type ModelName } from "../../support/reports";

const AT = Date.UTC(2026, 0, 1);

/** The filament after a full report with this difference, and after each delta. */
function filament(model: ModelName, difference: Fields = {}, ...deltas: Fields[]): Filament {
  const reports = new PrinterReports({ serial: serialOf(model) });
  let seen: Filament | null = null;
  for (const print of [fullReport(model, difference), ...deltas.map(delta)]) {
    const [accepted] = reports.accept(frame({ print }), AT);
    assert.ok(accepted?.kind === "report");
    seen = accepted.observation.status.filament;
  }
  assert.ok(seen !== null);
  return seen;
}

const EMPTY = { state: "empty", type: null, color: null, remainingPercent: null, filamentId: null, name: null };
const states = (of: Filament, id = 0): string[] =>
  of.units.find((found) => found.id === id)?.slots.map(({ state }) => state) ?? [];
/** `active` for a value of tray_now. */
const active = (tray_now: unknown, units = [unit(0)], exist = "1"): unknown =>
  filament("P1S", { ams: ams(units, { tray_now, ams_exist_bits: exist, tray_exist_bits: "fffffff" }) }).active;
/** `active` for a value of snow at the extruder in use. */
function activeBySnow(snow: unknown, state = 2): unknown {
  const device = fullReport("H2D").device as { extruder: { info: Fields[] } };
  const info = device.extruder.info.map((extruder, i) => ({ ...extruder, snow: i === state >> 4 ? snow : 0xffff }));
  return filament("H2D", { device: { ...device, extruder: { info, state } } }).active;
}

describe("Filament of Bambu printers", () => {
  it("reads a unit and its slots", () => {
    const [first] = filament("P1S").units;
    assert.deepEqual(
      { ...first, slots: first?.slots.slice(0, 1) },
      {
        id: 0,
        model: "ams",
        humidityLevel: 4,
        humidityPercent: 23,
        temperature: 27.5,
        dryingMinutesLeft: 0,
        slots: [
          {
            slot: 0,
            state: "loaded",
            type: "PLA",
            color: "#0A6CFFFF",
            remainingPercent: 80,
            filamentId: "GFA00",
            name: "PLA Basic",
          },
        ],
      },
    );
  });

  it("tells units apart by their own word", () => {
    const model = (info: unknown, id = 0): unknown =>
      filament("P1S", { ams: ams([unit(id, { info })], { ams_exist_bits: "1fff" }) }).units[0]?.model;
    assert.deepEqual(
      ["1001", "1002", "1003", "2104", "1005", "1009", undefined].map((info) => model(info)),
      ["ams", "ams-lite", "ams-2-pro", "ams-ht", "ams-lite", "ams", "ams"],
    );
    assert.equal(model(undefined, 128), "ams-ht");
    assert.equal(model(undefined, 16), "ams-lite");
  });

  it("tells units apart by their firmware module where they do not say it", () => {
    const modules: [string, string][] = [
      ["ams/0", "ams"],
      ["ams_f1/0", "ams-lite"],
      ["n3f/0", "ams-2-pro"],
      ["n3s/0", "ams-ht"],
    ];
    for (const [name, model] of modules) {
      const reports = new PrinterReports({ serial: serialOf("P1S") });
      reports.accept(frame({ print: fullReport("P1S", { ams: ams([unit(0, { info: undefined })]) }) }), AT);
      const accepted = reports.accept(frame({ info: version("P1S", [{ name, sw_ver: "00.00.06.49" }]) }), AT);
      const report = accepted.find((entry) => entry.kind === "report");
      assert.equal(report?.observation.status.filament.units[0]?.model, model);
    }
  });

  it("takes the only kind that a printer had for a unit of firmware which named none", () => {
    const kind = (model: ModelName): unknown =>
      filament(model, { ams: ams([unit(0, { info: undefined })]) }).units[0]?.model;
    assert.deepEqual((["X1C", "P1P", "A1", "A1 mini", "H2D"] as const).map(kind), [
      "ams",
      "ams",
      "ams-lite",
      "ams-lite",
      "unknown",
    ]);
  });

  it("knows no humidity level of 0 or above 5, and no drying time that is not said", () => {
    const level = (humidity: unknown): unknown =>
      filament("P1S", { ams: ams([unit(0, { humidity })]) }).units[0]?.humidityLevel;
    assert.deepEqual(["0", "1", "5", "6", 3, "x"].map(level), [null, 1, 5, null, 3, null]);
    const [first] = filament("P1S", {
      ams: ams([unit(0, { dry_time: undefined, humidity_raw: undefined, temp: "0.0" })]),
    }).units;
    assert.deepEqual([first?.dryingMinutesLeft, first?.humidityPercent, first?.temperature], [null, null, null]);
    assert.equal(filament("P1S", { ams: ams([unit(0, { dry_time: 125 })]) }).units[0]?.dryingMinutesLeft, 125);
  });

  it("goes by the presence bits: loaded, a spool nobody described, empty", () => {
    const trays = [tray(0), tray(1, { tray_type: "" }), { id: "2" }, tray(3)];
    const seen = filament("P1S", { ams: ams([unit(0, { tray: trays })], { tray_exist_bits: "7" }) });
    assert.deepEqual(states(seen), ["loaded", "unknown", "unknown", "empty"]);
    assert.deepEqual(seen.units[0]?.slots[3], { slot: 3, ...EMPTY });
  });

  it("goes by the material where there are no presence bits", () => {
    const trays = [tray(0), { id: "1" }, { id: "2", state: 10 }, tray(3, { tray_type: "" })];
    const seen = filament("P1S", { ams: { ams: [unit(0, { tray: trays })], tray_now: "255" } });
    assert.deepEqual(states(seen), ["loaded", "empty", "empty", "unknown"]);
  });

  it("counts presence bits by unit: four to a standard unit, one to an AMS HT, 24 to 27 on an A2L", () => {
    const bare = (id: number): Fields => unit(id);
    const units = [bare(0), bare(1), bare(2), bare(3), bare(128), bare(129)];
    const seen = filament("H2D", { ams: ams(units, { ams_exist_bits: "3f", tray_exist_bits: "3bbed" }) });
    const full = (id: number): string =>
      states(seen, id)
        .map((state) => (state === "loaded" ? "1" : "0"))
        .join("");
    assert.deepEqual([0, 1, 2, 3, 128, 129].map(full), ["1011", "0111", "1101", "1101", "1", "1"]);
    const lite = filament("A2L", { ams: ams([unit(16)], { ams_exist_bits: "1000", tray_exist_bits: "5000000" }) });
    assert.deepEqual(states(lite, 16), ["loaded", "empty", "loaded", "empty"]);
  });

  it("shows the units that are plugged in, by id and in order", () => {
    const units = [unit(128), unit(1), unit(0)];
    const ids = (ams_exist_bits: unknown): number[] =>
      filament("H2D", { ams: ams(units, { ams_exist_bits }) }).units.map(({ id }) => id);
    assert.deepEqual(ids("13"), [0, 1, 128]);
    assert.deepEqual(ids("11"), [0, 128]);
    assert.deepEqual(ids("3"), [0, 1]);
    assert.deepEqual(ids("0"), []);
    assert.deepEqual(ids(undefined), [0, 1, 128]);
  });

  it("drops a unit that was unplugged, told by the bits of a delta or by the list of a full report", () => {
    const two = ams([unit(0), unit(1)], { ams_exist_bits: "3", tray_exist_bits: "ff" });
    assert.deepEqual(
      filament("P1S", { ams: two }, { ams: { ams_exist_bits: "1" } }).units.map(({ id }) => id),
      [0],
    );
    const reports = new PrinterReports({ serial: serialOf("P1S") });
    reports.accept(frame({ print: fullReport("P1S", { ams: two }) }), AT);
    const one = ams([unit(1)], { ams_exist_bits: undefined });
    const [accepted] = reports.accept(
      frame({ print: fullReport("P1S", { ams: { ...one, ams_exist_bits: "2" } }) }),
      AT,
    );
    assert.deepEqual(
      accepted?.kind === "report" && accepted.observation.status.filament.units.map(({ id }) => id),
      [1],
    );
  });

  it("empties a slot whose spool was taken out in a delta, and keeps the others", () => {
    const seen = filament(
      "P1S",
      {},
      { ams: { ams: [{ id: "0", tray: [{ id: "1", state: 10 }] }], tray_exist_bits: "d" } },
    );
    assert.deepEqual(states(seen), ["loaded", "empty", "loaded", "loaded"]);
  });

  it("knows what remains only between 0 and 100, and no zero of a spool without a chip", () => {
    const remaining = (difference: Fields): unknown =>
      filament("P1S", { ams: ams([unit(0, { tray: [tray(0, difference)] })]) }).units[0]?.slots[0]?.remainingPercent;
    assert.equal(remaining({ remain: -1 }), null);
    assert.equal(remaining({ remain: 101 }), null);
    assert.equal(remaining({ remain: 0 }), 0);
    assert.equal(remaining({ remain: 0, tray_uuid: "0".repeat(32) }), null);
    assert.equal(remaining({ remain: 60, tray_uuid: "0".repeat(32) }), 60);
  });

  it("knows no zero of an AMS lite, which measures nothing and writes it beside full spools", () => {
    const remaining = (info: string): unknown =>
      filament("A1", { ams: ams([unit(0, { info, tray: [tray(0, { remain: 0 })] })]) }).units[0]?.slots[0]
        ?.remainingPercent;
    assert.deepEqual(["1002", "1003"].map(remaining), [null, 0]);
  });

  it("takes nothing but eight hex digits for a color", () => {
    const color = (tray_color: unknown): unknown =>
      filament("P1S", { ams: ams([unit(0, { tray: [tray(0, { tray_color })] })]) }).units[0]?.slots[0]?.color;
    assert.deepEqual(["abcdef80", "ABCDEF", "red", 7, ""].map(color), ["#ABCDEF80", null, null, null, null]);
  });

  it("reads what is loaded on a printer with one nozzle", () => {
    assert.deepEqual(active("0"), { unit: 0, slot: 0, external: false, nozzle: 0 });
    assert.deepEqual(active("14"), { unit: 3, slot: 2, external: false, nozzle: 0 });
    assert.deepEqual(active("128"), { unit: 128, slot: 0, external: false, nozzle: 0 });
    assert.deepEqual(active("26", [unit(16)], "1000"), { unit: 16, slot: 2, external: false, nozzle: 0 });
    assert.deepEqual(active("3", [unit(16)], "1000"), { unit: 16, slot: 3, external: false, nozzle: 0 });
    assert.deepEqual(active("254"), { unit: null, slot: 0, external: true, nozzle: 0 });
    for (const nothing of ["255", "20", "x", undefined]) assert.equal(active(nothing), null);
  });

  it("reads what is loaded in the nozzle in use from the extruder's own word", () => {
    assert.deepEqual(activeBySnow(0x0102), { unit: 1, slot: 2, external: false, nozzle: 0 });
    assert.deepEqual(activeBySnow(0x8000, 0x12), { unit: 128, slot: 0, external: false, nozzle: 1 });
    assert.deepEqual(activeBySnow(0xff00), { unit: null, slot: 0, external: true, nozzle: 0 });
    assert.deepEqual(activeBySnow(0xfe00, 0x12), { unit: null, slot: 1, external: true, nozzle: 1 });
    for (const nothing of [0xffff, 0xfeff, 0x00ff]) assert.equal(activeBySnow(nothing), null);
  });

  it("knows of nothing in use while a printer goes from one nozzle to the other", () => {
    const device = fullReport("H2D").device as { extruder: Fields };
    const seen = (state: unknown): unknown =>
      filament("H2D", {
        ams: ams([unit(0)], { tray_now: "1" }),
        device: { ...device, extruder: { ...device.extruder, state } },
      }).active;
    for (const state of [0x1f2, 0xf2, undefined]) assert.equal(seen(state), null);
    assert.notEqual(seen(0x102), null);
  });

  it("lists external spools: the main one first", () => {
    assert.deepEqual(
      filament("H2D").external.map(({ slot, type, state }) => [slot, type, state]),
      [
        [0, "PETG", "loaded"],
        [1, null, "unknown"],
      ],
    );
    assert.deepEqual(
      filament("P1S", { vt_tray: tray(254, { tray_type: "TPU" }) }).external.map(({ type }) => type),
      ["TPU"],
    );
    assert.deepEqual(filament("P1S", { vt_tray: { id: "254" } }).external, [{ slot: 0, ...EMPTY }]);
    assert.deepEqual(filament("P1S", { vt_tray: undefined }).external, []);
  });
});
