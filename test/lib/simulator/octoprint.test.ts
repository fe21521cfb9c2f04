import assert from "node:assert/strict";
import { call, form, OctoBench } from "./octoprint-fixture";

const bench = new OctoBench();

describe("the REST interface of the simulated OctoPrint", () => {
  afterEach(() => bench.clear());

  it("says who it is, and who asks", async () => {
    const octoprint = await bench.server();
    assert.deepEqual((await call(octoprint, "GET", "/api/version")).json, {
      api: "0.1",
      server: "1.11.8",
      text: "OctoPrint 1.11.8",
    });
    const user = await call(octoprint, "GET", "/api/currentuser");
    assert.deepEqual([user.json.name, user.json.groups], ["tester", ["admins", "users"]]);
    const bearer = await call(octoprint, "GET", "/api/currentuser", undefined, null, {
      Authorization: `Bearer ${octoprint.apiKey}`,
    });
    assert.equal(bearer.json.name, "tester");
  });

  it("answers a wrong key as OctoPrint does: 403, a guest, and 400 with CSRF for what would change something", async () => {
    const octoprint = await bench.server();
    for (const key of ["wrong", null]) {
      assert.equal((await call(octoprint, "GET", "/api/printer", undefined, key)).status, 403);
      const guest = await call(octoprint, "GET", "/api/currentuser", undefined, key);
      assert.deepEqual([guest.status, guest.json.name], [200, null]);
      for (const path of ["/api/job", "/api/login"]) {
        const post = await call(octoprint, "POST", path, { command: "cancel", passive: true }, key);
        assert.deepEqual([post.status, post.json], [400, { error: "CSRF validation failed" }]);
      }
    }
  });

  it("refuses what a user may not do", async () => {
    const octoprint = await bench.server();
    const key = octoprint.addUser("reader", ["STATUS"]);
    assert.equal((await call(octoprint, "GET", "/api/job", undefined, key)).status, 200);
    assert.equal((await call(octoprint, "GET", "/api/system/info", undefined, key)).status, 403);
    assert.equal((await call(octoprint, "POST", "/api/job", { command: "cancel" }, key)).status, 403);
    assert.equal((await call(octoprint, "POST", "/api/files/local", form("a.gcode", "G28\n"), key)).status, 403);
  });

  it("answers 409 while the printer is off, but not for the job", async () => {
    const octoprint = await bench.server({ connected: false });
    const printer = await call(octoprint, "GET", "/api/printer");
    assert.deepEqual([printer.status, printer.json], [409, { error: "Printer is not operational" }]);
    assert.equal((await call(octoprint, "POST", "/api/printer/command", { command: "M115" })).status, 409);
    assert.equal((await call(octoprint, "POST", "/api/job", { command: "start" })).status, 409);
    const job = await call(octoprint, "GET", "/api/job");
    assert.deepEqual([job.status, job.json.state, job.json.job.file.name], [200, "Offline", null]);
    assert.equal((await call(octoprint, "GET", "/api/connection")).json.current.state, "Closed");
  });

  it("connects and disconnects the printer, and refuses a port that is not there", async () => {
    const octoprint = await bench.server({ connected: false });
    const bad = await call(octoprint, "POST", "/api/connection", { command: "connect", port: "/dev/nowhere" });
    assert.deepEqual([bad.status, bad.json.error], [400, "port is invalid"]);
    assert.equal((await call(octoprint, "POST", "/api/connection", { command: "connect" })).status, 204);
    assert.equal(octoprint.state, "Opening serial connection");
    octoprint.advance(2);
    assert.equal((await call(octoprint, "GET", "/api/printer")).json.state.flags.operational, true);
    assert.equal((await call(octoprint, "POST", "/api/connection", { command: "disconnect" })).status, 204);
    assert.equal(octoprint.state, "Offline");
    assert.deepEqual(octoprint.events, [
      "Connecting",
      "PrinterStateChanged",
      "PrinterStateChanged",
      "PrinterStateChanged",
      "Connected",
      "FirmwareData",
      "Disconnecting",
      "Disconnected",
      "PrinterStateChanged",
    ]);
  });

  it("takes an upload, selects it and prints it to the end", async () => {
    const octoprint = await bench.server();
    const sent = await call(
      octoprint,
      "POST",
      "/api/files/local",
      form("cube.gcode", "G28\n".repeat(900), { select: "true", print: "true", path: "sub" }),
    );
    assert.equal(sent.status, 201);
    assert.equal(sent.location, `${octoprint.url}/api/files/local/sub/cube.gcode`);
    assert.deepEqual([sent.json.effectivePrint, sent.json.files.local.path], [true, "sub/cube.gcode"]);
    octoprint.advance(46);
    const { json } = await call(octoprint, "GET", "/api/job");
    assert.equal(json.state, "Printing");
    assert.equal(json.job.file.path, "sub/cube.gcode");
    assert.ok(json.progress.completion > 45 && json.progress.completion < 55, String(json.progress.completion));
    octoprint.advance(60);
    const done = (await call(octoprint, "GET", "/api/job")).json;
    assert.deepEqual([done.state, done.progress.completion, done.progress.printTimeLeft], ["Operational", 100, 0]);
    assert.equal((await call(octoprint, "GET", "/api/files/local/sub/cube.gcode")).json.prints.success, 1);
  });

  it("refuses uploads that are none, and to overwrite what is being printed", async () => {
    const octoprint = await bench.server();
    const post = (data: FormData) => call(octoprint, "POST", "/api/files/local", data);
    assert.equal((await post(form("virus.exe", "x"))).status, 415);
    const empty = new FormData();
    empty.append("select", "true");
    assert.equal((await post(empty)).status, 400);
    assert.equal((await post(form("a.gcode", "G28\n", { select: "true", print: "true" }))).status, 201);
    assert.equal((await post(form("a.gcode", "G28\n"))).status, 409);
    const other = await post(form("b.gcode", "G28\n", { print: "true" }));
    assert.deepEqual([other.status, other.json.effectivePrint], [201, false]);
  });

  it("takes job commands when they fit", async () => {
    const octoprint = await bench.server();
    const job = async (body: object) => (await call(octoprint, "POST", "/api/job", body)).status;
    assert.deepEqual(await job({ command: "cancel" }), 409);
    assert.deepEqual(await job({ command: "pause", action: "pause" }), 409);
    assert.deepEqual(await job({ command: "dance" }), 400);
    octoprint.startPrint();
    octoprint.advance(5);
    assert.deepEqual(await job({ command: "start" }), 409);
    assert.deepEqual(await job({ command: "pause", action: "sleep" }), 400);
    assert.deepEqual(await job({ command: "pause", action: "pause" }), 204);
    octoprint.advance(1);
    assert.equal(octoprint.state, "Paused");
    assert.deepEqual(await job({ command: "pause", action: "pause" }), 204);
    assert.equal(octoprint.state, "Paused");
    assert.deepEqual(await job({ command: "pause", action: "resume" }), 204);
    octoprint.advance(1);
    assert.equal(octoprint.state, "Printing");
    assert.deepEqual(await job({ command: "restart" }), 409);
    assert.deepEqual(await job({ command: "cancel" }), 204);
    assert.equal(octoprint.state, "Cancelling");
    octoprint.advance(1);
    assert.equal(octoprint.state, "Operational");
  });

  it("heats what it is told to heat", async () => {
    const octoprint = await bench.server({ tools: 2, chamber: true });
    const post = async (part: string, body: object) =>
      (await call(octoprint, "POST", `/api/printer/${part}`, body)).status;
    assert.equal(await post("tool", { command: "target", targets: { tool1: 50 } }), 204);
    assert.equal(await post("tool", { command: "target", targets: { tool1: "hot" } }), 400);
    assert.equal(await post("bed", { command: "target", target: 40 }), 204);
    assert.equal(await post("bed", { command: "target" }), 400);
    assert.equal(await post("chamber", { command: "target", target: 30 }), 204);
    assert.equal(await post("command", { commands: ["M104 T0 S45", "M106 S10"] }), 204);
    octoprint.advance(600);
    const { temperature } = (await call(octoprint, "GET", "/api/printer")).json;
    assert.deepEqual(
      ["tool0", "tool1", "bed", "chamber"].map((name) => temperature[name].actual as number),
      [45, 50, 40, 30],
    );
  });

  it("has no chamber where there is none", async () => {
    const octoprint = await bench.server();
    const chamber = await call(octoprint, "POST", "/api/printer/chamber", { command: "target", target: 30 });
    assert.equal(chamber.status, 409);
  });

  it("tells its own updates, and that it knows nothing without the network", async () => {
    const octoprint = await bench.server();
    const check = async () => (await call(octoprint, "GET", "/plugin/softwareupdate/check")).json;
    assert.equal((await check()).status, "current");
    octoprint.setUpdate("1.12.0");
    const offer = (await check()).information.octoprint;
    assert.deepEqual([offer.updateAvailable, offer.information.remote.value], [true, "1.12.0"]);
    octoprint.setUpdate("1.12.0", "network");
    const silent = (await check()).information.octoprint;
    assert.deepEqual([silent.updateAvailable, silent.error, silent.information.remote.value], [false, "network", "?"]);
  });

  it("serves below a prefix, and nothing beside it", async () => {
    const octoprint = await bench.server({ prefix: "/printers/left" });
    assert.equal((await call(octoprint, "GET", "/api/version")).status, 200);
    const beside = await fetch(octoprint.url.replace("/printers/left", "/api/version"));
    assert.equal(beside.status, 404);
  });

  it("survives whatever is sent to it", async () => {
    const octoprint = await bench.server();
    const json = { "Content-Type": "application/json" };
    for (const path of ["/api/job", "/api/connection", "/api/printer/tool", "/api/printer/command", "/api/login"]) {
      for (const body of ["{broken", "[]", "null", '"x"', '{"__proto__":{"command":"start"}}', '{"command":7}']) {
        const { status } = await call(octoprint, "POST", path, body, octoprint.apiKey, json);
        assert.ok(status >= 400 && status < 500, `${path} ${body} ${status}`);
      }
      assert.equal((await call(octoprint, "POST", path, "x=1", octoprint.apiKey)).status, 415);
    }
    assert.equal((await call(octoprint, "GET", "/api/files/local/%E0%A4%A")).status, 404);
    assert.equal((await call(octoprint, "DELETE", "/api/job")).status, 405);
    assert.equal((await call(octoprint, "GET", "/api/nothing")).status, 404);
  });

  it("lays faults over requests until they are lifted", async () => {
    const octoprint = await bench.server();
    const lift = octoprint.inject({ kind: "html", status: 502 }, { path: "/api/job" });
    const page = await call(octoprint, "GET", "/api/job");
    assert.deepEqual([page.status, page.type.startsWith("text/html")], [502, true]);
    assert.equal((await call(octoprint, "GET", "/api/version")).status, 200);
    lift();
    octoprint.inject({ kind: "status", status: 503 }, { times: 1 });
    octoprint.inject({ kind: "slow", ms: 5 }, { path: /server/ });
    assert.equal((await call(octoprint, "GET", "/api/job")).status, 503);
    assert.equal((await call(octoprint, "GET", "/api/job")).status, 200);
    assert.equal((await call(octoprint, "GET", "/api/server")).status, 200);
    octoprint.inject({ kind: "drop" });
    await assert.rejects(call(octoprint, "GET", "/api/job"));
    octoprint.clearFaults();
    octoprint.inject({ kind: "hang" });
    await assert.rejects(fetch(octoprint.url, { signal: AbortSignal.timeout(30) }));
  });

  it("keeps a log of the requests, without keys", async () => {
    const octoprint = await bench.server();
    await call(octoprint, "POST", "/api/printer/command", { command: "M115" });
    await fetch(`${octoprint.url}/api/version?apikey=${octoprint.apiKey}`);
    assert.deepEqual(
      octoprint.requests.map(({ method, path, user, status }) => [method, path, user, status]),
      [
        ["POST", "/api/printer/command", "tester", 204],
        ["GET", "/api/version", "tester", 200],
      ],
    );
    assert.deepEqual(octoprint.requests[0]!.body, { command: "M115" });
    assert.equal(JSON.stringify(octoprint.requests).includes(octoprint.apiKey), false);
  });

  it("loses job and sessions with a restart, but neither port nor users nor files", async () => {
    const octoprint = await bench.server();
    const { port } = octoprint;
    octoprint.startPrint({ name: "vase.gcode" });
    await octoprint.restart();
    assert.equal(octoprint.port, port);
    const { json } = await call(octoprint, "GET", "/api/job");
    assert.deepEqual([json.state, json.job.file.name], ["Operational", null]);
    assert.equal((await call(octoprint, "GET", "/api/files/local/vase.gcode")).status, 200);
    await octoprint.stop();
    await assert.rejects(call(octoprint, "GET", "/api/job"));
    await octoprint.start();
    assert.equal((await call(octoprint, "GET", "/api/job")).status, 200);
  });

  it("says which option is wrong, and which port can not be had", async () => {
    await assert.rejects(bench.server({ prefix: "octoprint/" }), { code: "config-invalid" });
    await assert.rejects(bench.server({ timeScale: -1 }), { code: "config-invalid" });
    const octoprint = await bench.server();
    await assert.rejects(bench.server({ port: octoprint.port }), { code: "config-invalid" });
  });
});
