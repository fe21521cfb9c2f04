import { compareVersions, numbersOf } from "./versions";

/** What a printer itself says about updates of its firmware. */
export interface FirmwareWord {
  /** `offered` = it names something newer, `none` = it says that there is nothing newer, `unknown` = it has not said. */
  readonly says: "offered" | "none" | "unknown";
  /** The printer's own names (`ota` = the printer as a whole, `ams/0`, `n3f/1`). */
  readonly modules: readonly FirmwareModule[];
  /** The maker wants the printer to be updated before it prints again; null = not said. */
  readonly force: boolean | null;
  /** An update is being installed at this moment. */
  readonly updating: boolean;
  /** The firmware is not its maker's: what the maker offers says nothing about it. */
  readonly custom?: true;
}

export interface FirmwareModule {
  readonly name: string;
  /** null = not known. */
  readonly installed: string | null;
  /** null = not offered. */
  readonly offered: string | null;
  /** What the word says is not about this module: whether there is something newer for it nobody knows. */
  readonly silent?: true;
}

/** The word of a printer that has not said anything. */
export const NO_WORD: FirmwareWord = { says: "unknown", modules: [], force: null, updating: false };

/** The module that stands for the printer as a whole. */
export const WHOLE = "ota";

/** What a maker's cloud lists for one printer, of the channel that counts. */
export interface Catalogue {
  readonly modules: readonly CatalogueModule[];
}

export interface CatalogueModule {
  /** As the printer calls it. */
  readonly name: string;
  /** As far as the cloud knows. */
  readonly installed: string | null;
  /** In any order; empty = nothing newer than what is installed, null = the cloud did not say. */
  readonly entries: readonly CatalogueEntry[] | null;
  /** Versions that exist, but not in the channel that counts. */
  readonly withheld: readonly string[];
}

export interface CatalogueEntry {
  readonly version: string;
  readonly channel: "release" | "beta";
  /** The maker wants the printer to be updated before it prints again. */
  readonly force: boolean;
  /** What is new in it. */
  readonly notes: string | null;
}

/** `msg.payload` of firmware-check. */
export interface FirmwareReport {
  /** For the printer or any of its modules; null = unknown. */
  readonly updateAvailable: boolean | null;
  readonly installed: string | null;
  /** The newest version that may be installed, never older than the installed one; null = not known. */
  readonly latest: string | null;
  /** Of the offered version, else of the latest; null = nobody said: printers do not. */
  readonly channel: "release" | "beta" | null;
  readonly forceUpdate: boolean;
  readonly releaseNotes: string | null;
  /** By the printer's own names. */
  readonly modules: readonly ModuleReport[];
  /** Who said it; null = unknown. */
  readonly source: "printer" | "cloud" | null;
  readonly betaOptIn: boolean;
  /** ISO 8601 */
  readonly checkedAt: string;
  /** Why the answer is unknown, or why it is not what one of its sources says. */
  readonly reason: string | null;
}

export interface ModuleReport {
  readonly name: string;
  readonly installed: string | null;
  readonly latest: string | null;
  readonly updateAvailable: boolean | null;
}

/** What became of asking the cloud. */
export type CloudWord =
  /** The printer's own word was enough. */
  | { readonly kind: "unasked" }
  /** There is no account that could be asked about this printer. */
  | { readonly kind: "nobody" }
  | { readonly kind: "failed"; readonly reason: string }
  /** It answered, but not about this printer. */
  | { readonly kind: "unlisted" }
  | { readonly kind: "listed"; readonly catalogue: Catalogue };

export interface FirmwareFacts {
  readonly word: FirmwareWord;
  /** The printer can be heard. While it can not, its last "nothing newer" is old news. */
  readonly online: boolean;
  readonly cloud: CloudWord;
  readonly betaOptIn: boolean;
  /** Epoch ms */
  readonly at: number;
}

/** Something newer than what is installed. */
export interface Offer {
  readonly name: string;
  readonly installed: string | null;
  readonly latest: string;
}

/**
 * What the printer offers by its own word. Never what is older than, or the same as, what is installed; where that is
 * not known, the printer's word for it is taken.
 */
export function offersOf(word: FirmwareWord): readonly Offer[] {
  if (word.says !== "offered" || word.updating || word.custom) return [];
  return word.modules.flatMap(({ name, installed, offered }) =>
    offered !== null && isOffer(offered, installed) ? [{ name, installed, latest: offered }] : [],
  );
}

export function isOffer(offered: string, installed: string | null): boolean {
  return numbersOf(offered) !== null && (compareVersions(offered, installed) ?? 1) > 0;
}
