import assert from "node:assert/strict";
import { useExamples } from "../support/example-at-work";
import { nodeOf, statusOf } from "../support/helper";
import { until } from "../support/wait";

describe("an example that switches the light", () => {
  const example = useExamples();
  const { start, pass, idOf, inboxOf } = example;
  /** What the printer was told, in order. */
  const lights = () =>
    example.machine.requests.filter(({ command }) => command === "ledctrl").map(({ body }) => body["led_mode"]);

  it("Light follows the door, and is then as it was before", async () => {
    await start("Light follows the door", "X1C");
    const done = inboxOf("switched");
    for (const before of ["off", "on"]) {
      nodeOf(idOf("printer-command")).receive({ payload: before });
      await until("it is so", () => lights().at(-1) === before && done.messages.length === 1);
      example.machine.openDoor();
      await until("the light is on", () => done.messages.length === 2);
      example.machine.closeDoor();
      await done.next(3);
      assert.deepEqual(lights().splice(-2), ["on", before]);
    }
  });

  describe("Light off after a print", () => {
    const begin = (wait: { duration: string; units: string }): Promise<void> =>
      start("Light off after a print", "P1S", (node) => (node["type"] === "trigger" ? { ...node, ...wait } : node));
    const startPrint = async (): Promise<void> => {
      example.machine.startPrint({ minutes: 10 });
      await pass("RUNNING");
    };
    const counts = (): boolean => JSON.stringify(statusOf(idOf("off, after a while"))).includes("blue");

    const ENDINGS = {
      finished: () => pass("FINISH"),
      cancelled: () => {
        example.machine.cancel();
        return pass("FAILED");
      },
    };
    for (const [how, end] of Object.entries(ENDINGS)) {
      it(`switches on at the start and off after the ending of a print that is ${how}`, async () => {
        await begin({ duration: "1", units: "ms" });
        const switched = inboxOf("switched");
        await startPrint();
        await switched.next();
        assert.deepEqual(lights(), ["on"]);
        await end();
        await switched.next();
        assert.deepEqual(lights(), ["on", "off"]);
      });
    }

    it("leaves the light on under the next print, and counts anew from that one's ending", async () => {
      await begin({ duration: "1", units: "hr" });
      await startPrint();
      await pass("FINISH");
      await until("it counts from the ending", counts);
      await startPrint();
      await until("the start stopped it", () => !counts());
      await pass("FINISH");
      await until("it counts again", counts);
      assert.deepEqual(lights(), ["on", "on"]);
    });
  });
});
