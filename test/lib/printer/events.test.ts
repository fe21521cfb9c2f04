import assert from "node:assert/strict";
import { EVENT_NAMES, NO_MEMORY, type PrinterMemory } from "../../../lib/printer/events";
import { isPrinterMemory } from "../../../lib/printer/memory-shape";
import { PROPERTIES } from "../../../lib/node-red/properties";
import { step } from "../../../lib/printer/rules";
import { PRINTER_STATES } from "../../../lib/printer/status";
import { aJob, anAlert, seen } from "../../support/observations";

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

  it("spoilt anywhere, down to its leaves, is refused or does the rules no harm", () => {
    const alerts = [anAlert("0700_8006")];
    const story = [step(NO_MEMORY, seen({ state: "printing", job: aJob(), alerts, door: "open" }), 1000, "start")];
    story.push(step(story[0]!.memory, seen({ state: "finished", job: aJob(), alerts }), 2000, "live"));
    story.push(step(story[1]!.memory, seen({ state: "printing", job: aJob({ id: "4712" }), alerts }), 3000, "live"));
    story.push(step(story[2]!.memory, seen({ state: "failed", job: aJob({ id: "4712" }), alerts }), 4000, "live"));
    const whole = { version: 1, rules: story[3]!.memory, outbox: story[1]!.events.slice(-1) };
    assert.ok(isPrinterMemory(whole) && whole.rules.ending !== null && whole.outbox.length === 1);
    const places = (at: unknown, path: string[] = []): string[][] =>
      typeof at !== "object" || at === null
        ? []
        : Object.entries(at).flatMap(([key, below]) => [[...path, key], ...places(below, [...path, key])]);
    let refused = 0;
    for (const path of places(whole)) {
      for (const wrong of [undefined, null, 5, "x", true, [], {}, [null], Number.NaN]) {
        const spoilt = structuredClone(whole);
        path.slice(0, -1).reduce<any>((place, key) => place[key], spoilt)[path.at(-1)!] = wrong;
        if (!isPrinterMemory(spoilt)) refused += 1;
        else for (const state of PRINTER_STATES) step(spoilt.rules, seen({ state, job: aJob() }), 5000, "start");
      }
    }
    assert.ok(refused > 300, String(refused));
  });

  it("what is no object at all is refused", () => {
    for (const value of [null, undefined, 1, "x", [], true]) assert.equal(isPrinterMemory(value), false);
  });
});

describe("event names", () => {
  it("are the ones that the dialog offers, in its order", () => {
    assert.deepEqual([...PROPERTIES["printer-event"].events.choices], [...EVENT_NAMES]);
  });
});
