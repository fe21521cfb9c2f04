import assert from "node:assert/strict";
import { PrintgateError } from "../../lib/errors";
import { useStore } from "../../lib/node-red/composition";
import { memoryStore } from "../../lib/node-red/store";
import type { FirmwareWord } from "../../lib/printer/firmware";
import type { Observation } from "../../lib/printer/link";
import firmwareCheck from "../../nodes/firmware-check";
import printerAccount from "../../nodes/printer-account";
import printerConfig from "../../nodes/printer-config";
import printerEvent from "../../nodes/printer-event";
import type { FakeAccount } from "../support/fake-account";
import { inList, listing, NOT_YET, NOTHING_NEWER, wordOf } from "../support/firmware";
import { account, CODES, config, eventNode, FakeHouse, firmwareNode, observation, SERIAL, tab } from "../support/flows";
import {
  ask,
  deploy,
  type Flow,
  Inbox,
  load,
  nodeOf,
  settle,
  startNodeRed,
  statusOf,
  stopNodeRed,
  until,
  withRed,
} from "../support/helper";

const OLD = "01.08.02.00";
const NEW = "01.09.01.00";
const MODULES = { ota: OLD, "ams/0": "00.00.06.49" };
const offering = wordOf(MODULES, inList({ ota: NEW }));
const content = wordOf(MODULES, NOTHING_NEWER);
const silent = wordOf(MODULES, NOT_YET);
const says = (firmware: FirmwareWord): Observation => ({ ...observation(), firmware });

