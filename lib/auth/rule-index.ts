import { isUnknownSlot, metadataOf, rawValue, slotValue, type Slot } from "./placeholders";
import type { Action, ClientInfo, Unknown } from "./provider";
import type { Rule } from "./rules-parse";
import { judgeWho, type Certainty } from "./rules-who";
import { isHidden, shortest, splitFilter, type Filter } from "./topics";

/**
 * Rules by their topics: a tree with a step a level, so that a decision looks at the few rules whose filters
 * fit instead of at all of them. What it answers is the first rule of the list that decides, exactly as if the
 * list were read from the top (the tests compare the two).
 */

/** Who asks what; and what was found so far. */
interface Search {
  readonly client: ClientInfo;
  readonly action: Action;
  readonly unknown: ReadonlySet<Unknown>;
  readonly levels: readonly string[];
  readonly hash: boolean;
  /** The first rule so far. */
  found: Rule | null;
  /** Its index; beyond it nothing is of interest. */
  limit: number;
}

/** Whether the rule decides the question, its topics apart. `certain`: they fit whatever the unknown may be. */
function decides(rule: Rule, search: Search, certain: boolean): boolean {
  const { action } = search;
  if (!rule.actions.has(action.kind)) return false;
  if (rule.qos !== null && "qos" in action && !rule.qos.has(action.qos)) return false;
  if (rule.retain !== null && action.kind === "pub" && rule.retain !== action.isRetained) return false;
  // What may be so is enough to forbid, and not enough to allow.
  if (!certain && rule.effect === "allow") return false;
  if (rule.who === null) return true;
  const { fits } = judgeWho(rule.who, search.client, search.unknown);
  return fits === "yes" || (fits === "maybe" && rule.effect === "deny");
}

type PersonalField = "userId" | "clientId" | "tenantId";
/** From the field that tells clients apart best to the one that does least. */
const PERSONAL: readonly PersonalField[] = ["clientId", "userId", "tenantId"];

/** The rules of one place of the tree, in order; those about named clients by name. */
class Shelf {
  private readonly common: Rule[] = [];
  private readonly named = new Map<PersonalField, Map<string, Rule[]>>();

  /** Rules come in the order of their index. */
  add(rule: Rule): void {
    const field = PERSONAL.find((one) => rule.who?.[one] !== undefined);
    const names = field === undefined ? undefined : rule.who?.[field];
    if (field === undefined || names === undefined) {
      this.common.push(rule);
      return;
    }
    const byName = this.named.get(field) ?? new Map<string, Rule[]>();
    this.named.set(field, byName);
    for (const name of names) {
      const rules = byName.get(name);
      if (rules === undefined) byName.set(name, [rule]);
      else rules.push(rule);
    }
  }

  search(search: Search, certain: boolean): void {
    searchList(this.common, search, certain);
    for (const [field, byName] of this.named) {
      if (field === "clientId" && search.unknown.has("clientId")) {
        for (const rules of byName.values()) searchList(rules, search, certain);
        continue;
      }
      const name = field === "tenantId" ? search.client.tenantId : metadataOf(search.client, field);
      const rules = name === undefined ? undefined : byName.get(name);
      if (rules !== undefined) searchList(rules, search, certain);
    }
  }
}

function searchList(rules: readonly Rule[], search: Search, certain: boolean): void {
  for (const rule of rules) {
    if (rule.index >= search.limit) return;
    if (decides(rule, search, certain)) {
      search.found = rule;
      search.limit = rule.index;
      return;
    }
  }
}

/** A place in the tree: the rules whose filters begin with the levels that lead here. */
class Place {
  /** The smallest index of a rule at or below this place. */
  first = Infinity;
  /** Filters that end here. */
  here: Shelf | null = null;
  /** Filters that go on with `#`. */
  rest: Shelf | null = null;
  literals: Map<string, Place> | null = null;
  plus: Place | null = null;
  slots: [slot: Slot, place: Place][] | null = null;

  next(level: string | Slot): Place {
    if (level === "+") return (this.plus ??= new Place());
    if (typeof level === "string") {
      this.literals ??= new Map();
      const place = this.literals.get(level) ?? new Place();
      this.literals.set(level, place);
      return place;
    }
    this.slots ??= [];
    const known = this.slots.find(([slot]) => slot.text === level.text);
    if (known !== undefined) return known[1];
    const place = new Place();
    this.slots.push([level, place]);
    return place;
  }
}

class Tree {
  private readonly root = new Place();
  /** The levels of the longest filter. */
  depth = 0;

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      for (const { levels, hash } of rule.filters) {
        let place = this.root;
        place.first = Math.min(place.first, rule.index);
        for (const level of levels) {
          place = place.next(level);
          place.first = Math.min(place.first, rule.index);
        }
        this.depth = Math.max(this.depth, levels.length);
        (hash ? (place.rest ??= new Shelf()) : (place.here ??= new Shelf())).add(rule);
      }
    }
  }

  /** Looks for rules that cover all of what is asked, or for those that overlap any of it. */
  search(search: Search, how: typeof cover | typeof overlap): void {
    how(this.root, 0, search, true);
  }
}

