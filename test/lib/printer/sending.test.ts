import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { mock } from "node:test";
import { PrintgateError } from "../../../lib/errors";
import { COMMAND_NAMES } from "../../../lib/printer/commands";
import type { CommandReply, SendOptions } from "../../../lib/printer/link";
import { Printer } from "../../../lib/printer/printer";
import type { CommandOutcome } from "../../../lib/printer/refusals";
import { Sending } from "../../../lib/printer/sending";
import { type PrinterStatus, UNKNOWN_STATUS } from "../../../lib/printer/status";
import { COMMAND_ROWS, ORDER } from "../../support/command-rows";
import { FakeLink, FakeMemory } from "../../support/fake-link";
import { seen } from "../../support/observations";

const TIMEOUT = { timeoutMs: 10_000 };
const gone = new PrintgateError("link-lost", "the printer ended the connection");
const never = () => new Promise<CommandReply>(() => undefined);

/** A few turns of the loop: for everything that waits for a promise. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("sending a command", () => {
  const printers: Printer[] = [];
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2026, 0, 1) });
  });
  afterEach(async () => {
    for (const printer of printers.splice(0)) await printer.close();
    mock.timers.reset();
  });

  /** A printer that has reported this. */
  async function reporting(status: Partial<PrinterStatus>): Promise<{ link: FakeLink; printer: Printer }> {
    const link = new FakeLink();
    const printer = new Printer({
      ...{ id: "01P00A000000001", name: "bench", link, staleAfterMs: 60_000 },
      ...{ memory: new FakeMemory(), log: { warn: () => undefined } },
    });
    printers.push(printer);
    printer.subscribe({});
    await settle();
    link.state({ kind: "live" });
    link.report(seen(status));
    return { link, printer };
  }

  function refusal(outcome: CommandOutcome): { code: string | number; reason: string } {
    assert.ok(!outcome.confirmed);
    return outcome;
  }

  for (const name of COMMAND_NAMES) {
    const { command, before, after, unfit, needsControl } = COMMAND_ROWS[name];

    describe(name, () => {
      it("is done when the printer says so", async () => {
        const { link, printer } = await reporting(before);
        const outcome = await printer.send(command, TIMEOUT);
        assert.ok(outcome.confirmed && outcome.seconds >= 0 && outcome.seconds < 1);
        assert.deepEqual([outcome.command, outcome.by], [name, "reply"]);
        assert.deepEqual(link.sent, [command]);
      });

      if (after !== null) {
        it("is done when the reported state shows it", async () => {
          const { link, printer } = await reporting(before);
          link.answer = never;
          const outcome = printer.send(command, TIMEOUT);
          link.report(seen(before));
          await settle();
          link.report(seen(after));
          const { confirmed, ...rest } = await outcome;
          assert.ok(confirmed && "by" in rest && rest.by === "state");
        });

        it("is not done because that state held already, but when it is reported anew", async () => {
          const { link, printer } = await reporting(after);
          link.answer = never;
          // Where the state forbids the command there is nothing to confirm.
          const outcome = printer.send(command, TIMEOUT);
          await settle();
          if (link.sent.length === 0) {
            assert.equal(refusal(await outcome).code, "wrong-state");
            return;
          }
          link.report(seen(after));
          link.report(seen(after));
          await settle();
          mock.timers.tick(10_000);
          assert.equal(refusal(await outcome).code, "timeout");

          const again = printer.send(command, TIMEOUT);
          link.report(seen(before));
          link.report(seen(after));
          assert.equal((await again).confirmed, true);
        });
      }

      if (unfit !== null) {
        it("is refused unsent where it does not fit", async () => {
          for (const status of [
            unfit,
            ...(name === "resume" || name === "print" ? [{ state: "unknown" } as const] : []),
          ]) {
            const { link, printer } = await reporting(status);
            const { code, reason } = refusal(await printer.send(command, TIMEOUT));
            assert.equal(code, "wrong-state");
            assert.match(reason, new RegExp(`"${name}" is possible only while .+; the printer `));
            assert.equal(link.sent.length, 0);
          }
        });
      }

      it("is refused or sent unsigned as the firmware demands", async () => {
        const { link, printer } = await reporting({ ...before, control: { allowed: false, reason: "switch it on" } });
        const outcome = await printer.send(command, TIMEOUT);
        if (needsControl)
          assert.deepEqual(refusal(outcome), {
            command: name,
            confirmed: false,
            code: 84033543,
            reason: "switch it on",
          });
        else assert.equal(outcome.confirmed, true);
        assert.equal(link.sent.length, needsControl ? 0 : 1);
      });

      it("is refused unsent while the printer is offline", async () => {
        const { link, printer } = await reporting(before);
        link.state({ kind: "waiting", reason: gone, retryInMs: 1000 });
        const outcome = await printer.send(command, TIMEOUT);
        if (name === "rename") assert.equal(outcome.confirmed, true);
        else {
          assert.equal(refusal(outcome).code, "offline");
          assert.match(refusal(outcome).reason, /can not be reached: the printer ended the connection/);
        }
        assert.equal(link.sent.length, name === "rename" ? 1 : 0);
      });

      it("is refused with the printer's own number and words", async () => {
        const { link, printer } = await reporting(before);
        link.answer = () => Promise.resolve({ kind: "refused", code: 83935248, reason: "the plate is not there" });
        const { code, reason } = refusal(await printer.send(command, TIMEOUT));
        assert.deepEqual([code, reason], [83935248, "the plate is not there"]);
      });

      it("is refused when the time is over, and is not sent again", async () => {
        const { link, printer } = await reporting(before);
        link.answer = never;
        const outcome = printer.send(command, TIMEOUT);
        await settle();
        mock.timers.tick(9999);
        link.report(seen(before));
        mock.timers.tick(1);
        const { code, reason } = refusal(await outcome);
        assert.equal(code, "timeout");
        assert.match(reason, /did not answer within 10 s/);
        assert.equal(link.sent.length, 1);
      });

      if (name !== "rename") {
        it("is refused when the connection is lost meanwhile, and a reconnect sends nothing", async () => {
          const { link, printer } = await reporting(before);
          link.answer = never;
          const outcome = printer.send(command, TIMEOUT);
          await settle();
          link.state({ kind: "waiting", reason: gone, retryInMs: 1000 });
          const { code, reason } = refusal(await outcome);
          assert.equal(code, "link-lost");
          assert.match(reason, /whether it was carried out is not known/);
          link.state({ kind: "live" });
          link.report(seen(before));
          await settle();
          assert.equal(link.sent.length, 1);
        });
      }

      it("is refused in words when the link can not do it", async () => {
        const { link, printer } = await reporting(before);
        link.answer = () => Promise.reject(new PrintgateError("not-supported", "this printer has no such thing"));
        assert.deepEqual(refusal(await printer.send(command, TIMEOUT)), {
          ...{ command: name, confirmed: false },
          ...{ code: "not-supported", reason: "this printer has no such thing" },
        });
        link.answer = () => {
          throw new TypeError("a bug");
        };
        assert.equal(refusal(await printer.send(command, TIMEOUT)).code, "unexpected");
      });

      it("counts as handed over where nobody answers for the printer", async () => {
        const { link, printer } = await reporting(after !== null && unfit === null ? after : before);
        link.answer = () => Promise.resolve({ kind: "unanswered" });
        const outcome = printer.send(command, TIMEOUT);
        await settle();
        if (after !== null) link.report(seen(after));
        const done = await outcome;
        if (after === null) assert.equal(refusal(done).code, "timeout");
        else assert.ok(done.confirmed && done.by === "state");
      });
    });
  }

  it("says why there is no connection", async () => {
    const link = new FakeLink();
    const memory = new FakeMemory();
    const printer = new Printer({
      id: "x",
      name: "x",
      link,
      staleAfterMs: 60_000,
      memory,
      log: { warn: () => undefined },
    });
    printers.push(printer);
    const reasonNow = async () => refusal(await printer.send({ name: "refresh" }, TIMEOUT)).reason;
    assert.match(await reasonNow(), /closed/);
    printer.subscribe({});
    await settle();
    link.state({ kind: "connecting", after: null });
    assert.match(await reasonNow(), /not there yet/);
    link.state({ kind: "connecting", after: gone });
    assert.match(await reasonNow(), /ended the connection/);
    link.state({ kind: "stopped", reason: new PrintgateError("access-refused", "access code refused") });
    assert.match(await reasonNow(), /access code refused/);
    link.state({ kind: "live" });
    assert.match(await reasonNow(), /has not reported its state yet/);
    link.report(seen({ state: "idle" }));
    assert.equal((await printer.send({ name: "refresh" }, TIMEOUT)).confirmed, true);
    mock.timers.tick(60_000);
    assert.match(await reasonNow(), /does not report any more/);
  });

  describe("with a file to bring first", () => {
    const order = { ...ORDER, content: { kind: "buffer", data: Buffer.from("x") } } as const;
    const print = { name: "print", order } as const;

    it("waits as long as the upload goes on, and then for the printer", async () => {
      const { link, printer } = await reporting({ state: "idle" });
      let options: SendOptions | null = null;
      link.answer = (_command, given) => {
        options = given;
        return never();
      };
      const seenProgress: number[] = [];
      const outcome = printer.send(print, { ...TIMEOUT, progress: (sent) => seenProgress.push(sent) });
      await settle();
      for (const sent of [1, 2, 3]) {
        mock.timers.tick(9000);
        options!.progress?.(sent, 3);
      }
      options!.leaving?.();
      mock.timers.tick(9000);
      link.report(seen({ state: "preparing" }));
      assert.equal((await outcome).confirmed, true);
      assert.deepEqual(seenProgress, [1, 2, 3]);
      assert.equal(options!.signal.aborted, true);
      options!.progress?.(4, 3);
      assert.deepEqual(seenProgress, [1, 2, 3], "nothing is told after the end");
    });

    it("takes a print that somebody else starts meanwhile for none of its own", async () => {
      const { link, printer } = await reporting({ state: "idle" });
      link.answer = async (_command, options) => {
        link.report(seen({ state: "printing" }));
        await settle();
        options.leaving?.();
        return { kind: "done" };
      };
      const { code, reason } = refusal(await printer.send(print, TIMEOUT));
      assert.equal(code, "wrong-state");
      assert.match(reason, /the printer is printing/);
    });

    it("says that nothing was started when the upload stalls or the connection goes", async () => {
      const { link, printer } = await reporting({ state: "idle" });
      link.answer = never;
      const stalled = printer.send(print, TIMEOUT);
      await settle();
      mock.timers.tick(10_000);
      assert.match(refusal(await stalled).reason, /nothing was started/);
      const lost = printer.send(print, TIMEOUT);
      await settle();
      link.state({ kind: "waiting", reason: gone, retryInMs: null });
      assert.match(refusal(await lost).reason, /nothing was started/);
    });
  });

  it("ends when nobody waits any more, before and after it was sent", async () => {
    const { link, printer } = await reporting({ state: "idle" });
    link.answer = never;
    const abort = new AbortController();
    const outcome = printer.send({ name: "refresh" }, { ...TIMEOUT, signal: abort.signal });
    await settle();
    abort.abort();
    assert.equal((await outcome).confirmed, false);
    assert.equal((await printer.send({ name: "refresh" }, { ...TIMEOUT, signal: abort.signal })).confirmed, false);
    assert.equal(link.sent.length, 1);
  });

  it("ends when the printer is closed", async () => {
    const { link, printer } = await reporting({ state: "idle" });
    link.answer = never;
    const outcome = printer.send({ name: "refresh" }, TIMEOUT);
    await settle();
    await printer.close();
    assert.equal(refusal(await outcome).code, "link-lost");
  });

  it("gives each of many at a time its own outcome", async () => {
    const { link, printer } = await reporting({ state: "idle" });
    const answers: ((reply: CommandReply) => void)[] = [];
    link.answer = () => new Promise((resolve) => answers.push(resolve));
    const outcomes = [60, 70, 80].map((target) => printer.send({ name: "bed-temperature", target }, TIMEOUT));
    await settle();
    answers[1]?.({ kind: "done" });
    answers[0]?.({ kind: "refused", code: "refused", reason: "no" });
    const { temperatures } = UNKNOWN_STATUS;
    link.report(seen({ state: "idle", temperatures: { ...temperatures, bed: { actual: 20, target: 80 } } }));
    const [one, two, three] = await Promise.all(outcomes);
    assert.deepEqual([one?.confirmed, two?.confirmed, three?.confirmed], [false, true, true]);
    assert.ok(three?.confirmed && three.by === "state");
  });

  it("a thousand commands leave no listener, no timer and nobody waiting", async () => {
    mock.timers.reset();
    const link = new FakeLink();
    const status: PrinterStatus = { ...UNKNOWN_STATUS, online: true, state: "idle" };
    const sending = new Sending(link, () => ({ status, linkState: { kind: "live" } }));
    const aborts: AbortController[] = [];
    const linkSignals: AbortSignal[] = [];
    const ends: ((options: SendOptions) => Promise<CommandReply>)[] = [
      () => Promise.resolve({ kind: "done" }),
      () => Promise.resolve({ kind: "refused", code: 5, reason: "no" }),
      () => Promise.reject(new PrintgateError("offline", "gone")),
      never,
    ];
    link.answer = (_command, options) => {
      linkSignals.push(options.signal);
      return ends[linkSignals.length % ends.length]!(options);
    };
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
    await settle();
    const timersBefore = timers();
    const outcomes = Array.from({ length: 1000 }, () => {
      const abort = new AbortController();
      aborts.push(abort);
      return sending.send({ name: "refresh" }, { timeoutMs: 2000, signal: abort.signal });
    });
    await settle();
    assert.equal(sending.underWay, 250);
    assert.equal((await Promise.all(outcomes)).filter(({ confirmed }) => confirmed).length, 250);
    assert.equal(sending.underWay, 0);
    assert.ok(aborts.every(({ signal }) => getEventListeners(signal, "abort").length === 0));
    assert.ok(linkSignals.every(({ aborted }) => aborted));
    assert.equal(timers(), timersBefore);
  });
});
