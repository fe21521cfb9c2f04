import assert from "node:assert/strict";
import type { Fields } from "../../../lib/bambu/values";
import {
  answerTo,
  type Cloud,
  entryOf,
  inList,
  inStrings,
  listing,
  NOT_YET,
  NOTHING_NEWER,
  wordOf,
} from "../../support/firmware";

/**
 * The decision table: what is installed, what the printer says, what the cloud lists, for which channel; and the answer.
 * Every row goes the whole way from the words on the wire.
 */
interface Row {
  /** null = the printer has not said; a text is the printer as a whole. */
  readonly installed: string | Readonly<Record<string, string>> | null;
  readonly says: Fields | null;
  readonly cloud: Cloud;
  readonly channel?: "release" | "beta";
  readonly heard?: boolean;
}

/** yes 01.09.01.00 by printer | no 01.08.02.00 by cloud | unknown; then modules with something newer; then the reason */
type Answer = readonly [answer: string, modules?: Readonly<Record<string, string>>, reason?: RegExp];

const OLD = "01.08.02.00";
const NEW = "01.09.01.00";
const BETA = "01.10.00.00 beta";
const both = { ota: OLD, "ams/0": "00.00.06.49" };
const yes = `yes ${NEW} by printer`;
const no = `no ${OLD} by printer`;
const yesByCloud = `yes ${NEW} by cloud`;
const noByCloud = `no ${OLD} by cloud`;
const down = new Error("it can not be reached");

