import assert from "node:assert/strict";
import { NO_MEMORY, shownState } from "../../../lib/printer/events";
import { presence } from "../../../lib/printer/asides";
import { ENDING_WAIT_MS, step } from "../../../lib/printer/rules";
import { type ActiveFilament, PRINTER_STATES, type PrinterState, UNKNOWN_STATUS } from "../../../lib/printer/status";
import { aJob, anAlert, seen } from "../../support/observations";
import { inState, settledIn, Story } from "../../support/story";

describe("event rules: every pair of states", () => {
  const S = "print.started";
  const P = "print.paused";
  const R = "print.resumed";
  const OK = "print.finished";
  const NO = "print.failed";
  const BY = "print.cancelled";
  // Rows: before; columns: now, another job where the printer was at rest before, else the same job.
  const expected: Record<PrinterState, Record<PrinterState, string[]>> = {
    idle: {
      idle: [],
      preparing: [S],
      printing: [S],
      paused: [S, P],
      finished: [OK],
      failed: [NO],
      cancelled: [BY],
      unknown: [],
    },
    preparing: {
      idle: [NO],
      preparing: [],
      printing: [],
      paused: [P],
      finished: [OK],
      failed: [NO],
      cancelled: [BY],
      unknown: [],
    },
    printing: {
      idle: [NO],
      preparing: [],
      printing: [],
      paused: [P],
      finished: [OK],
      failed: [NO],
      cancelled: [BY],
      unknown: [],
    },
    paused: {
      idle: [NO],
      preparing: [R],
      printing: [R],
      paused: [],
      finished: [OK],
      failed: [NO],
      cancelled: [BY],
      unknown: [],
    },
    finished: {
      idle: [],
      preparing: [S],
      printing: [S],
      paused: [S, P],
      finished: [],
      failed: [NO],
      cancelled: [BY],
      unknown: [],
    },
    failed: {
      idle: [],
      preparing: [S],
      printing: [S],
      paused: [S, P],
      finished: [OK],
      failed: [],
      cancelled: [],
      unknown: [],
    },
    cancelled: {
      idle: [],
      preparing: [S],
      printing: [S],
      paused: [S, P],
      finished: [OK],
      failed: [],
      cancelled: [],
      unknown: [],
    },
    // Nothing was known before: the first known state is the baseline.
    unknown: {
      idle: [],
      preparing: [],
      printing: [],
      paused: [],
      finished: [],
      failed: [],
      cancelled: [],
      unknown: [],
    },
  };
  const isRest = (state: PrinterState) => ["idle", "finished", "failed", "cancelled"].includes(state);

  for (const from of PRINTER_STATES) {
    for (const to of PRINTER_STATES) {
      const names = expected[from][to];
      it(`${from} then ${to} tells ${names.join(" and ") || "nothing"}`, () => {
        const story = settledIn(from);
        const job = aJob({ id: isRest(from) ? "4712" : "4711", progress: 5, layer: 1 });
        story.report(inState(to, job)).waitOver();
        assert.deepEqual(story.names(), names);
      });

      it(`${from} then ${to} throws at no continuity, with no job and with any`, () => {
        for (const continuity of ["start", "gap", "live"] as const) {
          for (const job of [null, aJob(), aJob({ id: null, name: null, file: null, progress: null, layer: null })]) {
            const { memory } = settledIn(from);
            const result = step(memory, seen({ state: to, job }), Date.UTC(2026, 1, 1), continuity);
            const endings = result.events.filter((event) => /finished|failed|cancelled/.test(event.event));
            assert.ok(endings.length <= 1, "one ending a job");
          }
        }
      });
    }
  }

  it("an unknown state between two known ones changes nothing of what is told", () => {
    for (const from of PRINTER_STATES) {
      for (const to of PRINTER_STATES) {
        const job = aJob({ id: isRest(from) ? "4712" : "4711", progress: 5, layer: 1 });
        const story = settledIn(from).report(inState("unknown", job)).report(inState(to, job)).waitOver();
        assert.deepEqual(story.names(), expected[from][to], `${from}, unknown, ${to}`);
      }
    }
  });
});

