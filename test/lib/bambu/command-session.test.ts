import assert from "node:assert/strict";
import { carryOut, type Upload } from "../../../lib/bambu/carry-out";
import { Conversation } from "../../../lib/bambu/conversation";
import { bambuLan } from "../../../lib/bambu/session";
import { isPrintgateError, PrintgateError } from "../../../lib/errors";
import { readCommand } from "../../../lib/printer/command-reading";
import { COMMAND_NAMES, type CommandName } from "../../../lib/printer/commands";
import { Printer } from "../../../lib/printer/printer";
import type { CommandOutcome } from "../../../lib/printer/refusals";
import { makeCertificate, type PrinterCertificate } from "../../../lib/simulator/printer/certificate";
import type { Reaction } from "../../../lib/simulator/printer/reactions";
import {
  startVirtualPrinter,
  type VirtualPrinter,
  type VirtualPrinterOptions,
} from "../../../lib/simulator/printer/virtual-printer";
import { FakeMemory } from "../../support/fake-link";
import { until } from "../../support/wait";

const SERIAL = "01P00A000000001";
const CODE = "s3cr3t-code";
const QUESTIONS: readonly string[] = ["pushall", "get_version", "start"];

/** A parameter for each command that needs one. */
const PARAMETERS: Partial<Record<CommandName, unknown>> = {
  ...{ speed: "sport", light: "off", "bed-temperature": 60, "nozzle-temperature": 215, "chamber-temperature": 40 },
  ...{ fan: { fan: "part", percent: 60 }, gcode: "M106 P1 S99", "skip-objects": [3], print: "cache/bracket.gcode.3mf" },
  ...{ "ams-load": { slot: 1 }, "ams-dry": { unit: 0, temperature: 55, hours: 4 }, rename: "two" },
  "ams-set": { slot: 1, type: "PETG", color: "#00FF00" },
};
/** In which state each command is tried; the others while nothing is on. */
const STATES: Partial<Record<CommandName, "printing" | "paused">> = {
  ...{ pause: "printing", stop: "printing", "skip-objects": "printing", resume: "paused" },
};
const NEEDS_HARDWARE: Partial<Record<CommandName, readonly string[]>> = {
  "chamber-temperature": ["H2D"],
  "ams-dry": ["H2D", "P2S"],
  rename: [],
};
const UNSIGNED: readonly CommandName[] = ["light", "clear-error", "refresh"];
/** What a report can show. */
const SHOWN: readonly CommandName[] = [
  ...([
    "pause",
    "resume",
    "stop",
    "speed",
    "light",
    "bed-temperature",
    "nozzle-temperature",
    "fan",
    "ams-set",
  ] as const),
  ...(["print"] as const),
];

