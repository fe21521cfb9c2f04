import assert from "node:assert/strict";
import { decide } from "../../../lib/printer/firmware-decision";
import type { FirmwareWord } from "../../../lib/printer/firmware";
import { firmwareWord, readFirmware, readUpdateCheck } from "../../../lib/octoprint/firmware";

const read = (name: string, version?: string) =>
  readFirmware({
    name,
    data: { FIRMWARE_NAME: name, ...(version === undefined ? {} : { FIRMWARE_VERSION: version }) },
  });

describe("firmware behind OctoPrint", () => {
  const rows: [string, string | undefined, string | null, string | null][] = [
    ["Marlin 2.1.2.5 (Mar 12 2025 10:00:00)", undefined, "Marlin", "2.1.2.5"],
    ["Marlin 2.0", undefined, "Marlin", "2.0"],
    ["Marlin V1.1.9; Sprinter/grbl mashup", undefined, "Marlin", "1.1.9"],
    ["Marlin bugfix-2.0.x (GitHub)", undefined, "Marlin", null],
    ["Marlin 2.0.x (GitHub)", undefined, "Marlin", null],
    ["Marlin 1.1.0-RC7 (Github)", undefined, "Marlin", null],
    ["Marlin 2.1.3-beta3", undefined, "Marlin", null],
    ["Marlin V1; Sprinter/grbl mashup", undefined, "Marlin", null],
    ["Marlin Ver 2", undefined, "Marlin", null],
    ["Virtual Marlin 1.0", undefined, "Marlin", "1.0"],
    ["Prusa-Firmware 3.13.2 based on Marlin", undefined, "Prusa-Firmware", "3.13.2"],
    ["Prusa-Firmware-Buddy 6.0.1+14848 (Github)", undefined, "Prusa-Firmware-Buddy", "6.0.1+14848"],
    ["Prusa-Firmware-Buddy 6.2.0-alpha3+8948 (Github)", undefined, "Prusa-Firmware-Buddy", null],
    ["Repetier_1.0.3", undefined, "Repetier", "1.0.3"],
    ["Klipper", "v0.12.0-85-gd785b396", "Klipper", "0.12.0-85"],
    ["Klipper", undefined, "Klipper", null],
    ["RepRapFirmware for Duet 2 WiFi/Ethernet", "3.4.5", "RepRapFirmware", "3.4.5"],
    ["RepRapFirmware for Duet 3", "3.5.0-rc.1", "RepRapFirmware", null],
    ["RepRapFirmware for Duet 3", "3.5.0-rc1", "RepRapFirmware", null],
    ["Smoothieware", "edge-3332442", "Smoothieware", null],
    ["Somebody's own 4.2", undefined, null, null],
    ["MarlinKimbra 4.2.9", undefined, null, null],
    ["", undefined, null, null],
  ];
  for (const [name, stated, family, version] of rows) {
    it(`"${name}"${stated === undefined ? "" : ` with ${stated}`} is ${family ?? "unknown"} ${version ?? "of no release"}`, () => {
      const found = read(name, stated);
      assert.deepEqual([found.family, found.version], [family, version]);
    });
  }

  it("names the machine, and survives a payload that is none", () => {
    assert.equal(readFirmware({ data: { MACHINE_TYPE: "Ender 3" } }).machine, "Ender 3");
    for (const data of [null, 3, "x", [], { FIRMWARE_NAME: {} }])
      assert.deepEqual(readFirmware({ name: null, data }), { family: null, version: null, machine: null });
  });

  const check = (entry: object, status = "current") => ({ status, information: { octoprint: entry } });
  const versions = (local: string, remote: string) => ({
    information: { local: { value: local }, remote: { value: remote } },
  });

  it("reads what OctoPrint offers of itself", () => {
    const found = readUpdateCheck(check({ updateAvailable: true, ...versions("1.11.7", "1.11.8") }), "1.11.7");
    assert.deepEqual(found, { installed: "1.11.7", says: "offered", offered: "1.11.8", updating: false });
  });

  it("tells a check that failed from one that found nothing", () => {
    const nothing = { updateAvailable: false, ...versions("1.11.8", "1.11.8") };
    assert.equal(readUpdateCheck(check(nothing), null).says, "none");
    assert.equal(readUpdateCheck(check({ ...nothing, error: "network" }), null).says, "unknown");
    const offline = { updateAvailable: false, error: null, ...versions("1.11.8", "?") };
    assert.equal(readUpdateCheck(check(offline), null).says, "unknown");
    assert.equal(readUpdateCheck(check({ ...nothing, online: false }), null).says, "unknown");
    for (const nonsense of [null, 1, {}, check({}), { information: [] }])
      assert.equal(readUpdateCheck(nonsense, null).says, "unknown");
  });

  const printer = { family: "Marlin", version: "2.1.2", machine: null };
  const decided = (word: FirmwareWord) =>
    decide({ word, online: true, cloud: { kind: "nobody" }, betaOptIn: false, at: 0 });

  it("never says that there is nothing newer for a printer of which nobody knows", () => {
    for (const known of [printer, null]) {
      const word = firmwareWord(known, { installed: "1.11.8", says: "none", offered: null, updating: false });
      const report = decided(word);
      assert.equal(report.updateAvailable, null);
      assert.deepEqual(
        report.modules.map(({ name, installed, updateAvailable }) => [name, installed, updateAvailable]),
        [
          ["ota", known?.version ?? null, null],
          ["octoprint", "1.11.8", false],
        ],
      );
      assert.match(report.reason ?? "", /nobody says whether there is something newer for ota/);
    }
  });

  it("tells what OctoPrint offers of itself, in the same report", () => {
    const word = firmwareWord(printer, { installed: "1.11.7", says: "offered", offered: "1.11.8", updating: false });
    const report = decided(word);
    assert.deepEqual([report.updateAvailable, report.installed, report.source], [true, "2.1.2", "printer"]);
    assert.deepEqual(report.modules.at(-1), {
      name: "octoprint",
      installed: "1.11.7",
      latest: "1.11.8",
      updateAvailable: true,
    });
    const busy = firmwareWord(printer, { installed: "1.11.7", says: "offered", offered: "1.11.8", updating: true });
    assert.equal(decided(busy).updateAvailable, null);
  });

  it("knows nothing where OctoPrint could not look", () => {
    const word = firmwareWord(null, { installed: "1.11.8", says: "unknown", offered: null, updating: false });
    assert.equal(decided(word).updateAvailable, null);
  });
});
