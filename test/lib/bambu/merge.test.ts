import assert from "node:assert/strict";
import { compact, Merger, WRONG_TYPE } from "../../../lib/bambu/merge";
import type { Fields } from "../../../lib/bambu/values";

const AMS = 1;
const EXTRUDER = 2;
const HEAT = 4;
const merger = new Merger([
  { bit: AMS, reads: ["ams.ams", "vir_slot"] },
  { bit: EXTRUDER, reads: ["device.extruder"] },
  { bit: HEAT, reads: ["bed_temper", "device.bed"] },
]);
const copy = (fields: Fields): Fields => JSON.parse(JSON.stringify(fields)) as Fields;

/** What is kept after `frames`, of which the first is full. */
function after(first: Fields, ...deltas: Fields[]): Fields {
  const kept = {};
  merger.merge(kept, copy(first), "full");
  for (const delta of deltas) merger.merge(kept, copy(delta), "delta");
  return kept;
}

describe("Merging Bambu reports", () => {
  it("replaces scalars and leaves absent keys as they are", () => {
    assert.deepEqual(after({ a: 1, b: "x" }, { a: 2 }), { a: 2, b: "x" });
  });

  it("merges objects at every depth instead of replacing them", () => {
    const first = {
      upgrade_state: { status: "IDLE", progress: "0" },
      device: { bed: { info: { temp: 1 }, state: 2 } },
    };
    const kept = after(first, { upgrade_state: { progress: "5" } }, { device: { bed: { info: { temp: 9 } } } });
    assert.deepEqual(kept, {
      upgrade_state: { status: "IDLE", progress: "5" },
      device: { bed: { info: { temp: 9 }, state: 2 } },
    });
  });

  it("says whose input changed, and nobody's when nothing did", () => {
    const kept: Fields = {};
    const first = { bed_temper: 60, other: 1, device: { bed: { state: 1 }, extruder: { info: [{ id: 0, temp: 5 }] } } };
    assert.equal(merger.merge(kept, copy(first), "full"), HEAT | EXTRUDER);
    assert.equal(merger.merge(kept, copy(first), "full"), 0);
    assert.equal(merger.merge(kept, { other: 2 }, "delta"), 0);
    assert.equal(merger.merge(kept, { bed_temper: 61 }, "delta"), HEAT);
    assert.equal(merger.merge(kept, { device: { extruder: { info: [{ id: 0, temp: 6 }] } } }, "delta"), EXTRUDER);
    assert.equal(merger.merge(kept, { device: "gone" }, "full"), HEAT | EXTRUDER);
  });

  it("passes over, and says so, a delta that makes another kind of value of what is known", () => {
    const first = { n: 1, hms: [{ attr: 1 }], ams: { ams: [{ id: "0", tray: [{ id: "0", tray_type: "PLA" }] }] } };
    const wrong: Fields[] = [
      { n: { a: 1 } },
      ...[5, "x", null, {}].map((hms) => ({ hms })),
      ...[5, "x", null, []].map((ams) => ({ ams })),
      ...[5, {}, [5], [{ id: "0" }, null], [{ name: "0" }]].map((ams) => ({ ams: { ams } })),
      { ams: { ams: [{ id: "0", tray: "gone" }] } },
    ];
    for (const delta of wrong) {
      const kept = copy(first);
      assert.equal(merger.merge(kept, copy(delta), "delta"), WRONG_TYPE, JSON.stringify(delta));
      assert.deepEqual(kept, first, JSON.stringify(delta));
    }
  });

  it("has room for what is read, however much nonsense came first", () => {
    const nonsense = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`k${i}`, i]));
    const kept: Fields = {};
    merger.merge(kept, nonsense, "full");
    assert.ok(Object.keys(kept).length <= 512);
    assert.equal(merger.merge(kept, { bed_temper: 60 }, "full"), HEAT);
    assert.equal(kept.bed_temper, 60);
  });

  it("clears a health list that comes empty and keeps one that does not come", () => {
    const first = { hms: [{ attr: 1, code: 2 }] };
    assert.deepEqual(after(first, { x: 1 }).hms, [{ attr: 1, code: 2 }]);
    assert.deepEqual(after(first, { hms: [] }).hms, []);
    assert.deepEqual(after(first, { hms: [{ attr: 3, code: 4 }] }).hms, [{ attr: 3, code: 4 }]);
  });

  it("merges entries of keyed arrays by name: units, slots, lights, extruders, nozzles, air parts", () => {
    const keyed: [Fields, Fields, Fields][] = [
      [
        {
          lights_report: [
            { node: "a", mode: "on" },
            { node: "b", mode: "on" },
          ],
        },
        { lights_report: [{ node: "b", mode: "off" }] },
        {
          lights_report: [
            { node: "a", mode: "on" },
            { node: "b", mode: "off" },
          ],
        },
      ],
      [
        {
          vir_slot: [
            { id: "254", k: 1, t: 1 },
            { id: "255", k: 1, t: 1 },
          ],
        },
        { vir_slot: [{ id: "255", k: 2, t: 2 }] },
        {
          vir_slot: [
            { id: "254", k: 1, t: 1 },
            { id: "255", k: 2, t: 2 },
          ],
        },
      ],
      ...(["extruder.info", "nozzle.info", "airduct.parts"] as const).map((path): [Fields, Fields, Fields] => {
        const [outer, inner] = path.split(".") as [string, string];
        const put = (list: Fields[]): Fields => ({ device: { [outer]: { [inner]: list } } });
        return [
          put([
            { id: 0, a: 1, b: 1 },
            { id: 1, a: 1, b: 1 },
          ]),
          put([{ id: 1, a: 2 }]),
          put([
            { id: 0, a: 1, b: 1 },
            { id: 1, a: 2, b: 1 },
          ]),
        ];
      }),
    ];
    for (const [first, delta, expected] of keyed) assert.deepEqual(after(first, delta), expected);
  });

  it("merges a slot of one unit without touching the other slots and units", () => {
    const slots = (material: string): Fields[] => ["0", "1"].map((id) => ({ id, tray_type: material, remain: 50 }));
    const first = {
      ams: {
        tray_now: "0",
        ams: [
          { id: "0", temp: "20", tray: slots("PLA") },
          { id: "128", tray: slots("ABS") },
        ],
      },
    };
    const kept = after(first, { ams: { ams: [{ id: "128", tray: [{ id: "1", remain: 49 }] }] } });
    assert.deepEqual(kept.ams, {
      tray_now: "0",
      ams: [
        { id: "0", temp: "20", tray: slots("PLA") },
        { id: "128", tray: [slots("ABS")[0], { id: "1", tray_type: "ABS", remain: 49 }] },
      ],
    });
  });

  it("forgets what was in a slot that says no more than its id and state", () => {
    const loaded = { id: "0", tray_type: "PLA", remain: 50 };
    const first = {
      ams: { ams: [{ id: "0", tray: [loaded, { ...loaded, id: "1" }] }] },
      vt_tray: { id: "254", tray_type: "PLA" },
      vir_slot: [{ id: "255", tray_type: "PLA" }],
    };
    const kept = after(first, {
      ams: { ams: [{ id: "0", tray: [{ id: "0" }, { id: "1", state: 10 }] }] },
      vt_tray: { id: "254" },
      vir_slot: [{ id: "255", state: 8 }],
    });
    assert.deepEqual(kept, {
      ams: { ams: [{ id: "0", tray: [{ id: "0" }, { id: "1", state: 10 }] }] },
      vt_tray: { id: "254" },
      vir_slot: [{ id: "255", state: 8 }],
    });
    assert.equal(merger.merge(kept, { vir_slot: [{ id: "255", state: 8 }] }, "delta"), 0);
  });

  it("lets a full frame decide which units there are, and a delta only add one", () => {
    const kept = after(
      {
        ams: {
          ams: [
            { id: "0", temp: "20", x: 1 },
            { id: "1", temp: "21" },
          ],
        },
      },
      { ams: { ams: [{ id: "2", temp: "22" }] } },
    );
    assert.deepEqual((kept.ams as Fields).ams, [
      { id: "0", temp: "20", x: 1 },
      { id: "1", temp: "21" },
      { id: "2", temp: "22" },
    ]);
    assert.equal(
      merger.merge(
        kept,
        {
          ams: {
            ams: [
              { id: "2", temp: "23" },
              { id: "0", temp: "20" },
            ],
          },
        },
        "full",
      ),
      AMS,
    );
    assert.deepEqual((kept.ams as Fields).ams, [
      { id: "2", temp: "23" },
      { id: "0", temp: "20", x: 1 },
    ]);
    assert.equal(merger.merge(kept, { other: 1 }, "full"), 0);
    assert.equal(((kept.ams as Fields).ams as unknown[]).length, 2);
  });

  it("replaces a keyed array whose entries lost their names in a full frame, and takes named ones back", () => {
    const kept = after({ lights_report: [{ node: "a", mode: "on" }] });
    merger.merge(kept, { lights_report: [{ mode: "off" }] }, "full");
    assert.deepEqual(kept.lights_report, [{ mode: "off" }]);
    merger.merge(kept, { lights_report: [{ node: "b", mode: "on" }] }, "delta");
    assert.deepEqual(kept.lights_report, [{ node: "b", mode: "on" }]);
  });

  it("replaces arrays without names as a whole", () => {
    assert.deepEqual(after({ stg: [1, 2, 3] }, { stg: [4] }).stg, [4]);
  });

  it("replaces a value whose kind changed in a full frame: new firmware may write it so", () => {
    const kinds: unknown[] = [{ a: 1 }, [1], null, 5];
    for (const net of kinds) {
      const kept: Fields = {};
      for (const before of kinds) {
        merger.merge(kept, copy({ net: before }), "full");
        merger.merge(kept, copy({ net }), "full");
        assert.deepEqual(kept.net, net);
      }
    }
  });

  it("can not be talked into changing the prototype of anything", () => {
    const kept: Fields = {};
    const hostile =
      '{"__proto__":{"bad":1},"constructor":{"prototype":{"bad":1}},"x":{"__proto__":{"bad":1},"ok":1},"hms":[{"__proto__":{"bad":1}}]}';
    for (const frame of ["full", "delta"] as const) merger.merge(kept, JSON.parse(hostile) as Fields, frame);
    assert.equal(({} as Fields).bad, undefined);
    assert.equal(kept.bad, undefined);
    assert.deepEqual(Object.keys(kept.x as object), ["ok"]);
    assert.equal(Object.getPrototypeOf(kept), Object.prototype);
  });

  it("drops what lies too deep, so that no frame overflows the stack", () => {
    const kept: Fields = {};
    const deep = JSON.parse(
      `{"x":${'{"x":'.repeat(20_000)}1${"}".repeat(20_000)},"y":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
    ) as Fields;
    merger.merge(kept, deep, "full");
    merger.merge(kept, { x: { x: { x: { z: 1 } } } }, "delta");
    assert.ok(JSON.stringify(kept).length < 200);
  });

  it("stops taking new keys and entries before a printer could fill the memory", () => {
    const kept: Fields = {};
    for (let round = 0; round < 4; round++) {
      const many = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`k${round}-${i}`, i]));
      merger.merge(
        kept,
        {
          ...many,
          inner: { ...many },
          vir_slot: Array.from({ length: 400 }, (_, i) => ({ id: round * 1000 + i, a: 1, b: 2 })),
        },
        "delta",
      );
    }
    assert.ok(Object.keys(kept).length <= 512);
    assert.ok(Object.keys(kept.inner as object).length <= 512);
    assert.ok((kept.vir_slot as unknown[]).length <= 512);
  });

  it("says the same after it was made compact", () => {
    const kept = after({ a: 1, ams: { ams: [{ id: "0" }] } }, { b: [1, { c: null }] });
    assert.deepEqual(compact(kept), kept);
  });
});
