import assert from "node:assert/strict";
import { EVENT_NAMES, isPrinterMemory, NO_MEMORY, type PrinterMemory } from "../../../lib/printer/events";
import { PROPERTIES } from "../../../lib/node-red/properties";
import { step } from "../../../lib/printer/rules";
import { aJob, seen } from "../../support/observations";

describe("a printer's memory on disk", () => {
  const memory = (): PrinterMemory => {
    const idle = step(NO_MEMORY, seen({ state: "idle" }), 1000, "start");
    const done = step(idle.memory, seen({ state: "finished", job: aJob() }), 2000, "live");
    return JSON.parse(JSON.stringify({ version: 1, rules: done.memory, outbox: done.events })) as PrinterMemory;
  };

  it("is recognised after a round trip", () => {
    assert.ok(isPrinterMemory(memory()));
    assert.ok(isPrinterMemory({ version: 1, rules: NO_MEMORY, outbox: [] }));
  });

  for (const [what, spoil] of [
    ["another version", (m: any) => (m.version = 2)],
    ["no rules", (m: any) => (m.rules = null)],
    ["rules without a member", (m: any) => delete m.rules.alerts],
    ["a state that does not exist", (m: any) => (m.rules.state = "RUNNING")],
    ["a job that is a text", (m: any) => (m.rules.job = "bracket")],
    ["alerts that are no list", (m: any) => (m.rules.alerts = {})],
    ["an outbox that is no list", (m: any) => (m.outbox = {})],
    ["an outbox with something that is no ending", (m: any) => (m.outbox = [{ event: "print.started" }])],
  ] as const) {
    it(`with ${what} is refused`, () => {
      const spoilt: unknown = memory();
      spoil(spoilt);
      assert.equal(isPrinterMemory(spoilt), false);
    });
  }

  it("what is no object at all is refused", () => {
    for (const value of [null, undefined, 1, "x", [], true]) assert.equal(isPrinterMemory(value), false);
  });
});

describe("event names", () => {
  it("are the ones that the dialog offers, in its order", () => {
    assert.deepEqual([...PROPERTIES["printer-event"].events.choices], [...EVENT_NAMES]);
  });
});
