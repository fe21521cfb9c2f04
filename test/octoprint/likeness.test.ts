import assert from "node:assert/strict";
import WebSocket from "ws";
import { startVirtualOctoprint, type VirtualOctoprint } from "../../lib/simulator/octoprint/virtual-octoprint";
import { octoprintProgram, type RealOctoprint, startOctoprint } from "../support/octoprint-server";
import { until } from "../support/wait";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly location: string | null;
  readonly json: any;
}

interface Server {
  readonly url: string;
  readonly apiKey: string;
}

/** `key` null = none. */
async function call(server: Server, method: string, path: string, body?: unknown, key: string | null = server.apiKey) {
  const raw = body === undefined || body instanceof FormData;
  const response = await fetch(server.url + path, {
    method,
    headers: {
      Connection: "close",
      ...(key === null ? {} : { "X-Api-Key": key }),
      ...(raw ? {} : { "Content-Type": "application/json" }),
    },
    body: raw ? (body ?? null) : JSON.stringify(body),
    redirect: "manual",
  });
  const text = await response.text();
  const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  const json: unknown = type === "application/json" ? JSON.parse(text) : null;
  return { status: response.status, type, location: response.headers.get("location"), json } as Answer;
}

/** Every key with its place: `state.flags.error`. A list counts as its first entry. */
function keysOf(value: unknown, place = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return keysOf(value[0], `${place}[]`);
  return Object.entries(value).flatMap(([key, inner]) => {
    // Names of files, tokens and the like are data, not keys.
    const name = /^[\w-]{43}$/.test(key) ? "*" : key;
    return [`${place}.${name}`, ...keysOf(inner, `${place}.${name}`)];
  });
}

/** Keys that only the simulated server has: it must invent nothing. */
const inventedKeys = (fake: unknown, real: unknown): string[] => {
  const known = new Set(keysOf(real));
  return keysOf(fake).filter((key) => !known.has(key));
};

function upload(name: string, lines: number, fields: Record<string, string> = {}): FormData {
  const form = new FormData();
  form.append("file", new Blob(["G4 P50\n".repeat(lines)]), name);
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  return form;
}

type Row = readonly [method: string, path: string, body?: (() => unknown) | undefined, key?: string | null];

const json =
  (value: object): (() => unknown) =>
  () =>
    value;
const WRONG = "no-key-at-all";

