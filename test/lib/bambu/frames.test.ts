import assert from "node:assert/strict";
import { PrinterReports, type Accepted } from "../../../lib/bambu/frames";
import type { Fields } from "../../../lib/bambu/values";
import type { Observation } from "../../../lib/printer/link";
import { ams, delta, frame, fullReport, packed, serialOf, tray, unit, version } from "../../support/reports";

const AT = Date.UTC(2026, 0, 1);
const printer = (): PrinterReports => new PrinterReports({ serial: serialOf("P1S") });
const full = (difference: Fields = {}): Buffer => frame({ print: fullReport("P1S", difference) });

function observed(accepted: readonly Accepted[]): Observation {
  const report = accepted.find((entry) => entry.kind === "report");
  assert.ok(report !== undefined, JSON.stringify(accepted));
  return report.observation;
}

describe("Frames of a Bambu printer", () => {
  it("that hold nothing usable are faults of one kind, and the next good one is right", () => {
    const reports = printer();
    const big = frame({ print: { command: "push_status", filler: "x".repeat(1 << 20) } });
    const faults: [string | Buffer, string][] = [
      ["", "not-json"],
      ["{", "not-json"],
      ['{"print":', "not-json"],
      ["\0\0", "not-json"],
      ["[]", "not-an-object"],
      ["null", "not-an-object"],
      ["5", "not-an-object"],
      ['"text"', "not-an-object"],
      ['{"print":[]}', "wrong-type"],
      ['{"print":null}', "wrong-type"],
      ['{"info":"x"}', "wrong-type"],
      ['{"event":1}', "wrong-type"],
      [big, "too-large"],
    ];
    for (const [bytes, fault] of faults)
      assert.deepEqual(reports.accept(Buffer.from(bytes), AT), [{ kind: "fault", fault }]);
    assert.equal(observed(reports.accept(full(), AT)).status.state, "printing");
  });

  it("with a part of the wrong type are a fault and a report: what they can not mean stays as it was", () => {
    const reports = printer();
    const { status } = observed(reports.accept(full(), AT));
    const spoilt = delta({ hms: "none", ams: 7, bed_temper: { a: 1 }, mc_percent: 43 });
    const [fault, report] = reports.accept(frame({ print: spoilt }), AT);
    assert.deepEqual(fault, { kind: "fault", fault: "wrong-type" });
    assert.ok(report?.kind === "report");
    assert.deepEqual(report.observation.status, { ...status, job: { ...status.job, progress: 43 } });
  });

  it("that are well-formed but nothing for us are ignored", () => {
    for (const sections of [
      {},
      { liveview: { x: 1 } },
      { mc_print: { command: "push_info", param: "x" } },
      { print: {} },
      { print: { command: 5 } },
      { event: { event: "other" } },
    ])
      assert.deepEqual(printer().accept(frame(sections), AT), [{ kind: "ignored" }]);
  });

  it("survive nesting that would overflow a stack", () => {
    const reports = printer();
    const deep = (n: number): string => `${'{"a":'.repeat(n)}1${"}".repeat(n)}`;
    reports.accept(
      Buffer.from(
        `{"print":{"command":"push_status","ams":${deep(40_000)},"x":${"[".repeat(60_000)}${"]".repeat(60_000)}}}`,
      ),
      AT,
    );
    reports.accept(Buffer.from(`{"info":{"command":"get_version","module":[{"name":"ota","x":${deep(40_000)}}]}}`), AT);
    assert.ok(JSON.stringify(observed(reports.accept(full(), AT)).raw()).includes("push_status"));
  });

  it("in UTF-8 and in latin-1 are both read", () => {
    const name = (encoding: BufferEncoding): string | undefined => {
      const bytes = Buffer.from(JSON.stringify({ print: fullReport("P1S", { subtask_name: "Größe" }) }), encoding);
      return observed(printer().accept(bytes, AT)).status.job?.name ?? undefined;
    };
    assert.equal(name("utf8"), "Größe");
    assert.equal(name("latin1"), "Größe");
  });

  it("carry replies of every section, with their ids as text", () => {
    for (const section of ["print", "info", "system", "pushing", "camera", "upgrade", "xcam", "security"]) {
      const body = { command: "something", sequence_id: "20007", result: "success" };
      assert.deepEqual(printer().accept(frame({ [section]: body }), AT), [
        { kind: "reply", section, command: "something", sequenceId: "20007", body },
      ]);
    }
    const [numbered] = printer().accept(frame({ print: { command: "pause", sequence_id: 7 } }), AT);
    assert.equal(numbered?.kind === "reply" && numbered.sequenceId, "7");
  });

  it("do not take a reply for a report", () => {
    const reports = printer();
    reports.accept(full(), AT);
    reports.accept(frame({ print: { command: "pause", sequence_id: "1", gcode_state: "IDLE" } }), AT);
    assert.equal(observed(reports.accept(frame({ print: delta({ mc_percent: 43 }) }), AT)).status.state, "printing");
  });

  it("tell whether the cloud sees the printer", () => {
    const event = (name: string): unknown =>
      printer().accept(frame({ event: { event: name, disconnect_reason: "x" } }), AT);
    assert.deepEqual(event("client.connected"), [{ kind: "presence", online: true }]);
    assert.deepEqual(event("client.disconnected"), [{ kind: "presence", online: false }]);
  });

  it("with versions are both a reply and a report; an empty list leaves what was known", () => {
    const reports = printer();
    const accepted = reports.accept(frame({ info: version("P1S") }), AT);
    assert.deepEqual(
      accepted.map(({ kind }) => kind),
      ["reply", "report"],
    );
    assert.equal(observed(accepted).model, "P1S");
    for (const module of [[], undefined, null, "x"]) {
      const again = reports.accept(frame({ info: { ...version("P1S"), module } }), AT);
      assert.deepEqual(
        again.map(({ kind }) => kind),
        ["reply"],
      );
    }
    assert.equal(observed(reports.accept(full(), AT)).status.firmware.installed, "01.08.00.00");
  });

  it("may hold several sections", () => {
    const accepted = printer().accept(
      frame({ print: fullReport("P1S"), system: { command: "ledctrl", sequence_id: "3" }, liveview: 1 }),
      AT,
    );
    assert.deepEqual(
      accepted.map(({ kind }) => kind),
      ["reply", "report"],
    );
  });

  it("may carry the radio signal beside the print section", () => {
    const reports = printer();
    reports.accept(full(), AT);
    assert.equal(observed(reports.accept(frame({ wifi_signal: "-61dBm" }), AT)).status.network.wifiSignalDbm, -61);
  });
});