/** Rules whose filter covers what is asked: all names of it. `start` levels lead to the place. */
function cover(from: Place, start: number, search: Search, certain: boolean): void {
  const { levels } = search;
  const end = search.hash ? shortest(search) : levels.length;
  let place: Place | null = from;
  for (let at = start; place !== null && place.first < search.limit; at++) {
    // Beyond its last level a filter with "#" leaves open what comes, which only wildcards cover.
    const level: string = at < levels.length ? (levels[at] ?? "+") : "+";
    const open: boolean = at > 0 || !isHidden(level);
    if (place.rest !== null && open) place.rest.search(search, certain);
    if (at === end) {
      if (!search.hash) place.here?.search(search, certain);
      return;
    }
    const plus: Place | null = open ? place.plus : null;
    const literal: Place | undefined = level === "+" ? undefined : place.literals?.get(level);
    if (place.slots !== null && level !== "+" && level !== "") {
      for (const [slot, next] of place.slots) {
        const fits = slotEquals(slot, level, search);
        // A client by the name of "$SYS" shall not be let in where no wildcard is.
        if (fits !== "no") cover(next, at + 1, search, certain && open && fits === "yes");
      }
    }
    // The last way is taken by the loop: only forks cost depth of the stack.
    if (literal !== undefined && plus !== null) cover(literal, at + 1, search, certain);
    place = plus ?? literal ?? null;
  }
}

/** Whether the slot's value is the level, which is a whole one and no wildcard: so it needs no other check. */
function slotEquals(slot: Slot, level: string, { client, unknown }: Search): Certainty {
  if (isUnknownSlot(slot, unknown)) return "maybe";
  return rawValue(slot, client) === level ? "yes" : "no";
}

/** Rules whose filter has a name in common with what is asked. */
function overlap(from: Place, start: number, search: Search, sure: boolean): void {
  const { levels, hash } = search;
  const needs = shortest(search);
  let way: Way | null = [from, sure];
  for (let at = start; way !== null; at++) {
    const [place, certain]: Way = way;
    if (place.first >= search.limit) return;
    const level = levels[at];
    if (at > 0 || !isHidden(level)) place.rest?.search(search, certain);
    if (hash ? at >= needs : at === needs) place.here?.search(search, certain);
    if (level === undefined && !hash) return;
    const ways: Way[] =
      level === undefined || level === "+" ? waysOfAny(place, at, search) : waysOf(place, level, at, search);
    way = ways.pop() ?? null;
    for (const [next, fits] of ways) overlap(next, at + 1, search, certain && fits);
    if (way !== null) way = [way[0], certain && way[1]];
  }
}

/** A place to go on to, and whether it is reached for certain. */
type Way = readonly [place: Place, certain: boolean];

/** Where a level leads that is asked by name. */
function waysOf(place: Place, level: string, at: number, search: Search): Way[] {
  const ways: Way[] = [];
  const literal = place.literals?.get(level);
  if (literal !== undefined) ways.push([literal, true]);
  if (place.plus !== null && (at > 0 || !isHidden(level))) ways.push([place.plus, true]);
  if (level === "") return ways;
  for (const [slot, next] of place.slots ?? []) {
    const fits = slotEquals(slot, level, search);
    if (fits !== "no") ways.push([next, fits === "yes"]);
  }
  return ways;
}

/** Where a level leads that a wildcard asks for. */
function waysOfAny(place: Place, at: number, search: Search): Way[] {
  const { client, unknown, levels, hash } = search;
  const ways: Way[] = [];
  for (const [level, next] of place.literals ?? []) {
    // "+" by itself asks for no name with an empty first level: there is no empty name.
    const isNoName = level === "" && !hash && levels.length === 1;
    if (at > 0 || !(isHidden(level) || isNoName)) ways.push([next, true]);
  }
  if (place.plus !== null) ways.push([place.plus, true]);
  for (const [slot, next] of place.slots ?? []) {
    const value = slotValue(slot, client);
    if (isUnknownSlot(slot, unknown)) ways.push([next, false]);
    else if (value !== undefined && (at > 0 || !isHidden(value))) ways.push([next, true]);
  }
  return ways;
}

/** Finds the rule that decides. Made once for a list of rules. */
export class RuleIndex {
  private readonly names: Tree;
  private readonly allows: Tree;
  private readonly denies: Tree;
  private readonly connects = new Shelf();

  constructor(rules: readonly Rule[]) {
    const subscribes = rules.filter(({ actions }) => actions.has("sub") || actions.has("unsub"));
    this.names = new Tree(rules.filter(({ actions }) => actions.has("pub")));
    this.allows = new Tree(subscribes.filter(({ effect }) => effect === "allow"));
    this.denies = new Tree(subscribes.filter(({ effect }) => effect === "deny"));
    for (const rule of rules) if (rule.actions.has("conn")) this.connects.add(rule);
  }

  /** The first rule of the list that decides, or null where none does. The action must be valid. */
  find(client: ClientInfo, action: Action, unknown: ReadonlySet<Unknown>): Rule | null {
    const search: Search = { client, action, unknown, ...this.askedOf(action), found: null, limit: Infinity };
    if (action.kind === "conn") {
      this.connects.search(search, true);
    } else if (action.kind === "pub") {
      this.names.search(search, cover);
    } else {
      this.allows.search(search, cover);
      this.denies.search(search, overlap);
    }
    return search.found;
  }

  private askedOf(action: Action): Filter {
    if (action.kind === "conn") return NO_TOPIC;
    if (action.kind !== "pub") return splitFilter(action.topicFilter);
    // Levels beyond the longest filter make no difference, however many an attacker sends.
    return { levels: action.topic.split("/", this.names.depth + 1), hash: false };
  }
}

const NO_TOPIC: Filter = { levels: [], hash: false };