const READY: readonly Row[] = [
  ["GET", "/api/version"],
  ["GET", "/api/server"],
  ["GET", "/api/currentuser"],
  ["GET", "/api/connection"],
  ["GET", "/api/printer"],
  ["GET", "/api/printer?exclude=temperature,sd"],
  ["GET", "/api/printer/error"],
  ["GET", "/api/printer/tool"],
  ["GET", "/api/printer/bed"],
  ["GET", "/api/printer/chamber"],
  ["GET", "/api/files"],
  ["GET", "/api/files/local"],
  ["GET", "/api/files/local/nothing.gcode"],
  ["GET", "/api/settings"],
  ["GET", "/api/system/info"],
  ["GET", "/api/printerprofiles"],
  ["GET", "/api/nothing"],
  ["DELETE", "/api/job"],
  ["GET", "/plugin/DisplayLayerProgress/values"],
  ["GET", "/apps/auth"],
  ["GET", "/api/version", undefined, WRONG],
  ["GET", "/api/version", undefined, null],
  ["GET", "/api/currentuser", undefined, WRONG],
  ["POST", "/api/job", json({ command: "cancel" }), WRONG],
  ["POST", "/api/login", json({ passive: true })],
  ["POST", "/api/login", json({ passive: true }), WRONG],
  ["POST", "/api/login", json({ passive: true }), null],
  ["POST", "/api/job", json({ command: "cancel" })],
  ["POST", "/api/job", json({ command: "start" })],
  ["POST", "/api/job", json({ command: "restart" })],
  ["POST", "/api/job", json({ command: "pause", action: "pause" })],
  ["POST", "/api/job", json({ command: "dance" })],
  ["POST", "/api/job", json({})],
  ["POST", "/api/connection", json({ command: "connect", port: "/dev/nowhere" })],
  ["POST", "/api/connection", json({ command: "connect", baudrate: 7 })],
  ["POST", "/api/connection", json({ command: "dance" })],
  ["POST", "/api/printer/tool", json({ command: "target", targets: { tool0: 40 } })],
  ["POST", "/api/printer/tool", json({ command: "target", targets: { tool7: 40 } })],
  ["POST", "/api/printer/tool", json({ command: "target", targets: { tool0: "hot" } })],
  ["POST", "/api/printer/tool", json({ command: "dance" })],
  ["POST", "/api/printer/tool", json({ command: "target" })],
  ["POST", "/api/printer/bed", json({ command: "target", target: 30 })],
  ["POST", "/api/printer/bed", json({ command: "target" })],
  ["POST", "/api/printer/bed", json({ command: "target", target: "hot" })],
  ["POST", "/api/printer/chamber", json({ command: "target", target: 30 })],
  ["POST", "/api/printer/printhead", json({ command: "home", axes: ["x", "y", "z"] })],
  ["POST", "/api/printer/printhead", json({ command: "home", axes: ["q"] })],
  ["POST", "/api/printer/printhead", json({ command: "home" })],
  ["POST", "/api/printer/printhead", json({ command: "dance" })],
  ["POST", "/api/printer/command", json({ command: "M115" })],
  ["POST", "/api/printer/command", json({ commands: ["M105", "M115"] })],
  ["POST", "/api/printer/command", json({ commands: "M105" })],
  ["POST", "/api/printer/command", json({})],
  ["POST", "/api/files/local", () => upload("virus.exe", 1)],
  ["POST", "/api/files/local", () => upload("kept.gcode", 2)],
  ["POST", "/api/files/local", () => upload("other.gcode", 2), WRONG],
  ["POST", "/api/files/nowhere", () => upload("kept.gcode", 2)],
  ["GET", "/api/files/local/kept.gcode"],
  ["POST", "/api/files/local/kept.gcode", json({ command: "select" })],
  ["POST", "/api/files/local/kept.gcode", json({ command: "dance" })],
  ["POST", "/api/files/local/nothing.gcode", json({ command: "select" })],
  ["GET", "/api/job"],
  ["GET", "/plugin/appkeys/probe", undefined, null],
  ["GET", "/plugin/appkeys/request/nothing", undefined, null],
  ["POST", "/plugin/appkeys/request", json({}), null],
  ["POST", "/plugin/appkeys/request", json({ app: "Likeness", user: "tester" }), null],
  ["GET", "/api/plugin/appkeys"],
  ["POST", "/plugin/appkeys/decision/nothing", json({ decision: true })],
  ["POST", "/plugin/appkeys/decision/nothing", json({ decision: true }), null],
];

const PRINTING: readonly Row[] = [
  ["GET", "/api/printer"],
  ["GET", "/api/job"],
  ["GET", "/api/connection"],
  ["POST", "/api/job", json({ command: "start" })],
  ["POST", "/api/job", json({ command: "restart" })],
  ["POST", "/api/job", json({ command: "pause", action: "dance" })],
  ["POST", "/api/printer/printhead", json({ command: "home", axes: ["x"] })],
  ["POST", "/api/printer/command", json({ command: "M105" })],
  ["POST", "/api/files/local", () => upload("long.gcode", 2)],
  ["POST", "/api/files/local/kept.gcode", json({ command: "select" })],
];

