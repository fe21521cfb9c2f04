import assert from "node:assert/strict";
import { mock } from "node:test";
import { Conversation, type Talk } from "../../../lib/bambu/conversation";
import { PrintgateError } from "../../../lib/errors";
import type { Observation } from "../../../lib/printer/link";

const SERIAL = "01P00A000000001";
const gone = new PrintgateError("link-lost", "gone");

/** A connection that is a list of frames. */
class Wire implements Talk {
  up = true;
  readonly frames: Record<string, Record<string, unknown>>[] = [];
  readonly heard: Observation[] = [];
  readonly warnings: string[] = [];
  readonly silences: string[] = [];
  readonly presences: boolean[] = [];
  readonly conversation = new Conversation({ serial: SERIAL, staleAfterMs: 60_000 }, this);

  publish(frame: string): boolean {
    if (this.up) this.frames.push(JSON.parse(frame) as Record<string, Record<string, unknown>>);
    return this.up;
  }
  report(observation: Observation): void {
    this.heard.push(observation);
  }
  warn(message: string): void {
    this.warnings.push(message);
  }
  silent(reason: PrintgateError): void {
    this.silences.push(reason.message);
  }
  presence(online: boolean): void {
    this.presences.push(online);
  }

  asked(): string[] {
    return this.frames.map((frame) => String(Object.values(frame)[0]?.["command"]));
  }
  say(frame: object): void {
    this.conversation.hear(Buffer.from(JSON.stringify(frame)));
  }
}

const full = (state: string) => ({ print: { command: "push_status", msg: 0, gcode_state: state } });
const delta = (fields: object) => ({ print: { command: "push_status", msg: 1, ...fields } });