describe("commands to a Bambu printer", () => {
  const toClose: (() => Promise<unknown>)[] = [];
  let certificate: PrinterCertificate;

  before(async () => {
    certificate = await makeCertificate(SERIAL);
  });
  afterEach(async () => {
    for (const close of toClose.splice(0).reverse()) await close();
  });

  interface Pair {
    readonly machine: VirtualPrinter;
    readonly printer: Printer;
    send(name: CommandName, payload?: unknown, timeoutMs?: number): Promise<CommandOutcome>;
    /** Commands that reached the printer, without the questions of a fresh connection. */
    received(): string[];
  }

  async function pair(options: Partial<VirtualPrinterOptions> = {}): Promise<Pair> {
    const access = { serial: SERIAL, accessCode: CODE };
    const machine = await startVirtualPrinter({ model: "P1S", ...access, timeScale: 0, certificate, ...options });
    toClose.push(() => machine.close());
    const link = bambuLan({
      ...{ ...access, host: "127.0.0.1", port: machine.port, trust: { mode: "insecure" }, staleAfterMs: 60_000 },
    });
    const log = { warn: () => undefined };
    const printer = new Printer({
      id: SERIAL,
      name: "bench",
      link,
      staleAfterMs: 60_000,
      memory: new FakeMemory(),
      log,
    });
    const leave = printer.subscribe({});
    toClose.push(leave);
    await until("the printer is known", () => printer.status.online && printer.identity.model !== null);
    return {
      ...{ machine, printer },
      send: (name, payload = PARAMETERS[name], timeoutMs = 30_000) =>
        printer.send(readCommand(name, payload), { timeoutMs }),
      received: () => machine.requests.map(({ command }) => command).filter((command) => !QUESTIONS.includes(command)),
    };
  }

  async function inState(pairOf: Pair, wanted: "printing" | "paused" | undefined): Promise<void> {
    const { machine, printer } = pairOf;
    if (wanted === undefined) {
      // What was going on is over, and what was in the nozzle comes out.
      if (machine.state === "RUNNING" || machine.state === "PREPARE" || machine.state === "PAUSE") machine.finish();
      machine.advance(120);
      await until("nothing is on", () => ["idle", "finished", "failed", "cancelled"].includes(printer.status.state));
      return;
    }
    if (printer.status.state !== "printing" && printer.status.state !== "paused") {
      machine.startPrint({ minutes: 600 });
      machine.advance(480);
    }
    if (wanted === "paused") machine.pause();
    else machine.resume();
    await until(`the printer is ${wanted}`, () => printer.status.state === wanted);
  }

  for (const model of ["P1S", "X1C", "A1", "P2S", "H2D"]) {
    it(`are each confirmed by a ${model}, or refused for want of hardware`, async () => {
      const one = await pair({ model });
      for (const name of COMMAND_NAMES) {
        await inState(one, STATES[name]);
        const outcome = await one.send(name);
        const able = NEEDS_HARDWARE[name]?.includes(model) ?? true;
        assert.equal(outcome.confirmed, able, `${name}: ${JSON.stringify(outcome)}`);
        if (!outcome.confirmed) assert.equal(outcome.code, "not-supported", name);
      }
    });
  }

  it("are confirmed by the reported state when the printer answers nothing", async () => {
    for (const model of ["P1S", "H2D"]) {
      // Time stands still, so a cancel is told in one frame.
      const one = await pair({ model, cancelOrder: "together" });
      one.machine.react(({ command }) => (QUESTIONS.includes(command) ? null : { answer: "none" }));
      for (const name of SHOWN) {
        await inState(one, STATES[name]);
        const outcome = await one.send(name);
        assert.ok(outcome.confirmed && outcome.by === "state", `${model} ${name}: ${JSON.stringify(outcome)}`);
      }
    }
  });

  it("are not done because they were sent: silence, a wrong sequence id and a foreign refusal confirm nothing", async () => {
    const one = await pair();
    const reactions: Reaction[] = [
      { obey: false, answer: "none" },
      { obey: false, answer: "misnumbered" },
    ];
    for (const reaction of reactions) {
      one.machine.react(() => reaction);
      const outcomes = await Promise.all(
        COMMAND_NAMES.filter((name) => STATES[name] === undefined && NEEDS_HARDWARE[name] === undefined).map((name) =>
          one.send(name, undefined, 300),
        ),
      );
      for (const outcome of outcomes)
        assert.ok(!outcome.confirmed && outcome.code === "timeout", JSON.stringify(outcome));
    }
  });

  it("are refused in the printer's own words", async () => {
    const one = await pair();
    one.machine.react(() => ({ obey: false, answer: { code: 83935248, reason: "not this plate" } }));
    const outcome = await one.send("bed-temperature");
    assert.deepEqual(outcome, {
      ...{ command: "bed-temperature", confirmed: false, code: 83935248 },
      reason: "the printer refused it: not this plate (0500_C010)",
    });
  });

  it("wait for an answer that comes late, but not for one that comes too late", async () => {
    const one = await pair();
    one.machine.react(() => ({ obey: false, answer: "success", afterMs: 150 }));
    const late = await one.send("home");
    assert.ok(late.confirmed && late.by === "reply" && late.seconds >= 0.1);
    const tooLate = await one.send("home", undefined, 50);
    assert.ok(!tooLate.confirmed && tooLate.code === "timeout");
    // The answer to the one that was given up confirms none that follows.
    one.machine.react(() => ({ obey: false, answer: "none" }));
    const next = await one.send("home", undefined, 400);
    assert.ok(!next.confirmed && next.code === "timeout");
  });

  it("are lost with the connection, and a reconnect sends nothing again", async () => {
    const one = await pair();
    one.machine.react(({ command }) => (command === "gcode_line" ? { obey: false, cut: true } : null));
    const outcome = await one.send("home");
    assert.ok(!outcome.confirmed && outcome.code === "link-lost");
    assert.match(outcome.reason, /not known/);
    const offline = await one.send("home");
    assert.ok(!offline.confirmed && offline.code === "offline");
    one.machine.react(null);
    await until("the connection is back", () => one.printer.status.online && one.machine.connects === 2);
    assert.equal((await one.send("light")).confirmed, true);
    assert.deepEqual(one.received(), ["gcode_line", "ledctrl"]);
  });

  describe("where the firmware wants signatures", () => {
    it("are refused unsent with the remedy, but for the light, an acknowledgement and a question", async () => {
      const one = await pair({ model: "X1C", signedCommands: true });
      assert.equal(one.printer.status.control.allowed, false);
      await inState(one, "printing");
      const fits = COMMAND_NAMES.filter((name) => STATES[name] !== "paused" && name !== "rename");
      for (const name of fits) {
        const outcome = await one.send(name);
        if (UNSIGNED.includes(name)) assert.equal(outcome.confirmed, true, name);
        else {
          assert.ok(!outcome.confirmed && outcome.code === 84033543, `${name}: ${JSON.stringify(outcome)}`);
          assert.match(outcome.reason, /LAN mode and developer mode/);
        }
      }
      assert.ok(one.machine.requests.every(({ section }) => section !== "print"));
    });

    it("are recognised by the answer when the printer had not said so, and by its alert when it says nothing", async () => {
      const one = await pair();
      one.machine.react(() => ({ obey: false, answer: { code: 84033545, reason: "mqtt message verify failed" } }));
      const answered = await one.send("home");
      assert.ok(!answered.confirmed && answered.code === 84033545);
      assert.match(answered.reason, /developer mode/);
      one.machine.react(() => ({ obey: false, answer: "none" }));
      const asked = one.send("home");
      await until("it arrived", () => one.received().length === 2);
      one.machine.raiseAlert(0x05000500, 0x00010007);
      const alerted = await asked;
      assert.ok(!alerted.confirmed && alerted.code === 84033543);
      // An alert that stands is no answer to the next command.
      const next = await one.send("home", undefined, 200);
      assert.ok(!next.confirmed && next.code === "timeout");
    });
  });

  it("do not resume a running print, which some firmware would pause", async () => {
    const one = await pair();
    await inState(one, "printing");
    const outcome = await one.send("resume");
    assert.ok(!outcome.confirmed && outcome.code === "wrong-state");
    assert.equal(one.machine.state, "RUNNING");
    assert.deepEqual(one.received(), []);
  });

  describe("that bring a file first", () => {
    const command = readCommand("print", { file: "bracket.3mf", content: Buffer.from("PK") });
    const { signal } = new AbortController();

    /** A conversation with a printer that says yes to everything; what was said is kept. */
    function talk(): { conversation: Conversation; said: Record<string, any>[] } {
      const said: Record<string, any>[] = [];
      const conversation: Conversation = new Conversation(
        { serial: SERIAL, staleAfterMs: 60_000 },
        {
          publish: (frame) => {
            said.push(JSON.parse(frame) as object);
            setImmediate(() => {
              conversation.hear(Buffer.from(frame));
            });
            return true;
          },
          ...{ report: () => undefined, warn: () => undefined, silent: () => undefined },
        },
      );
      return { conversation, said };
    }

    it("say in words that this way carries no files", async () => {
      const { conversation, said } = talk();
      const sent = carryOut(conversation, command, { signal }, null);
      await assert.rejects(sent, (thrown) => isPrintgateError(thrown, "not-supported"));
      assert.deepEqual(said, []);
    });

    it("print what lies on the printer afterwards, if that still fits", async () => {
      const { conversation, said } = talk();
      const steps: string[] = [];
      const upload: Upload = (order) => {
        steps.push("upload");
        return Promise.resolve({ ...order, file: `cache/${order.file}`, content: null });
      };
      const leaving = () => {
        steps.push("leaving");
      };
      assert.deepEqual(await carryOut(conversation, command, { signal, leaving }, upload), { kind: "done" });
      assert.deepEqual(steps, ["upload", "leaving"]);
      assert.equal(said[0]?.["print"].file, "cache/bracket.3mf");

      const late = () => {
        throw new PrintgateError("wrong-state", "somebody else prints");
      };
      const sent = carryOut(conversation, command, { signal, leaving: late }, upload);
      await assert.rejects(sent, (thrown) => isPrintgateError(thrown, "wrong-state"));
      assert.equal(said.length, 1);
    });

    it("start nothing when it could not be brought", async () => {
      const { conversation, said } = talk();
      const full: Upload = () => Promise.reject(new PrintgateError("upload-failed", "the card is full"));
      const sent = carryOut(conversation, command, { signal }, full);
      await assert.rejects(sent, (thrown) => isPrintgateError(thrown, "upload-failed"));
      assert.deepEqual(said, []);
    });
  });

  it("a thousand of them, with every outcome, leave no listener, timer or socket", async () => {
    const one = await pair();
    const reactions: Reaction[] = [{}, { obey: false, answer: { reason: "no" } }, { obey: false, answer: "none" }];
    let count = 0;
    one.machine.react(({ command }) =>
      QUESTIONS.includes(command) ? null : (reactions[count++ % reactions.length] ?? null),
    );
    const resources = () =>
      process
        .getActiveResourcesInfo()
        .filter((name) => name !== "Immediate")
        .sort()
        .join();
    await one.send("light", "off");
    count = 0;
    const before = resources();
    for (let round = 0; round < 20; round += 1) {
      // Who is answered is answered however slow the machine is; the others are given up then.
      const aborts = Array.from({ length: 51 }, () => new AbortController());
      const outcomes = aborts.map(({ signal }) => one.printer.send({ name: "home" }, { timeoutMs: 9000, signal }));
      const answered = await Promise.all(outcomes.filter((_outcome, index) => index % 3 !== 2));
      for (const abort of aborts) abort.abort();
      const codes = [...answered, ...(await Promise.all(outcomes))].map((outcome) =>
        outcome.confirmed ? outcome.by : outcome.code,
      );
      assert.deepEqual([...new Set(codes)].sort(), ["link-lost", "refused", "reply"]);
    }
    assert.equal(one.received().length, 1000, "the printer keeps the last thousand");
    await until("everything is released", () => resources() === before);
  });

  it("fail in words on a link that was never opened or is closed", async () => {
    const trust = { mode: "insecure" } as const;
    const link = bambuLan({
      serial: SERIAL,
      host: "127.0.0.1",
      port: 1,
      accessCode: CODE,
      trust,
      staleAfterMs: 60_000,
    });
    const { signal } = new AbortController();
    await assert.rejects(link.send({ name: "pause" }, { signal }), (thrown) => isPrintgateError(thrown, "offline"));
    await link.close();
    await assert.rejects(link.send({ name: "pause" }, { signal }), (thrown) => isPrintgateError(thrown, "offline"));
    await assert.rejects(link.send({ name: "rename", to: "x" }, { signal }), (thrown) =>
      isPrintgateError(thrown, "not-supported"),
    );
    await assert.rejects(link.send({ name: "pause" }, { signal: AbortSignal.abort() }), PrintgateError);
  });
});