describe("Observations of a Bambu printer", () => {
  it("are complete from the first full frame on, with msg 0 or without msg", () => {
    const reports = printer();
    assert.equal(observed(reports.accept(frame({ print: delta({ gcode_state: "RUNNING" }) }), AT)).complete, false);
    assert.equal(observed(reports.accept(full(), AT)).complete, true);
    assert.equal(observed(reports.accept(frame({ print: delta({ mc_percent: 43 }) }), AT)).complete, true);
    assert.equal(observed(printer().accept(full({ msg: undefined }), AT)).complete, true);
    for (const msg of [1, 2, "0", null]) assert.equal(observed(printer().accept(full({ msg }), AT)).complete, false);
  });

  it("start anew after a reconnect, without forgetting what was known", () => {
    const reports = printer();
    reports.accept(full(), AT);
    reports.reconnected();
    const first = observed(reports.accept(frame({ print: delta({ mc_percent: 90 }) }), AT));
    assert.deepEqual([first.complete, first.status.state, first.status.job?.progress], [false, "printing", 90]);
    assert.equal(observed(reports.accept(full(), AT)).complete, true);
  });

  it("settle without a full frame only when the state at least is known", () => {
    const reports = printer();
    assert.equal(reports.settle(AT), null);
    reports.accept(frame({ print: delta({ nozzle_temper: 20 }) }), AT);
    assert.equal(reports.settle(AT), null);
    // What comes later will do, too: nobody asks again.
    assert.equal(observed(reports.accept(frame({ print: delta({ gcode_state: "IDLE" }) }), AT)).complete, true);
    assert.equal(reports.settle(AT)?.complete, true);
    assert.equal(observed(reports.accept(frame({ print: delta({ nozzle_temper: 21 }) }), AT)).complete, true);
    reports.reconnected();
    assert.equal(observed(reports.accept(frame({ print: delta({ nozzle_temper: 22 }) }), AT)).complete, false);
  });

  it("are the same object while the printer says nothing new", () => {
    const reports = printer();
    const first = observed(reports.accept(full(), AT));
    assert.equal(observed(reports.accept(full(), AT + 1000)), first);
    assert.equal(
      observed(reports.accept(frame({ print: delta({ sequence_id: "9", mc_print_line_number: "77" }) }), AT + 2000)),
      first,
    );
  });

  it("share every part that did not change", () => {
    const reports = printer();
    const before = observed(reports.accept(full(), AT)).status;
    const after = observed(reports.accept(frame({ print: delta({ nozzle_temper: 200 }) }), AT)).status;
    const differing = (Object.keys(after) as (keyof typeof after)[]).filter((key) => before[key] !== after[key]);
    assert.deepEqual(differing, ["temperatures"]);
    assert.equal(after.temperatures.bed, before.temperatures.bed);
    assert.equal(before.temperatures.nozzles[0]?.actual, 219.75);
  });

  it("share what says the same after it was decoded anew, down to the slot", () => {
    const reports = new PrinterReports({ serial: serialOf("H2D") });
    const before = observed(reports.accept(frame({ print: fullReport("H2D") }), AT)).status;
    const move = {
      ams: { ams: [{ id: "0", tray: [{ id: "2", remain: 11, k: 1 }] }] },
      device: { extruder: { info: [{ id: 1, temp: packed(26, 0) }] } },
    };
    const after = observed(reports.accept(frame({ print: delta(move) }), AT)).status;
    const slots = after.filament.units[0]?.slots ?? [];
    assert.deepEqual(
      slots.map((slot, i) => slot === before.filament.units[0]?.slots[i]),
      [true, true, false, true],
    );
    assert.equal(after.filament.units[1], before.filament.units[1]);
    assert.equal(after.filament.active, before.filament.active);
    assert.equal(after.filament.external, before.filament.external);
    assert.equal(after.temperatures.nozzles[0], before.temperatures.nozzles[0]);
    assert.notEqual(after.temperatures.nozzles[1], before.temperatures.nozzles[1]);
  });

  it("are not changed by what comes later", () => {
    const reports = printer();
    const before = observed(reports.accept(full(), AT)).status;
    const copy = structuredClone(before);
    reports.accept(
      full({
        gcode_state: "FAILED",
        ams: ams([unit(0, { tray: [tray(0, { tray_type: "ABS" })] })]),
        hms: [{ attr: 1, code: 2 }],
      }),
      AT,
    );
    assert.deepEqual(before, copy);
  });

  it("keep the end of a job until it moves by more than a minute", () => {
    const reports = printer();
    const end = (minutes: number, after: number): unknown => {
      const bytes = frame({ print: delta({ mc_remaining_time: minutes }) });
      return observed(reports.accept(bytes, AT + after * 1000)).status.job?.endsAt;
    };
    reports.accept(full(), AT);
    assert.equal(end(75, 59), "2026-01-01T01:15:00.000Z");
    assert.equal(end(74, 60), "2026-01-01T01:15:00.000Z");
    assert.equal(end(80, 60), "2026-01-01T01:21:00.000Z");
  });

  it("move the end of a paused job without a word from the printer", () => {
    const reports = printer();
    reports.accept(full(), AT);
    const later = observed(reports.accept(frame({ print: delta({ gcode_state: "PAUSE" }) }), AT + 30_000));
    assert.equal(later.status.job?.endsAt, "2026-01-01T01:15:00.000Z");
    const muchLater = observed(reports.accept(frame({ print: delta({ wifi_signal: "-45dBm" }) }), AT + 300_000));
    assert.equal(muchLater.status.job?.endsAt, "2026-01-01T01:20:00.000Z");
  });
});

