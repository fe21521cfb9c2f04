import assert from "node:assert/strict";
import { isPrinterMemory } from "../../../lib/printer/memory-shape";
import { aJob, seen } from "../../support/observations";
import { inState, settledIn, Story } from "../../support/story";

const word = { signals: { cancelled: true } };
const told = (story: Story) =>
  story.events.map(({ event, job, value, recovered }) => {
    const what = typeof value === "number" ? `${event} ${value}` : event;
    return `${what} of ${job?.id ?? job?.name ?? "nothing"}${recovered ? " (recovered)" : ""}`;
  });

describe("event rules: a report that names no state", () => {
  const next = aJob({ id: "4712", progress: 12, layer: 3 });

  it("closes no gap: what the next one shows happened in it", () => {
    const story = settledIn("printing").gap().report(inState("unknown")).report(inState("finished"));
    assert.deepEqual(told(story), ["print.finished of 4711 (recovered)"]);
    const replaced = settledIn("printing").gap().report(inState("unknown", next)).report(inState("printing", next));
    assert.deepEqual(told(replaced), ["print.failed of 4711 (recovered)", "print.started of 4712 (recovered)"]);
  });

  it("is no baseline: what the next one shows is", () => {
    const story = settledIn("idle").restart().report(inState("unknown", next)).report(inState("unknown", next));
    story.report(inState("printing", next));
    assert.deepEqual(told(story), []);
    story.gap().report(inState("printing", { ...next, progress: 22 }));
    assert.deepEqual(told(story), ["print.progress 20 of 4712 (recovered)"]);
  });

  it("a restart outweighs a gap, whichever came first", () => {
    for (const [first, second] of [
      ["gap", "restart"],
      ["restart", "gap"],
    ] as const) {
      const story = settledIn("idle")[first]().report(inState("unknown", next))[second]();
      assert.deepEqual(told(story.report(inState("printing", next))), [], `${first}, ${second}`);
    }
  });

  it("keeps door and alerts from nothing", () => {
    const story = settledIn("idle").report(seen({ state: "idle", door: "closed" }));
    story.restart().report(seen({ state: "unknown", door: "closed" }));
    story.report(seen({ state: "unknown", door: "open" }));
    assert.deepEqual(story.names(), ["door.opened"]);
  });

  it("leaves a memory that can be kept", () => {
    const { memory } = settledIn("idle").gap().report(inState("unknown"));
    assert.ok(isPrinterMemory({ version: 1, rules: JSON.parse(JSON.stringify(memory)) as unknown, outbox: [] }));
  });
});

describe("event rules: figures of somebody else", () => {
  const stale = { progress: 97, layer: 80 };
  const next = (progress: number, layer: number) => aJob({ id: "4712", progress, layer });

  it("a job that is found preparing shows the last one's, even where those were never seen", () => {
    for (const hidden of ["gap", "restart"] as const) {
      const story = settledIn("finished");
      story[hidden]().report(inState("preparing", aJob({ id: "4712", ...stale })));
      story.report(inState("printing", aJob({ id: "4712", ...stale }))).forget();
      story.report(inState("printing", next(0, 0))).report(inState("printing", next(11, 2)));
      assert.deepEqual(told(story), ["print.progress 10 of 4712", "print.first-layer of 4712"], hidden);
    }
    const first = new Story().report(inState("preparing", aJob(stale))).report(inState("printing", aJob(stale)));
    first.report(inState("printing", aJob({ progress: 0, layer: 0 })));
    assert.deepEqual(told(first), []);
  });

  it("what a start finds in the place of the job that was known is the baseline, as ever", () => {
    const story = settledIn("printing")
      .restart()
      .report(inState("printing", next(18, 3)));
    story.forget().report(inState("printing", next(21, 4)));
    assert.deepEqual(told(story), ["print.progress 20 of 4712"]);
  });
});

