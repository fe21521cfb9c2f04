import assert from "node:assert/strict";
import type { JsonObject } from "../../../lib/simulator/json";
import { reportDelta } from "../../../lib/simulator/printer/report/delta";
import { PRINTER_PROFILES } from "../../../lib/simulator/printer/virtual-printer";
import { Bench } from "./fixture";

const bench = new Bench();

/** Merging by the protocol's words, spelled out for the test: entries with an id or a node one by one, trays anew. */
function merge(into: any, delta: any): any {
  if (Array.isArray(delta)) {
    const key = ["id", "node"].find((name) => delta.every((entry: any) => entry?.[name] !== undefined));
    if (!Array.isArray(into) || key === undefined || delta.length === 0) return delta;
    return into.map((entry: any) => {
      const change = delta.find((one: any) => one[key] === entry[key]);
      return change === undefined ? entry : "tray_type" in entry || "mode" in entry ? change : merge(entry, change);
    });
  }
  if (typeof delta !== "object" || delta === null) return delta;
  const merged: Record<string, any> = { ...into };
  for (const [key, value] of Object.entries(delta)) merged[key] = key in merged ? merge(merged[key], value) : value;
  return merged;
}

describe("a delta report", () => {
  afterEach(() => bench.clear());

  const before: JsonObject = {
    mc_percent: 3,
    hms: [{ attr: 1, code: 2 }],
    lights_report: [
      { node: "chamber_light", mode: "on" },
      { node: "work_light", mode: "on" },
    ],
    ams: {
      tray_now: "0",
      ams: [{ id: "0", temp: "24.5", tray: [{ id: "0", remain: 50, tray_type: "PLA" }, { id: "1" }] }],
    },
    ipcam: { timelapse: "disable", resolution: "1080p" },
  };
  const change = (difference: JsonObject): JsonObject | null => reportDelta(before, { ...before, ...difference });

  it("does not exist when nothing changed", () => {
    assert.equal(reportDelta(before, structuredClone(before)), null);
  });

  it("holds changed keys only, also inside objects", () => {
    const ipcam = { timelapse: "enable", resolution: "1080p" };
    assert.deepEqual(change({ mc_percent: 4, ipcam }), { mc_percent: 4, ipcam: { timelapse: "enable" } });
  });

  it("names the entry of a keyed list and says a cleared list as an empty one", () => {
    const lights = [
      { node: "chamber_light", mode: "on" },
      { node: "work_light", mode: "flashing" },
    ];
    assert.deepEqual(change({ lights_report: lights }), { lights_report: [{ node: "work_light", mode: "flashing" }] });
    assert.deepEqual(change({ hms: [] }), { hms: [] });
  });

  it("sends a tray that changed as a whole, so that an emptied one has no more than its id", () => {
    const units = (tray: JsonObject[]): JsonObject => ({ tray_now: "0", ams: [{ id: "0", temp: "24.5", tray }] });
    assert.deepEqual(change({ ams: units([{ id: "0" }, { id: "1" }]) }), {
      ams: { ams: [{ id: "0", tray: [{ id: "0" }] }] },
    });
    const used = { id: "0", remain: 49, tray_type: "PLA" };
    assert.deepEqual(change({ ams: units([used, { id: "1" }]) }), { ams: { ams: [{ id: "0", tray: [used] }] } });
  });

  for (const { model } of PRINTER_PROFILES.filter(({ reports }) => reports === "delta")) {
    it(`adds up to the whole report on the ${model}`, async () => {
      const { printer, client } = await bench.pair({ model });
      printer.startPrint({ minutes: 12 });
      printer.advance(8 * 60);
      printer.runOut();
      printer.advance(30);
      printer.openDoor();
      printer.resume();
      printer.raiseAlert(0x05000200, 0x00030004);
      printer.advance(60 * 60);
      await client.settle();
      const [first, ...deltas] = client.reports;
      const envelope = { msg: 0, sequence_id: "" };
      const added = deltas.reduce((status, delta) => merge(status, delta) as Record<string, any>, first!);
      assert.equal(added["gcode_state"], "FINISH");
      assert.deepEqual({ ...added, ...envelope }, { ...(await client.pushAll()), ...envelope });
    });
  }
});
