import { type Catalogue, type CatalogueEntry, type CatalogueModule, WHOLE } from "../printer/firmware";
import { isAms, versionOf } from "./firmware";
import { entriesOf, integerIn, isFields, type Fields } from "./values";

/**
 * The cloud's catalogue entry of one printer (Bambu protocol notes, "firmware catalogue"): `firmware[]` for the printer
 * and `ams[].firmware[]` for each AMS, every entry with `version`, `status`, `force_update` and `description`.
 */

/** Real lists have a handful. */
const MOST_ENTRIES = 256;
const LONGEST_NOTES = 64 * 1024;

/**
 * The entry without beta versions, of the printer and of each AMS. Everything else in it stays as the cloud sent it,
 * lists that are no lists included; the given object is not touched.
 */
export function withoutBeta(entry: Readonly<Fields>): Fields {
  const kept = withoutBetaOf(entry);
  if (Array.isArray(entry.ams))
    kept.ams = entry.ams.map((unit: unknown) => (isFields(unit) ? withoutBetaOf(unit) : unit));
  return kept;
}

function withoutBetaOf(holder: Readonly<Fields>): Fields {
  if (!Array.isArray(holder.firmware)) return { ...holder };
  return { ...holder, firmware: holder.firmware.filter((entry) => !isFields(entry) || channelOf(entry) === "release") };
}

/** Replies of old do not say: those knew releases only. */
function channelOf(entry: Readonly<Fields>): CatalogueEntry["channel"] {
  return typeof entry.status === "string" && entry.status.trim().toLowerCase() === "beta" ? "beta" : "release";
}

/**
 * The entry in terms of the printer. `moduleNames` are the printer's own: an AMS of the catalogue is the one with its
 * number. One that a printer with known modules does not have is left out; where the printer has said nothing, it is
 * named like an AMS of the first kind. Some replies do not number them.
 */
export function catalogueOf(
  entry: Readonly<Fields>,
  { channel, moduleNames }: { readonly channel: "release" | "beta"; readonly moduleNames: readonly string[] },
): Catalogue {
  const kept = channel === "beta" ? entry : withoutBeta(entry);
  const units = entriesOf(entry.ams).slice(0, MOST_ENTRIES);
  const keptUnits = entriesOf(kept.ams);
  const names = namesOf(units, moduleNames);
  const named = units.flatMap((unit, i): CatalogueModule[] => {
    const name = names[i] ?? null;
    return name === null ? [] : [moduleOf(name, unit, keptUnits[i] ?? {})];
  });
  return { modules: [moduleOf(WHOLE, entry, kept), ...named] };
}

function moduleOf(name: string, holder: Readonly<Fields>, kept: Readonly<Fields>): CatalogueModule {
  const entries = listOf(kept.firmware);
  const left = new Set(entries?.map(({ version }) => version));
  const withheld = (listOf(holder.firmware) ?? [])
    .map(({ version }) => version)
    .filter((version) => !left.has(version));
  return { name, installed: versionOf(holder.version), entries, withheld };
}

/** null where the list is missing, or holds something but nothing that can be read. */
function listOf(list: unknown): readonly CatalogueEntry[] | null {
  if (!Array.isArray(list)) return null;
  const entries = entriesOf(list)
    .slice(0, MOST_ENTRIES)
    .flatMap((entry): CatalogueEntry[] => {
      const version = versionOf(entry.version);
      if (version === null) return [];
      return [{ version, channel: channelOf(entry), force: entry.force_update === true, notes: notesOf(entry) }];
    });
  return entries.length === 0 && list.length > 0 ? null : entries;
}

function notesOf({ description }: Readonly<Fields>): string | null {
  return typeof description === "string" && description.trim() !== "" ? description.slice(0, LONGEST_NOTES) : null;
}

/** What the printer calls each unit; null = it does not have it. */
function namesOf(units: readonly Readonly<Fields>[], moduleNames: readonly string[]): readonly (string | null)[] {
  const ids = units.map(({ ams_id, address }) => integerIn(ams_id, 0, 255) ?? integerIn(address, 0, 255));
  const own = moduleNames.filter(isAms);
  const byId = ids.map((id) => (id === null ? null : (own.find((name) => name.endsWith(`/${id}`)) ?? null)));
  if (moduleNames.length === 0) return ids.map((id) => (id === null ? UNNUMBERED : `ams/${id}`));
  const left = own.filter((name) => !byId.includes(name));
  const isClear = left.length === ids.filter((id) => id === null).length && new Set(left.map(familyOf)).size <= 1;
  return ids.map((id, i) => {
    if (id !== null) return byId[i] ?? null;
    // Units of one kind are listed in their order; with others among them nobody can say which is meant.
    return isClear ? (left.shift() ?? null) : left.length > 0 ? UNNUMBERED : null;
  });
}

/** An AMS of which the cloud does not say which one it is. */
const UNNUMBERED = "ams";

function familyOf(name: string): string {
  return name.split("/")[0] ?? "";
}
