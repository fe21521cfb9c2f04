import assert from "node:assert/strict";
import { bambuLan } from "../../../lib/bambu/session";
import { octoprint } from "../../../lib/octoprint/session";
import { enteredKey } from "../../../lib/octoprint/session-keys";
import { startVirtualOctoprint, type VirtualOctoprint } from "../../../lib/simulator/octoprint/virtual-octoprint";
import { startVirtualPrinter, type VirtualPrinter } from "../../../lib/simulator/printer/virtual-printer";
import { FakeMemory } from "../../support/fake-link";
import { Followed } from "../../support/followed";
import { until } from "../../support/wait";

interface Machine {
  startPrint(order: { name: string; minutes: number; layers: number }): void;
  advance(seconds: number): void;
  pause(): void;
  resume(): void;
  cancel(): void;
  fail(): void;
  finish(): void;
}

describe("the events of a print", () => {
  let bambu: VirtualPrinter;
  let server: VirtualOctoprint;
  let pair: { machine: Machine; followed: Followed }[];
  const overOctoprint = () =>
    octoprint({
      url: server.url,
      keys: enteredKey(server.apiKey),
      trust: { mode: "insecure" },
      staleAfterMs: 60_000,
      waitMs: () => 20,
    });

  beforeEach(async () => {
    const identity = { model: "P1S", serial: "01P00A000000001", accessCode: "12345678" };
    bambu = await startVirtualPrinter({ ...identity, timeScale: 0, reportIntervalMs: 5 });
    server = await startVirtualOctoprint({
      timeScale: 0,
      transitionSeconds: 0,
      currentIntervalMs: 2,
      layerPlugin: true,
    });
    const trust = { mode: "insecure" } as const;
    const lan = bambuLan({ ...identity, host: "127.0.0.1", port: bambu.port, trust, staleAfterMs: 60_000 });
    pair = [
      { machine: bambu, followed: new Followed(lan) },
      { machine: server, followed: new Followed(overOctoprint()) },
    ];
    for (const { followed } of pair) await followed.open();
    await until("the socket is used", () => server.sockets === 1);
  });
  afterEach(async () => {
    for (const { followed } of pair) await followed.close();
    await bambu.close();
    await server.close();
  });

  /** Lets the print go on, a little at a time, until so much of it is done. */
  async function work(machine: Machine, { printer }: Followed, percent: number): Promise<void> {
    await until(`${percent} % are done`, async () => {
      if ((printer.status.job?.progress ?? 0) >= percent) return true;
      machine.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
      return false;
    });
  }

  const stories: Record<string, { tell: (machine: Machine, followed: Followed) => Promise<void>; expected: string[] }> =
    {
      "that goes to its end": {
        tell: (machine, followed) => work(machine, followed, 100),
        expected: ["print.finished"],
      },
      "that is paused, goes on and is cancelled": {
        tell: async (machine, followed) => {
          await work(machine, followed, 45);
          machine.pause();
          await followed.is("paused");
          machine.resume();
          await followed.is("printing");
          machine.cancel();
          machine.advance(5);
        },
        expected: ["print.paused", "print.resumed", "print.cancelled"],
      },
      "that fails": {
        tell: async (machine, followed) => {
          await work(machine, followed, 45);
          machine.fail();
        },
        expected: ["print.failed"],
      },
    };
  for (const [name, { tell, expected }] of Object.entries(stories)) {
    it(`${name} are the same on OctoPrint as on a Bambu printer`, async () => {
      const play = async ({ machine, followed }: (typeof pair)[number]): Promise<void> => {
        machine.startPrint({ name: "vase", minutes: 20, layers: 100 });
        await followed.tells("print.started");
        await tell(machine, followed);
        await followed.tells(expected.at(-1) ?? "");
      };
      await Promise.all(pair.map(play));
      const [one, other] = pair.map(({ followed }) => followed.names.filter((told) => told.startsWith("print.")));
      assert.deepEqual(other, one);
      const tens = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100].filter(
        (ten) => ten <= 40 || expected[0] === "print.finished",
      );
      assert.deepEqual(other, [
        "print.started",
        "print.first-layer",
        ...tens.map((ten) => `print.progress ${ten}`),
        ...expected,
      ]);
    });
  }

  describe("on OctoPrint", () => {
    const started = async (): Promise<Followed> => {
      const { followed } = pair[1]!;
      server.startPrint({ minutes: 10 });
      server.advance(60);
      await followed.tells("print.started");
      await followed.is("printing");
      return followed;
    };

    it("fail once when the printer is gone in the middle, and the printer goes offline", async () => {
      const followed = await started();
      server.losePrinter();
      await followed.tells("print.failed");
      await followed.tells("printer.offline");
      server.connectPrinter();
      await until("it is back", () => followed.printer.status.online);
      assert.deepEqual(followed.turns, ["print.started", "print.failed"]);
    });

    it("end once and late when the server was restarted in the middle", async () => {
      const followed = await started();
      await server.stop();
      await until("it is lost", () => followed.printer.linkState.kind === "waiting");
      await server.start();
      await followed.tells("print.failed");
      assert.deepEqual(followed.turns, ["print.started", "print.failed (recovered)"]);
    });

    it("end once and late when we were away, as far as the server still knows", async () => {
      const memory = new FakeMemory();
      const first = new Followed(overOctoprint(), memory);
      await first.open();
      server.startPrint({ minutes: 10 });
      await first.tells("print.started");
      await first.close();
      server.finish();
      const second = new Followed(overOctoprint(), memory);
      const opened = second.printer.subscribe({ event: (event) => second.told.push(event) });
      await second.tells("print.finished");
      assert.deepEqual(second.names, ["print.finished (recovered)"]);
      await opened();
    });

    it("are told once each, however often the socket is cut", async () => {
      const followed = await started();
      for (let cut = 0; cut < 2; cut += 1) {
        server.cutSockets();
        await until("a new socket", () => server.sockets === 1);
      }
      server.finish();
      await followed.tells("print.finished");
      // Whether it was heard live depends on the moment.
      const turns = followed.turns.map((name) => name.replace(" (recovered)", ""));
      assert.deepEqual(turns, ["print.started", "print.finished"]);
    });

    it("confirm commands by the printer's state", async () => {
      const followed = await started();
      const outcome = await followed.printer.send({ name: "pause" }, { timeoutMs: 30_000 });
      assert.ok(outcome.confirmed && outcome.by === "state");
      const again = await followed.printer.send({ name: "pause" }, { timeoutMs: 30_000 });
      assert.ok(!again.confirmed && again.code === "wrong-state");
      const light = await followed.printer.send({ name: "light", node: "chamber", mode: "on" }, { timeoutMs: 30_000 });
      assert.ok(
        !light.confirmed && light.code === "not-supported" && /not supported by this printer/.test(light.reason),
      );
      server.losePrinter();
      await until("it is off", () => !followed.printer.status.online);
      const off = await followed.printer.send({ name: "home" }, { timeoutMs: 30_000 });
      assert.ok(!off.confirmed && off.code === "offline");
    });
  });
});