describe("event rules: a job and its ending", () => {
  it("the first report after a start tells nothing, whatever it shows", () => {
    for (const state of PRINTER_STATES) {
      const story = new Story().report(
        seen({
          state,
          job: aJob({ progress: 55, layer: 12 }),
          alerts: [anAlert("0300_0100_0001_0007")],
          door: "open",
          signals: { runout: true, cancelled: true },
        }),
      );
      assert.deepEqual(story.waitOver().names(), [], state);
    }
  });

  it("a whole print is told in its order", () => {
    const story = new Story().report(inState("idle"));
    story.report(inState("preparing", aJob({ progress: 0 })));
    story.report(inState("printing", aJob({ progress: 1, layer: 1 })));
    story.report(inState("printing", aJob({ progress: 12, layer: 2 })));
    story.report(inState("paused", aJob({ progress: 12, layer: 2 })));
    story.report(inState("printing", aJob({ progress: 12, layer: 2 })));
    story.report(inState("printing", aJob({ progress: 35, layer: 40 })));
    story.report(inState("finished", aJob({ progress: 35, layer: 40 })));
    story.report(inState("idle"));
    assert.deepEqual(story.names(), [
      "print.started",
      "print.progress",
      "print.first-layer",
      "print.paused",
      "print.resumed",
      "print.progress",
      "print.progress",
      "print.finished",
    ]);
    assert.deepEqual(
      story.events.filter((event) => event.event === "print.progress").map((event) => event.value),
      [10, 20, 30],
    );
  });

  it("the cancel word before the failure makes it a cancel, told at once", () => {
    const story = settledIn("printing");
    story.report(seen({ state: "printing", job: aJob(), signals: { cancelled: true } }));
    story.report(seen({ state: "printing", job: aJob() }));
    story.report(inState("failed"));
    assert.deepEqual(story.names(), ["print.cancelled"]);
    assert.equal(shownState(story.memory, "failed"), "cancelled");
  });

  it("the cancel word in the same report makes it a cancel", () => {
    const story = settledIn("printing").report(seen({ state: "failed", job: aJob(), signals: { cancelled: true } }));
    assert.deepEqual(story.names(), ["print.cancelled"]);
  });

  it("the cancel word after the failure, within the wait, makes it a cancel and nothing else", () => {
    const story = settledIn("printing").report(inState("failed"));
    assert.deepEqual(story.names(), [], "still waiting");
    assert.equal(shownState(story.memory, "failed"), "printing", "the ending is shown when it is told");
    story.report(seen({ state: "failed", job: aJob(), signals: { cancelled: true } }), 500).waitOver();
    assert.deepEqual(story.names(), ["print.cancelled"]);
  });

  it("a failure without the word is a failure after the wait, and stays one", () => {
    const story = settledIn("printing").report(inState("failed")).waitOver();
    story.report(seen({ state: "failed", job: aJob(), signals: { cancelled: true } })).waitOver();
    assert.deepEqual(story.names(), ["print.failed"]);
  });

  it("a wait that outlived its timer ends with the next report", () => {
    const story = settledIn("printing").report(inState("failed")).report(inState("failed"), ENDING_WAIT_MS);
    assert.deepEqual(story.names(), ["print.failed"]);
  });

  it("a cancel word left over from the last job does not make the next failure a cancel", () => {
    const word = { signals: { cancelled: true } };
    const story = settledIn("printing")
      .report(seen({ state: "failed", job: aJob(), ...word }))
      .forget();
    story.report(seen({ state: "preparing", job: aJob({ id: "4712" }), ...word }));
    story.report(seen({ state: "failed", job: aJob({ id: "4712" }), ...word })).waitOver();
    assert.deepEqual(story.names(), ["print.started", "print.failed"]);
  });

  it("a failure that flaps to idle within the wait has one ending", () => {
    const story = settledIn("printing")
      .report(inState("failed"))
      .report(inState("idle"), 100)
      .report(inState("failed"), 100);
    assert.deepEqual(story.waitOver().names(), ["print.failed"]);
  });

  it("a new job within the wait settles the old one first", () => {
    const story = settledIn("printing")
      .report(inState("failed"))
      .report(inState("preparing", aJob({ id: "4712" })), 100);
    assert.deepEqual(story.waitOver().names(), ["print.failed", "print.started"]);
  });

  it("a job that goes from 100 % to idle is finished: the frame that said so was lost", () => {
    const story = settledIn("printing")
      .report(inState("printing", aJob({ progress: 100 })))
      .forget();
    assert.deepEqual(story.report(inState("idle")).waitOver().names(), ["print.finished"]);
  });

  it("a 100 % left over from the last job does not make an aborted one finished", () => {
    const story = settledIn("finished").report(inState("preparing", aJob({ id: null, progress: 100, layer: 90 })));
    story.report(inState("idle")).waitOver();
    assert.deepEqual(story.names(), ["print.started", "print.failed"]);
  });

  it("figures left over from the last job cross no tens and finish no first layer", () => {
    const story = settledIn("finished").report(inState("printing", aJob({ id: "4712", progress: 100, layer: 90 })));
    story.report(inState("printing", aJob({ id: "4712", progress: 0, layer: 90 })));
    story.report(inState("printing", aJob({ id: "4712", progress: 0, layer: 1 })));
    assert.deepEqual(story.names(), ["print.started"]);
    story.report(inState("printing", aJob({ id: "4712", progress: 10, layer: 2 })));
    assert.deepEqual(story.names(), ["print.started", "print.progress", "print.first-layer"]);
  });

  it("figures that moved away from the last job's and come back to them are this job's", () => {
    const job = (progress: number, layer: number) => aJob({ id: "4712", progress, layer });
    const story = settledIn("finished").report(inState("printing", job(20, 2)));
    story.report(inState("printing", job(0, 0))).report(inState("printing", job(20, 2)));
    assert.deepEqual(story.names(), ["print.started", "print.progress", "print.progress", "print.first-layer"]);
    const done = settledIn("finished").report(inState("printing", job(100, 9)));
    done
      .report(inState("printing", job(0, 0)))
      .report(inState("printing", job(100, 9)))
      .forget();
    assert.deepEqual(done.report(inState("idle")).waitOver().names(), ["print.finished"]);
  });

  it("an id that arrives while preparing belongs to the same job", () => {
    const story = settledIn("idle").report(inState("preparing", aJob({ id: null, name: null })));
    story.report(inState("preparing", aJob({ id: "4712" }))).report(inState("printing", aJob({ id: "4713" })));
    assert.deepEqual(story.names(), ["print.started"]);
  });

  it("the last job's id, still shown when the next begins, does not end the next one", () => {
    const story = settledIn("finished")
      .report(inState("printing"))
      .report(inState("printing", aJob({ id: "4712" })));
    assert.deepEqual(story.names(), ["print.started"]);
  });

  it("an id that arrives when the print already runs, in the place of one from before our time, is the same job's", () => {
    const stale = aJob({ id: "4000", name: "old", progress: 100, layer: 80 });
    const story = settledIn("idle").report(inState("printing", stale));
    story.report(inState("printing", { ...stale, progress: 0, layer: 0 }));
    story.report(inState("printing", aJob({ id: "4712", progress: 0, layer: 0 })));
    story.report(inState("printing", aJob({ id: "4712", progress: 3, layer: 1 })));
    story.report(inState("finished", aJob({ id: "4712", progress: 3, layer: 1 })));
    assert.deepEqual(story.names(), ["print.started", "print.finished"]);
  });

  it("a state that flaps out of a print and back ends nothing and begins nothing", () => {
    for (const from of ["preparing", "printing", "paused"] as const) {
      for (const flap of ["failed", "idle"] as const) {
        for (const id of ["4711", null]) {
          const story = settledIn("idle").report(inState(from, aJob({ id })));
          story.report(inState(flap, aJob({ id }))).report(inState("printing", aJob({ id })), 500);
          story.waitOver().report(inState("finished", aJob({ id })));
          const events = story.names().filter((name) => !/paused|resumed/.test(name));
          assert.deepEqual(events, ["print.started", "print.finished"], `${from}, ${flap}, ${id ?? "no id"}`);
        }
      }
    }
  });

  it("after a gap in the wait only the same id is the same job; a name says nothing", () => {
    const same = settledIn("printing").report(inState("failed")).gap().report(inState("printing")).waitOver();
    assert.deepEqual(same.names(), []);
    const noId = aJob({ id: null });
    const story = settledIn("idle").report(inState("printing", noId)).forget();
    story.report(inState("failed", noId)).gap().report(inState("printing", noId)).waitOver();
    assert.deepEqual(story.names(), ["print.failed (recovered)", "print.started (recovered)"]);
  });

  it("an ending that shows up in two ways within the wait is told after the one wait, from where it began", () => {
    const flapping = settledIn("printing").report(inState("failed"));
    flapping.report(inState("idle"), 900).report(inState("failed"), 900).report(inState("failed"), 200);
    assert.deepEqual(flapping.names(), ["print.failed"]);
    assert.equal(flapping.events[0]?.previousState, "printing");
    const restarted = settledIn("printing").report(inState("failed")).restart().report(inState("failed")).waitOver();
    assert.deepEqual(restarted.names(), ["print.failed (recovered)"]);
    assert.equal(restarted.events[0]?.previousState, "printing");
  });

  it("another run in the place of the one that printed ends it and begins anew", () => {
    const story = settledIn("printing").report(inState("printing", aJob({ progress: 7 })));
    story.report(inState("printing", aJob({ id: "4712" })));
    assert.deepEqual(story.names(), ["print.failed", "print.started"]);
    assert.equal(story.events[0]?.job?.id, "4711");
  });

  it("finished telemetry that repeats for hours is told once", () => {
    const story = settledIn("printing");
    for (let i = 0; i < 100; i++) story.report(inState("finished", aJob({ progress: 100, layer: i % 3 })));
    assert.equal(story.names().filter((name) => name === "print.finished").length, 1);
  });

  it("a finished screen that was left and comes back is not told again", () => {
    const story = settledIn("finished").report(inState("idle")).report(inState("finished"));
    assert.deepEqual(story.names(), []);
  });

  it("the beginning that was seen is the job's beginning where the printer does not say it", () => {
    const story = settledIn("idle").report(inState("preparing")).report(inState("finished"));
    assert.equal(story.events[1]?.job?.startedAt, story.events[0]?.at);
  });

  it("a failed job names the printer's error as the reason", () => {
    const story = settledIn("printing").report(seen({ state: "failed", job: aJob(), alerts: [anAlert("0700_8006")] }));
    story.report(seen({ state: "failed", job: aJob(), alerts: [anAlert("0700_8006")] }), ENDING_WAIT_MS);
    const failed = story.events.find((event) => event.event === "print.failed");
    assert.equal(failed?.reason, "0700_8006");
    assert.equal(failed.alert?.code, "0700_8006");
  });

  it("a failed job that is told after the wait names it too, before what the printer complained about all along", () => {
    const alerts = [anAlert("0300_0D00_0001_0004"), { ...anAlert("0300_8006"), source: "print-error" as const }];
    const story = settledIn("printing")
      .report(seen({ state: "failed", job: aJob(), alerts }))
      .waitOver();
    const failed = story.events.find((event) => event.event === "print.failed");
    assert.deepEqual([failed?.reason, failed?.alert?.code], ["0300_8006", "0300_8006"]);
  });
});

