import assert from "node:assert/strict";
import { offered } from "../../../lib/printer/asides";
import { NO_MEMORY } from "../../../lib/printer/events";
import { type FirmwareWord, NO_WORD } from "../../../lib/printer/firmware";
import { isPrinterMemory } from "../../../lib/printer/memory-shape";
import { Printer } from "../../../lib/printer/printer";
import { FakeLink, FakeMemory } from "../../support/fake-link";
import { inState, Story } from "../../support/story";
import { until } from "../../support/wait";

const offering = (versions: Readonly<Record<string, string>>): FirmwareWord => ({
  ...NO_WORD,
  says: "offered",
  modules: Object.entries(versions).map(([name, version]) => ({ name, installed: "01.08.02.00", offered: version })),
});
const NEWER = { ota: "01.09.01.00" };
const withWord = (firmware: FirmwareWord) => ({ ...inState("idle"), firmware });
const found = [{ name: "ota", installed: "01.08.02.00", latest: "01.09.01.00" }];

describe("event rules: firmware.available", () => {
  it("the first report tells an offer like any other, with its modules", () => {
    const story = new Story().report(withWord(offering(NEWER)));
    assert.deepEqual(story.names(), ["firmware.available"]);
    assert.deepEqual(
      story.events.map(({ value }) => value),
      [found],
    );
    assert.deepEqual(
      story.events.map(({ state, previousState }) => [state, previousState]),
      [["idle", "idle"]],
    );
  });

  it("is told once, over gaps and restarts", () => {
    const story = new Story().report(withWord(offering(NEWER))).report(withWord(offering({ ...NEWER })));
    story
      .gap()
      .report(withWord(offering({ ...NEWER })))
      .restart()
      .report(withWord(offering({ ...NEWER })));
    assert.equal(story.names().length, 1);
  });

  it("is told again for another module and for a newer version, with everything that is on offer", () => {
    const story = new Story().report(withWord(offering(NEWER))).forget();
    story.report(withWord(offering({ ...NEWER, "ams/0": "01.09.00.00" })));
    story.report(withWord(offering({ ota: "01.09.50.00" })));
    assert.deepEqual(
      story.events.map(({ value }) => (value as { name: string }[]).map(({ name }) => name)),
      [["ota", "ams/0"], ["ota"]],
    );
  });

  it("is not told again when an offer is withdrawn and comes back, or an older one takes its place", () => {
    const story = new Story().report(withWord(offering(NEWER))).forget();
    story.report(withWord({ ...NO_WORD, says: "none" })).report(withWord(offering(NEWER)));
    story.report(withWord(offering({ ota: "01.09.00.50" })));
    assert.deepEqual(story.names(), []);
  });

  const nothing: Readonly<Record<string, FirmwareWord>> = {
    "a printer that has not said": { ...offering(NEWER), says: "unknown" },
    "a printer that says that there is nothing newer": { ...offering(NEWER), says: "none" },
    "a printer that is being updated": { ...offering(NEWER), updating: true },
    "firmware of somebody else": { ...offering(NEWER), custom: true },
    "a downgrade": offering({ ota: "01.07.00.00" }),
    "what is installed": offering({ ota: "1.8.2" }),
  };
  for (const [what, word] of Object.entries(nothing)) {
    it(`${what} is no news`, () => {
      assert.deepEqual(new Story().report(withWord(word)).names(), []);
    });
  }

  it("a memory of an older release, which knows no offers, is taken as it is", () => {
    const kept: unknown = JSON.parse(JSON.stringify({ version: 1, rules: NO_MEMORY, outbox: [] }));
    assert.ok(isPrinterMemory(kept) && !("offered" in kept.rules));
    assert.equal(offered(kept.rules, found, 0).events.length, 1);
    const later = { version: 1, rules: offered(NO_MEMORY, found, 0).memory, outbox: [] };
    assert.ok(isPrinterMemory(JSON.parse(JSON.stringify(later))));
    for (const spoilt of [{}, [{ name: "ota" }], [null], null])
      assert.equal(isPrinterMemory({ ...later, rules: { ...NO_MEMORY, offered: spoilt } }), false);
  });

  it("remembers a bounded number of modules", () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ name: `m${i}`, installed: null, latest: "1.0" }));
    assert.equal(offered(NO_MEMORY, many, 0).memory.offered?.length, 128);
  });
});

describe("a Printer that is told of an offer by somebody else", () => {
  it("tells it once, whoever found it, and remembers it over a restart", async () => {
    const memory = new FakeMemory();
    const told: string[] = [];
    const open = (link: FakeLink): (() => Promise<void>) => {
      const log = { warn: (message: string) => assert.fail(message) };
      const printer = new Printer({ id: "01P00A000000001", name: "bench", link, staleAfterMs: 60_000, memory, log });
      const leave = printer.subscribe({ event: ({ event }) => told.push(event) });
      // Before the memory was read: what is in it must not be lost.
      printer.offer(found);
      return leave;
    };
    const first = new FakeLink();
    const leaveFirst = open(first);
    await until("it is told", () => told.length === 1);
    first.state({ kind: "live" });
    first.report(withWord(offering(NEWER)));
    await until("the printer is online", () => told.length === 2);
    await leaveFirst();
    assert.deepEqual(told.splice(0), ["firmware.available", "printer.online"]);

    const second = new FakeLink();
    const leaveSecond = open(second);
    await until("the link is open", () => second.isOpen);
    second.state({ kind: "live" });
    second.report(withWord(offering(NEWER)));
    await until("the printer is online", () => told.length > 0);
    await leaveSecond();
    assert.deepEqual(told, ["printer.online"]);
    assert.equal((JSON.parse(memory.document ?? "") as { rules: { state: string } }).rules.state, "idle");
  });
});
