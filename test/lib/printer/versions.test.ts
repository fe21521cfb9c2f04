import assert from "node:assert/strict";
import { compareVersions, isNewer, numbersOf } from "../../../lib/printer/versions";

describe("versions", () => {
  const order = ["00.00.06.49", "00.01.06.00", "01.08.02.00", "01.08.02.99", "1.8.10", "01.10.00.00", "2", "10.0"];

  it("come in the order of their numbers", () => {
    order.forEach((a, i) => {
      order.forEach((b, j) => {
        assert.equal(Math.sign(compareVersions(a, b) ?? NaN), Math.sign(i - j), `${a} and ${b}`);
        assert.equal(isNewer(a, b), i > j);
      });
    });
  });

  for (const [a, b] of [
    ["01.08.02.00", "1.8.2"],
    ["01.08.02.00/00.01.00.00", "01.08.02"],
    ["v1.8.2", " 1.8.2 "],
    ["1.11.0rc1", "1.11"],
    ["1.x", "1"],
  ] as const) {
    it(`${a} is ${b}`, () => {
      assert.equal(compareVersions(a, b), 0);
    });
  }

  for (const version of [
    null,
    "",
    "N/A",
    "unknown",
    "00.00.00.00",
    "/01.02",
    ".1",
    "1".repeat(10),
    "1.1.1.1.1.1.1.1.1",
  ]) {
    it(`${String(version)} is none that could be compared`, () => {
      assert.equal(numbersOf(version), null);
      assert.equal(compareVersions(version, "1"), null);
      assert.equal(isNewer("1", version), false);
    });
  }
});
