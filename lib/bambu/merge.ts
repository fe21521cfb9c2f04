import { isFields, type Fields } from "./values";

/**
 * Folds a report into what was heard before (Bambu protocol notes, "full vs delta"): scalars replace, objects
 * merge key by key, an absent key means "unchanged". It happens in place, and unchanged values are not
 * written, so that a full frame which says little new costs little more than reading it.
 */

/** How many objects may lie inside each other; real reports have seven. What lies deeper is dropped. */
const MAX_DEPTH = 10;
/** Members of one object or array; real reports have about 120. What comes later is dropped. */
const MAX_MEMBERS = 512;

/** Set in the answer of a merge that passed something over, because it had another type than what is known. */
export const WRONG_TYPE = 1 << 30;

/** What is known of one place in a report. */
interface Place {
  /** Bits of the readers of this place, of what it lies in, and of what lies in it. */
  readonly stale: number;
  /** The member that names an entry of this array; null for arrays that are replaced as a whole. */
  readonly entryKey: string | null;
  /** A filament slot: bare of all but its id and state it says "empty", so what was there is forgotten. */
  readonly slot: boolean;
  readonly members: ReadonlyMap<string, Place>;
  /** Members without a place of their own, and the entries of an array; null at the bottom. */
  readonly others: Place | null;
}

interface Row {
  /** `*` stands for the entries of an array. */
  readonly path: string;
  readonly entryKey?: string;
  readonly slot?: true;
  readonly bit?: number;
}

/** The only list of the arrays whose entries have names, and of filament slots. */
const KEYED: readonly Row[] = [
  { path: "lights_report", entryKey: "node" },
  { path: "vt_tray", slot: true },
  { path: "vir_slot", entryKey: "id" },
  { path: "vir_slot.*", slot: true },
  { path: "ams.ams", entryKey: "id" },
  { path: "ams.ams.*.tray", entryKey: "id" },
  { path: "ams.ams.*.tray.*", slot: true },
  { path: "device.extruder.info", entryKey: "id" },
  { path: "device.nozzle.info", entryKey: "id" },
  { path: "device.airduct.parts", entryKey: "id" },
];

/** Somebody who wants to know when one of these paths ("ams.tray_now") changed. */
export interface Reader {
  /** A bit of its own. */
  readonly bit: number;
  readonly reads: readonly string[];
}

/** Merges reports, and says for which of its readers something changed. */
export class Merger {
  private readonly root: Place;
  private full = false;

  constructor(readers: readonly Reader[]) {
    const reads = readers.flatMap(({ bit, reads }) => reads.map((path): Row => ({ path, bit })));
    this.root = placeOf(
      [...KEYED, ...reads].map((row) => [row, row.path.split(".")]),
      0,
      0,
    );
  }

  /**
   * Folds `incoming` into `kept` and returns the bits of the readers for whom something changed, perhaps with
   * `WRONG_TYPE`. Takes over parts of `incoming`. A full frame decides which members the keyed arrays in it have.
   */
  merge(kept: Fields, incoming: Readonly<Fields>, frame: "full" | "delta"): number {
    this.full = frame === "full";
    return this.intoObject(kept, incoming, this.root);
  }

  private intoObject(kept: Fields, incoming: Readonly<Fields>, place: Place): number {
    let stale = 0;
    for (const key in incoming) {
      const next = incoming[key];
      const old = kept[key];
      if (next === old || key === "__proto__") continue;
      const below = place.members.get(key) ?? place.others;
      if (below === null) continue;
      if (isFields(next) && isFields(old) && !(below.slot && isBare(next))) {
        stale |= this.intoObject(old, next, below);
      } else if (Array.isArray(next) && Array.isArray(old)) {
        stale |= this.intoArray(old, next, below);
      } else if (this.isWrongType(old, next)) {
        stale |= WRONG_TYPE;
      } else if (
        !sameJson(old, next) &&
        (old !== undefined || place.members.has(key) || Object.keys(kept).length < MAX_MEMBERS)
      ) {
        kept[key] = adopt(next, below);
        stale |= below.stale;
      }
    }
    return stale;
  }

  /** A delta says what changed, and a list does not become a number; new firmware begins with a full frame. */
  private isWrongType(old: unknown, next: unknown): boolean {
    return !this.full && old !== undefined && old !== null && kindOf(old) !== kindOf(next);
  }

  private intoArray(kept: unknown[], incoming: readonly unknown[], place: Place): number {
    const entryKey = place.entryKey;
    if (entryKey !== null && isKeyed(incoming, entryKey) && isKeyed(kept, entryKey))
      return this.intoEntries(kept, incoming, place);
    if (sameJson(kept, incoming)) return 0;
    if (entryKey !== null && !this.full && kept.length > 0 && isKeyed(kept, entryKey)) return WRONG_TYPE;
    refill(kept, adopt(incoming, place) as unknown[]);
    return place.stale;
  }

