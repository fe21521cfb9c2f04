import assert from "node:assert/strict";
import { NO_MEMORY, shownState } from "../../../lib/printer/events";
import { presence } from "../../../lib/printer/asides";
import { expire, step } from "../../../lib/printer/rules";
import { aJob, anAlert, seen } from "../../support/observations";
import { inState, settledIn, Story } from "../../support/story";

describe("event rules: what the first report found", () => {
  for (const state of ["finished", "failed"] as const) {
    it(`a ${state} job is old news after a gap, a restart, and a moment of idleness, too`, () => {
      const story = new Story().report(inState(state)).gap().report(inState(state)).waitOver();
      story.restart().report(inState(state)).waitOver();
      story.report(inState("idle")).report(inState(state)).waitOver();
      story.report(inState("idle")).restart().report(inState(state)).waitOver();
      assert.deepEqual(story.names(), []);
    });
  }

  it("a failure with the cancel word is shown as the cancel it was, one without is not", () => {
    const word = { signals: { cancelled: true } };
    const cancelled = new Story().report(seen({ state: "failed", job: aJob(), ...word })).report(inState("failed"));
    assert.equal(shownState(cancelled.memory, "failed"), "cancelled");
    assert.equal(shownState(new Story().report(inState("failed")).memory, "failed"), "failed");
    assert.equal(shownState(new Story().report(inState("finished")).memory, "finished"), "finished");
  });

  it("a print that is found running has one ending, and tells what it still crosses", () => {
    const story = new Story().report(inState("printing", aJob({ progress: 45, layer: 9 })));
    story
      .report(inState("printing", aJob({ progress: 51, layer: 11 })))
      .report(inState("finished"))
      .waitOver();
    assert.deepEqual(story.names().slice(-1), ["print.finished"]);
    assert.equal(story.names().filter((name) => /finished|failed|cancelled/.test(name)).length, 1);
  });
});

describe("event rules: what a gap hid", () => {
  it("the one job's ending and the next one's are both told", () => {
    const other = aJob({ id: "4712", progress: 100 });
    for (const hidden of ["gap", "restart"] as const) {
      const story = settledIn("printing");
      story[hidden]().report(inState("finished", other)).waitOver();
      const told = story.events.map(({ event, job, recovered }) => `${event} ${job?.id ?? "-"} ${String(recovered)}`);
      assert.deepEqual(told, ["print.failed 4711 true", "print.finished 4712 true"], hidden);
    }
  });

  it("an ending tells the tens and the first layer that were passed on the way to it", () => {
    const passed = (story: Story) =>
      story.events.map(({ event, value }) => (typeof value === "number" ? `${event} ${value}` : event));
    const at = (state: "finished" | "failed", progress: number) => inState(state, aJob({ progress, layer: 40 }));
    const tens = (last: number) =>
      [10, 20, 30, 40, 50, 60, 70, 80, 90, 100].slice(0, last / 10).map((ten) => `print.progress ${ten}`);
    const whole = [...tens(100), "print.first-layer", "print.finished"];
    assert.deepEqual(passed(settledIn("printing").report(at("finished", 100))), whole);
    const found = settledIn("printing").gap().report(at("finished", 100));
    assert.deepEqual(passed(found), whole);
    assert.ok(found.events.every(({ recovered }) => recovered));
    const broken = settledIn("printing").gap().report(at("failed", 45)).waitOver();
    assert.deepEqual(passed(broken), [...tens(40), "print.first-layer", "print.failed"]);
  });

  it("a restart tells the ending alone: what lead to it is the baseline", () => {
    const story = settledIn("printing").restart();
    story.report(inState("finished", aJob({ progress: 100, layer: 90 })));
    assert.deepEqual(story.names(), ["print.finished (recovered)"]);
  });

  it("a print that began in it tells what it has passed by then", () => {
    const story = settledIn("idle")
      .gap()
      .report(inState("printing", aJob({ progress: 22, layer: 3 })));
    assert.deepEqual(story.names(), [
      "print.started (recovered)",
      "print.progress (recovered)",
      "print.progress (recovered)",
      "print.first-layer (recovered)",
    ]);
    story.forget().report(inState("printing", aJob({ progress: 31, layer: 4 })));
    assert.deepEqual(story.names(), ["print.progress"]);
  });

  it("a print that began in it and still shows the last one's figures has passed nothing", () => {
    const before = aJob({ progress: 64, layer: 80 });
    const next = { id: "4712", name: "hook" };
    for (const shown of [before, aJob({ progress: 100, layer: 120 })]) {
      const story = new Story().report(inState("printing", before)).report(inState("failed", before)).waitOver();
      story
        .forget()
        .gap()
        .report(inState("printing", { ...shown, ...next }));
      story.report(inState("printing", { ...before, ...next, progress: 0, layer: 0 }));
      assert.deepEqual(story.names(), ["print.started (recovered)"], String(shown.progress));
      story.forget().report(inState("printing", { ...before, ...next, progress: 11, layer: 2 }));
      assert.deepEqual(story.names(), ["print.progress", "print.first-layer"], String(shown.progress));
    }
  });

  it("a print that took another's place unseen may still show the other's figures", () => {
    const story = settledIn("printing").gap();
    story.report(inState("printing", aJob({ id: "4712", progress: 97, layer: 80 })));
    assert.deepEqual(story.names(), ["print.failed (recovered)", "print.started (recovered)"]);
    story.forget().report(inState("printing", aJob({ id: "4712", progress: 98, layer: 81 })));
    assert.deepEqual(story.names().length, 10, "they were its own: they have moved on");
  });
});

