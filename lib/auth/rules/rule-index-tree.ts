import { isUnknownSlot, rawValue, slotValue, type RuleFilter, type Slot } from "./placeholders";
import { PLUS, STRANGE, type Words } from "./rule-index-levels";
import { NO_LIMIT, Shelf, type Search } from "./rule-index-shelf";
import type { Rule } from "./parse";
import type { Certainty } from "./who";
import { isHidden } from "../topics";

/** The levels that are filled from the client, and where they lead. */
type Slots = { readonly slot: Slot; readonly place: Place }[];

/** A place in the tree: the rules whose filters begin with the levels that lead here. */
class Place {
  /** The smallest index of a rule at or below this place. */
  first = NO_LIMIT;
  /** Filters that end here. */
  here: Shelf | null = null;
  /** Filters that go on with `#`. */
  rest: Shelf | null = null;
  /** The one named level that goes on from here, and its number: most places have no other. */
  private onlyId = STRANGE;
  private only: Place | null = null;
  private others: Map<number, Place> | null = null;
  plus: Place | null = null;
  slots: Slots | null = null;

  /** @param level what leads here, where a wildcard could ask for it */
  constructor(readonly level: string) {}

  next(level: string | Slot, words: Words): Place {
    if (typeof level !== "string") return this.nextOfSlot(level);
    if (level === "+") return (this.plus ??= new Place(level));
    const id = words.add(level);
    const known = this.literal(id);
    if (known !== undefined) return known;
    const place = new Place(level);
    if (this.only === null) [this.onlyId, this.only] = [id, place];
    else (this.others ??= new Map()).set(id, place);
    return place;
  }

  /** Where the named level of that number leads. */
  literal(id: number): Place | undefined {
    if (this.only !== null && this.onlyId === id) return this.only;
    return this.others?.get(id);
  }

  /** Where all named levels lead. */
  *literals(): Iterable<Place> {
    if (this.only !== null) yield this.only;
    if (this.others !== null) yield* this.others.values();
  }

  private nextOfSlot(slot: Slot): Place {
    this.slots ??= [];
    const known = this.slots.find((one) => one.slot.text === slot.text);
    if (known !== undefined) return known.place;
    const place = new Place(slot.text);
    this.slots.push({ slot, place });
    return place;
  }
}

/** Looks for rules that cover all of what is asked, or for those that overlap any of it. */
export type Walk = (from: Place, start: number, search: Search, certain: boolean) => void;

export class Tree {
  private readonly root = new Place("");
  /** Filters without any wildcard, which need no walk. */
  private readonly exact = new Map<string, Shelf>();
  /** The levels of the longest filter. */
  depth = 0;

  constructor(
    rules: readonly Rule[],
    words: Words,
    private readonly walk: Walk,
  ) {
    for (const rule of rules) {
      for (const filter of rule.filters) {
        const { levels } = filter;
        this.depth = Math.max(this.depth, levels.length);
        // A name overlaps filters that are not its own, so that overlaps are looked for in the tree alone.
        const name = walk === cover ? exactName(filter) : null;
        (name === null ? this.shelfIn(filter, words, rule.index) : this.shelfOf(name)).add(rule);
      }
    }
  }

  private shelfOf(name: string): Shelf {
    const shelf = this.exact.get(name) ?? new Shelf();
    this.exact.set(name, shelf);
    return shelf;
  }

  private shelfIn({ levels, hash }: RuleFilter, words: Words, index: number): Shelf {
    let place = this.root;
    place.first = Math.min(place.first, index);
    for (const level of levels) {
      place = place.next(level, words);
      place.first = Math.min(place.first, index);
    }
    return hash ? (place.rest ??= new Shelf()) : (place.here ??= new Shelf());
  }

  search(search: Search): void {
    this.exact.get(search.text)?.search(search, true);
    this.walk(this.root, 0, search, true);
  }
}

/** The only name that the filter matches, or null if there may be several. */
function exactName({ levels, hash }: RuleFilter): string | null {
  const names = levels.filter((level): level is string => typeof level === "string" && level !== "+");
  return !hash && names.length === levels.length ? names.join("/") : null;
}

/**
 * Rules whose filter covers what is asked: all names of it. `start` levels lead to the place, and `sure` says
 * whether they do whatever the unknown may be. Of the ways on, the last is taken by the loop: only forks cost
 * depth of the stack, and a filter of thousands of levels does not exhaust it.
 */
