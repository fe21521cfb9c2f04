import assert from "node:assert/strict";
import { serveHttp } from "../support/auth-webhook";
import { ACCESS_CODE, useExamples } from "../support/example-at-work";
import { Inbox, nodeOf, statusOf } from "../support/helper";
import { RawClient } from "../support/raw-client";
import { until } from "../support/wait";

describe("an example at work", () => {
  const example = useExamples();
  const { start, pass, idOf, inboxOf, press } = example;

  describe("Cut power when cooled down", () => {
    const WAIT_MS = 150;
    const cut = async (): Promise<Inbox> => {
      await start("Cut power when cooled down", "H2D", (node) =>
        node["type"] === "trigger" ? { ...node, duration: String(WAIT_MS), units: "ms" } : node,
      );
      return inboxOf("your smart plug");
    };
    /** What the trigger node counts from. */
    const decisions = (): Inbox => new Inbox(idOf("for five minutes"));
    const printed = async (name: string): Promise<void> => {
      example.machine.startPrint({ name, minutes: 10 });
      await pass("RUNNING");
      await pass("FINISH");
    };
    const cool = (): void => {
      example.machine.advance(3600);
    };

    it("switches off once after a print, when everything is cold for long enough", async () => {
      const plug = await cut();
      await printed("bracket");
      const decided = decisions();
      cool();
      const [message] = await plug.next();
      assert.equal(message?.payload, "off");
      decided.messages.length = 0;
      example.machine.advance(60);
      example.machine.openDoor();
      await until("the printer was looked at again", () => decided.messages.length > 0);
      assert.ok(
        decided.messages.every((one) => one["reset"] === true),
        "not a second time",
      );
    });

    it("does nothing to a printer that is cold and has printed nothing", async () => {
      await cut();
      const decided = decisions();
      example.machine.openDoor();
      await until("the printer was looked at", () => decided.messages.length > 0);
      assert.ok(decided.messages.every((one) => one["reset"] === true));
    });

    it("leaves the power on while something is hot", async () => {
      await cut();
      const decided = decisions();
      await printed("bracket");
      await until("the ending was looked at", () => decided.messages.length > 2);
      example.machine.openDoor();
      assert.ok(decided.messages.every((one) => one["reset"] === true));
    });

    it("leaves the power on under a second print that starts during the wait, and cuts it after that one", async () => {
      const plug = await cut();
      await printed("first");
      const decided = decisions();
      cool();
      await until("it waits", () => decided.messages.some(({ payload }) => payload === "cold"));
      example.machine.startPrint({ name: "second", minutes: 10 });
      await until("it was stopped", () => decided.messages.at(-1)?.["reset"] === true);
      await new Promise((resolve) => setTimeout(resolve, 2 * WAIT_MS));
      assert.equal(plug.messages.length, 0);
      await pass("RUNNING");
      await pass("FINISH");
      cool();
      await plug.next();
    });

    it("leaves the power on while an AMS dries, and cuts it afterwards", async () => {
      const plug = await cut();
      await printed("bracket");
      const decided = decisions();
      const screen = await RawClient.open(example.machine, ACCESS_CODE);
      await screen.ask("print", "ams_filament_drying", { ams_id: 0, mode: 1, temp: 45, duration: 8 });
      cool();
      await until("it was looked at when all was cold", () => {
        example.machine.advance(60);
        return decided.messages.length > 5;
      });
      assert.ok(decided.messages.every((one) => one["reset"] === true));
      await screen.ask("print", "ams_filament_drying", { ams_id: 0, mode: 0 });
      await screen.close();
      await plug.next();
    });

    it("leaves the power on when the printer can not be heard any more", async () => {
      const plug = await cut();
      await printed("bracket");
      const decided = decisions();
      cool();
      await until("it waits", () => decided.messages.some(({ payload }) => payload === "cold"));
      await example.machine.close();
      await until("it was stopped", () => decided.messages.at(-1)?.["reset"] === true);
      assert.equal(plug.messages.length, 0);
    });
  });

  describe("Notify with a snapshot", () => {
    it("tells how a print ended, with a picture", async () => {
      await start("Notify with a snapshot");
      const told = inboxOf("your notification");
      example.machine.startPrint({ name: "bracket <2>", minutes: 10 });
      await pass("RUNNING");
      await pass("FINISH");
      const [message] = await told.next();
      assert.equal(message?.["caption"], "bench: print.finished, bracket <2>");
      assert.ok(Buffer.isBuffer(message.payload));
      assert.equal(message["contentType"], "image/jpeg");
    });

    it("tells it without one when the camera gives none", async () => {
      await start("Notify with a snapshot");
      const told = inboxOf("your notification");
      example.machine.doors.cameraFault = "garbage";
      example.machine.startPrint({ name: "bracket", minutes: 10 });
      await pass("RUNNING");
      example.machine.pause();
      const [message] = await told.next();
      assert.equal(message?.["caption"], "bench: print.paused, bracket (paused by user)");
      assert.deepEqual([message["payload"], message["error"]], [undefined, undefined]);
    });
  });

  describe("Pause when smoke is detected", () => {
    const smoke = async (): Promise<{ paused: Inbox; alarm: Inbox }> => {
      await start("Pause when smoke is detected");
      return { paused: inboxOf("paused"), alarm: inboxOf("alarm") };
    };
    const running = async (): Promise<void> => {
      example.machine.startPrint({ minutes: 10 });
      await pass("RUNNING");
      const node = idOf("printer-command");
      await until("it is seen", () => (statusOf(node) as { text: string }).text.includes("printing"));
    };

    it("pauses the print, once, and raises no alarm", async () => {
      const { paused, alarm } = await smoke();
      await running();
      press("no smoke");
      press("smoke");
      await paused.next();
      assert.equal(example.machine.state, "PAUSE");
      press("smoke");
      const node = idOf("printer-command");
      await until("it was refused", () => (statusOf(node) as { text: string }).text.includes("refused"));
      assert.deepEqual([paused.messages.length, alarm.messages.length], [0, 0]);
    });

    it("raises the alarm where the printer refuses, and none where nothing was printing", async () => {
      const { paused, alarm } = await smoke();
      press("smoke");
      const node = idOf("printer-command");
      await until("it was refused", () => (statusOf(node) as { text: string }).text.includes("refused"));
      assert.equal(alarm.messages.length, 0);
      await new Promise((resolve) => setTimeout(resolve, 0));
      example.machine.startPrint({ minutes: 10 });
      await pass("RUNNING");
      example.machine.react(() => ({ obey: false, answer: { code: 5, reason: "no" } }));
      await until("the alarm is raised", () => {
        if (alarm.messages.length === 0) press("smoke");
        return alarm.messages.length > 0;
      });
      assert.equal(paused.messages.length, 0);
    });
  });

  it("Dry filament when humid dries each unit once, as hot as its most delicate filament may become", async () => {
    await start("Dry filament when humid", "H2D");
    const orders = () => example.machine.requests.filter(({ command }) => command === "ams_filament_drying");
    await until("both units dry", () => orders().length === 2);
    const asked = orders().map(({ body }) => [body["ams_id"], body["temp"], body["duration"]]);
    assert.deepEqual(asked, [
      [0, 45, 8],
      [128, 65, 8],
    ]);
    const looked = new Inbox(idOf("too humid?"));
    example.machine.advance(9 * 3600);
    await until("it was looked at when they were done", () => {
      example.machine.advance(60);
      const units = (looked.messages.at(-1)?.payload as any)?.filament.units ?? [{ dryingMinutesLeft: 1 }];
      return looked.messages.length > 3 && units.every((unit: any) => unit.dryingMinutesLeft === 0);
    });
    assert.equal(orders().length, 2, "it is as humid as before, but they were dried a moment ago");
  });

  it("Quiet at night gives a print that starts the speed of the hour", async () => {
    await start("Quiet at night");
    const done = inboxOf("speed is set");
    const refused = inboxOf("speed is not set");
    example.machine.startPrint({ minutes: 10 });
    await pass("RUNNING");
    await until("it was set", () => done.messages.length + refused.messages.length > 0);
    const hour = new Date().getHours();
    const speed = example.machine.requests.find(({ command }) => command === "print_speed")?.body["param"];
    assert.equal(speed, hour >= 22 || hour < 7 ? "1" : "2");
    assert.equal(refused.messages.length, 0);
  });

  it("What did this print cost counts from the start of a job to its end", async () => {
    await start("What did this print cost", "P1S", (node) =>
      node["name"] === "meter, kWh" ? { ...node, repeat: "", once: false } : node,
    );
    const table = inboxOf("your table");
    const meter = (kWh: number): void => {
      nodeOf(idOf("the last reading")).receive({ payload: kWh });
    };
    const decided = new Inbox(idOf("from start to end"));
    meter(1000);
    example.machine.startPrint({ name: "bracket", minutes: 10 });
    await pass("RUNNING");
    await decided.next();
    meter(1000.5);
    await pass("FINISH");
    const [message] = await table.next();
    assert.ok(message !== undefined);
    const { job, kWh, cost } = message.payload as Record<string, unknown>;
    assert.deepEqual([job, kWh, cost], ["bracket", 0.5, 0.16]);
    assert.equal(message["words"], "bracket: 0.500 kWh, 0.16");
  });

  it("Farm board shows a row for each printer, and no name can break out of it", async () => {
    await start("Farm board", "P1S");
    example.machine.startPrint({ name: "<script>alert(1)</script>", minutes: 10 });
    await pass("RUNNING");
    const server = await serveHttp(example.pages);
    const page = async () => (await fetch(`${server.url}/printers`)).text();
    await until("the print is on the page", async () => (await page()).includes("alert(1)"));
    const text = await page();
    assert.ok(text.includes("<td>bench</td>"));
    assert.ok(!text.includes("<script>alert"));
    await server.close();
  });
});
