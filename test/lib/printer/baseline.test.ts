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

  it("a finish tells the tens that lead to it when it was heard, not when it was found", () => {
    const done = aJob({ progress: 100, layer: 1 });
    assert.deepEqual(settledIn("printing").report(inState("finished", done)).names().length, 11);
    assert.deepEqual(settledIn("printing").gap().report(inState("finished", done)).names(), [
      "print.finished (recovered)",
    ]);
  });

  it("a print that began in it is in its second layer or not: the first layer is told accordingly", () => {
    for (const [layer, later] of [
      [1, ["print.first-layer"]],
      [2, []],
    ] as const) {
      const story = settledIn("idle")
        .gap()
        .report(inState("printing", aJob({ progress: 12, layer })));
      assert.deepEqual(story.names(), ["print.started (recovered)"]);
      story.forget().report(inState("printing", aJob({ progress: 15, layer: layer + 1 })));
      assert.deepEqual(story.names(), later);
    }
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