describe("The printer's own words", () => {
  it("are a copy of all that was merged, in the printer's envelope", () => {
    const reports = printer();
    reports.accept(frame({ info: version("P1S") }), AT);
    reports.accept(full(), AT);
    const { raw } = {
      raw: observed(reports.accept(frame({ print: delta({ mc_percent: 50 }) }), AT)).raw() as {
        print: Fields;
        info: Fields;
      },
    };
    assert.equal(raw.print.mc_percent, 50);
    assert.equal(raw.print.subtask_name, "lampshade");
    assert.equal((raw.info.module as Fields[])[0]?.name, "ota");
    (raw.print.ams as Fields).ams = "mine";
    assert.equal(observed(reports.accept(full(), AT)).status.filament.units.length, 1);
  });

  it("hold no secret, wherever it stands", () => {
    const secret = "Gh8pQ2wX";
    const hidden = {
      access_code: secret,
      AccessCode: secret,
      dev_access_code: secret,
      net: { conf: 16, info: [], password: secret },
      ipcam: {
        rtsp_url: `rtsps://bblp:${secret}@192.0.2.20/streaming/live/1`,
        tutk_server: secret,
        authkey: secret,
        auth_key: secret,
      },
      upload: { oss_url: `https://store.example/file?sign=${secret}`, sts_token: secret },
      url: `ftp://bblp:${secret}@192.0.2.20:990/model.3mf`,
      list: [{ deep: [{ token: secret }, `see https://u:${secret}@store.example/x now`] }],
    };
    const raw = observed(printer().accept(full(hidden), AT)).raw() as { print: Fields };
    assert.ok(!JSON.stringify(raw).includes(secret), JSON.stringify(raw));
    assert.equal((raw.print.ipcam as Fields).rtsp_url, "rtsps://192.0.2.20/streaming/live/1");
    assert.equal((raw.print.upload as Fields).oss_url, "https://store.example/file");
    assert.equal(raw.print.url, "ftp://192.0.2.20:990/model.3mf");
    assert.equal(raw.print.gcode_state, "RUNNING");
  });
});