const OFF: readonly Row[] = [
  ["GET", "/api/printer"],
  ["GET", "/api/printer/tool"],
  ["GET", "/api/printer/error"],
  ["GET", "/api/job"],
  ["GET", "/api/connection"],
  ["POST", "/api/job", json({ command: "start" })],
  ["POST", "/api/job", json({ command: "cancel" })],
  ["POST", "/api/printer/tool", json({ command: "target", targets: { tool0: 40 } })],
  ["POST", "/api/printer/printhead", json({ command: "home", axes: ["x"] })],
  ["POST", "/api/printer/command", json({ command: "M115" })],
  ["POST", "/api/files/local/kept.gcode", json({ command: "select", print: true })],
  ["POST", "/api/connection", json({ command: "disconnect" })],
];

/** What a socket is told of a story, in the order in which it came. */
class Ear {
  readonly messages: Record<string, any>[] = [];
  private constructor(readonly socket: WebSocket) {
    socket.on("message", (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString("utf8")) as Record<string, any>);
    });
  }

  static async open(server: Server): Promise<Ear> {
    const ear = new Ear(new WebSocket(`${server.url.replace("http", "ws")}/sockjs/websocket`));
    await until("hello is said", () => ear.messages.length > 0);
    const { json: login } = await call(server, "POST", "/api/login", { passive: true });
    ear.socket.send(JSON.stringify({ subscribe: { state: { logs: false }, events: true, plugins: false } }));
    ear.socket.send(JSON.stringify({ auth: `${login.name as string}:${login.session as string}` }));
    await until("the first picture came", () => ear.last !== undefined);
    return ear;
  }

  get last(): any {
    const pictures = this.messages.flatMap(({ history, current }) => ((current ?? history) as unknown) ?? []);
    return pictures.at(-1);
  }

  of(type: string): any[] {
    return this.messages.flatMap(({ event }) => (event?.type === type ? [event.payload] : []));
  }

  /**
   * What matters of the events: states, those of jobs, of the connection, and of the file that is selected. PrintFailed
   * is fired beside the others, now before and now after the last state, so only how often it came is compared.
   */
  get story(): string[] {
    return this.messages.flatMap(({ event }) => {
      const { type = "", payload }: { type?: string; payload?: any } = event ?? {};
      if (type === "PrinterStateChanged") return [payload.state_id as string];
      return TOLD.test(type) ? [type] : [];
    });
  }
}

const TOLD =
  /^(?:Print(?!Failed)[A-Z]\w+|Connect(?:ing|ed)|Disconnect(?:ing|ed)|FirmwareData|File(?:Selected|Deselected))$/;

function sameStory([theirs, ours]: readonly [Ear, Ear]): void {
  assert.deepEqual(ours.story, theirs.story);
  assert.deepEqual([ours.of("PrintFailed").length, theirs.of("PrintFailed").length], [1, 1]);
}

