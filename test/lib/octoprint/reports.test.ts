import assert from "node:assert/strict";
import { OctoprintReports } from "../../../lib/octoprint/reports";
import type { Observation } from "../../../lib/printer/link";

const AT = Date.UTC(2026, 0, 1);
const file = { name: "vase.gcode", display: "Vase.gcode", path: "gifts/vase.gcode", origin: "local" };
const flags = (...set: string[]) => Object.fromEntries(["operational", ...set].map((flag) => [flag, true]));

/** A picture of the push socket; the difference is laid over a printer that stands ready. */
const picture = (difference: object = {}) => ({
  state: { text: "Operational", flags: flags("ready") },
  job: { file: { name: null, path: null } },
  progress: { completion: null, printTimeLeft: null },
  temps: [],
  ...difference,
});
const printing = (completion: number, set = ["printing"], text = "Printing") =>
  picture({
    state: { text, flags: flags(...set) },
    job: { file },
    progress: { completion, printTimeLeft: 600 },
  });
const resting = (completion: number | null) => picture({ job: { file }, progress: { completion, printTimeLeft: 0 } });

/** Pictures, events and plugin messages in their order, and what is seen after each. */
class Tale {
  readonly reports = new OctoprintReports();
  readonly states: string[] = [];

  push(message: object, told = true): this {
    this.reports.takePush(message as Record<string, unknown>, told);
    return this.look();
  }

  event(name: string, payload: object = file): this {
    this.reports.takeEvent(name, payload as Record<string, unknown>);
    return this.look();
  }

  rest(job: object, printer: object | null, told = true): this {
    this.reports.takeRest(
      { job: job as Record<string, unknown>, printer: printer as Record<string, unknown> | null },
      told,
    );
    return this.look();
  }

  layers(data: object): this {
    this.reports.takePlugin("DisplayLayerProgress-websocket-payload", data);
    return this.look();
  }

  get now(): Observation {
    return this.reports.observe(AT);
  }

  private look(): this {
    const { state } = this.now.status;
    if (this.states.at(-1) !== state) this.states.push(state);
    return this;
  }
}

