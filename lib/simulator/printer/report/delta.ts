/** What a delta report carries: only what changed since the last one. Source: Bambu protocol notes, "Full vs delta". */
import { isJsonList, isJsonObject, type Json, type JsonObject } from "../../json";

interface EntryRule {
  /** The member that names an entry. */
  readonly key: string;
  /** A changed entry is sent as a whole, since a tray with little more than its id means an empty slot. */
  readonly whole: boolean;
}

/** Lists whose entries are sent one by one; every other list is sent as a whole. */
const ENTRY_RULES: ReadonlyMap<string, EntryRule> = new Map([
  ["lights_report", { key: "node", whole: true }],
  ["ams.ams", { key: "id", whole: false }],
  ["ams.ams.tray", { key: "id", whole: true }],
  ["vir_slot", { key: "id", whole: true }],
  ["device.extruder.info", { key: "id", whole: false }],
  ["device.nozzle.info", { key: "id", whole: false }],
  ["device.airduct.parts", { key: "id", whole: false }],
]);

/** Objects that are sent as a whole when anything in them changed. */
const WHOLE_OBJECTS: ReadonlySet<string> = new Set(["vt_tray", "net", "upload", "ams.ams.dry_setting"]);

function same(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (isJsonList(left) && isJsonList(right))
    return left.length === right.length && left.every((value, index) => same(value, right[index]));
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => same(left[key], right[key]));
}

/** The changed entries; the whole list where entries came or went. */
function entryChanges(before: readonly Json[], after: readonly Json[], path: string, { key, whole }: EntryRule): Json {
  if (before.length !== after.length) return after;
  const nameOf = (entry: Json | undefined): Json => (isJsonObject(entry) ? (entry[key] ?? null) : null);
  const known = new Map(before.map((entry) => [nameOf(entry), entry]));
  return after.flatMap((entry) => {
    const part = whole ? entry : changesOf(known.get(nameOf(entry)), entry, path);
    if (part === undefined || same(known.get(nameOf(entry)), entry)) return [];
    return isJsonObject(part) ? [{ [key]: nameOf(entry), ...part }] : [part];
  });
}

function changesOf(before: Json | undefined, after: Json, path: string): Json | undefined {
  if (same(before, after)) return undefined;
  const rule = ENTRY_RULES.get(path);
  if (rule !== undefined && isJsonList(before) && isJsonList(after)) return entryChanges(before, after, path, rule);
  if (!isJsonObject(before) || !isJsonObject(after) || WHOLE_OBJECTS.has(path)) return after;
  const changed: Record<string, Json> = {};
  for (const [key, value] of Object.entries(after)) {
    const part = changesOf(before[key], value, path === "" ? key : `${path}.${key}`);
    if (part !== undefined) changed[key] = part;
  }
  return changed;
}

/** The keys of `after` that differ from `before`, nested; null when nothing does. */
export function reportDelta(before: JsonObject, after: JsonObject): JsonObject | null {
  const changed = changesOf(before, after, "");
  return isJsonObject(changed) ? changed : null;
}
