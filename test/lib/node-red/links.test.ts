import assert from "node:assert/strict";
import { PrintgateError } from "../../../lib/errors";
import { linkFor, tryPrinter } from "../../../lib/node-red/links/links";
import { preparedLink } from "../../../lib/node-red/links/prepared-link";
import { pinsIn } from "../../../lib/node-red/links/pins";
import { readSettings } from "../../../lib/node-red/settings";
import { memoryStore } from "../../../lib/node-red/store";
import type { LinkState, Observation } from "../../../lib/printer/link";
import { startVirtualPrinter, type VirtualPrinter } from "../../../lib/simulator/printer/virtual-printer";
import { fakeAccounts } from "../../support/fake-account";
import { FakeLink } from "../../support/fake-link";
import { settle } from "../../support/helper";

const surroundings = () => ({
  pins: pinsIn(memoryStore()),
  sightings: { watch: () => () => undefined },
  accounts: fakeAccounts().accounts,
});
const simulated = (difference: object = {}) =>
  readSettings({ connection: "simulated", timeScale: 60, ...difference }, {}, "node1");

/** Opens a link until it reports the printer's whole state, or gives up. */
function firstWord(link: ReturnType<typeof linkFor>): Promise<Observation | LinkState> {
  return new Promise((resolve) => {
    link.open({
      state: (state) => {
        if (state.kind === "stopped" || state.kind === "waiting") resolve(state);
      },
      report: (observation) => {
        if (observation.complete) resolve(observation);
      },
      warn: () => undefined,
    });
  });
}

describe("links", () => {
  it("reach a simulated printer of each model that the dialog offers through the LAN code", async () => {
    for (const model of ["P1S", "A1", "H2D"]) {
      const link = linkFor(simulated({ model }), surroundings());
      const said = await firstWord(link);
      await link.close();
      assert.ok("status" in said, JSON.stringify(said));
      assert.equal(said.model, model);
    }
  });

  it("can be opened again after they were closed", async () => {
    const link = linkFor(simulated(), surroundings());
    for (let time = 0; time < 2; time += 1) {
      assert.ok("status" in (await firstWord(link)));
      await link.close();
    }
  });

  describe("to a printer on the LAN", () => {
    let machine: VirtualPrinter;
    const settings = (difference: object = {}, accessCode = "12345678") =>
      readSettings(
        { connection: "lan", serial: machine.serial, host: "127.0.0.1", port: machine.port, ...difference },
        { accessCode },
        "node1",
      );

    beforeEach(async () => {
      machine = await startVirtualPrinter({ model: "P1S", serial: "01P00A000000001", accessCode: "12345678" });
    });
    afterEach(() => machine.close());

    it("learn the certificate on first use and remember it", async () => {
      const around = surroundings();
      const link = linkFor(settings(), around);
      assert.ok("status" in (await firstWord(link)));
      await link.close();
      const learnt = await around.pins.read(machine.serial);
      assert.equal(learnt?.replaceAll(":", "").toUpperCase(), machine.fingerprint.replaceAll(":", "").toUpperCase());
    });

    it("refuse another certificate than the one in the properties", async () => {
      const link = linkFor(settings({ fingerprint: "00".repeat(32) }), surroundings());
      const said = await firstWord(link);
      await link.close();
      assert.ok("reason" in said);
      assert.equal(said.reason.code, "certificate-changed");
    });

    it("can be tried without learning anything", async () => {
      const around = surroundings();
      const found = await tryPrinter(settings(), around);
      assert.equal(found.model, "P1S");
      assert.match(found.firmware ?? "", /^\d\d\.\d\d\.\d\d\.\d\d$/);
      assert.ok(found.fingerprint);
      assert.equal(await around.pins.read(machine.serial), null);
    });

    it("say in words why a trial failed, without the access code", async () => {
      await assert.rejects(tryPrinter(settings({}, "wrong-code"), surroundings()), (error: Error) => {
        assert.match(error.message, /access code/);
        assert.doesNotMatch(error.message, /wrong-code/);
        return true;
      });
    });
  });

  describe("that are prepared first", () => {
    const listener = (states: LinkState[]) => ({
      state: (state: LinkState) => states.push(state),
      report: () => undefined,
      warn: () => undefined,
    });

    it("stop with the reason when that fails", async () => {
      const states: LinkState[] = [];
      const reason = new PrintgateError("unexpected", "no free port");
      preparedLink({ name: "simulated", vendor: "bambu" }, () => Promise.reject(reason)).open(listener(states));
      await settle();
      assert.deepEqual(states, [{ kind: "stopped", reason }]);
    });

    it("put everything away when they are closed meanwhile", async () => {
      const inner = new FakeLink();
      let away = 0;
      const putAway = () => {
        away += 1;
        return Promise.resolve();
      };
      const link = preparedLink({ name: "lan", vendor: "bambu" }, () => Promise.resolve({ link: inner, putAway }));
      link.open(listener([]));
      await link.close();
      await link.close();
      assert.deepEqual([inner.opens, away], [0, 1]);
    });
  });
});
