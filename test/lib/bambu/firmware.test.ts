import assert from "node:assert/strict";
import { PrinterReports } from "../../../lib/bambu/frames";
import type { Fields } from "../../../lib/bambu/values";
import type { Observation } from "../../../lib/printer/link";
import { inList, inStrings, NOTHING_NEWER, wordOf } from "../../support/firmware";
import { delta, frame, fullReport, version } from "../../support/reports";

const MODULES = { ota: "01.08.02.00", mc: "00.00.32.18/00.00.32.18", th: "", "ams/0": "00.00.06.49" };

describe("the firmware word of a Bambu printer", () => {
  it("names every module, and null for what is not known or not offered", () => {
    assert.deepEqual(wordOf(MODULES, NOTHING_NEWER), {
      says: "none",
      modules: [
        { name: "ota", installed: "01.08.02.00", offered: null },
        { name: "mc", installed: "00.00.32.18/00.00.32.18", offered: null },
        { name: "th", installed: null, offered: null },
        { name: "ams/0", installed: "00.00.06.49", offered: null },
      ],
      force: null,
      updating: false,
    });
  });

  for (const [shape, upgrade] of [
    ["a list", inList({ ota: "01.09.01.00", "ams/0": "00.00.06.50" })],
    ["texts", inStrings({ ota: "01.09.01.00", ams: "00.00.06.50" })],
  ] as const) {
    it(`is the same from ${shape}`, () => {
      const { says, modules } = wordOf(MODULES, upgrade);
      assert.equal(says, "offered");
      assert.deepEqual(
        modules.map(({ name, offered }) => [name, offered]),
        [
          ["ota", "01.09.01.00"],
          ["mc", null],
          ["th", null],
          ["ams/0", "00.00.06.50"],
        ],
      );
    });
  }

  it("tells whether the update is forced, wherever the report says it", () => {
    assert.equal(wordOf(MODULES, { ...NOTHING_NEWER, force_upgrade: false }).force, false);
    assert.equal(wordOf(MODULES, { ...NOTHING_NEWER, force_upgrade: true }).force, true);
    assert.equal(wordOf(MODULES, { ...NOTHING_NEWER, force_upgrade: "yes" }).force, null);
  });

  for (const status of ["UPGRADE_REQUEST", "DOWNLOADING", "PRE_FLASH_START", "PRE_FLASH_SUCCESS", "FLASHING"]) {
    it(`${status} is an update under way`, () => {
      assert.equal(wordOf(MODULES, { ...NOTHING_NEWER, status }).updating, true);
    });
  }
  for (const status of [
    "",
    "IDLE",
    "UPGRADE_SUCCESS",
    "DOWNLOAD_FAIL",
    "PRE_FLASH_FAIL",
    "FLASH_FAIL",
    "UPGRADE_FAIL",
    "NEW_WORD",
    7,
  ]) {
    it(`${status || "no word"} is none, whatever the progress says`, () => {
      assert.equal(wordOf(MODULES, { ...NOTHING_NEWER, status, progress: "100" }).updating, false);
    });
  }

  it("marks firmware that others made", () => {
    assert.equal(wordOf({ ota: "99.00.00.00" }, NOTHING_NEWER).custom, true);
    assert.equal("custom" in wordOf({ ota: "98.99.99.99" }, NOTHING_NEWER), false);
    assert.equal("custom" in wordOf({ ota: "01.08.02.00", mc: "99.1" }, NOTHING_NEWER), false);
  });

  it("survives whatever stands where an update should", () => {
    const odd: unknown[] = [
      null,
      5,
      "x",
      [],
      {},
      [null, 5, { name: 5 }, { name: "__proto__", new_ver: "1.0" }, { name: "ota", new_ver: {} }],
    ];
    for (const value of odd) {
      const upgrade = {
        new_version_state: 1,
        new_ver_list: value,
        ota_new_version_number: value,
        __proto___new_version_number: "1.0",
      };
      assert.equal(wordOf(MODULES, upgrade).says, "offered");
      assert.equal(wordOf(MODULES, value as Fields).updating, false);
    }
    const many = Array.from({ length: 400 }, (_, i) => ({ name: `m${i}`, new_ver: "1.0" }));
    assert.equal(wordOf(MODULES, { new_version_state: 1, new_ver_list: many }).modules.length, 128);
  });

  describe("over several reports", () => {
    const start = (): { take: (print: Fields) => Observation } => {
      const reports = new PrinterReports({ serial: "01P00A000000001" });
      const observed = (bytes: Buffer): Observation => {
        const accepted = reports.accept(bytes, 1).find(({ kind }) => kind === "report");
        assert.ok(accepted?.kind === "report");
        return accepted.observation;
      };
      reports.accept(frame({ info: version("P1S") }), 0);
      return { take: (print) => observed(frame({ print })) };
    };

    it("hears that an update is forced from the flags of newer firmware too", () => {
      const { take } = start();
      const forced = (cfg: unknown): unknown => take(fullReport("H2D", { cfg, force_upgrade: false })).firmware.force;
      assert.deepEqual(["5457DA1B", "5457DA1F", "x"].map(forced), [false, true, false]);
    });

    it("believes what a module says is new only of firmware that also says which modules are shown", () => {
      const offered = (module: Fields): unknown => {
        const reports = new PrinterReports({ serial: "00M00A000000001" });
        reports.accept(frame({ print: fullReport("X1C", { upgrade_state: { new_version_state: 1 } }) }), 0);
        const ota = { name: "ota", sw_ver: "01.09.00.00", ...module };
        const [, answer] = reports.accept(frame({ info: version("X1C", [ota]) }), 1);
        return answer?.kind === "report" && answer.observation.firmware.modules[0]?.offered;
      };
      assert.equal(offered({ new_ver: "01.10.00.00", visible: true }), "01.10.00.00");
      assert.equal(offered({ new_ver: "01.10.00.00" }), null);
      assert.equal(offered({ sw_new_ver: "01.10.00.00" }), "01.10.00.00");
    });

    it("stays the same object while nothing of it changes", () => {
      const { take } = start();
      const first = take(fullReport("P1S", { nozzle_temper: 20 }));
      const second = take(delta({ nozzle_temper: 25, upgrade_state: { message: "0%, 0B/s" } }));
      assert.notEqual(second, first);
      assert.equal(second.firmware, first.firmware);
      assert.equal(second.status.firmware, first.status.firmware);
    });

    it("follows an offer, the update, and the end of both", () => {
      const { take } = start();
      const says = (upgrade_state: Fields): unknown[] => {
        const { firmware } = take(delta({ upgrade_state }));
        return [firmware.says, firmware.updating];
      };
      take(fullReport("P1S"));
      assert.deepEqual(says(inList({ ota: "01.09.01.00" })), ["offered", false]);
      assert.deepEqual(says({ status: "DOWNLOADING", dis_state: 2, progress: "5" }), ["offered", true]);
      assert.deepEqual(says({ status: "UPGRADE_SUCCESS", dis_state: 3, progress: "100" }), ["offered", false]);
      assert.deepEqual(says({ new_version_state: 2 }), ["none", false]);
    });
  });
});
