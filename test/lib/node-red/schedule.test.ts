import assert from "node:assert/strict";
import { Patience } from "../../../lib/node-red/patience";
import { Schedule } from "../../../lib/node-red/schedule";
import { until } from "../../support/wait";

const HOUR = 3600_000;
const NO_TIMEOUT = setTimeout(() => undefined);

describe("a schedule", () => {
  /** Timers of a day in no time: each fires as soon as it is set and moves the clock by its delay. */
  class Clock {
    now = Date.UTC(2026, 0, 1);
    /** A timer of this clock alone: what else runs in the process keeps its own. */
    readonly timer = (call: () => void, delay: number): NodeJS.Timeout => {
      assert.ok(delay >= 0 && delay <= 2 ** 31 - 1, `${delay} ms is no delay`);
      setImmediate(() => {
        this.now += delay;
        call();
      });
      return NO_TIMEOUT;
    };
  }

  async function runs(
    count: number,
    { intervalMs, due, random = 0 }: { intervalMs: number; due: (now: number) => number | null; random?: number },
  ): Promise<number[]> {
    const clock = new Clock();
    const begin = clock.now;
    const at: number[] = [];
    await new Promise<void>((resolve) => {
      const schedule: Schedule = new Schedule({
        ...{ intervalMs, due: due(begin), now: () => clock.now, random: () => random, timer: clock.timer },
        run: () => {
          at.push(clock.now - begin);
          if (at.length < count) return Promise.resolve();
          schedule.close();
          resolve();
          return Promise.resolve();
        },
      });
    });
    return at;
  }

  it("begins at the start and goes on at its interval", async () => {
    assert.deepEqual(await runs(3, { intervalMs: 24 * HOUR, due: () => null }), [0, 24 * HOUR, 48 * HOUR]);
  });

  it("spreads checks a little, at the start by seconds, later by minutes", async () => {
    const at = await runs(3, { intervalMs: 24 * HOUR, due: () => null, random: 1 });
    assert.deepEqual(at, [10_000, 10_000 + 24.25 * HOUR, 10_000 + 48.5 * HOUR]);
    const [first = 0, second = 0] = await runs(2, { intervalMs: 1000, due: () => null, random: 1 });
    assert.deepEqual([first, second - first], [50, 1050]);
  });

  it("takes intervals that no timer can count", async () => {
    assert.deepEqual(await runs(2, { intervalMs: 8760 * HOUR, due: () => null }), [0, 8760 * HOUR]);
  });

  it("runs once what fell due in the meantime, and waits for what has not", async () => {
    assert.deepEqual(await runs(2, { intervalMs: HOUR, due: (now) => now - 100 * HOUR }), [0, HOUR]);
    assert.deepEqual(await runs(2, { intervalMs: 3 * HOUR, due: (now) => now + 2 * HOUR }), [2 * HOUR, 5 * HOUR]);
  });

  it("waits no longer than its interval, whatever was kept", async () => {
    assert.deepEqual(await runs(1, { intervalMs: HOUR, due: (now) => now + 9000 * HOUR }), [HOUR]);
  });

  it("does not begin a run before the last one has ended, and none once it was closed", async () => {
    let begun = 0;
    let end: () => void = () => undefined;
    const run = (): Promise<void> => {
      begun += 1;
      return new Promise((resolve) => {
        end = resolve;
      });
    };
    const schedule = new Schedule({ intervalMs: 1, due: null, run });
    await until("the first run begins", () => begun === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(begun, 1);
    end();
    await until("the second run begins", () => begun === 2);
    schedule.close();
    end();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(begun, 2);
  });
});

describe("patience", () => {
  it("ends when what was waited for holds, for each who waits", async () => {
    const patience = new Patience(60_000);
    let holds = false;
    let others = 0;
    const waits = [patience.until(() => holds), patience.until(() => holds)];
    void patience.until(() => false).then(() => (others += 1));
    patience.stir();
    holds = true;
    patience.stir();
    await Promise.all(waits);
    assert.equal(others, 0);
    patience.close();
    await until("the last one is let go", () => others === 1);
    await patience.until(() => false);
  });

  it("is over for all at the same moment", async () => {
    const patience = new Patience(20);
    await Promise.all([patience.until(() => false), patience.until(() => false)]);
    await patience.until(() => false);
  });
});
