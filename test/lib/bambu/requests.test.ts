import assert from "node:assert/strict";
import { backoffMs, Endings } from "../../../lib/bambu/backoff";
import { requestFrame, sequenceIds } from "../../../lib/bambu/requests";

describe("requests", () => {
  it("every frame has its section, command and sequence id", () => {
    for (const [name, section, command] of [
      ["getVersion", "info", "get_version"],
      ["pushAll", "pushing", "pushall"],
      ["startPushing", "pushing", "start"],
    ] as const) {
      const frame = JSON.parse(requestFrame(name, "20001")) as Record<string, Record<string, unknown>>;
      assert.equal(frame[section]?.["command"], command);
      assert.equal(frame[section]["sequence_id"], "20001");
    }
  });

  it("sequence ids begin anywhere in 20000..29999, count up and wrap round", () => {
    for (const random of [0, 0.5, 0.99999]) {
      const next = sequenceIds(() => random);
      const ids = Array.from({ length: 10_001 }, () => Number(next()));
      assert.equal(Math.min(...ids), 20_000);
      assert.equal(Math.max(...ids), 29_999);
      assert.equal(new Set(ids).size, 10_000);
      assert.equal(ids[0], ids[10_000]);
    }
  });
});

describe("back-off", () => {
  it("doubles from about a second to five minutes and never leaves that range", () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((failures) => backoffMs(failures, 0.5)),
      [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000],
    );
    for (const failures of [1, 5, 10, 50, 5000]) {
      for (const random of [0, 0.3, 1]) {
        const wait = backoffMs(failures, random);
        assert.ok(wait >= 750 && wait <= 300_000, `${failures} failures: ${wait} ms`);
      }
    }
    assert.ok(backoffMs(5000, 1) === 300_000 && backoffMs(5000, 0) >= 225_000);
  });

  it("a link that drops now and then is back in about a second, one that never comes about waits longer", () => {
    const drops = new Endings();
    for (let i = 0; i < 5; i++) assert.ok(drops.add(10_000).waitMs <= 1250);
    const never = new Endings();
    const waits = Array.from({ length: 8 }, () => never.add(null).waitMs);
    assert.ok((waits.at(-1) ?? 0) > 90_000, String(waits));
  });

  it("short sessions in a row look like another program, and are taken more slowly; a long one forgives", () => {
    const endings = new Endings();
    const rivals = Array.from({ length: 8 }, () => endings.add(5000));
    assert.deepEqual(
      rivals.map(({ rival }) => rival),
      [false, false, false, false, false, true, true, true],
    );
    assert.ok((rivals.at(-1)?.waitMs ?? 0) >= 3000);
    const calm = endings.add(120_000);
    assert.ok(!calm.rival && calm.waitMs <= 1250);
  });

  it("two printers that went away together do not come back together", () => {
    assert.notEqual(backoffMs(6, 0.1), backoffMs(6, 0.9));
  });
});
