import assert from "node:assert/strict";
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
    ["Marlin V1; Sprinter/grbl mashup", undefined, "Marlin", null],
    ["Marlin Ver 2", undefined, "Marlin", null],
    ["Virtual Marlin 1.0", undefined, "Marlin", "1.0"],
    ["Prusa-Firmware 3.13.2 based on Marlin", undefined, "Prusa-Firmware", "3.13.2"],
    ["Prusa-Firmware-Buddy 6.0.1+14848 (Github)", undefined, "Prusa-Firmware-Buddy", "6.0.1+14848"],
    ["Repetier_1.0.3", undefined, "Repetier", "1.0.3"],
    ["Klipper", "v0.12.0-85-gd785b396", "Klipper", "0.12.0-85"],
    ["Klipper", undefined, "Klipper", null],
    ["RepRapFirmware for Duet 2 WiFi/Ethernet", "3.4.5", "RepRapFirmware", "3.4.5"],
    ["RepRapFirmware for Duet 3", "3.5.0-rc.1", "RepRapFirmware", null],
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
    for (const nonsense of [null, 1, {}, check({}), { information: [] }])
      assert.equal(readUpdateCheck(nonsense, null).says, "unknown");
  });

  it("never says that there is nothing newer for a printer of which nobody knows", () => {
    const printer = { family: "Marlin", version: "2.1.2", machine: null };
    const none = firmwareWord(printer, { installed: "1.11.8", says: "none", offered: null, updating: false });
    assert.equal(none.says, "unknown");
    assert.deepEqual(none.modules, [
      { name: "ota", installed: "2.1.2", offered: null, silent: true },
      { name: "octoprint", installed: "1.11.8", offered: null },
    ]);
    const offered = firmwareWord(null, { installed: "1.11.7", says: "offered", offered: "1.11.8", updating: true });
    assert.deepEqual([offered.says, offered.updating], ["offered", true]);
    assert.deepEqual(offered.modules, [{ name: "octoprint", installed: "1.11.7", offered: "1.11.8" }]);
  });
});
