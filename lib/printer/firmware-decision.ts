import {
  type Catalogue,
  type CatalogueEntry,
  type CatalogueModule,
  type CloudWord,
  type FirmwareFacts,
  type FirmwareModule,
  type FirmwareReport,
  type FirmwareWord,
  isOffer,
  type ModuleReport,
  WHOLE,
} from "./firmware";
import { compareVersions, isNewer, numbersOf } from "./versions";

/**
 * What is installed, what is offered, and who says so. Three answers: yes, no, unknown; a "no" always rests on somebody
 * who said so, never on silence. The printer's own word comes first. A downgrade is never an offer.
 */

/** What the printer's word comes to. `unnamed` = it has something newer, and does not say what. */
type Stance = "custom" | "updating" | "offers" | "unnamed" | "none" | "silent";

function stanceOf({ word, online }: Pick<FirmwareFacts, "word" | "online">): Stance {
  if (word.custom) return "custom";
  if (word.updating) return "updating";
  if (word.says === "offered") return word.modules.some(({ offered }) => offered !== null) ? "offers" : "unnamed";
  return word.says === "none" && online ? "none" : "silent";
}

/**
 * What the cloud is for: `answer` = the printer has not said, `details` = it offers something, of which the cloud may know
 * notes and channel, `nothing` = the printer's word is enough.
 */
export function neededFromCloud(heard: Pick<FirmwareFacts, "word" | "online">): "answer" | "details" | "nothing" {
  return NEEDS[stanceOf(heard)];
}

const NEEDS = {
  custom: "nothing",
  updating: "nothing",
  offers: "details",
  unnamed: "answer",
  none: "nothing",
  silent: "answer",
} as const satisfies Record<Stance, string>;

/** One module with what is known of it. */
interface Known extends FirmwareModule {
  /** What the cloud lists for it; null = it lists nothing, or was not asked. */
  readonly row: CatalogueModule | null;
}

interface Finding extends ModuleReport {
  readonly by: "printer" | "cloud" | null;
  readonly force: boolean;
  /** The catalogue's entry of `latest`. */
  readonly entry: CatalogueEntry | null;
  readonly doubt: string | null;
}

export function decide(facts: FirmwareFacts): FirmwareReport {
  const { word, cloud, betaOptIn, at } = facts;
  const stance = stanceOf(facts);
  const catalogue = cloud.kind === "listed" ? cloud.catalogue : null;
  const findings = judgeAll(knownOf(word, catalogue), stance, catalogue !== null);
  const found = findings.filter((finding) => finding.updateAvailable === true);
  const isOpen = NEVER_NO.has(stance) || (stance === "silent" && catalogue === null);
  const answer = found.length > 0 || (isOpen || findings.some((one) => one.updateAvailable === null) ? null : false);
  const whole = findings.find(({ name }) => name === WHOLE) ?? null;
  const deciding = found.find((finding) => finding === whole) ?? found[0] ?? whole;
  return {
    updateAvailable: answer,
    installed: whole?.installed ?? null,
    latest: whole?.latest ?? null,
    channel: deciding?.entry?.channel ?? null,
    forceUpdate: answer !== false && !word.custom && (word.force === true || found.some(({ force }) => force)),
    // Those of the printer; of its modules only where there is nothing newer for itself.
    releaseNotes: notesOf(found.filter((finding) => deciding === finding || deciding !== whole)),
    modules: findings.map(({ name, installed, latest, updateAvailable }) => {
      return { name, installed, latest, updateAvailable };
    }),
    source: answer === null ? null : (deciding?.by ?? "printer"),
    betaOptIn,
    checkedAt: new Date(at).toISOString(),
    reason: reasonOf(
      facts,
      stance,
      findings.filter((finding) => answer === null || finding.updateAvailable !== null),
    ),
  };
}

/** The printer's modules, and what the cloud knows besides. */
function knownOf(word: FirmwareWord, catalogue: Catalogue | null): readonly Known[] {
  const rows = catalogue?.modules ?? [];
  const own = word.modules.map((module): Known => {
    const row = rows.find(({ name }) => name === module.name) ?? null;
    return { ...module, installed: module.installed ?? row?.installed ?? null, row };
  });
  const others = rows.filter(({ name }) => !own.some((module) => module.name === name));
  return [...own, ...others.map((row): Known => ({ name: row.name, installed: row.installed, offered: null, row }))];
}

function judgeAll(modules: readonly Known[], stance: Stance, isListed: boolean): readonly Finding[] {
  const findings = modules.map((module) => (module.silent ? nobodySays(module) : JUDGES[stance](module)));
  const whole = findings.find(({ name }) => name === WHOLE);
  if (stance !== "silent" || !isListed || whole?.updateAvailable == null) return findings;
  // The boards of the printer come with the printer's firmware, and an AMS that is not listed has nothing newer.
  return findings.map((finding, i) => {
    const module = modules[i];
    return module && module.row === null && !module.silent ? current(module, "cloud") : finding;
  });
}

/** Where finding nothing newer is no answer. */
const NEVER_NO: ReadonlySet<Stance> = new Set(["custom", "updating", "unnamed"]);

