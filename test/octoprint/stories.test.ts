import assert from "node:assert/strict";
import { requestAppKey } from "../../lib/octoprint/app-keys";
import { baseOf, OctoprintClient } from "../../lib/octoprint/client";
import { octoprint } from "../../lib/octoprint/session";
import { enteredKey } from "../../lib/octoprint/session-keys";
import { connectionsTo } from "../../lib/octoprint/trust";
import type { Command } from "../../lib/printer/commands";
import { Followed } from "../support/followed";
import { octoprintProgram, RELEASE, type RealOctoprint, startOctoprint } from "../support/octoprint-server";
import { until } from "../support/wait";

const TRUST = { mode: "insecure" } as const;

describe("a real OctoPrint with our client", () => {
  let server: RealOctoprint;
  const opened: (() => Promise<void>)[] = [];
  const followed: Followed[] = [];

  before(async function () {
    server = await startOctoprint(await octoprintProgram(this));
    opened.push(() => server.remove());
  });
  after(async () => {
    for (const close of opened) await close();
  });
  afterEach(async function () {
    for (const one of followed.splice(0)) await one.close();
    if (this.currentTest?.state === "failed") console.log(server.log().slice(-4000));
  });

  const overLink = (key = server.apiKey) =>
    new Followed(
      octoprint({ url: server.url, keys: enteredKey(key), trust: TRUST, staleAfterMs: 60_000, waitMs: () => 100 }),
    );

  /** The story before is over for the server too: it says that a print is done before it is done with it. */
  const settled = () =>
    until("the printer is ready", async () => (await server.ask("GET", "/api/job")).state === "Operational");

  /** A printer that is ready, and somebody who listens to its push socket. */
  async function ready(): Promise<Followed> {
    await settled();
    const one = overLink().follow();
    followed.push(one);
    await until("the printer is there", () => one.printer.status.online && one.printer.linkState.kind === "live");
    // Events come over the socket only: without it a turn of the story could go by between two questions.
    await until("the socket is heard: then the firmware is asked for", () => firmware(one) !== null, 20_000);
    return one;
  }

  const firmware = (one: Followed) => one.printer.status.firmware.installed;

  async function printing(one: Followed, name: string, lines = 2000): Promise<void> {
    await server.print(name, lines);
    await one.tells("print.started");
    await one.is("printing");
  }

  const send = (one: Followed, command: Command) => one.printer.send(command, { timeoutMs: 15_000 });

  it("connects and knows the printer: state, temperatures, firmware, what the key may do", async () => {
    const one = await ready();
    await until("temperatures are known", () => one.printer.status.temperatures.nozzles[0]?.actual !== undefined);
    const { state, temperatures, firmware, control, job } = one.printer.status;
    assert.equal(state, "idle");
    assert.equal(job, null);
    assert.ok(Number(temperatures.nozzles[0]?.actual) > 15 && Number(temperatures.bed.actual) > 15);
    assert.deepEqual([temperatures.nozzles.length, temperatures.chamber], [1, null]);
    assert.equal(firmware.installed, "2.1.2.5");
    assert.deepEqual(firmware.modules, [{ name: "octoprint", installed: RELEASE }]);
    assert.equal(control.allowed, true);
    assert.deepEqual([one.printer.identity.vendor, one.printer.identity.link], ["octoprint", "octoprint"]);
    assert.deepEqual([one.warnings, one.turns], [[], []]);
  });

  it("prints to the end", async () => {
    const one = await ready();
    await printing(one, "whole.gcode", 200);
    await one.tells("print.finished");
    assert.deepEqual(one.turns, ["print.started", "print.finished"]);
    const tens = one.told.flatMap(({ event, value }) => (event === "print.progress" ? [value as number] : []));
    assert.deepEqual(
      tens,
      [...new Set(tens)].sort((a, b) => a - b),
    );
    assert.equal(tens.at(-1), 100);
    const { state, job } = one.printer.status;
    assert.deepEqual([state, job?.name, job?.progress, job?.remainingSeconds], ["finished", "whole.gcode", 100, 0]);
    assert.ok(one.told.every(({ job: of }) => of === null || of.name === "whole.gcode"));
  });

  it("pauses, goes on and is cancelled, each confirmed by the printer's state, with one ending", async () => {
    const one = await ready();
    await printing(one, "stopped.gcode");
    for (const [name, state] of [
      ["pause", "paused"],
      ["resume", "printing"],
      ["stop", "cancelled"],
    ] as const) {
      const outcome = await send(one, { name });
      assert.deepEqual(outcome.confirmed && outcome.by, "state", JSON.stringify(outcome));
      await one.is(state);
    }
    await one.tells("print.cancelled");
    await server.gcode("M105");
    await until(
      "the server has forgotten it",
      async () => (await server.ask("GET", "/api/job")).state === "Operational",
    );
    assert.deepEqual(one.turns, ["print.started", "print.paused", "print.resumed", "print.cancelled"]);
  });

  it("tells one ending of each print, although a script runs after it and its pictures come late", async () => {
    const gcode = { afterPrintDone: "G4 P1500\nM400", afterPrintCancelled: "G4 P1500\nM400" };
    await server.ask("POST", "/api/settings", { scripts: { gcode } });
    try {
      const one = await ready();
      await server.print("scripted.gcode", 60);
      await one.tells("print.finished");
      await settled();
      await printing(one, "scripted.gcode");
      await server.ask("POST", "/api/job", { command: "cancel" });
      await one.tells("print.cancelled");
      await settled();
      await server.print("scripted.gcode", 60);
      await until("a third ending", () => one.turns.length >= 6);
      await settled();
      // A picture is held back for a second at most; then one of the printer at rest has been seen.
      const { printer } = one;
      const seen = printer.observation;
      await server.gcode("M140 S30");
      await until(
        "another picture",
        () => printer.observation !== seen && printer.status.temperatures.bed.target === 30,
      );
      await server.gcode("M140 S0");
      const finished = ["print.started", "print.finished"];
      assert.deepEqual(one.turns, [...finished, "print.started", "print.cancelled", ...finished]);
    } finally {
      await server.ask("POST", "/api/settings", {
        scripts: { gcode: { afterPrintDone: "", afterPrintCancelled: "" } },
      });
    }
  });

  it("is cancelled once in the middle of a pause that is still to come", async () => {
    const one = await ready();
    await printing(one, "hasty.gcode");
    await server.ask("POST", "/api/job", { command: "pause", action: "pause" });
    await server.ask("POST", "/api/job", { command: "cancel" });
    await one.tells("print.cancelled");
    await one.is("cancelled");
    assert.deepEqual(
      one.turns.filter((name) => !/^print\.(paused|resumed)/.test(name)),
      ["print.started", "print.cancelled"],
    );
  });

  it("uploads what it is told to print, heats, homes and takes G-code", async () => {
    const one = await ready();
    const content = { kind: "buffer" as const, data: Buffer.from("G4 P50\nG1 X9 F6000\n".repeat(60)) };
    const plain = { plate: 1, ams: [], useAms: false, bedLeveling: false, flowCalibration: false };
    const order = { file: "sent.gcode", content, ...plain, vibrationCalibration: false, timelapse: false };
    const print = await send(one, { name: "print", order });
    assert.ok(print.confirmed, JSON.stringify(print));
    await one.tells("print.finished");
    assert.deepEqual(one.turns, ["print.started", "print.finished"]);
    const heat = await send(one, { name: "bed-temperature", target: 35 });
    assert.deepEqual(heat.confirmed && heat.by, "state", JSON.stringify(heat));
    assert.ok((await send(one, { name: "bed-temperature", target: 0 })).confirmed);
    assert.ok((await send(one, { name: "home" })).confirmed);
    assert.ok((await send(one, { name: "gcode", lines: "M117 hello\nM105" })).confirmed);
  });

  it("tells a printer that is switched off in the middle: the print failed once, the printer is offline, and back", async () => {
    const one = await ready();
    await printing(one, "off.gcode");
    await server.ask("POST", "/api/connection", { command: "disconnect" });
    await one.tells("print.failed");
    await one.tells("printer.offline");
    assert.deepEqual([one.printer.status.online, one.printer.linkState.kind], [false, "live"]);
    assert.equal(one.printer.status.stage.name, "printer off");
    const refused = await send(one, { name: "home" });
    assert.deepEqual(refused.confirmed || refused.code, "offline");
    await server.ask("POST", "/api/connection", { command: "connect", port: "VIRTUAL", baudrate: 115200 });
    await one.tells("printer.online");
    await until("it is online", () => one.printer.status.online);
    assert.deepEqual(one.turns, ["print.started", "print.failed"]);
  });

  it("tells an error of the firmware, with its words", async () => {
    const one = await ready();
    await printing(one, "hot.gcode");
    await server.gcode("!!DEBUG:send Error:Thermal Runaway, system stopped! Heater_ID: 0");
    await one.tells("print.failed");
    await until("the stage names it", () =>
      /^printer error: Thermal Runaway/.test(one.printer.status.stage.name ?? ""),
    );
    await server.ask("POST", "/api/connection", { command: "connect", port: "VIRTUAL", baudrate: 115200 });
    await until("it is online", () => one.printer.status.online);
    assert.deepEqual(one.turns, ["print.started", "print.failed"]);
  });

  it("outlives a restart of the server in the middle of a print, which ended there", async () => {
    const one = await ready();
    await printing(one, "cut.gcode");
    await server.stop();
    await until("the server is missed", () => one.printer.linkState.kind === "waiting");
    await server.start();
    await until("it is back", () => one.printer.linkState.kind === "live" && one.printer.status.online, 20_000);
    await one.tells("print.failed");
    assert.deepEqual(one.turns, ["print.started", "print.failed (recovered)"]);
    await printing(one, "again.gcode", 100);
    await one.tells("print.finished");
    assert.deepEqual(one.turns.slice(2), ["print.started", "print.finished"]);
  });

  it("gets an application key that its user accepts, and works with it", async () => {
    const connections = await connectionsTo(baseOf(server.url), TRUST);
    try {
      const client = new OctoprintClient(baseOf(server.url), connections);
      const request = await requestAppKey(client, { app: "Printgate", user: "tester" });
      assert.ok(request.page.startsWith(`${server.url}/plugin/appkeys/auth/`));
      assert.equal(await request.poll(), null);
      const { pending } = await server.ask("GET", "/api/plugin/appkeys");
      const [userToken] = Object.keys(pending as object);
      await server.ask("POST", `/plugin/appkeys/decision/${userToken ?? ""}`, { decision: true });
      const key = await request.poll();
      assert.ok(key !== null && key.length > 20);
      // It is handed out once.
      await assert.rejects(request.poll(), { code: "account-refused" });
      const one = overLink(key).follow();
      followed.push(one);
      await until("the key is good", () => one.printer.linkState.kind === "live");
      assert.equal(one.printer.status.control.allowed, true);
    } finally {
      connections.close();
    }
  });

  it("says that a key is wrong, in words without the key", async () => {
    const key = "a-wrong-key-that-nobody-may-see";
    const one = overLink(key).follow();
    followed.push(one);
    await until("it is refused", () => one.printer.linkState.kind === "waiting");
    const state = one.printer.linkState;
    assert.ok(state.kind === "waiting" && state.reason.code === "account-refused");
    assert.equal(`${state.reason.message}${state.reason.stack ?? ""}${one.warnings.join()}`.includes(key), false);
    assert.equal(one.printer.status.online, false);
  });
});