  private intoEntries(kept: Fields[], incoming: readonly Fields[], place: Place): number {
    const entryKey = place.entryKey ?? "";
    const inside = place.others;
    if (inside === null) return 0;
    let stale = 0;
    if (this.full && !sameNames(kept, incoming, entryKey)) {
      const members = incoming.map((next) => kept[indexByName(kept, next, entryKey)] ?? adopt(next, inside));
      refill(kept, members);
      stale |= place.stale;
    }
    for (let i = 0; i < incoming.length; i++) {
      const next = incoming[i] as Fields;
      const at = kept[i]?.[entryKey] === next[entryKey] ? i : indexByName(kept, next, entryKey);
      const old = kept[at];
      if (old !== undefined && !(inside.slot && isBare(next))) {
        stale |= this.intoObject(old, next, inside);
      } else if (old === undefined || !sameJson(old, next)) {
        if (at < 0 && kept.length >= MAX_MEMBERS) continue;
        kept[at < 0 ? kept.length : at] = adopt(next, inside) as Fields;
        stale |= place.stale;
      }
    }
    return stale;
  }
}

/**
 * The same report in the most compact form that the engine has. An object that grew key by key becomes a
 * slow hash table several times its size; parsed in one piece it is a plain record again.
 */
export function compact(kept: Fields): Fields {
  return JSON.parse(JSON.stringify(kept)) as Fields;
}

/** Equality of two JSON values. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameJson(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  for (const key in a) if (!sameJson((a as Fields)[key], (b as Fields)[key])) return false;
  return Object.keys(a).length === Object.keys(b).length;
}

/** What is kept of a fresh value: the value itself, cut to the bounds above. */
function adopt(value: unknown, place: Place | null): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (place === null) return null;
  if (Array.isArray(value)) value.length = Math.min(value.length, MAX_MEMBERS);
  const members = value as Fields;
  let count = 0;
  for (const key in members) {
    const member = members[key];
    if (key === "__proto__" || ++count > MAX_MEMBERS) Reflect.deleteProperty(members, key);
    else if (typeof member === "object") members[key] = adopt(member, place.members.get(key) ?? place.others);
  }
  return members;
}

/** A slot of which the printer says nothing but its id and state. */
function isBare(slot: Readonly<Fields>): boolean {
  for (const key in slot) if (key !== "id" && key !== "state") return false;
  return true;
}

function kindOf(value: unknown): "list" | "object" | "scalar" {
  if (typeof value !== "object" || value === null) return "scalar";
  return Array.isArray(value) ? "list" : "object";
}

/** True where every entry is an object with a name, so that entries can be told apart. */
function isKeyed(entries: readonly unknown[], entryKey: string): entries is Fields[] {
  for (const entry of entries) if (!isFields(entry) || nameOf(entry, entryKey) === null) return false;
  return true;
}

function nameOf(entry: Readonly<Fields>, entryKey: string): string | null {
  const name = entry[entryKey];
  return typeof name === "string" || typeof name === "number" ? String(name) : null;
}

function indexByName(entries: readonly Fields[], wanted: Readonly<Fields>, entryKey: string): number {
  const name = nameOf(wanted, entryKey);
  return entries.findIndex((entry) => nameOf(entry, entryKey) === name);
}

function sameNames(a: readonly Fields[], b: readonly Fields[], entryKey: string): boolean {
  return a.length === b.length && a.every((entry, i) => entry[entryKey] === b[i]?.[entryKey]);
}

/** New content for an array that others hold on to. */
function refill(array: unknown[], content: readonly unknown[]): void {
  array.length = 0;
  for (const entry of content) array.push(entry);
}

/** The place `depth` steps down that these rows lie in or below; `outer` are the bits of what it lies in. */
function placeOf(rows: readonly (readonly [Row, readonly string[]])[], depth: number, outer: number): Place {
  const here = rows.filter(([, path]) => path.length === depth).map(([row]) => row);
  const below = rows.filter(([, path]) => path.length > depth);
  const whole = here.reduce((bits, { bit }) => bits | (bit ?? 0), outer);
  const step = (name: string): Place =>
    placeOf(
      below.filter(([, path]) => path[depth] === name),
      depth + 1,
      whole,
    );
  const names = new Set(below.map(([, path]) => path[depth] ?? "*"));
  names.delete("*");
  return {
    stale: below.reduce((bits, [{ bit }]) => bits | (bit ?? 0), whole),
    entryKey: here.find((row) => row.entryKey !== undefined)?.entryKey ?? null,
    slot: here.some((row) => row.slot === true),
    members: new Map([...names].map((name) => [name, step(name)])),
    others: depth < MAX_DEPTH ? step("*") : null,
  };
}
