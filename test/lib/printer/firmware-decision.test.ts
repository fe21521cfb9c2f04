import assert from "node:assert/strict";
import { type FirmwareFacts, type FirmwareWord, NO_WORD } from "../../../lib/printer/firmware";
import { decide, neededFromCloud } from "../../../lib/printer/firmware-decision";
import { answerTo, entryOf, inList, listing, NOT_YET, NOTHING_NEWER, wordOf } from "../../support/firmware";

const OLD = "01.08.02.00";
const MODULES = { ota: OLD, "ams/0": "00.00.06.49" };
const facts = (word: FirmwareWord): FirmwareFacts => ({
  ...{ word, online: true, betaOptIn: false, at: 0 },
  cloud: { kind: "nobody" },
});

describe("firmware: what the cloud is needed for", () => {
  const rows: [string, FirmwareWord, boolean, string][] = [
    ["a printer that was never heard", NO_WORD, false, "answer"],
    ["a printer that has not said", wordOf(MODULES, NOT_YET), true, "answer"],
    ["an offer without a version", wordOf(MODULES, { new_version_state: 1 }), true, "answer"],
    ["nothing newer, said long ago", wordOf(MODULES, NOTHING_NEWER), false, "answer"],
    ["an offer", wordOf(MODULES, inList({ ota: "01.09.01.00" })), true, "details"],
    ["nothing newer", wordOf(MODULES, NOTHING_NEWER), true, "nothing"],
    ["an update under way", { ...NO_WORD, updating: true }, true, "nothing"],
    ["firmware of somebody else", { ...NO_WORD, custom: true }, true, "nothing"],
  ];
  for (const [what, word, online, needed] of rows) {
    it(`${what}: ${needed}`, () => {
      assert.equal(neededFromCloud({ word, online }), needed);
    });
  }
});

describe("firmware: the parts of an answer", () => {
  const newer = "01.09.01.00";
  const described = (text: string, notes: string, force = false) =>
    entryOf(text, { description: notes, force_update: force });

  it("notes and channel are those of the version that is offered", () => {
    const cloud = {
      ...listing([]),
      firmware: [described(OLD, "old"), described(newer, "new"), described("1.10 beta", "b")],
    };
    const read = (channel: "release" | "beta") => {
      const { releaseNotes, channel: found } = answerTo({ word: wordOf(MODULES, NOT_YET), cloud, channel });
      return [releaseNotes, found];
    };
    assert.deepEqual(read("release"), ["new", "release"]);
    assert.deepEqual(read("beta"), ["b", "beta"]);
  });

  it("notes of the modules stand in where the printer itself has nothing newer, each text once", () => {
    const unit = (ams_id: string, notes: string) => ({ ams_id, firmware: [described("00.00.06.60", notes)] });
    const word = wordOf({ ...MODULES, "ams/1": "00.00.06.49", "ams/2": "00.00.06.49" }, NOT_YET);
    const cloud = { ...listing([OLD]), ams: [unit("0", "a"), unit("1", "b"), unit("2", "a")] };
    assert.equal(answerTo({ word, cloud, channel: "release" }).releaseNotes, "a\n\nb");
    const both = { ...cloud, firmware: [described(newer, "the printer's")] };
    assert.equal(answerTo({ word, cloud: both, channel: "release" }).releaseNotes, "the printer's");
  });

  it("without an update there are no notes and nothing is forced", () => {
    const cloud = { ...listing([]), firmware: [described(OLD, "old", true)] };
    const { updateAvailable, releaseNotes, forceUpdate, channel } = answerTo({
      ...{ word: { ...wordOf(MODULES, NOT_YET), force: true }, cloud, channel: "release" },
    });
    assert.deepEqual([updateAvailable, releaseNotes, forceUpdate, channel], [false, null, false, "release"]);
  });

  for (const [what, entries, forced] of [
    ["the offered version", [described(newer, "", true)], true],
    ["a version on the way to it", [described("01.08.50.00", "", true), described(newer, "")], true],
    ["an older version", [described("01.07.00.00", "", true), described(newer, "")], false],
  ] as const) {
    it(`an update is ${forced ? "" : "not "}forced because of ${what}`, () => {
      const cloud = { ...listing([]), firmware: entries };
      assert.equal(answerTo({ word: wordOf(MODULES, NOT_YET), cloud, channel: "release" }).forceUpdate, forced);
    });
  }

  it("the printer's own word forces an update, too, and what it demands without a name is forced all the same", () => {
    const demand = { ...wordOf(MODULES, inList({ ota: newer })), force: true };
    assert.equal(decide(facts(demand)).forceUpdate, true);
    const { updateAvailable, forceUpdate } = decide(facts({ ...wordOf(MODULES, NOT_YET), force: true }));
    assert.deepEqual([updateAvailable, forceUpdate], [null, true]);
  });

  it("a module that the word is not about stays unknown, and makes the whole unknown unless another has an update", () => {
    const printer = { name: "ota", installed: "2.1.2", offered: null, silent: true } as const;
    const server = { name: "octoprint", installed: "1.11.0", offered: null };
    const word: FirmwareWord = { ...NO_WORD, says: "offered", modules: [printer, { ...server, offered: "1.11.2" }] };
    const found = decide(facts(word));
    assert.deepEqual([found.updateAvailable, found.installed, found.latest, found.reason], [true, "2.1.2", null, null]);
    assert.deepEqual(
      found.modules.map(({ updateAvailable }) => updateAvailable),
      [null, true],
    );
    const none = decide(facts({ ...word, says: "none", modules: [printer, server] }));
    assert.equal(none.updateAvailable, null);
    assert.equal(none.reason, "nobody says whether there is something newer for ota");
    const silent = decide(facts({ ...word, says: "unknown", modules: [printer, server] }));
    assert.match(
      silent.reason ?? "",
      /^the printer has not said whether there is something newer; there is no account/,
    );
  });

  it("is plain JSON with every member, whatever is known", () => {
    const report = decide(facts(NO_WORD));
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
    assert.deepEqual(report.modules, []);
    assert.equal(report.checkedAt, "1970-01-01T00:00:00.000Z");
  });
});