describe("what OctoPrint says", () => {
  const rows: [string, string[], string, string | null][] = [
    ["Operational", ["ready"], "idle", null],
    ["Starting", ["printing"], "preparing", "starting"],
    ["Printing", ["printing"], "printing", null],
    ["Pausing", ["printing", "pausing"], "printing", "pausing"],
    ["Paused", ["paused"], "paused", null],
    ["Resuming", ["printing", "resuming"], "printing", "resuming"],
    ["Finishing", ["printing", "finishing"], "printing", "finishing"],
    ["Cancelling", ["printing", "cancelling"], "printing", "cancelling"],
    ["Sending file to SD", ["printing"], "idle", "sending a file to the printer's card"],
    ["Transferring file to SD", [], "idle", "sending a file to the printer's card"],
    ["Of a later release", ["printing"], "printing", null],
  ];
  for (const [text, set, state, stage] of rows) {
    it(`"${text}" is ${state}${stage === null ? "" : `, ${stage}`}`, () => {
      const { status, away } = new Tale().push(picture({ state: { text, flags: flags(...set) } })).now;
      assert.deepEqual([status.state, status.stage, away], [state, { id: null, name: stage }, false]);
    });
  }

  const off: [string, object, string][] = [
    ["Offline", { closedOrError: true }, "printer off"],
    ["Offline after error", { closedOrError: true, error: true }, "printer error: Thermal Runaway"],
    ["Error", { closedOrError: true, error: true }, "printer error: Thermal Runaway"],
    ["Opening serial connection", {}, "connecting to the printer"],
    ["Connecting", {}, "connecting to the printer"],
    ["Something else", {}, "printer off"],
  ];
  for (const [text, set, stage] of off) {
    it(`"${text}" is a printer that is not there: ${stage}`, () => {
      const error = "error" in set ? "Thermal Runaway" : "";
      const { status, away } = new Tale().push(picture({ state: { text, flags: set, error } })).now;
      assert.deepEqual([status.state, status.stage.name, away], ["unknown", stage, true]);
    });
  }

  it("a refused picture of the printer means that it is off", () => {
    const { status, away, complete } = new Tale().rest({ state: "Offline", job: {}, progress: {} }, null).now;
    assert.deepEqual([status.stage.name, away, complete], ["printer off", true, true]);
  });

  it("has the temperatures of each tool, bed and chamber, and keeps them while none are sent", () => {
    const temps = [
      { time: 1, tool0: { actual: 20, target: 0 } },
      {
        time: 2,
        tool1: { actual: 21.5, target: 0 },
        tool0: { actual: 209.9, target: 210 },
        bed: { actual: 60.1, target: 60 },
        chamber: { actual: null, target: null },
      },
    ];
    const { status } = new Tale().push(picture({ temps })).push(picture()).now;
    const nozzle = { active: null, diameter: null, type: null };
    assert.deepEqual(status.temperatures, {
      nozzles: [
        { index: 0, actual: 209.9, target: 210, ...nozzle },
        { index: 1, actual: 21.5, target: 0, ...nozzle },
      ],
      bed: { actual: 60.1, target: 60 },
      chamber: null,
    });
  });

  it("knows that the only nozzle is the one in use, and a chamber where there is one", () => {
    const temps = [{ tool0: { actual: 20, target: 0 }, chamber: { actual: 35, target: 40 } }];
    const { nozzles, chamber } = new Tale().push(picture({ temps })).now.status.temperatures;
    assert.deepEqual([nozzles[0]?.active, chamber], [true, { actual: 35, target: 40 }]);
  });

  it("forgets the temperatures of a printer that is off", () => {
    const temps = [{ tool0: { actual: 200, target: 210 } }];
    const tale = new Tale().push(picture({ temps })).push(picture({ state: { text: "Offline", flags: {} } }));
    assert.deepEqual(tale.now.status.temperatures.nozzles, []);
  });

  it("tells the job while one is on", () => {
    const tale = new Tale().push(picture()).push(printing(22.96));
    assert.deepEqual(tale.now.status.job, {
      id: null,
      name: "Vase.gcode",
      file: "gifts/vase.gcode",
      origin: "local",
      progress: 22.9,
      layer: null,
      totalLayers: null,
      remainingSeconds: 600,
      startedAt: null,
      endsAt: new Date(AT + 600_000).toISOString(),
    });
  });

  it("has no job where a file is merely selected", () => {
    assert.equal(new Tale().push(resting(0)).now.status.job, null);
  });

  it("calls the job by one name from its beginning on, where a picture has shown the file", () => {
    const { name, path, origin } = file;
    const named = { name, path, origin };
    const tale = new Tale().push(resting(0)).event("PrintStarted", named);
    assert.equal(tale.now.status.job?.name, "Vase.gcode");
    assert.equal(tale.push(printing(1)).now.status.job?.name, "Vase.gcode");
    assert.equal(new Tale().event("PrintStarted", named).now.status.job?.name, "vase.gcode");
  });

  it("ends no print for a picture that says nothing of the printer", () => {
    const tale = new Tale().push(printing(40));
    for (const state of [null, {}, { text: "Printing" }, { flags: null }]) tale.push({ ...picture(), state });
    assert.deepEqual(tale.states, ["printing"]);
  });

  it("moves the end of the job by more than a minute or not at all", () => {
    const reports = new OctoprintReports();
    const endAfter = (left: number, at: number) => {
      reports.takePush({ ...printing(5), progress: { completion: 5, printTimeLeft: left } });
      return reports.observe(at).status.job?.endsAt;
    };
    const first = endAfter(600, AT);
    assert.equal(endAfter(640, AT), first);
    assert.equal(endAfter(610, AT + 30_000), first);
    assert.notEqual(endAfter(700, AT), first);
  });

  it("knows layers only where the plugin that counts them pushes them", () => {
    const tale = new Tale().push(printing(5)).layers({ layer: { current: "3", total: "120" } });
    assert.deepEqual([tale.now.status.job?.layer, tale.now.status.job?.totalLayers], [3, 120]);
    tale.layers({ layer: { current: "-", total: "-" } });
    assert.deepEqual([tale.now.status.job?.layer, tale.now.status.job?.totalLayers], [3, 120]);
  });

  it("does not take the layers of the last print for those of the next", () => {
    const tale = new Tale().push(printing(99)).layers({ currentLayer: 120, totalLayer: 120 });
    tale.event("PrintDone").event("PrintStarted").push(printing(0));
    assert.equal(tale.now.status.job?.layer, null);
  });

  describe("of the end of a print", () => {
    it("stays finished, at 100 %, when the flags say operational again", () => {
      const tale = new Tale().push(printing(99.8)).event("PrintDone").push(resting(100)).push(resting(100));
      assert.deepEqual(tale.states, ["printing", "finished"]);
      assert.deepEqual([tale.now.status.job?.progress, tale.now.status.job?.remainingSeconds], [100, 0]);
    });

    it("is one cancel, although PrintFailed follows PrintCancelled", () => {
      const tale = new Tale()
        .push(printing(40))
        .event("PrintCancelling")
        .push(printing(40, ["printing", "cancelling"]));
      tale
        .event("PrintCancelled")
        .event("PrintFailed", { ...file, reason: "cancelled" })
        .push(resting(0));
      assert.deepEqual(tale.states, ["printing", "cancelled"]);
      assert.deepEqual([tale.now.signals.cancelled, tale.now.status.job?.progress], [true, 40]);
    });

    it("is a cancel for releases that give PrintFailed no reason, too", () => {
      const tale = new Tale().push(printing(40)).event("PrintCancelled").event("PrintFailed").push(resting(0));
      assert.deepEqual(tale.states, ["printing", "cancelled"]);
    });

    it("is a failure with the reason error", () => {
      const tale = new Tale().push(printing(40)).event("PrintFailed", { ...file, reason: "error" });
      assert.deepEqual(tale.states, ["printing", "failed"]);
    });

    it("is a failure where OctoPrint cancels because the firmware complained", () => {
      const complaint = { ...file, firmwareError: "Heating failed" };
      const tale = new Tale().push(printing(40)).event("PrintCancelling", complaint);
      tale.push(printing(40, ["printing", "cancelling"])).event("PrintCancelled", complaint);
      tale.event("PrintFailed", { ...complaint, reason: "cancelled" });
      assert.deepEqual(tale.states, ["printing", "failed"]);
    });

    it("waits for its event when the flags are faster", () => {
      const tale = new Tale().push(printing(40)).push(resting(40));
      assert.equal(tale.now.status.state, "idle");
      assert.equal(tale.event("PrintCancelled").now.status.state, "cancelled");
    });

    it("is told by the pictures where the event was lost", () => {
      assert.equal(new Tale().push(printing(99)).push(resting(100)).now.status.state, "finished");
      const cancelled = new Tale().push(printing(50, ["printing", "cancelling"])).push(resting(50));
      assert.equal(cancelled.now.status.state, "cancelled");
    });

    it("is made out from REST alone", () => {
      const job = (completion: number) => ({ job: { file }, progress: { completion, printTimeLeft: 60 }, state: "x" });
      const rest = (tale: Tale, completion: number, ...set: string[]) =>
        tale.rest(job(completion), { state: { text: "x", flags: flags(...set) }, temperature: {} }, false);
      const done = new Tale();
      rest(rest(done, 90, "printing"), 100, "ready");
      assert.equal(done.now.status.state, "finished");
      const stopped = new Tale();
      rest(rest(stopped, 90, "printing"), 90, "ready");
      assert.equal(stopped.now.status.state, "cancelled");
    });

    it("is a failure when the printer goes off in the middle", () => {
      const tale = new Tale()
        .push(printing(40))
        .push(picture({ state: { text: "Offline", flags: { closedOrError: true } } }));
      assert.deepEqual([tale.now.status.state, tale.now.away], ["failed", true]);
    });

    it("is found in the first picture after a start", () => {
      assert.equal(new Tale().push(resting(100)).now.status.state, "finished");
      assert.equal(new Tale().push(resting(40)).now.status.state, "idle");
    });

    it("is over when another file is selected", () => {
      const other = { ...resting(null), job: { file: { ...file, path: "other.gcode" } } };
      assert.equal(new Tale().push(printing(99)).event("PrintDone").push(other).now.status.state, "idle");
    });

    it("does not hide a print that is too short for a picture", () => {
      const tale = new Tale().push(resting(0)).event("PrintStarted").event("PrintDone");
      assert.deepEqual(tale.states, ["idle", "preparing", "finished"]);
    });

    it("is not taken back by pictures that were held back, nor by the script that runs after it", () => {
      for (const [ending, late] of [
        ["PrintDone", "finishing"],
        ["PrintCancelled", "cancelling"],
      ] as const) {
        const tale = new Tale().push(printing(90)).event(ending).push(printing(95));
        tale.push(printing(100, ["printing", late])).push(resting(ending === "PrintDone" ? 100 : null));
        assert.deepEqual(tale.states, ["printing", ending === "PrintDone" ? "finished" : "cancelled"]);
      }
    });

    it("is over when the same file is printed again, told by an event or only by pictures", () => {
      const told = new Tale().push(printing(90)).event("PrintDone").event("PrintStarted").push(printing(0));
      assert.equal(told.now.status.state, "printing");
      const rested = new Tale().push(printing(90)).event("PrintDone").push(resting(100)).push(printing(0));
      assert.equal(rested.now.status.state, "printing");
      const unheard = new Tale().push(printing(90)).event("PrintDone").push(printing(0), false);
      assert.equal(unheard.now.status.state, "printing");
      const lost = new Tale().push(printing(90)).event("PrintDone");
      lost.reports.disconnected();
      assert.equal(lost.push(printing(0)).now.status.state, "printing");
    });

    it("is not that of the print before, when its pictures follow the beginning of this one", () => {
      const tale = new Tale().push(resting(100)).event("PrintStarted").push(resting(100)).push(resting(0));
      tale.push(printing(0, ["printing"], "Starting")).push(printing(1));
      assert.deepEqual(tale.states, ["finished", "preparing", "printing"]);
    });

    it("is a cancel where the first picture of a new socket shows it", () => {
      assert.equal(new Tale().push(printing(40)).push(resting(null), false).now.status.state, "cancelled");
    });

    it("is not made up when the connection was gone", () => {
      const tale = new Tale().push(printing(40));
      tale.reports.disconnected();
      assert.equal(tale.now.complete, false);
      assert.equal(tale.push(resting(0)).now.status.state, "idle");
    });
  });

  it("gives the same object while nothing changes", () => {
    const tale = new Tale().push(printing(40));
    const { now } = tale;
    assert.equal(tale.push(printing(40)).now, now);
    const later = tale.push(printing(41)).now;
    assert.notEqual(later, now);
    assert.equal(later.status.temperatures, now.status.temperatures);
  });

  it("hands out its own words as a copy", () => {
    const tale = new Tale().push(printing(40));
    const raw = tale.now.raw();
    assert.deepEqual(Object.keys(raw).sort(), ["job", "progress", "state", "temperature"]);
    (raw["job"] as Record<string, unknown>)["file"] = null;
    assert.notEqual((tale.now.raw()["job"] as Record<string, unknown>)["file"], null);
  });

  it("survives whatever is said", () => {
    const nonsense: unknown[] = [
      null,
      7,
      "x",
      [],
      { file: [] },
      { flags: 3 },
      JSON.parse('{"__proto__":{"operational":true}}'),
    ];
    for (const part of nonsense) {
      const tale = new Tale();
      for (const key of ["state", "job", "progress", "temps"]) tale.push({ ...picture(), [key]: part });
      tale.push({ temps: [part], state: { flags: part, text: part } }).layers(part as object);
      tale.event("PrintStarted", Object(part) as object).event("FirmwareData", { data: part });
      tale.rest({ job: part, progress: part, state: part }, { temperature: part, state: part });
      assert.equal(typeof tale.now.status.state, "string");
    }
  });

  it("takes no number from beyond what there is", () => {
    const temps = [{ tool0: { actual: 1e9, target: "210" }, tool99: { actual: 1, target: 1 }, bed: "hot" }];
    const tale = new Tale().push({ ...printing(Number.NaN), temps }).push({ ...printing(140), temps });
    const { temperatures, job } = tale.now.status;
    assert.deepEqual([temperatures.nozzles.length, temperatures.nozzles[0]?.actual, job?.progress], [1, null, null]);
  });
});