// prettier-ignore
const TABLE: readonly (readonly [sentence: string, row: Row, answer: Answer])[] = [
  // The printer's word.
  ["a printer that says that there is nothing newer is up to date", { installed: OLD, says: NOTHING_NEWER, cloud: "unasked" }, [no]],
  ["a printer that lists a newer version has an update", { installed: OLD, says: inList({ ota: NEW }), cloud: "unasked" }, [yes, { ota: NEW }]],
  ["a printer that names a newer version as text has one, too", { installed: OLD, says: inStrings({ ota: NEW }), cloud: "unasked" }, [yes, { ota: NEW }]],
  ["a module may carry its newer version itself", { installed: OLD, says: { new_version_state: 1, sw: NEW }, cloud: "unasked" }, [yes, { ota: NEW }]],
  ["versions compare number by number, not as text", { installed: "01.9.0.0", says: inList({ ota: "01.10.0.0" }), cloud: "unasked" }, ["yes 01.10.0.0 by printer", { ota: "01.10.0.0" }]],
  ["leading zeros make no other version", { installed: "1.8.2", says: inList({ ota: OLD }), cloud: "unasked" }, ["no 1.8.2 by printer", {}, /installed already/]],
  ["an offer that is kept in the report after the update is none", { installed: NEW, says: { ...NOTHING_NEWER, ota_new_version_number: NEW }, cloud: "unasked" }, [`no ${NEW} by printer`]],
  ["a newer number behind a closed gate is no offer", { installed: OLD, says: { ...NOTHING_NEWER, ota_new_version_number: NEW }, cloud: "unasked" }, [no]],
  ["a newer number before the gate is known is no answer", { installed: OLD, says: { ...NOT_YET, ota_new_version_number: NEW }, cloud: "nobody" }, ["unknown", {}, /has not said.*no account/]],
  ["a newer number without any gate is no answer", { installed: OLD, says: { ota_new_version_number: NEW }, cloud: "nobody" }, ["unknown", {}, /has not said/]],
  ["a gate that nobody knows is no answer", { installed: OLD, says: { new_version_state: 3 }, cloud: "nobody" }, ["unknown", {}, /has not said/]],
  ["a gate of the wrong type is no answer", { installed: OLD, says: { new_version_state: { is: 2 } }, cloud: "nobody" }, ["unknown", {}, /has not said/]],
  ["a gate that is a text of a number is one", { installed: OLD, says: { new_version_state: "2" }, cloud: "unasked" }, [no]],
  ["a printer that says nothing newer before it named its version is up to date by its own word", { installed: null, says: NOTHING_NEWER, cloud: "unasked" }, ["no ? by printer"]],
  ["an offer to a printer that has not named its version is taken", { installed: null, says: inStrings({ ota: NEW }), cloud: "unasked" }, [yes, { ota: NEW }]],
  [
    "the list names the installed version where nothing else does",
    {
      installed: null,
      says: { new_version_state: 1, new_ver_list: [{ name: "ota", cur_ver: OLD, new_ver: NEW }] },
      cloud: "unasked",
    },
    [yes, { ota: NEW }],
  ],
  ["a printer whose version is N/A has an update by its own word", { installed: "N/A", says: inList({ ota: NEW }), cloud: "unasked" }, [yes, { ota: NEW }]],
  ["a version of zeros counts as not known", { installed: "00.00.00.00", says: inList({ ota: NEW }), cloud: "unasked" }, [yes, { ota: NEW }]],
  ["of a double version the first counts", { installed: `${OLD}/00.00.01.00`, says: inList({ ota: NEW }), cloud: "unasked" }, [yes, { ota: NEW }]],
  ["an offer of N/A is none, and an offer without a name no answer", { installed: OLD, says: inList({ ota: "N/A" }), cloud: "nobody" }, ["unknown", {}, /something newer, but not what; there is no account/]],
  ["an offer with no version at all is no answer", { installed: OLD, says: { new_version_state: 1 }, cloud: "nobody" }, ["unknown", {}, /but not what/]],

  // Never a downgrade.
  ["an older version is never offered", { installed: NEW, says: inList({ ota: OLD }), cloud: "unasked" }, [`no ${NEW} by printer`, {}, /older than what is installed/]],
  ["somebody who runs a beta is not offered the release before it", { installed: "01.10.00.00", says: inStrings({ ota: NEW }), cloud: listing([NEW]) }, ["no 01.10.00.00 by printer", {}, /names 01\.09\.01\.00, which is older/]],
  ["the cloud's older versions are no offers either", { installed: "01.10.00.00", says: null, cloud: listing([OLD, NEW]) }, ["no 01.10.00.00 by cloud"]],

  // Modules.
  ["an update of the AMS alone is an update, and the printer's version stays", { installed: both, says: inList({ "ams/0": "00.00.06.50" }), cloud: "unasked" }, [no.replace("no", "yes"), { "ams/0": "00.00.06.50" }]],
  [
    "a text for the AMS is for each unit of its kind",
    { installed: { ...both, "ams/1": "00.00.06.49" }, says: inStrings({ ams: "00.00.06.50" }), cloud: "unasked" },
    [no.replace("no", "yes"), { "ams/0": "00.00.06.50", "ams/1": "00.00.06.50" }],
  ],
  [
    "a unit that has the offered version already needs nothing",
    { installed: { ...both, "ams/1": "00.00.06.50" }, says: inStrings({ ams: "00.00.06.50" }), cloud: "unasked" },
    [no.replace("no", "yes"), { "ams/0": "00.00.06.50" }, /00\.00\.06\.50, which is installed already/],
  ],
  ["a version of the AMS 2 Pro is none for an AMS beside it", { installed: { ...both, "n3f/1": "03.00.00.00" }, says: inStrings({ ams: "03.00.20.00" }), cloud: "unasked" }, [no.replace("no", "yes"), { "n3f/1": "03.00.20.00" }]],
  ["a text for an AMS that is not named stands for itself", { installed: OLD, says: inStrings({ ams: "00.00.06.50" }), cloud: "unasked" }, [no.replace("no", "yes"), { ams: "00.00.06.50" }]],
  ["printer and AMS may both have an update", { installed: both, says: inList({ ota: NEW, "ams/0": "00.00.06.50" }), cloud: "unasked" }, [yes, { ota: NEW, "ams/0": "00.00.06.50" }]],
  ["a board whose version is N/A has no update while none is offered", { installed: { ota: OLD, xm: "N/A", th: "" }, says: NOTHING_NEWER, cloud: "unasked" }, [no]],

  // Half-way.
  ["while an update is being installed the answer is unknown", { installed: OLD, says: { ...inList({ ota: NEW }), status: "DOWNLOADING" }, cloud: "unasked" }, ["unknown", {}, /being installed/]],
  ["while the printer is busy with an update its word counts for nothing", { installed: OLD, says: { ...NOTHING_NEWER, dis_state: 2, status: "" }, cloud: "unasked" }, ["unknown", {}, /being installed/]],
  [
    "progress of an update long past is no progress",
    {
      installed: NEW,
      says: { ...NOTHING_NEWER, status: "UPGRADE_SUCCESS", progress: "100", dis_state: 3 },
      cloud: "unasked",
    },
    [`no ${NEW} by printer`],
  ],
  [
    "an update that failed is still there",
    {
      installed: OLD,
      says: { ...inList({ ota: NEW }), status: "DOWNLOAD_FAIL", progress: "37", dis_state: 1 },
      cloud: "unasked",
    },
    [yes, { ota: NEW }],
  ],
  ["firmware of somebody else is offered nothing", { installed: "99.01.00.00", says: inList({ ota: "99.02.00.00" }), cloud: "unasked" }, ["unknown", {}, /not its maker's/]],
  ["firmware of somebody else is not up to date because the maker says nothing", { installed: "99.00.00.00", says: NOTHING_NEWER, cloud: listing([NEW]) }, ["unknown", {}, /not its maker's/]],
  ["a printer that can not be heard is not up to date by what it said once", { installed: OLD, says: NOTHING_NEWER, cloud: "nobody", heard: false }, ["unknown", {}, /can not be heard.*no account/]],
  ["what it offered is offered still", { installed: OLD, says: inList({ ota: NEW }), cloud: "nobody", heard: false }, [yes, { ota: NEW }]],

  // The printer has not said.
  ["nobody has said anything: unknown", { installed: null, says: null, cloud: "nobody" }, ["unknown", {}, /has not said.*no account/]],
  ["a printer that only names its versions leaves the answer open", { installed: both, says: null, cloud: "nobody" }, ["unknown", {}, /has not said/]],
  ["the cloud answers for a printer that has not said", { installed: OLD, says: NOT_YET, cloud: listing([OLD, NEW]) }, [yesByCloud, { ota: NEW }]],
  ["the cloud's newest version is offered, wherever it stands in the list", { installed: OLD, says: null, cloud: listing([NEW, "01.08.05.00", OLD]) }, [yesByCloud, { ota: NEW }]],
  ["a catalogue that lists the installed version alone says up to date", { installed: OLD, says: null, cloud: listing([OLD]) }, [noByCloud]],
  ["an empty catalogue says up to date", { installed: OLD, says: null, cloud: listing([]) }, [noByCloud]],
  ["the cloud knows what is installed in a printer that was never heard", { installed: null, says: null, cloud: listing([NEW]) }, [yesByCloud, { ota: NEW }]],
  ["the printer's own version counts before the cloud's", { installed: NEW, says: null, cloud: listing([NEW]) }, [`no ${NEW} by cloud`]],
  ["with no installed version at all nothing can be said", { installed: null, says: null, cloud: { ...listing([NEW]), version: "" } }, ["unknown", {}, /which version of ota is installed/]],
  ["an empty catalogue for an unknown version says nothing", { installed: null, says: null, cloud: { ...listing([]), version: "N/A" } }, ["unknown", {}, /which version of ota/]],
  ["a cloud that can not be asked leaves the answer open", { installed: OLD, says: NOT_YET, cloud: down }, ["unknown", {}, /has not said.*could not be asked: it can not be reached/]],
  ["a cloud that knows other printers only does, too", { installed: OLD, says: NOT_YET, cloud: "unlisted" }, ["unknown", {}, /does not list this printer/]],
  ["a catalogue without its list says nothing", { installed: OLD, says: null, cloud: { dev_id: "01P00A000000001" } }, ["unknown", {}, /does not say what there is for ota/]],
  ["a list of the wrong type says nothing", { installed: OLD, says: null, cloud: { ...listing([]), firmware: { version: NEW } } }, ["unknown", {}, /does not say/]],
  ["a list of which nothing can be read says nothing", { installed: OLD, says: null, cloud: { ...listing([]), firmware: [{ version: "soon" }, null, 5] } }, ["unknown", {}, /does not say/]],
  ["an entry that can not be read does not spoil the others", { installed: OLD, says: null, cloud: { ...listing([]), firmware: [null, { version: 5 }, entryOf(NEW)] } }, [yesByCloud, { ota: NEW }]],
  ["a printer that can not be heard is judged by the cloud", { installed: OLD, says: NOTHING_NEWER, cloud: listing([NEW]), heard: false }, [yesByCloud, { ota: NEW }]],
  ["and is up to date when the cloud says so", { installed: OLD, says: NOTHING_NEWER, cloud: listing([OLD]), heard: false }, [noByCloud]],
  ["an offer without a version is named by the cloud", { installed: OLD, says: { new_version_state: 1 }, cloud: listing([NEW]) }, [yesByCloud, { ota: NEW }]],
  ["an offer without a version that the cloud does not know is no answer", { installed: OLD, says: { new_version_state: 1 }, cloud: listing([OLD]) }, ["unknown", {}, /but not what/]],

  // The AMS in the catalogue.
  [
    "an AMS of the catalogue is the printer's with its number",
    { installed: { ota: OLD, "n3f/1": "03.00.00.00" }, says: null, cloud: listing([OLD], { 1: ["03.00.20.00"] }) },
    [noByCloud.replace("no", "yes"), { "n3f/1": "03.00.20.00" }],
  ],
  ["an AMS that the printer does not have is left out", { installed: both, says: null, cloud: listing([OLD], { 3: ["00.00.06.60"] }) }, [noByCloud]],
  ["an AMS that is not listed has nothing newer", { installed: both, says: null, cloud: { ...listing([OLD]), ams: null } }, [noByCloud]],
  ["an AMS of which nobody knows the version leaves the answer open", { installed: { ota: OLD, "ams/0": "N/A" }, says: null, cloud: listing([OLD], { 0: ["00.00.06.60"] }) }, ["unknown", {}, /version of ams\/0/]],
  ["an update for the printer counts whatever is not known of the AMS", { installed: { ota: OLD, "ams/0": "N/A" }, says: null, cloud: listing([NEW], { 0: ["00.00.06.60"] }) }, [yesByCloud, { ota: NEW }]],
  ["an AMS without a number is the only one that the printer has", { installed: both, says: null, cloud: { ...listing([OLD]), ams: [{ firmware: [entryOf("00.00.06.60")] }] } }, [noByCloud.replace("no", "yes"), { "ams/0": "00.00.06.60" }]],
  ["an AMS without a number, one of several, leaves the answer open", { installed: { ...both, "ams/1": "00.00.06.49" }, says: null, cloud: { ...listing([OLD]), ams: [{ firmware: [entryOf("00.00.06.60")] }] } }, ["unknown", {}, /version of ams is/]],
  ["an AMS without a number is nobody's where the printer has none", { installed: OLD, says: null, cloud: { ...listing([OLD]), ams: [{ firmware: [entryOf("00.00.06.60")] }] } }, [noByCloud]],

  // Channels.
  ["a beta is not offered to who did not ask for one", { installed: OLD, says: null, cloud: listing([OLD, BETA]) }, [noByCloud]],
  ["a release before a beta is offered", { installed: OLD, says: null, cloud: listing([BETA, NEW]) }, [yesByCloud, { ota: NEW }]],
  ["a beta is offered to who asked for it", { installed: OLD, says: null, cloud: listing([NEW, BETA]), channel: "beta" }, ["yes 01.10.00.00 by cloud", { ota: "01.10.00.00" }]],
  ["a newer release is offered in the beta channel, too", { installed: OLD, says: null, cloud: listing([NEW, "01.08.50.00 beta"]), channel: "beta" }, [yesByCloud, { ota: NEW }]],
  ["BETA in capitals is a beta", { installed: OLD, says: null, cloud: listing([OLD, "01.10.00.00 BETA"]) }, [noByCloud]],
  ["an entry without a status is a release", { installed: OLD, says: null, cloud: { ...listing([]), firmware: [{ version: NEW }] } }, [yesByCloud, { ota: NEW }]],
  ["nothing but betas is up to date for who did not ask for one", { installed: OLD, says: null, cloud: listing([BETA]) }, [noByCloud]],
  ["a beta of the AMS is left out like one of the printer", { installed: both, says: null, cloud: listing([OLD], { 0: ["00.00.06.60 beta"] }) }, [noByCloud]],
  ["a beta of the AMS is offered to who asked for it", { installed: both, says: null, cloud: listing([OLD], { 0: ["00.00.06.60 beta"] }), channel: "beta" }, [noByCloud.replace("no", "yes"), { "ams/0": "00.00.06.60" }]],
  ["a beta that the printer itself names is not offered to who did not ask", { installed: OLD, says: inList({ ota: "01.10.00.00" }), cloud: listing([OLD, BETA]) }, [noByCloud, {}, /01\.10\.00\.00, which is a beta/]],
  ["the release is offered in its place", { installed: OLD, says: inList({ ota: "01.10.00.00" }), cloud: listing([NEW, BETA]) }, [yesByCloud, { ota: NEW }, /which is a beta/]],
  ["a beta that the printer names is offered in the beta channel", { installed: OLD, says: inList({ ota: "01.10.00.00" }), cloud: listing([BETA]), channel: "beta" }, ["yes 01.10.00.00 by printer", { ota: "01.10.00.00" }]],
  ["what the printer names is offered where no cloud knows better", { installed: OLD, says: inList({ ota: "01.10.00.00" }), cloud: down }, ["yes 01.10.00.00 by printer", { ota: "01.10.00.00" }]],

  // Two words against each other.
  ["the printer's offer stands when the cloud lists nothing", { installed: OLD, says: inList({ ota: NEW }), cloud: listing([]) }, [yes, { ota: NEW }]],
  ["the printer's offer stands when the cloud lists another", { installed: OLD, says: inList({ ota: NEW }), cloud: listing(["01.09.50.00"]) }, [yes, { ota: NEW }]],
  ["the cloud may know more of a module that the printer does not name", { installed: both, says: inList({ ota: NEW }), cloud: listing([NEW], { 0: ["00.00.06.60"] }) }, [yes, { ota: NEW, "ams/0": "00.00.06.60" }, /says that there is nothing newer/]],
  ["an old offer of the printer does not hide what the cloud lists", { installed: OLD, says: inList({ ota: OLD }), cloud: listing([NEW]) }, [yesByCloud, { ota: NEW }, /installed already/]],
  ["an older version that the printer names does not, either", { installed: NEW, says: inList({ ota: OLD }), cloud: listing([NEW, "01.09.50.00"]) }, ["yes 01.09.50.00 by cloud", { ota: "01.09.50.00" }, /older than what is installed/]],
  ["a cloud that was asked all the same may know more than the printer", { installed: OLD, says: NOTHING_NEWER, cloud: listing([NEW]) }, [yesByCloud, { ota: NEW }, /printer itself says that there is nothing newer/]],
  ["a cloud that was asked all the same and failed leaves the printer's word", { installed: OLD, says: NOTHING_NEWER, cloud: down }, [no, {}, /could not be asked/]],
];

function answerOf({
  installed,
  says,
  cloud,
  channel = "release",
  heard = true,
}: Row): [string, Record<string, string>, string | null] {
  const { sw, ...upgrade } = says ?? {};
  const modules = typeof installed === "string" ? { ota: installed } : installed;
  const list =
    modules &&
    Object.entries(modules).map(([name, sw_ver]): Fields => ({
      name,
      sw_ver,
      ...(sw === undefined ? {} : { sw_new_ver: sw }),
    }));
  const report = answerTo({ word: wordOf(list, says === null ? null : upgrade), cloud, channel, online: heard });
  const words = new Map([
    [true, "yes"],
    [false, "no"],
  ] as const);
  const { updateAvailable, latest, source } = report;
  const answer =
    updateAvailable === null ? "unknown" : `${words.get(updateAvailable) ?? ""} ${latest ?? "?"} by ${source ?? "?"}`;
  const newer = report.modules.filter((module) => module.updateAvailable === true);
  return [answer, Object.fromEntries(newer.map((module) => [module.name, module.latest ?? "?"])), report.reason];
}

describe("firmware: the decision table", () => {
  for (const [sentence, row, [answer, modules = {}, reason]] of TABLE) {
    it(sentence, () => {
      const [given, found, why] = answerOf(row);
      assert.deepEqual([given, found], [answer, modules]);
      if (reason === undefined) assert.equal(why, null);
      else assert.match(why ?? "", reason);
    });
  }

  it("has no two rows for one thing, and enough of them", () => {
    assert.equal(new Set(TABLE.map(([sentence]) => sentence)).size, TABLE.length);
    assert.equal(new Set(TABLE.map(([, row]) => JSON.stringify([row, row.cloud instanceof Error]))).size, TABLE.length);
    assert.ok(TABLE.length >= 60);
  });
});