describe("event rules: gaps and restarts", () => {
  it("an ending while disconnected is told once, as recovered", () => {
    const story = settledIn("printing").gap().report(inState("finished"));
    story.gap().report(inState("finished")).restart().report(inState("finished"));
    assert.deepEqual(story.names(), ["print.finished (recovered)"]);
  });

  it("an ending while Node-RED was down is told once, as recovered", () => {
    const story = settledIn("printing").restart().report(inState("finished"));
    story.report(inState("finished")).restart().report(inState("finished"));
    assert.deepEqual(story.names(), ["print.finished (recovered)"]);
  });

  it("a failure while Node-RED was down waits for the word and is told as recovered", () => {
    const story = settledIn("printing").restart().report(inState("failed"));
    assert.deepEqual(story.names(), []);
    assert.deepEqual(story.waitOver().names(), ["print.failed (recovered)"]);
  });

  it("a cancel while Node-RED was down is a cancel when the printer still shows the word", () => {
    const story = settledIn("printing")
      .restart()
      .report(seen({ state: "failed", job: aJob(), signals: { cancelled: true } }));
    assert.deepEqual(story.names(), ["print.cancelled (recovered)"]);
  });

  it("a restart inside the wait takes it up again, and the word still counts", () => {
    const story = settledIn("printing").report(inState("failed")).restart().report(inState("failed"), 60_000);
    assert.deepEqual(story.names(), []);
    story.report(seen({ state: "failed", job: aJob(), signals: { cancelled: true } }), 100);
    assert.deepEqual(story.names(), ["print.cancelled (recovered)"]);
  });

  it("a restart in the middle of a print tells nothing and goes on counting where it was", () => {
    const story = settledIn("printing")
      .report(inState("printing", aJob({ progress: 42, layer: 9 })))
      .forget();
    story.restart().report(inState("printing", aJob({ progress: 44, layer: 10 })));
    assert.deepEqual(story.names(), []);
    story.report(inState("printing", aJob({ progress: 51, layer: 11 })));
    assert.deepEqual(story.names(), ["print.progress"]);
  });

  it("a print that began and ended while nobody listened is told once", () => {
    const story = settledIn("finished")
      .gap()
      .report(inState("finished", aJob({ id: "4712" })));
    story.gap().report(inState("finished", aJob({ id: "4712" })));
    assert.deepEqual(story.names(), ["print.finished (recovered)"]);
    assert.equal(story.events[0]?.job?.id, "4712");
  });

  it("a job that another replaced during the gap has its ending, judged by the time it had left", () => {
    const early = settledIn("printing")
      .gap()
      .report(inState("printing", aJob({ id: "4712" })), 60_000);
    assert.deepEqual(early.names(), ["print.failed (recovered)", "print.started (recovered)"]);
    const late = settledIn("printing")
      .gap()
      .report(inState("printing", aJob({ id: "4712" })), 3_700_000);
    assert.deepEqual(late.names(), ["print.finished (recovered)", "print.started (recovered)"]);
  });

  it("after a restart a new job is the baseline, but the old one's ending is told", () => {
    const story = settledIn("printing")
      .restart()
      .report(inState("printing", aJob({ id: "4712" })), 3_700_000);
    assert.deepEqual(story.names(), ["print.finished (recovered)"]);
    story.report(inState("finished", aJob({ id: "4712" })));
    assert.deepEqual(story.names(), ["print.finished (recovered)", "print.finished"]);
  });

  it("a printer found idle long after the job's time was up has finished it; before, it failed", () => {
    const late = settledIn("printing").gap().report(inState("idle"), 3_700_000);
    assert.deepEqual(late.waitOver().names(), ["print.finished (recovered)"]);
    const early = settledIn("printing").gap().report(inState("idle"), 60_000);
    assert.deepEqual(early.waitOver().names(), ["print.failed (recovered)"]);
  });

  it("a paused job never ends by the clock", () => {
    const story = settledIn("paused").gap().report(inState("idle"), 36_000_000).waitOver();
    assert.deepEqual(story.names(), ["print.failed (recovered)"]);
  });

  it("five reconnects in the same state repeat nothing", () => {
    const alerts = [anAlert("0300_0100_0001_0007")];
    const story = settledIn("printing").report(
      seen({ state: "printing", job: aJob({ progress: 33, layer: 8 }), alerts, door: "closed" }),
    );
    story.forget();
    for (let i = 0; i < 5; i++) {
      story.gap().report(seen({ state: "printing", job: aJob({ progress: 33, layer: 8 }), alerts, door: "closed" }));
    }
    assert.deepEqual(story.names(), []);
  });
});

