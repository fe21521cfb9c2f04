import assert from "node:assert/strict";
import { PrintgateError } from "../../../lib/errors";
import { orderFor, replyTo } from "../../../lib/octoprint/commands";
import type { Command } from "../../../lib/printer/commands";

const ONE = { nozzles: 1 };

describe("commands for OctoPrint", () => {
  const rows: [Command, string, object, "done" | "unanswered"][] = [
    [{ name: "pause" }, "api/job", { command: "pause", action: "pause" }, "unanswered"],
    [{ name: "resume" }, "api/job", { command: "pause", action: "resume" }, "unanswered"],
    [{ name: "stop" }, "api/job", { command: "cancel" }, "unanswered"],
    [{ name: "bed-temperature", target: 60 }, "api/printer/bed", { command: "target", target: 60 }, "unanswered"],
    [{ name: "chamber-temperature", target: 0 }, "api/printer/chamber", { command: "target", target: 0 }, "unanswered"],
    [
      { name: "nozzle-temperature", target: 210, nozzle: null },
      "api/printer/tool",
      { command: "target", targets: { tool0: 210 } },
      "unanswered",
    ],
    [{ name: "fan", fan: "part", percent: 50 }, "api/printer/command", { commands: ["M106 S128"] }, "done"],
    [{ name: "gcode", lines: "G28\r\n\n M117 hi \n" }, "api/printer/command", { commands: ["G28", "M117 hi"] }, "done"],
    [{ name: "home" }, "api/printer/printhead", { command: "home", axes: ["x", "y", "z"] }, "done"],
  ];
  for (const [command, path, json, accepted] of rows) {
    it(`${JSON.stringify(command)} goes to ${path}`, () => {
      assert.deepEqual(orderFor(command, ONE), { path, json, accepted });
    });
  }

  it("leave it to a printer with several nozzles which one is in use", () => {
    const { json, accepted } = orderFor({ name: "nozzle-temperature", target: 210, nozzle: null }, { nozzles: 2 });
    assert.deepEqual(json, { commands: ["M104 S210"] });
    assert.equal(accepted, "done", "no picture says which nozzle that was, so that none could confirm it");
  });

  it("name the nozzle that is meant, if the printer has it", () => {
    const order = (nozzle: number, nozzles: number) =>
      orderFor({ name: "nozzle-temperature", target: 210, nozzle }, { nozzles });
    for (const nozzles of [2, 0])
      assert.deepEqual(order(1, nozzles), {
        path: "api/printer/tool",
        json: { command: "target", targets: { tool1: 210 } },
        accepted: "unanswered",
      });
    assert.throws(() => order(1, 1), { code: "not-supported" });
  });

  const others: Command[] = [
    { name: "speed", level: 2 },
    { name: "light", node: "chamber", mode: "on" },
    { name: "fan", fan: "aux", percent: 100 },
    { name: "skip-objects", ids: [1] },
    { name: "ams-unload" },
    { name: "clear-error" },
    { name: "rename", to: "x" },
  ];
  for (const command of others) {
    it(`refuse ${JSON.stringify(command)} as not supported by this printer`, () => {
      assert.throws(
        () => orderFor(command, ONE),
        (error) =>
          error instanceof PrintgateError &&
          error.code === "not-supported" &&
          /not supported by this printer/.test(error.message),
      );
    });
  }

  it("never call something done because OctoPrint took it, where the printer can show it", () => {
    assert.deepEqual(replyTo("pause", { status: 204, body: {} }, "unanswered"), { kind: "unanswered" });
    assert.deepEqual(replyTo("gcode", { status: 204, body: {} }, "done"), { kind: "done" });
  });

  it("carry OctoPrint's own refusal, or one in our words", () => {
    const refused = (status: number, body: object) =>
      replyTo("pause", { status, body: body as Record<string, unknown> }, "unanswered");
    assert.deepEqual(refused(409, { error: "Printer is not printing" }), {
      kind: "refused",
      code: 409,
      reason: "Printer is not printing",
    });
    assert.deepEqual(refused(409, {}), {
      kind: "refused",
      code: 409,
      reason: "there is no print that could be paused",
    });
    const missing = refused(404, { error: "The requested URL was not found on the server." });
    assert.ok(missing.kind === "refused" && missing.reason === "OctoPrint knows no such file");
    const csrf = refused(400, { error: "CSRF validation failed" });
    assert.ok(csrf.kind === "refused" && csrf.code === 403 && /API key/.test(csrf.reason));
  });
});
