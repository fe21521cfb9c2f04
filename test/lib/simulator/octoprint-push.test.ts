import assert from "node:assert/strict";
import { request } from "node:https";
import WebSocket from "ws";
import { until } from "../../support/wait";
import { call, OctoBench, session } from "./octoprint-fixture";

const bench = new OctoBench();

/** The events of a job, without those that tell only a state. */
const jobEvents = (names: string[]): string[] =>
  names.filter((name) => name.startsWith("Print") && name !== "PrinterStateChanged");

describe("the push socket of the simulated OctoPrint", () => {
  afterEach(() => bench.clear());

  it("says hello to everybody, and the rest only to who logged in", async () => {
    const octoprint = await bench.server();
    const listener = await bench.socket(octoprint);
    octoprint.startPrint();
    octoprint.advance(5);
    await call(octoprint, "GET", "/api/version");
    assert.deepEqual(
      listener.messages.map((message) => Object.keys(message)[0]),
      ["connected"],
    );
    listener.send({ auth: await session(octoprint) });
    await until("the state is told", () => listener.last?.state.text === "Printing");
    assert.equal(listener.of("history")[0].job.file.name, "test.gcode");
    // What happened before was held back, not lost.
    assert.ok(listener.events.includes("PrintStarted"));
  });

  it("calls a session stale that is none, and passes over what is no word at all", async () => {
    const octoprint = await bench.server();
    const listener = await bench.socket(octoprint);
    for (const word of [
      "nonsense",
      "[1]",
      "null",
      '{"auth":7}',
      '{"auth":"a:b:c"}',
      '{"throttle":"x"}',
      '{"subscribe":7}',
    ])
      listener.send(word);
    listener.send({ auth: "tester:wrong" });
    await until("an answer comes", () => listener.messages.length > 1);
    assert.deepEqual(listener.of("reauthRequired"), [{ reason: "stale" }]);
    assert.equal(listener.closed, false);
  });

  it("tells a print from its start to its end", async () => {
    const octoprint = await bench.server({ layerPlugin: true });
    const listener = await bench.listener(octoprint);
    octoprint.startPrint({ name: "vase.gcode", minutes: 5, layers: 4 });
    for (let minute = 0; minute < 6; minute++) octoprint.advance(60);
    await until(
      "it is done",
      () => listener.last?.state.text === "Operational" && listener.last.progress.completion === 100,
    );
    assert.deepEqual(
      listener.events.filter((name) => name !== "PrinterStateChanged"),
      ["FileSelected", "PrintStarted", "ZChange", "ZChange", "ZChange", "PrintDone"],
    );
    const states = listener.of("event").filter(({ type }) => type === "PrinterStateChanged");
    assert.deepEqual(
      states.map(({ payload }) => payload.state_id as string),
      ["STARTING", "PRINTING", "FINISHING", "OPERATIONAL"],
    );
    assert.deepEqual(
      listener.of("plugin").map(({ data }) => `${data.currentLayer as string}/${data.totalLayer as string}`),
      ["1/4", "2/4", "3/4", "4/4", "-/-"],
    );
    const { flags } = listener.last.state;
    assert.deepEqual(
      Object.keys(flags).filter((name) => flags[name] === true),
      ["operational", "ready", "sdReady"],
    );
    assert.ok(listener.of("current").flatMap(({ temps }) => temps as unknown[]).length >= 6);
  });

  it("tells a cancel as PrintCancelled and then PrintFailed for that reason", async () => {
    const octoprint = await bench.server();
    const listener = await bench.listener(octoprint);
    octoprint.startPrint();
    octoprint.advance(30);
    octoprint.cancel();
    octoprint.advance(1);
    await until("it is over", () => listener.events.includes("PrintFailed"));
    assert.deepEqual(jobEvents(listener.events), ["PrintStarted", "PrintCancelling", "PrintCancelled", "PrintFailed"]);
    assert.equal(listener.of("event").find(({ type }) => type === "PrintFailed").payload.reason, "cancelled");
    await until("nothing is left of it", () => listener.last?.progress.completion === null);
    assert.equal(listener.last.job.file.name, "test.gcode");
  });

  it("tells a pause that was still to come in the middle of the cancelling, as the real server does", async () => {
    const octoprint = await bench.server();
    octoprint.startPrint();
    octoprint.advance(30);
    octoprint.pause();
    octoprint.cancel();
    octoprint.advance(1);
    assert.deepEqual(jobEvents([...octoprint.events]), [
      "PrintStarted",
      "PrintCancelling",
      "PrintCancelled",
      "PrintPaused",
      "PrintFailed",
    ]);
  });

  it("tells an error of the firmware, and is offline after it", async () => {
    const octoprint = await bench.server();
    const listener = await bench.listener(octoprint);
    octoprint.startPrint();
    octoprint.advance(30);
    octoprint.fail("Thermal Runaway");
    octoprint.advance(1);
    await until("it is told", () => listener.last?.state.text === "Offline after error");
    assert.deepEqual(jobEvents(listener.events), ["PrintStarted", "PrintFailed"]);
    const failed = listener.of("event").find(({ type }) => type === "PrintFailed").payload;
    assert.deepEqual([failed.reason, failed.error], ["error", "Thermal Runaway"]);
    assert.deepEqual((await call(octoprint, "GET", "/api/printer/error")).json, {
      error: "Thermal Runaway",
      reason: "firmware",
      consequence: "emergency",
    });
    assert.equal((await call(octoprint, "GET", "/api/job")).json.error, "Thermal Runaway");
    octoprint.connectPrinter();
    octoprint.advance(2);
    assert.equal((await call(octoprint, "GET", "/api/job")).json.error, undefined);
  });

  it("can be set to answer an error of the firmware with a cancel, and says so only there", async () => {
    const octoprint = await bench.server();
    const listener = await bench.listener(octoprint);
    octoprint.startPrint();
    octoprint.advance(30);
    octoprint.fail("Bed is tilted", "cancel");
    octoprint.advance(1);
    await until("it is over", () => listener.events.includes("PrintFailed"));
    const payloads = listener.of("event");
    assert.equal(payloads.find(({ type }) => type === "PrintCancelling").payload.firmwareError, "Bed is tilted");
    assert.equal(payloads.find(({ type }) => type === "PrintFailed").payload.reason, "cancelled");
    assert.equal(octoprint.state, "Operational");
  });

  it("tells a printer that is disconnected or lost in the middle of a print", async () => {
    for (const end of ["disconnectPrinter", "losePrinter"] as const) {
      const octoprint = await bench.server();
      octoprint.startPrint();
      octoprint.advance(30);
      octoprint[end]();
      const told = octoprint.events.filter((name) => name !== "ZChange").slice(4);
      const goodbye = end === "disconnectPrinter" ? ["Disconnecting"] : [];
      assert.deepEqual(told, [...goodbye, "FileDeselected", "Disconnected", "PrinterStateChanged", "PrintFailed"]);
      assert.equal(octoprint.state, end === "disconnectPrinter" ? "Offline" : "Offline after error");
    }
  });

  it("tells no more than was asked for", async () => {
    const octoprint = await bench.server({ layerPlugin: true });
    const quiet = await bench.listener(octoprint, { events: ["PrintStarted"] });
    const states = await bench.listener(octoprint, { state: { logs: false, messages: false } });
    octoprint.startPrint();
    octoprint.advance(5);
    await until("the state is told", () => states.last?.state.text === "Printing");
    await until("the event is told", () => quiet.events.length > 0);
    assert.deepEqual(
      [quiet.events, quiet.of("history"), quiet.of("current"), quiet.of("plugin")],
      [["PrintStarted"], [], [], []],
    );
    assert.deepEqual([states.events, states.of("history").length], [[], 1]);
  });

  it("holds current back as long as the throttle says, and tells the last state then", async () => {
    const octoprint = await bench.server({ currentIntervalMs: 200 });
    const listener = await bench.listener(octoprint);
    listener.send({ throttle: 3 });
    listener.send({ auth: "x:y" });
    await until("the throttle is set", () => listener.of("reauthRequired").length > 0);
    await until("the first one came", () => listener.of("current").length > 0);
    const began = performance.now();
    for (let degree = 50; degree < 100; degree++) octoprint.setTarget("bed", degree);
    octoprint.advance(1);
    await until("the second one comes", () => listener.of("current").length > 1);
    assert.ok(performance.now() - began > 300, String(performance.now() - began));
    assert.equal(listener.last.temps.at(-1).bed.target, 99);
  });

  it("says nothing while nothing changes", async () => {
    const octoprint = await bench.server({ connected: false, timeScale: 1 });
    const listener = await bench.listener(octoprint);
    await until("the first picture is there", () => listener.of("current").length > 0);
    const heard = listener.messages.length;
    // Long enough for a tick of the clock and a dozen intervals.
    const end = performance.now() + 100;
    await until("time has passed", () => performance.now() > end);
    assert.equal(listener.messages.length, heard);
  });

  it("prints by its own clock", async () => {
    const octoprint = await bench.server({ timeScale: 3000 });
    const listener = await bench.listener(octoprint);
    octoprint.startPrint({ minutes: 10 });
    await until("it is done", () => listener.events.includes("PrintDone"));
    assert.deepEqual(jobEvents(listener.events), ["PrintStarted", "PrintDone"]);
  });

  it("asks for a new login when sessions end, and goes on after it", async () => {
    const octoprint = await bench.server();
    const listener = await bench.listener(octoprint);
    octoprint.expireSessions();
    octoprint.emit("Home", null);
    await until("it is asked", () => listener.of("reauthRequired").length > 0);
    assert.equal(listener.events.includes("Home"), false);
    listener.send({ auth: await session(octoprint) });
    await until("it goes on", () => listener.events.includes("Home"));
  });

  it("floods, cuts and restarts", async () => {
    const octoprint = await bench.server();
    const listener = await bench.listener(octoprint);
    octoprint.flood(1000);
    await until("all of it came", () => listener.events.length === 1000);
    octoprint.publish('{"unheard":{"of":1}}');
    await until("any text comes as it is", () => listener.of("unheard").length === 1);
    octoprint.cutSockets();
    await until("the socket is cut", () => listener.closed && octoprint.sockets === 0);
    const other = await bench.listener(octoprint);
    await octoprint.restart();
    await until("the socket is gone", () => other.closed);
    const again = await bench.socket(octoprint);
    again.send({ auth: "tester:gone" });
    await until("the old session is none", () => again.of("reauthRequired").length > 0);
  });

  it("refuses the socket under a fault, and at other addresses", async () => {
    const octoprint = await bench.server({ prefix: "/octo" });
    const base = octoprint.url.replace("http", "ws");
    const status = (url: string) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(url);
        socket.on("error", (error) => {
          resolve(error.message);
        });
        socket.on("open", () => {
          socket.terminate();
          resolve("open");
        });
      });
    assert.equal(await status(`${base}/sockjs/websocket`), "open");
    assert.match(await status(`${base}/sockjs/other`), /404/);
    octoprint.inject({ kind: "html", status: 502 }, { path: "/sockjs/websocket", times: 1 });
    assert.match(await status(`${base}/sockjs/websocket`), /502/);
    octoprint.inject({ kind: "drop" }, { path: "/sockjs/websocket", times: 1 });
    assert.match(await status(`${base}/sockjs/websocket`), /hang up/);
    octoprint.inject({ kind: "slow", ms: 5 }, { times: 1 });
    assert.equal(await status(`${base}/sockjs/websocket`), "open");
  });

  it("speaks TLS with a certificate that its own authority signed", async () => {
    const octoprint = await bench.server({ tls: true });
    const status = await new Promise((resolve, reject) => {
      request(`${octoprint.url}/api/currentuser`, { ca: octoprint.caPem }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    assert.equal(status, 200);
    const socket = new WebSocket(`${octoprint.url.replace("https", "wss")}/sockjs/websocket`, { ca: octoprint.caPem });
    await new Promise((resolve) => socket.once("message", resolve));
    socket.terminate();
    assert.match(octoprint.fingerprint, /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    await assert.rejects(fetch(`${octoprint.url}/api/currentuser`));
  });

  it("closes at any moment, twice too, and leaves nothing open", async () => {
    const octoprint = await bench.server({ timeScale: 60 });
    const listener = await bench.listener(octoprint);
    octoprint.startPrint();
    octoprint.inject({ kind: "hang" });
    const pending = assert.rejects(call(octoprint, "GET", "/api/job"));
    await until("the request arrived", () => octoprint.requests.at(-1)?.path === "/api/job");
    const restarting = octoprint.restart();
    await Promise.all([octoprint.close(), octoprint.close(), restarting, pending]);
    await until("the socket is closed", () => listener.closed);
    await assert.rejects(fetch(octoprint.url));
  });
});