describe("a conversation with a Bambu printer", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2026, 0, 1) });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  it("asks for versions and the whole state once when it begins", () => {
    const wire = new Wire();
    wire.conversation.reset();
    wire.conversation.begin();
    assert.deepEqual(wire.asked(), ["get_version", "pushall"]);
    wire.conversation.end(gone);
  });

  it("asked to renew, nothing is complete before the next whole report, which is asked for at once", () => {
    const wire = new Wire();
    wire.conversation.reset();
    wire.conversation.begin();
    wire.say(full("IDLE"));
    assert.equal(wire.heard.at(-1)?.complete, true);
    wire.conversation.renew();
    // Sent before it was asked.
    wire.say(full("PAUSE"));
    assert.equal(wire.heard.length, 1);
    const sequence_id = wire.frames.at(-1)?.["info"]?.["sequence_id"];
    wire.say({ info: { command: "get_version", sequence_id, module: [{ name: "ota", sw_ver: "01.08.02.00" }] } });
    wire.say(delta({ bed_temper: 33 }));
    assert.equal(wire.heard.at(-1)?.complete, false);
    wire.say(full("RUNNING"));
    assert.equal(wire.heard.at(-1)?.complete, true);
    assert.deepEqual(wire.asked(), ["get_version", "pushall", "get_version", "pushall"]);
    wire.conversation.end(gone);
  });

  it("asked to renew by a printer that answers late, assumes the whole state until it has asked for it after the answer", () => {
    const wire = new Wire();
    wire.conversation.reset();
    wire.conversation.begin();
    wire.conversation.renew();
    const sequence_id = wire.frames.at(-1)?.["info"]?.["sequence_id"];
    mock.timers.tick(2500);
    // It may have stood in a queue for minutes.
    wire.say(full("PAUSE"));
    const queued = wire.heard.at(-1);
    assert.deepEqual([queued?.complete, queued?.assumed], [true, true]);
    wire.say({ info: { command: "get_version", sequence_id, module: [{ name: "ota", sw_ver: "01.08.02.00" }] } });
    wire.say(delta({ bed_temper: 33 }));
    assert.equal(wire.heard.at(-1)?.complete, false);
    wire.say(full("RUNNING"));
    const answer = wire.heard.at(-1);
    assert.deepEqual([answer?.complete, answer?.assumed], [true, false]);
    assert.deepEqual(wire.asked().slice(2), ["get_version", "pushall", "pushall"]);
    wire.conversation.end(gone);
  });

  it("makes do with what is known when the whole report was lost", () => {
    const wire = new Wire();
    wire.conversation.reset();
    wire.conversation.begin();
    wire.say(delta({ gcode_state: "IDLE" }));
    assert.equal(wire.heard.at(-1)?.complete, false);
    mock.timers.tick(5000);
    assert.equal(wire.heard.at(-1)?.complete, true);
    wire.conversation.end(gone);
  });

  it("asks a printer that reports but has not said its versions for them again, a few times", () => {
    const wire = new Wire();
    wire.conversation.reset();
    wire.conversation.begin();
    wire.say(full("IDLE"));
    const { sequence_id } = wire.frames[0]?.["info"] ?? {};
    wire.say({ info: { command: "get_version", sequence_id, module: [] } });
    mock.timers.tick(5000);
    mock.timers.tick(5000);
    assert.deepEqual(wire.asked(), ["get_version", "pushall", "get_version", "get_version"]);
    wire.say({ info: { command: "get_version", sequence_id, module: [{ name: "ota", sw_ver: "01.08.02.00" }] } });
    for (let times = 0; times < 5; times++) mock.timers.tick(5000);
    assert.equal(wire.asked().length, 4);
    wire.conversation.end(gone);

    const mute = new Wire();
    mute.conversation.reset();
    mute.conversation.begin();
    for (let seconds = 0; seconds < 300; seconds += 5) {
      mute.say(delta({ bed_temper: seconds }));
      mock.timers.tick(5000);
    }
    assert.equal(mute.asked().filter((command) => command === "get_version").length, 6);
    mute.conversation.end(gone);
  });

  it("asks for the versions anew when an update is installed, which of an AMS is done without a restart", () => {
    const wire = new Wire();
    const upgrade = (fields: object) => {
      wire.say(delta({ upgrade_state: fields }));
    };
    wire.conversation.reset();
    wire.conversation.begin();
    wire.say(full("IDLE"));
    upgrade({ new_version_state: 1, ams_new_version_number: "00.00.06.50" });
    upgrade({ dis_state: 2, status: "DOWNLOADING", progress: "10" });
    upgrade({ progress: "90" });
    assert.deepEqual(wire.asked(), ["get_version", "pushall"]);
    upgrade({ dis_state: 3, status: "UPGRADE_SUCCESS", progress: "100" });
    assert.deepEqual(wire.asked().slice(2), ["get_version"]);
    upgrade({ new_version_state: 2 });
    assert.deepEqual(wire.asked().slice(3), ["get_version"]);
    upgrade({ message: "0%, 0B/s" });
    assert.equal(wire.asked().length, 4);
    wire.conversation.end(gone);
  });

  it("hands answers to whoever listens, and tells them once that none will come", () => {
    const wire = new Wire();
    const heard: string[] = [];
    const leave = wire.conversation.listen({
      reply: ({ section, command, sequenceId }) => heard.push(`${section}.${command} ${sequenceId}`),
      ended: ({ message }) => heard.push(message),
    });
    const id = wire.conversation.say((sequence_id) => JSON.stringify({ print: { sequence_id, command: "pause" } }));
    assert.deepEqual(wire.frames, [{ print: { sequence_id: id, command: "pause" } }]);
    wire.say({ print: { command: "pause", sequence_id: id, result: "success" } });
    wire.conversation.end(gone);
    leave();
    wire.say({ print: { command: "pause", sequence_id: id, result: "success" } });
    wire.conversation.end(gone);
    assert.deepEqual(heard, [`print.pause ${id ?? ""}`, "gone"]);
  });

  it("keeps nothing that could not be handed over", () => {
    const wire = new Wire();
    wire.up = false;
    assert.equal(
      wire.conversation.say(() => "{}"),
      null,
    );
    // A request for the whole state that never left does not count as one.
    wire.conversation.refresh();
    wire.up = true;
    wire.conversation.refresh();
    wire.conversation.refresh();
    assert.deepEqual(wire.asked(), ["pushall"]);
  });

  it("asks a silent printer to go on once, then says that it is silent", () => {
    const wire = new Wire();
    wire.conversation.reset();
    wire.conversation.begin();
    mock.timers.tick(30_000);
    wire.say(full("IDLE"));
    mock.timers.tick(59_999);
    assert.equal(wire.asked().includes("start"), false);
    mock.timers.tick(1);
    assert.equal(wire.asked().at(-1), "start");
    mock.timers.tick(29_999);
    assert.deepEqual(wire.silences, []);
    mock.timers.tick(1);
    assert.deepEqual(wire.silences, ["connected, but the printer sends no reports"]);
    mock.timers.tick(600_000);
    assert.equal(wire.silences.length, 1);
  });

  it("notices a silence although the clock is set back in it", () => {
    const wire = new Wire();
    wire.conversation.reset();
    wire.conversation.begin();
    wire.say(full("IDLE"));
    const before = Date.now.bind(Date);
    const clock = mock.method(Date, "now", () => before() - 3_600_000);
    for (let i = 0; i < 3; i++) mock.timers.tick(60_000);
    clock.mock.restore();
    assert.deepEqual(wire.silences, ["connected, but the printer sends no reports"]);
  });

  it("hands on what the cloud says about the printer's own connection", () => {
    const wire = new Wire();
    wire.say({ event: { event: "client.disconnected", sequence_id: "0" } });
    wire.say({ event: { event: "client.connected", sequence_id: "0" } });
    assert.deepEqual(wire.presences, [false, true]);
  });

  it("leaves no timer when it ends", () => {
    const wire = new Wire();
    wire.conversation.reset();
    wire.conversation.begin();
    wire.conversation.end(gone);
    wire.conversation.end(gone);
    mock.timers.tick(3_600_000);
    assert.deepEqual([wire.silences.length, wire.heard.length, wire.frames.length], [0, 0, 2]);
  });
});
