import assert from "node:assert/strict";
import { catalogueOf, withoutBeta } from "../../../lib/bambu/catalogue";
import type { Fields } from "../../../lib/bambu/values";
import { entryOf } from "../../support/firmware";

const raw = (): Fields => ({
  dev_id: "01P00A000000001",
  version: "01.08.02.00",
  note: { any: ["thing"] },
  firmware: [
    entryOf("01.09.01.00"),
    entryOf("01.10.00.00 beta"),
    entryOf("01.11.00.00 BETA"),
    "odd",
    { version: "01.07.00.00" },
  ],
  ams: [
    { ams_id: "0", address: 5, firmware: [entryOf("00.00.06.50"), entryOf("00.00.06.60 beta")] },
    "odd",
    { ams_id: "1", firmware: null, sn: "INVENTED0000002" },
  ],
});
const versionsIn = (list: unknown): unknown[] => (list as Fields[]).map((entry) => entry.version ?? entry);

describe("the cloud's catalogue without beta versions", () => {
  it("has neither those of the printer nor those of an AMS", () => {
    const kept = withoutBeta(raw());
    assert.deepEqual(versionsIn(kept.firmware), ["01.09.01.00", "odd", "01.07.00.00"]);
    assert.deepEqual(versionsIn((kept.ams as Fields[])[0]?.firmware), ["00.00.06.50"]);
  });

  it("has everything else as the cloud sent it", () => {
    const kept = withoutBeta(raw());
    const { firmware, ams, ...rest } = kept;
    const { firmware: allFirmware, ams: allAms, ...all } = raw();
    assert.deepEqual(rest, all);
    assert.deepEqual(Object.keys(kept), Object.keys(raw()));
    const [unit, odd, other] = ams as Fields[];
    assert.deepEqual({ ...unit, firmware: 0 }, { ams_id: "0", address: 5, firmware: 0 });
    assert.deepEqual([odd, other], (allAms as unknown[]).slice(1));
    assert.deepEqual((firmware as unknown[])[0], (allFirmware as unknown[])[0]);
  });

  it("leaves what it was given as it was", () => {
    const given = raw();
    withoutBeta(given);
    assert.deepEqual(given, raw());
  });

  for (const [what, entry] of [
    ["no lists", { dev_id: "01P00A000000001" }],
    ["lists that are none", { firmware: { 0: entryOf("1.0 beta") }, ams: "none" }],
    ["null for both", { firmware: null, ams: null }],
    ["empty lists", { firmware: [], ams: [] }],
  ] as [string, Fields][]) {
    it(`is the same for an entry with ${what}`, () => {
      assert.deepEqual(withoutBeta(entry), entry);
    });
  }

  it("keeps a member that is named like a prototype a member", () => {
    const entry = JSON.parse('{"__proto__": {"firmware": [1]}, "firmware": [{"status": "beta"}]}') as Fields;
    const kept = withoutBeta(entry);
    assert.deepEqual(Object.keys(kept), ["__proto__", "firmware"]);
    assert.equal(Object.getPrototypeOf(kept), Object.prototype);
  });
});

describe("the cloud's catalogue", () => {
  it("is read with notes, force and channel of each version", () => {
    const given = {
      ...raw(),
      firmware: [entryOf("01.09.01.00", { force_update: true, description: "- quieter" }), entryOf("1.2")],
    };
    const [printer] = catalogueOf(given, { channel: "release", moduleNames: [] }).modules;
    assert.deepEqual(printer?.entries, [
      { version: "01.09.01.00", channel: "release", force: true, notes: "- quieter" },
      { version: "1.2", channel: "release", force: false, notes: null },
    ]);
  });

  it("names what the channel leaves out", () => {
    const { modules } = catalogueOf(raw(), { channel: "release", moduleNames: ["ota", "ams/0"] });
    assert.deepEqual(
      modules.map(({ name, withheld }) => [name, ...withheld]),
      [
        ["ota", "01.10.00.00", "01.11.00.00"],
        ["ams/0", "00.00.06.60"],
      ],
    );
  });

  it("leaves nothing out of the beta channel", () => {
    const { modules } = catalogueOf(raw(), { channel: "beta", moduleNames: ["ota", "ams/0"] });
    assert.deepEqual(
      modules.map(({ name, entries, withheld }) => [name, entries?.length, withheld.length]),
      [
        ["ota", 4, 0],
        ["ams/0", 2, 0],
      ],
    );
  });

  it("finds an AMS by its number, whatever the printer calls it", () => {
    const unit = (ams_id: unknown): Fields => ({ ams_id, firmware: [] });
    const names = (units: unknown[], moduleNames: string[]): string[] =>
      catalogueOf({ firmware: [], ams: units }, { channel: "release", moduleNames })
        .modules.slice(1)
        .map(({ name }) => name);
    const own = ["ota", "mc", "ams/0", "n3f/1", "n3s/128", "ams_f1/16", "wtm/17"];
    assert.deepEqual(names([unit(0), unit("1"), unit(128), unit("16"), unit(17), unit(2)], own), [
      "ams/0",
      "n3f/1",
      "n3s/128",
      "ams_f1/16",
    ]);
    assert.deepEqual(names([unit("0"), unit("__proto__"), unit({}), unit(-1)], []), ["ams/0", "ams", "ams", "ams"]);
  });

  for (const [what, units, own, names] of [
    ["is the only one of the printer", [{}], ["ota", "n3f/0"], ["n3f/0"]],
    ["is the one that has no number yet", [{ ams_id: 1 }, {}], ["ota", "ams/0", "ams/1"], ["ams/1", "ams/0"]],
    ["is the next one where all are of one kind", [{}, {}], ["ota", "ams/0", "ams/1"], ["ams/0", "ams/1"]],
    ["is the one at its address", [{ address: 1 }, { address: 0 }], ["ota", "ams/0", "n3f/1"], ["n3f/1", "ams/0"]],
    ["could be any of two kinds", [{}, {}], ["ota", "ams/0", "n3f/1"], ["ams", "ams"]],
    ["could be any of more", [{}], ["ota", "ams/0", "ams/1"], ["ams"]],
    ["is none of a printer that has none", [{}], ["ota", "mc"], []],
    ["can not be known of a printer that has said nothing", [{}], [], ["ams"]],
  ] as [string, Fields[], string[], string[]][]) {
    it(`an AMS without a number ${what}`, () => {
      const ams = units.map((unit) => ({ ...unit, firmware: [entryOf("00.00.07.89")] }));
      const { modules } = catalogueOf({ firmware: [], ams }, { channel: "release", moduleNames: own });
      assert.deepEqual(
        modules.slice(1).map(({ name }) => name),
        names,
      );
    });
  }

  it("stays small and whole whatever the cloud sends", () => {
    const firmware = Array.from({ length: 100_000 }, () => entryOf("1.0", { description: "x".repeat(10) }));
    const long = entryOf("2.0", { description: "x".repeat(1_000_000) });
    const { modules } = catalogueOf(
      { firmware: [long, ...firmware], ams: firmware },
      { channel: "release", moduleNames: [] },
    );
    assert.equal(modules[0]?.entries?.length, 256);
    assert.equal(modules[0].entries[0]?.notes?.length, 65_536);
    assert.ok(modules.length <= 257);
  });
});
