import assert from "node:assert/strict";
import { verdictOf } from "../../../lib/bambu/replies";
import type { Fields } from "../../../lib/bambu/values";

/** yes, no with its code, or neither */
function said(body: Fields): string {
  const verdict = verdictOf(body);
  if (verdict === null) return "neither";
  return verdict.kind === "refused" ? `no: ${verdict.code}` : verdict.kind === "done" ? "yes" : verdict.kind;
}

describe("a printer's answer to a command", () => {
  for (const [body, verdict] of [
    [{}, "yes"],
    [{ result: "success" }, "yes"],
    [{ result: "SUCCESS", reason: "SUCCESS", err_code: 0 }, "yes"],
    [{ result: "success", reason: "", err_code: 0, errno: 0 }, "yes"],
    [{ result: "", reason: "success" }, "yes"],
    [{ result: null, reason: null }, "yes"],
    [{ result: 0 }, "yes"],
    [{ result: "0" }, "yes"],
    [{ result: "ok" }, "yes"],
    [{ result: true }, "yes"],

    [{ result: "fail" }, "no: refused"],
    [{ result: "FAILED", reason: "busy" }, "no: refused"],
    [{ result: "rejected" }, "no: refused"],
    [{ result: false }, "no: refused"],
    [{ result: 1 }, "no: refused"],
    [{ result: "-1" }, "no: refused"],
    [{ reason: "device is busy" }, "no: refused"],
    [{ errno: 5 }, "no: 5"],
    [{ err_code: 0, errno: -4 }, "no: -4"],
    [{ result: "success", err_code: 7 }, "no: 7"],
    [{ err_code: "84033544" }, "no: 84033544"],
    [{ reason: "mqtt message verify failed" }, "no: 84033543"],
    [{ result: "failed", reason: "mqtt message verify failed" }, "no: 84033543"],

    [{ result: "pending" }, "neither"],
    [{ reason: "see the screen" }, "neither"],
    [{ result: {} }, "neither"],
    [{ result: ["success"] }, "neither"],
  ] as [Fields, string][]) {
    it(`${JSON.stringify(body)} means ${verdict}`, () => {
      assert.equal(said(body), verdict);
    });
  }

  it("repeats the printer's reason in one line, and its number as its screen shows it", () => {
    const verdict = verdictOf({ result: "fail", reason: `no\r\n\u0007 plate${"!".repeat(1000)}`, err_code: 83902478 });
    assert.ok(verdict?.kind === "refused");
    assert.match(verdict.reason, /^the printer refused it: no {3,4}plate!+ \(0500_400E\)$/);
    assert.ok(verdict.reason.length < 220);
  });
});