describe("the simulated OctoPrint beside a real one", () => {
  let real: RealOctoprint;
  let fake: VirtualOctoprint;
  const opened: (() => Promise<void>)[] = [];

  before(async function () {
    real = await startOctoprint(await octoprintProgram(this));
    opened.push(() => real.remove());
    fake = await startVirtualOctoprint({ timeScale: 20 });
    opened.push(() => fake.close());
    await until("the real printer's temperatures are known", async () => {
      const { json: printer } = await call(real, "GET", "/api/printer");
      return printer.temperature.tool0 !== undefined;
    });
  });

  after(async () => {
    for (const close of opened) await close();
  });

  async function compare(rows: readonly Row[]): Promise<void> {
    for (const [method, path, body, key] of rows) {
      const what = `${method} ${path} ${JSON.stringify(body?.() ?? null)} ${key === undefined ? "" : String(key)}`;
      const theirs = await call(real, method, path, body?.(), key);
      const ours = await call(fake, method, path, body?.(), key);
      assert.deepEqual(
        [ours.status, ours.type],
        [theirs.status, theirs.type],
        `${what}: ${JSON.stringify(theirs.json)}`,
      );
      assert.deepEqual(inventedKeys(ours.json, theirs.json), [], what);
      assert.equal(ours.location === null, theirs.location === null, what);
    }
  }

  it("answers the same while the printer is ready", () => compare(READY));

  it("answers the same while it prints, and tells the same of a print that is paused, resumed and cancelled", async () => {
    const ears = [await Ear.open(real), await Ear.open(fake)] as const;
    const both = async (path: string, body: () => unknown): Promise<void> => {
      for (const server of [real, fake]) await call(server, "POST", path, body());
    };
    const become = async (text: string): Promise<void> => {
      for (const ear of ears) await until(`it is ${text}`, () => ear.last.state.text === text);
    };
    await both("/api/files/local", () => upload("long.gcode", 2000, { select: "true", print: "true" }));
    await become("Printing");
    await compare(PRINTING);
    await both("/api/job", json({ command: "pause", action: "pause" }));
    await become("Paused");
    await both("/api/job", json({ command: "pause", action: "resume" }));
    await become("Printing");
    await both("/api/job", json({ command: "cancel" }));
    await become("Operational");
    for (const ear of ears) await until("the ending is told", () => ear.of("PrintFailed").length > 0);
    sameStory(ears);
    for (const type of [
      "PrintStarted",
      "PrintPaused",
      "PrintResumed",
      "PrintCancelling",
      "PrintCancelled",
      "PrintFailed",
    ])
      assert.deepEqual(inventedKeys(ears[1].of(type)[0], ears[0].of(type)[0]), [], type);
    assert.deepEqual(inventedKeys(ears[1].last, ears[0].last), []);
    for (const ear of ears) ear.socket.terminate();
  });

  it("tells the same of a printer that is disconnected in the middle of a print and connected again", async () => {
    const ears = [await Ear.open(real), await Ear.open(fake)] as const;
    for (const server of [real, fake])
      await call(server, "POST", "/api/files/local", upload("lost.gcode", 2000, { select: "true", print: "true" }));
    for (const ear of ears) await until("it prints", () => ear.last.state.text === "Printing");
    for (const server of [real, fake]) await call(server, "POST", "/api/connection", { command: "disconnect" });
    for (const ear of ears)
      await until("it is off", () => ear.last.state.text === "Offline" && ear.of("PrintFailed").length > 0);
    await compare(OFF);
    for (const server of [real, fake])
      await call(server, "POST", "/api/connection", { command: "connect", port: "VIRTUAL", baudrate: 115200 });
    for (const ear of ears) await until("it is back", () => ear.last.state.text === "Operational");
    for (const ear of ears) await until("the firmware is told", () => ear.of("FirmwareData").length > 0);
    sameStory(ears);
    assert.deepEqual(inventedKeys(ears[1].of("PrintFailed")[0], ears[0].of("PrintFailed")[0]), []);
    for (const ear of ears) ear.socket.terminate();
  });

  it("tells the same of an error of the firmware", async () => {
    const ears = [await Ear.open(real), await Ear.open(fake)] as const;
    for (const server of [real, fake])
      await call(server, "POST", "/api/files/local", upload("broken.gcode", 2000, { select: "true", print: "true" }));
    for (const ear of ears) await until("it prints", () => ear.last.state.text === "Printing");
    await real.gcode("!!DEBUG:send Error:Thermal Runaway, system stopped! Heater_ID: 0");
    fake.fail();
    for (const ear of ears)
      await until("it failed", () => ear.last.state.text === "Offline after error" && ear.of("PrintFailed").length > 0);
    await compare([
      ["GET", "/api/printer"],
      ["GET", "/api/printer/error"],
      ["GET", "/api/job"],
      ["GET", "/api/connection"],
    ]);
    sameStory(ears);
    for (const type of ["Error", "PrintFailed"])
      assert.deepEqual(inventedKeys(ears[1].of(type)[0], ears[0].of(type)[0]), [], type);
    for (const ear of ears) ear.socket.terminate();
  });
});