const JUDGES: Readonly<Record<Stance, (module: Known) => Finding>> = {
  custom: (module) => unknown(module),
  updating: (module) => unknown(module),
  offers: judgeOffer,
  none: (module) => unlessListed(module, null),
  unnamed: judgeRow,
  silent: judgeRow,
};

function judgeOffer(module: Known): Finding {
  const { installed, offered, row } = module;
  if (offered === null) return unlessListed(module, null);
  if (!isOffer(offered, installed)) {
    const flaw = compareVersions(offered, installed) === 0 ? "is installed already" : "is older than what is installed";
    return unlessListed(module, `the printer still names ${offered}, which ${flaw}`);
  }
  if (row?.withheld.some((version) => compareVersions(version, offered) === 0)) {
    const instead = judgeRow(module);
    return { ...instead, doubt: `the printer names ${offered}, which is a beta version` };
  }
  return newer(module, offered, "printer");
}

/** The printer names nothing newer; a cloud that was asked all the same may know more. */
function unlessListed(module: Known, doubt: string | null): Finding {
  const listed = judgeRow(module);
  if (listed.updateAvailable !== true) return { ...current(module, "printer"), doubt };
  return { ...listed, doubt: doubt ?? "the printer itself says that there is nothing newer" };
}

/** By the catalogue alone. */
function judgeRow(module: Known): Finding {
  const { name, installed, row } = module;
  if (row === null) return unknown(module);
  if (row.entries === null) return unknown(module, `the cloud does not say what there is for ${name}`);
  const best = bestOf(row.entries);
  if (numbersOf(installed) === null) {
    const doubt = `nobody says which version of ${name} is installed`;
    return { ...unknown(module, doubt), latest: best?.version ?? null, entry: best };
  }
  return best !== null && isNewer(best.version, installed)
    ? newer(module, best.version, "cloud")
    : current(module, "cloud");
}

function newer(module: Known, latest: string, by: Finding["by"]): Finding {
  const { name, installed } = module;
  const force = (module.row?.entries ?? []).some(
    (entry) => entry.force && isNewer(entry.version, installed) && !isNewer(entry.version, latest),
  );
  return { name, installed, latest, updateAvailable: true, by, force, entry: entryOf(module, latest), doubt: null };
}

function current(module: Known, by: Finding["by"]): Finding {
  const { name, installed } = module;
  const entry = entryOf(module, installed);
  return { name, installed, latest: installed, updateAvailable: false, by, force: false, entry, doubt: null };
}

function unknown({ name, installed }: Known, doubt: string | null = null): Finding {
  return { name, installed, latest: null, updateAvailable: null, by: null, force: false, entry: null, doubt };
}

function nobodySays(module: Known): Finding {
  return unknown(module, `nobody says whether there is something newer for ${module.name}`);
}

function bestOf(entries: readonly CatalogueEntry[]): CatalogueEntry | null {
  return entries.reduce<CatalogueEntry | null>(
    (best, entry) => (best === null || isNewer(entry.version, best.version) ? entry : best),
    null,
  );
}

function entryOf({ row }: Known, version: string | null): CatalogueEntry | null {
  return row?.entries?.find((entry) => compareVersions(entry.version, version) === 0) ?? null;
}

/** Each text once. */
function notesOf(found: readonly Finding[]): string | null {
  const texts = new Set(found.flatMap(({ entry }) => (entry?.notes == null ? [] : [entry.notes])));
  return texts.size === 0 ? null : [...texts].join("\n\n");
}

function reasonOf({ cloud, online }: FirmwareFacts, stance: Stance, findings: readonly Finding[]): string | null {
  const failed = cloud.kind === "failed" ? `the cloud could not be asked: ${cloud.reason}` : null;
  const asked = failed ?? CLOUD_WORDS[cloud.kind];
  const silence = online ? SILENT : UNHEARD;
  const isFound = findings.some(({ updateAvailable }) => updateAvailable === true);
  const said: Record<Stance, readonly (string | null)[]> = {
    custom: ["the printer runs firmware that is not its maker's"],
    updating: ["an update is being installed"],
    offers: [],
    unnamed: isFound ? [] : ["the printer says that there is something newer, but not what", asked],
    none: [failed],
    silent: cloud.kind === "listed" ? [] : [silence, asked],
  };
  // Where nobody said anything there is no use in saying so of each module.
  const doubts = stance === "silent" && cloud.kind !== "listed" ? [] : findings.map(({ doubt }) => doubt);
  const all = new Set([...said[stance], ...doubts].filter((text) => text !== null));
  return all.size === 0 ? null : [...all].join("; ");
}

const SILENT = "the printer has not said whether there is something newer";
const UNHEARD = "the printer can not be heard, so it can not say whether there is something newer";
const CLOUD_WORDS: Readonly<Record<CloudWord["kind"], string | null>> = {
  unasked: null,
  nobody: "there is no account whose cloud could be asked",
  failed: null,
  unlisted: "the cloud does not list this printer",
  listed: null,
};