describe("event rules: what an event says", () => {
  it("the state before is the one that was shown before", () => {
    const story = settledIn("idle")
      .report(inState("preparing"))
      .report(inState("printing", aJob({ progress: 12 })));
    story.report(inState("paused", aJob({ progress: 12 }))).report(inState("printing", aJob({ progress: 12 })));
    story.report(seen({ state: "failed", job: aJob({ progress: 12 }), signals: { cancelled: true } }));
    story
      .report(inState("preparing", aJob({ id: "4712" })))
      .report(inState("failed", aJob({ id: "4712" })))
      .waitOver();
    assert.deepEqual(
      story.events.map(({ event, previousState, state }) => `${event}: ${previousState}, ${state}`),
      [
        "print.started: idle, preparing",
        "print.progress: preparing, printing",
        "print.paused: printing, paused",
        "print.resumed: paused, printing",
        "print.cancelled: printing, cancelled",
        "print.started: cancelled, preparing",
        "print.failed: preparing, failed",
      ],
    );
  });

  it("presence names the state that the printer is known in", () => {
    const { memory } = settledIn("printing");
    assert.deepEqual(
      [presence(memory, true, 0).events[0]?.state, presence(NO_MEMORY, true, 0).events[0]?.state],
      ["printing", "unknown"],
    );
  });
});

describe("event rules: what must be on disk", () => {
  const base = () => settledIn("printing");
  const after = (observation: Parameters<typeof step>[1]) => {
    const story = base();
    return step(story.memory, observation, story.at + 1000, "live").save;
  };

  it("a change of state, the word, a name that arrives, an ending that waits", () => {
    const job = aJob({ progress: 5, layer: 1 });
    assert.equal(after(inState("preparing", job)), true);
    assert.equal(after(seen({ state: "printing", job, signals: { cancelled: true } })), true);
    assert.equal(after(inState("printing", { ...job, name: "bracket, second try" })), true);
    assert.equal(after(inState("printing", { ...job, id: "4712" })), true);
    assert.equal(after(inState("failed", job)), true);
  });

  it("whatever was told, and an ending by the clock", () => {
    const job = aJob({ progress: 5, layer: 1 });
    assert.equal(after(seen({ state: "printing", job, alerts: [anAlert("0700_8006")] })), true);
    const waiting = base().report(inState("failed", job));
    assert.equal(expire(waiting.memory, waiting.at).save, true);
  });

  it("progress within a ten, presence, and what says nothing new need not be", () => {
    const job = aJob({ progress: 5, layer: 1 });
    assert.equal(after(inState("printing", job)), false);
    assert.equal(after(inState("printing", { ...job, progress: 6, remainingSeconds: 3000 })), false);
    const { memory } = base();
    for (const online of [true, false]) assert.equal(presence(memory, online, 0).save, false);
    assert.equal(expire(memory, 0).save, false);
  });
});
