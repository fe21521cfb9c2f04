import assert from "node:assert/strict";
import { ACCESS_CODE, useExamples } from "../support/example-at-work";
import { nodeOf, settle, statusOf } from "../support/helper";
import { RawClient } from "../support/raw-client";
import { until } from "../support/wait";

describe("the example Air filter by material", () => {
  const example = useExamples();
  const { start, pass, idOf, inboxOf } = example;
  const FIRST = { unit: 0, slot: 0 };
  const SECOND = { unit: 0, slot: 1 };
  const OUTSIDE = { unit: 255, slot: 0 };

  const begin = async (wait = { duration: "1", units: "hr" }) => {
    await start("Air filter by material", "P1S", (node) => (node["type"] === "trigger" ? { ...node, ...wait } : node));
    return { plug: inboxOf("your smart plug"), looked: inboxOf("filter it?") };
  };
  /** Tells the printer what lies there; everything else is PLA. */
  const put = async (type: string, place: { ams_id: number; tray_id: number }): Promise<void> => {
    const screen = await RawClient.open(example.machine, ACCESS_CODE);
    const color = { tray_color: "202020FF", nozzle_temp_min: 240, nozzle_temp_max: 280 };
    await screen.ask("print", "ams_filament_setting", { ...place, slot_id: 0, tray_type: type, ...color });
    await screen.close();
  };
  const print = async (...slots: { unit: number; slot: number }[]): Promise<void> => {
    example.machine.startPrint({ minutes: 10, slots });
    await pass("RUNNING");
    await pass("FINISH");
  };
  const payloads = (inbox: { readonly messages: readonly { payload?: unknown }[] }): unknown[] =>
    inbox.messages.map(({ payload }) => payload);
  /** What the printer was told to do with its fans. */
  const fanCommands = (): unknown[] =>
    example.machine.requests.filter(({ command }) => command === "gcode_line").map(({ body }) => body["param"]);
  const counts = (): boolean => JSON.stringify(statusOf(idOf("on, later off"))).includes("blue");

  it("switches on for a print of ABS, and off after it", async () => {
    const { plug } = await begin({ duration: "400", units: "ms" });
    await put("ABS", { ams_id: 0, tray_id: 0 });
    await print(FIRST);
    await until("the filter is off", () => plug.messages.at(-1)?.payload === "off");
    assert.equal(plug.messages[0]?.payload, "on");
    assert.match(String(fanCommands()[0]), /^M106 P3 S179\b/);
  });

  it("switches once a print, and not again for the next one while it runs on", async () => {
    const { plug } = await begin();
    await put("ASA", { ams_id: 255, tray_id: 254 });
    await print(OUTSIDE);
    await print(OUTSIDE);
    await until("the time counts", counts);
    assert.deepEqual(payloads(plug), ["on"]);
  });

  it("does nothing for PLA, not even when ABS of the last print is still loaded", async () => {
    const { plug, looked } = await begin();
    const over = async (): Promise<void> => {
      const isFinished = () => JSON.stringify(statusOf(idOf("the printer"))).includes("finished");
      await until("the ending was looked at", () => isFinished() && looked.messages.at(-1)?.payload === undefined);
      await settle();
    };
    await put("ABS", { ams_id: 0, tray_id: 0 });
    await print(FIRST);
    await over();
    nodeOf(idOf("on, later off")).receive({ reset: true });
    await until("the filter is off", () => !counts());
    for (const inbox of [plug, looked]) inbox.messages.length = 0;
    await print(SECOND);
    await until("the PLA was seen", () => payloads(looked).includes("PLA"));
    await over();
    assert.deepEqual(payloads(plug), []);
    assert.equal(fanCommands().length, 1);
  });

  it("switches on when such a filament comes second", async () => {
    const { plug, looked } = await begin();
    await put("PA-CF", { ams_id: 0, tray_id: 0 });
    await print(SECOND, FIRST);
    await plug.next();
    assert.equal(looked.messages.find(({ payload }) => payload !== undefined)?.payload, "PLA");
  });

  it("knows which materials smell or shed fibres", async () => {
    const { plug } = await begin();
    const NEEDED = ["ABS", "ASA", "ASA Aero", "PC", "PA", "PA6", "PLA-CF", "PPA-GF", "abs"];
    const NOT = ["PLA", "PETG", "PCTG", "TPU", "PVA", undefined, null];
    for (const payload of NOT) nodeOf(idOf("filter it?")).receive({ payload });
    await settle();
    assert.deepEqual(payloads(plug), []);
    for (const payload of NEEDED) {
      nodeOf(idOf("filter it?")).receive({ payload });
      await until(`${payload} switches on`, () => plug.messages.length === 1 && counts());
      plug.messages.length = 0;
      nodeOf(idOf("on, later off")).receive({ reset: true });
      await until("it is off again", () => !counts());
    }
  });
});