describe("firmware-check", () => {
  let house: FakeHouse;
  let store = memoryStore();
  const keep = withRed((RED) => {
    useStore(RED.events, store);
  });
  const nodes = () => [keep, house.install, printerAccount, printerConfig, firmwareCheck, printerEvent];

  /** A printer that says this, with an account; the account is the answer. */
  async function start(word: FirmwareWord | null, ...flow: Flow): Promise<FakeAccount> {
    await load(nodes(), [tab, account(), config({ account: "account1" }), ...flow], CODES);
    await house.opened();
    house.link.state({ kind: "live" });
    if (word !== null) house.link.report(says(word));
    const [made] = house.fakes.made;
    assert.ok(made);
    return made;
  }
  const answer = async (msg: object = {}): Promise<[number, any]> => {
    const { error, sent } = await ask("check1", msg);
    assert.equal(error, null);
    const [outputs = []] = sent as any[][];
    const at = outputs.findIndex((one) => one !== null);
    return [at + 1, outputs[at]];
  };

  beforeEach(async () => {
    house = new FakeHouse();
    store = memoryStore();
    await startNodeRed();
  });
  afterEach(async () => {
    await stopNodeRed();
    await house.fakes.accounts.close();
  });

  it("answers a message with that very message, at the output of the answer", async () => {
    await start(offering, ...firmwareNode());
    const msg = { _msgid: "m1", payload: "?", colour: "blue" };
    const [output, sent] = await answer(msg);
    assert.equal(output, 1);
    assert.ok(sent === msg);
    assert.equal(sent.colour, "blue");
    assert.equal(sent.topic, `printers/${SERIAL}/firmware`);
    assert.deepEqual(sent.printer, { id: SERIAL, name: "bench", vendor: "bambu", model: "P1S", link: "lan" });
    const { checkedAt, ...payload } = sent.payload;
    assert.match(checkedAt, /^\d{4}-.*Z$/);
    assert.deepEqual(payload, {
      updateAvailable: true,
      ...{ installed: OLD, latest: NEW, channel: null, forceUpdate: false, releaseNotes: null },
      modules: [
        { name: "ota", installed: OLD, latest: NEW, updateAvailable: true },
        { name: "ams/0", installed: "00.00.06.49", latest: "00.00.06.49", updateAvailable: false },
      ],
      ...{ source: "printer", betaOptIn: false, reason: null },
    });
  });

  const outputs: [string, FirmwareWord, number, object][] = [
    ["an update", offering, 1, { fill: "yellow", shape: "dot", text: `${OLD} → ${NEW}` }],
    ["a forced update", { ...offering, force: true }, 1, { fill: "red", shape: "dot", text: `${OLD} → ${NEW}` }],
    [
      "an update of the AMS alone",
      wordOf(MODULES, inList({ "ams/0": "00.00.06.50" })),
      1,
      { fill: "yellow", shape: "dot", text: "ams/0 00.00.06.49 → 00.00.06.50" },
    ],
    ["up to date", content, 2, { fill: "green", shape: "dot", text: "firmware-check.status.current" }],
    ["unknown", silent, 3, { fill: "grey", shape: "ring", text: "firmware-check.status.unknown" }],
  ];
  for (const [what, word, output, look] of outputs) {
    it(`has output ${output} and a status of its own for ${what}`, async () => {
      await start(word, ...firmwareNode());
      assert.equal((await answer())[0], output);
      assert.deepEqual(statusOf("check1"), look);
      house.link.report(says(word));
      assert.deepEqual(statusOf("check1"), look, "the printer's state does not cover it");
    });
  }

  describe("and the cloud", () => {
    it("does not ask when the printer says that there is nothing newer", async () => {
      const made = await start(content, ...firmwareNode());
      made.wish = { kept: true, profile: false };
      const [output, { payload }] = await answer();
      assert.equal(output, 2);
      assert.equal(payload.betaOptIn, true, "as it is kept");
      assert.deepEqual([made.catalogueAsked, made.profileAsked], [[], 0]);
    });

    it("asks when the printer has not said, and believes the answer", async () => {
      const made = await start(silent, ...firmwareNode());
      made.catalogueSays = () => Promise.resolve(listing([NEW], { 0: ["00.00.06.50"] }));
      const [output, { payload }] = await answer();
      assert.equal(output, 1);
      assert.deepEqual([payload.source, payload.latest, payload.channel], ["cloud", NEW, "release"]);
      assert.equal(payload.modules.find(({ name }: any) => name === "ams/0").latest, "00.00.06.50");
      assert.deepEqual(made.catalogueAsked, [SERIAL]);
    });

    it("asks for release notes when the printer offers something", async () => {
      const made = await start(offering, ...firmwareNode());
      const entry = { version: NEW, status: "release", force_update: true, description: "- quieter fans" };
      made.catalogueSays = () => Promise.resolve({ ...listing([]), firmware: [entry] });
      const [, { payload }] = await answer();
      assert.deepEqual(
        [payload.source, payload.releaseNotes, payload.forceUpdate, payload.channel],
        ["printer", "- quieter fans", true, "release"],
      );
    });

    it("takes the printer's word when the cloud fails", async () => {
      const made = await start(offering, ...firmwareNode());
      made.catalogueSays = () => Promise.reject(new PrintgateError("blocked", "the cloud turned us away"));
      const [output, { payload }] = await answer();
      assert.deepEqual([output, payload.source, payload.reason], [1, "printer", null]);
    });

    for (const [what, fails] of [
      ["that refuses the token", new PrintgateError("account-expired", "the sign-in has run out: sign in again")],
      ["where nobody is signed in", new PrintgateError("signed-out", "nobody is signed in")],
      ["that fails in an unheard-of way", new TypeError("x is not a function")],
    ] as const) {
      it(`${what} makes the answer unknown, with the reason, until it is back`, async () => {
        const made = await start(silent, ...firmwareNode());
        made.catalogueSays = () => Promise.reject(fails);
        const [output, { payload }] = await answer();
        assert.deepEqual([output, payload.updateAvailable, payload.source], [3, null, null]);
        assert.ok(payload.reason.endsWith(fails.message), payload.reason);
        made.catalogueSays = () => Promise.resolve(listing([OLD]));
        assert.equal((await answer())[0], 2);
      });
    }

    it("asks it anew for force, whatever the printer says, and for nothing but true", async () => {
      const made = await start(content, ...firmwareNode());
      made.catalogueSays = () => Promise.resolve(listing([OLD]));
      for (const force of ["true", 1, null, false]) await answer({ force });
      assert.deepEqual(made.catalogueAsked, []);
      assert.equal((await answer({ force: true }))[0], 2);
      assert.deepEqual(made.catalogueAsked, [`${SERIAL} anew`]);
    });

    const channels: [string, boolean, number][] = [
      ["account", false, 2],
      ["account", true, 1],
      ["release", true, 2],
      ["beta", false, 1],
    ];
    for (const [channel, wish, output] of channels) {
      it(`with channel ${channel} ${wish ? "and" : "without"} the account's wish a beta is ${output === 1 ? "" : "not "}offered`, async () => {
        const made = await start(silent, ...firmwareNode({ channel }));
        made.wish = { kept: wish, profile: wish };
        made.catalogueSays = () => Promise.resolve(listing([OLD, `${NEW} beta`]));
        const [at, { payload }] = await answer();
        assert.deepEqual([at, payload.betaOptIn], [output, wish]);
      });
    }

    it("is nobody for a printer without an account", async () => {
      await load(nodes(), [tab, config(), ...firmwareNode()], CODES);
      await house.opened();
      house.link.state({ kind: "live" });
      house.link.report(says(silent));
      const [output, { payload }] = await answer();
      assert.equal(output, 3);
      assert.match(payload.reason, /has not said.*no account/);
    });

    it("is not missed by a printer in the network whose account is gone", async () => {
      await load(nodes(), [tab, config({ account: "nowhere" }), ...firmwareNode()], CODES);
      await house.opened();
      house.link.state({ kind: "live" });
      house.link.report(says(content));
      assert.equal((await answer())[0], 2);
    });

    it("tells what it found as an event, once, and not what the printer tells itself", async () => {
      const made = await start(silent, ...firmwareNode(), ...eventNode({ events: ["firmware.available"] }));
      const told = new Inbox("told");
      made.catalogueSays = () => Promise.resolve(listing([NEW]));
      await answer();
      await answer();
      house.link.report(says(offering));
      await answer();
      await settle();
      assert.deepEqual(
        told.messages.map(({ payload }) => (payload as any).value),
        [[{ name: "ota", installed: OLD, latest: NEW }]],
      );
    });
  });

  describe("with emit change", () => {
    it("sends an answer that is another than the last, asked or not", async () => {
      await start(content, ...firmwareNode({ emit: "change" }));
      const [first] = await answer();
      assert.equal(first, 2);
      assert.deepEqual((await ask("check1")).sent, []);
      house.link.report(says(offering));
      assert.equal((await answer())[0], 1);
      assert.deepEqual((await ask("check1")).sent, []);
      house.link.report(says({ ...offering, updating: true }));
      assert.equal((await answer())[0], 3);
    });

    it("knows the last answer after a restart, whoever gave it", async () => {
      await start(offering, ...firmwareNode({ emit: "change" }));
      assert.equal((await answer())[0], 1);
      await stopNodeRed();
      await house.fakes.accounts.close();
      house = new FakeHouse();
      await startNodeRed();
      const made = await start(silent, ...firmwareNode({ emit: "change" }));
      made.catalogueSays = () => Promise.resolve(listing([NEW]));
      assert.deepEqual((await ask("check1")).sent, []);
      assert.deepEqual(made.catalogueAsked, [SERIAL]);
      made.catalogueSays = () => Promise.resolve(listing(["01.09.50.00"]));
      assert.equal((await answer())[0], 1);
    });

    it("takes a cloud that is left alone for a while for one answer, however long that still is", async () => {
      const made = await start(silent, ...firmwareNode({ emit: "change" }));
      const left = (time: string) => {
        const error = new PrintgateError("blocked", `the cloud is left alone for another ${time}`);
        made.catalogueSays = () => Promise.reject(error);
      };
      left("2 hours");
      assert.equal((await ask("check1")).sent.length, 1);
      for (const time of ["89 minutes", "a minute"]) {
        left(time);
        assert.deepEqual((await ask("check1")).sent, [], time);
      }
    });

    it("sends one of many answers that are asked for at once", async () => {
      await start(offering, ...firmwareNode({ emit: "change" }));
      const inbox = new Inbox("update");
      for (let i = 0; i < 20; i += 1) nodeOf("check1").receive({ payload: i });
      await inbox.next();
      await settle();
      assert.equal(inbox.messages.length, 0);
    });
  });

  describe("before the printer has spoken", () => {
    it("waits for it instead of asking the cloud", async () => {
      const made = await start(null, ...firmwareNode());
      const asked = answer();
      await settle();
      house.link.report({ ...says(wordOf(null, null)), complete: false });
      house.link.report(says(wordOf(null, NOTHING_NEWER)));
      await settle();
      house.link.report(says(content));
      assert.equal((await asked)[0], 2);
      assert.deepEqual(made.catalogueAsked, []);
    });

    it("does not wait for one that can not be reached", async () => {
      const made = await start(null, ...firmwareNode());
      const asked = answer();
      await settle();
      const reason = new PrintgateError("unreachable", "nobody there");
      house.link.state({ kind: "waiting", reason, retryInMs: 1000 });
      const [output, { payload, printer }] = await asked;
      assert.equal(output, 3);
      assert.match(payload.reason, /can not be heard/);
      assert.equal(printer.link, null);
      assert.deepEqual(made.catalogueAsked, [SERIAL]);
    });

    it("sends nothing any more once it was closed", async () => {
      await start(null, ...firmwareNode());
      const inboxes = ["update", "current", "unknown"].map((id) => new Inbox(id));
      nodeOf("check1").receive({});
      await settle();
      await nodeOf("check1").close(false);
      house.link.report(says(content));
      await settle();
      assert.deepEqual(
        inboxes.map(({ messages }) => messages.length),
        [0, 0, 0],
      );
    });
  });

  describe("with an interval", () => {
    it("checks at the start, and again and again", async () => {
      await start(content, ...firmwareNode({ interval: "0.00002" }));
      const [first] = await new Inbox("current").next(3);
      assert.equal(first?.topic, `printers/${SERIAL}/firmware`);
    });

    it("waits after a restart for what is not due yet", async () => {
      const due = Date.now() + 300;
      const kept = store.document("firmware/check1", (one): one is object => one !== null);
      await kept.save({ version: 1, told: null, due });
      await start(content, ...firmwareNode({ interval: "24" }));
      await new Inbox("current").next();
      assert.ok(Date.now() >= due);
      const { due: next } = (await kept.load()) as { due: number };
      assert.ok(next >= due + 24 * 3600_000 && next < due + 24.3 * 3600_000);
    });

    it("begins anew with a memory of which nothing can be read", async () => {
      const kept = store.document("firmware/check1", (one): one is object => one !== null);
      await kept.save({ version: 1, told: 5, due: "soon" });
      await start(content, ...firmwareNode({ interval: "0.0001" }));
      await new Inbox("current").next();
    });

    it("says nothing while the printer can not be used", async () => {
      await load(nodes(), [tab, config({ host: "", serial: "" }), ...firmwareNode({ interval: "0.00001" })], CODES);
      await settle();
      assert.deepEqual(statusOf("check1"), { fill: "red", shape: "ring", text: "no serial" });
    });
  });

  describe("with an unusable configuration", () => {
    const cases: [string, Flow, string][] = [
      ["no printer", [...firmwareNode({ printer: "" })], "no printer selected"],
      [
        "a printer that is gone",
        [...firmwareNode({ printer: "nowhere" })],
        "the printer configuration is missing or disabled",
      ],
      [
        "an unset variable",
        [config({ host: "${NO_HOST}" }), ...firmwareNode()],
        "environment variable NO_HOST is not set",
      ],
      ["an unknown channel", [config(), ...firmwareNode({ channel: "nightly" })], 'channel "nightly" is unknown'],
      [
        "a negative interval",
        [config(), ...firmwareNode({ interval: -1 })],
        "interval must be a number from 0 to 8760",
      ],
    ];
    for (const [what, flow, words] of cases) {
      it(`shows ${what} with a red ring and ends an input with the same words`, async () => {
        await load(nodes(), [tab, ...flow], CODES);
        assert.deepEqual(statusOf("check1"), { fill: "red", shape: "ring", text: words });
        const { error, sent } = await ask("check1");
        assert.ok(error instanceof PrintgateError);
        assert.equal(error.message, words);
        assert.deepEqual(sent, []);
      });
    }

    it("shows it over the last answer, too", async () => {
      const other = config({ id: "config0", host: "192.0.2.77" });
      await start(content, ...firmwareNode());
      await answer();
      await deploy([tab, other, config(), ...firmwareNode()], "full", {
        ...CODES,
        config0: { accessCode: "12345678" },
      });
      const look = () => statusOf("check1") as { shape: string };
      await until(() => look().shape === "ring");
    });
  });
});