describe("event rules: which job it was", () => {
  const local = (progress: number) => aJob({ id: null, progress, layer: progress });
  /** A print that carries no id is at this progress. */
  const printing = (progress: number) =>
    settledIn("idle")
      .report(inState("printing", local(0)))
      .report(inState("printing", local(progress)))
      .forget();
  const names = (story: Story) => story.names().filter((name) => !name.includes("progress"));

  it("the same file once more, unseen and without an id: it prepares, or is far behind", () => {
    const again = ["print.failed (recovered)", "print.started (recovered)"];
    assert.deepEqual(
      names(
        printing(60)
          .gap()
          .report(inState("preparing", local(60))),
      ),
      again,
    );
    assert.deepEqual(
      names(
        printing(60)
          .gap()
          .report(inState("printing", local(50))),
      ),
      again,
    );
    const late = printing(60)
      .gap()
      .report(inState("printing", local(3)), 4_000_000);
    assert.deepEqual(names(late), ["print.finished (recovered)", "print.started (recovered)"]);
  });

  it("figures that are a little lower, or the same id or beginning, are the same job's", () => {
    assert.deepEqual(
      names(
        printing(60)
          .gap()
          .report(inState("printing", local(51))),
      ),
      [],
    );
    for (const mark of [{ id: "4711" }, { id: null, startedAt: "2026-01-01T00:00:00.000Z" }]) {
      const story = settledIn("idle").report(inState("printing", aJob({ ...mark, progress: 60, layer: 9 })));
      story.report(inState("printing", aJob({ ...mark, progress: 61, layer: 9 }))).forget();
      story.gap().report(inState("printing", aJob({ ...mark, progress: 5, layer: 9 })));
      assert.deepEqual(names(story), [], JSON.stringify(mark));
    }
  });

  it("a job that the printer refused, at rest and before our eyes, has not ended when we look again", () => {
    for (const hidden of ["gap", "restart"] as const) {
      const refused = inState("finished", aJob({ id: "4712", name: "hook" }));
      const story = settledIn("finished").report(refused)[hidden]().report(refused).waitOver();
      assert.deepEqual(told(story), [], hidden);
    }
  });

  it("a last job's id that gives way unseen to the job's own makes no second job of it", () => {
    const before = aJob({ progress: 100, layer: 90 });
    const story = settledIn("finished").report(inState("finished", before)).report(inState("preparing", before));
    story.forget().gap();
    story.report(inState("finished", aJob({ id: "4712", progress: 100, layer: 40 })));
    assert.deepEqual(names(story), ["print.first-layer (recovered)", "print.finished (recovered)"]);
  });

  it("another job, found where an ending waits, says nothing about that ending", () => {
    const next = aJob({ id: "4712", progress: 40 });
    const waiting = () => settledIn("printing").report(inState("failed")).restart();
    assert.deepEqual(told(waiting().report(inState("finished", next))), [
      "print.failed of 4711 (recovered)",
      "print.finished of 4712 (recovered)",
    ]);
    assert.deepEqual(told(waiting().report(seen({ state: "failed", job: next, ...word }))), [
      "print.failed of 4711 (recovered)",
      "print.cancelled of 4712 (recovered)",
    ]);
  });

  it("a cancel word that is found with another job's failure is about that job alone", () => {
    const next = seen({ state: "failed", job: aJob({ id: "4712", progress: 40 }), ...word });
    for (const hidden of ["gap", "restart"] as const) {
      assert.deepEqual(
        told(settledIn("printing")[hidden]().report(next).waitOver()),
        ["print.failed of 4711 (recovered)", "print.cancelled of 4712 (recovered)"],
        hidden,
      );
      const cancelled = settledIn("printing").report(seen({ state: "failed", job: aJob(), ...word }));
      assert.deepEqual(
        told(cancelled[hidden]().report(next).waitOver()),
        ["print.cancelled of 4711", "print.cancelled of 4712 (recovered)"],
        hidden,
      );
    }
  });
});

describe("event rules: what leads to an ending", () => {
  it("is told in the state that it happened in, while the ending still waits for its word", () => {
    const failed = seen({ state: "failed", job: aJob({ progress: 22, layer: 9 }) });
    const story = settledIn("printing").gap().report(failed).waitOver();
    assert.deepEqual(
      story.events.map(({ event, state }) => `${event}: ${state}`),
      ["print.progress: printing", "print.progress: printing", "print.first-layer: printing", "print.failed: failed"],
    );
  });
});