describe("event rules: around the job", () => {
  it("alerts are the set difference by code, whatever their order", () => {
    const [a, b, c] = ["0300_0100_0001_0007", "0700_2000_0002_0001", "0C00_0100_0002_0003"].map(anAlert);
    const story = settledIn("idle").report(seen({ state: "idle", alerts: [a!, b!] }));
    story.report(seen({ state: "idle", alerts: [b!, a!] })).report(seen({ state: "idle", alerts: [c!, b!] }));
    story.report(seen({ state: "idle", alerts: [] }));
    assert.deepEqual(
      story.events.map((event) => `${event.event} ${event.alert?.code ?? ""}`),
      [
        `alert.raised ${a!.code}`,
        `alert.raised ${b!.code}`,
        `alert.raised ${c!.code}`,
        `alert.cleared ${a!.code}`,
        `alert.cleared ${c!.code}`,
        `alert.cleared ${b!.code}`,
      ],
    );
  });

  it("the door is told on its edges, and silence about it is no edge", () => {
    const story = settledIn("idle").report(seen({ state: "idle", door: "closed" }));
    story.report(seen({ state: "idle", door: null })).report(seen({ state: "idle", door: "open" }));
    story.report(seen({ state: "idle", door: "open" })).report(seen({ state: "idle", door: "closed" }));
    assert.deepEqual(story.names(), ["door.opened", "door.closed"]);
  });

  it("a runout is told once while it lasts", () => {
    const runout = { signals: { runout: true } };
    const story = settledIn("printing").report(seen({ state: "paused", job: aJob(), ...runout }));
    story.report(seen({ state: "paused", job: aJob(), ...runout })).report(seen({ state: "printing", job: aJob() }));
    assert.deepEqual(story.names(), ["print.paused", "filament.runout", "print.resumed"]);
  });

  it("another filament is told, unloading and loading the same one is not", () => {
    const loaded = (active: ActiveFilament | null) =>
      seen({ state: "idle", filament: { ...UNKNOWN_STATUS.filament, active } });
    const slot = (number: number): ActiveFilament => ({ unit: 0, slot: number, external: false, nozzle: 0 });
    const story = settledIn("idle")
      .report(loaded(null))
      .report(loaded(slot(1)))
      .report(loaded(null))
      .report(loaded(slot(1)));
    assert.deepEqual(story.names(), []);
    story.report(loaded(slot(2))).report(loaded({ unit: null, slot: null, external: true, nozzle: 0 }));
    assert.deepEqual(story.names(), ["filament.changed", "filament.changed"]);
    assert.deepEqual(story.events[0]?.value, { unit: 0, slot: 2, external: false, nozzle: 0, type: null, color: null });
  });

  it("a printer is online once and offline once, and one never heard does not go offline", () => {
    const names: string[] = [];
    let memory = NO_MEMORY;
    for (const online of [false, true, true, false, false, true]) {
      const result = presence(memory, online, 0);
      memory = result.memory;
      names.push(...result.events.map((event) => event.event));
    }
    assert.deepEqual(names, ["printer.online", "printer.offline", "printer.online"]);
  });

  it("a memory is plain JSON: it is the same after a round trip", () => {
    const story = settledIn("printing").report(inState("failed"));
    assert.deepEqual(JSON.parse(JSON.stringify(story.memory)), story.memory);
  });
});