export function cover(from: Place, start: number, search: Search, sure: boolean): void {
  const { end, hidden, levels } = search;
  const { ids, count } = levels;
  let place: Place | null = from;
  let certain = sure;
  for (let at = start; place !== null && place.first < search.limit; at++) {
    const open: boolean = at > 0 || !hidden;
    if (place.rest !== null && open) place.rest.search(search, certain);
    if (at === end) {
      if (!search.hash) place.here?.search(search, certain);
      return;
    }
    // Beyond its last level a filter with "#" leaves open what comes, which only wildcards cover.
    const id: number = at < count ? (ids[at] ?? PLUS) : PLUS;
    const literal: Place | undefined = id >= 0 ? place.literal(id) : undefined;
    const plus: Place | null = open ? place.plus : null;
    let last: Place | null = plus ?? literal ?? null;
    if (literal !== undefined && last !== literal) cover(literal, at + 1, search, certain);
    if (place.slots !== null && id !== PLUS) {
      const soFar: boolean = certain;
      for (const { slot, place: next } of place.slots) {
        const fits = slotFits(slot, at, search);
        if (fits === "no") continue;
        if (last !== null) cover(last, at + 1, search, certain);
        // In a first level with "$" no client is let in by its name: it might be "$SYS".
        certain = soFar && open && fits === "yes";
        last = next;
      }
    }
    place = last;
  }
}

/** Whether the slot's value is the level, which is a whole one and no wildcard: so it needs no other check. */
function slotFits(slot: Slot, at: number, { client, unknown, levels }: Search): Certainty {
  if (isUnknownSlot(slot, unknown)) return levels.isEmpty(at) ? "no" : "maybe";
  return levels.is(at, rawValue(slot, client)) ? "yes" : "no";
}

/** Rules whose filter has a name in common with what is asked. */
export function overlap(from: Place, start: number, search: Search, sure: boolean): void {
  const { hash, end, hidden, levels } = search;
  const { ids, count } = levels;
  let way: Way | null = [from, sure];
  for (let at = start; way !== null; at++) {
    const [place, certain]: Way = way;
    if (place.first >= search.limit) return;
    if (at > 0 || !hidden) place.rest?.search(search, certain);
    if (hash ? at >= end : at === end) place.here?.search(search, certain);
    const id = at < count ? ids[at] : undefined;
    if (id === undefined && !hash) return;
    const ways: Way[] = id === undefined || id === PLUS ? waysOfAny(place, at, search) : waysOf(place, id, at, search);
    way = ways.pop() ?? null;
    for (const [next, fits] of ways) overlap(next, at + 1, search, certain && fits);
    if (way !== null) way = [way[0], certain && way[1]];
  }
}

/** A place to go on to, and whether it is reached for certain. */
type Way = readonly [place: Place, certain: boolean];

/** Where a level leads that is asked by name. */
function waysOf(place: Place, id: number, at: number, search: Search): Way[] {
  const ways: Way[] = [];
  const literal = id >= 0 ? place.literal(id) : undefined;
  if (literal !== undefined) ways.push([literal, true]);
  if (place.plus !== null && (at > 0 || !search.hidden)) ways.push([place.plus, true]);
  for (const { slot, place: next } of place.slots ?? []) {
    const fits = slotFits(slot, at, search);
    if (fits !== "no") ways.push([next, fits === "yes"]);
  }
  return ways;
}

/** Where a level leads that a wildcard asks for. */
function waysOfAny(place: Place, at: number, search: Search): Way[] {
  const { client, unknown, levels, hash } = search;
  const ways: Way[] = [];
  for (const next of place.literals()) {
    // "+" by itself asks for no name with an empty first level: there is no empty name.
    const isNoName = next.level === "" && !hash && levels.count === 1;
    if (at > 0 || !(isHidden(next.level) || isNoName)) ways.push([next, true]);
  }
  if (place.plus !== null) ways.push([place.plus, true]);
  for (const { slot, place: next } of place.slots ?? []) {
    const value = slotValue(slot, client);
    if (isUnknownSlot(slot, unknown)) ways.push([next, false]);
    else if (value !== undefined && (at > 0 || !isHidden(value))) ways.push([next, true]);
  }
  return ways;
}
