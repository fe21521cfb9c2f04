import { metadataOf } from "./placeholders";
import type { Action, ActionKind, ClientInfo, Unknown } from "../provider";
import type { Levels } from "./rule-index-levels";
import type { Rule } from "./parse";
import { judgeWho } from "./who";

/** Who asks what; and what was found so far. */
export interface Search {
  readonly client: ClientInfo;
  readonly action: Action;
  /** The bit of its kind. */
  readonly kind: number;
  readonly unknown: ReadonlySet<Unknown>;
  /** The name or filter that is asked for, without a share. */
  readonly text: string;
  readonly levels: Levels;
  /** A filter that ends in `#`. */
  readonly hash: boolean;
  /** How many levels the shortest name has that is asked for. */
  readonly end: number;
  /** The first level keeps wildcards away. */
  readonly hidden: boolean;
  /** The first rule so far. */
  found: Rule | null;
  /** Its index; beyond it nothing is of interest. */
  limit: number;
}

/** Beyond the index of any rule. A small integer: Infinity would be an object to fetch at every step. */
export const NO_LIMIT = 0x3fff_ffff;

/** The kinds of action as bits. */
export const BITS: Readonly<Record<ActionKind, number>> = { pub: 1, sub: 2, unsub: 4, conn: 8 };

/** A rule with what nearly always suffices, close together: a decision touches much memory and little of it twice. */
interface Entry {
  readonly index: number;
  readonly kinds: number;
  readonly denies: boolean;
  /** It asks for nothing but action and topic. */
  readonly plain: boolean;
  readonly rule: Rule;
}

function entryOf(rule: Rule): Entry {
  const kinds = [...rule.actions].reduce((bits, kind) => bits | BITS[kind], 0);
  const plain = rule.who === null && rule.qos === null && rule.retain === null;
  return { index: rule.index, kinds, denies: rule.effect === "deny", plain, rule };
}

/** Whether the rule's conditions besides action and topic decide the question. */
function decides({ rule, denies }: Entry, { action, client, unknown }: Search): boolean {
  if (rule.qos !== null && "qos" in action && !rule.qos.has(action.qos)) return false;
  if (rule.retain !== null && action.kind === "pub" && rule.retain !== action.isRetained) return false;
  if (rule.who === null) return true;
  const { fits } = judgeWho(rule.who, client, unknown);
  return fits === "yes" || (fits === "maybe" && denies);
}

type PersonalField = "userId" | "clientId" | "tenantId";
/** From the field that tells clients apart best to the one that does least. */
const PERSONAL: readonly PersonalField[] = ["clientId", "userId", "tenantId"];

/** The rules of one place of the tree, in order; those about named clients by name. */
export class Shelf {
  private readonly common: Entry[] = [];
  private named: Map<PersonalField, Map<string, Entry[]>> | null = null;

  /** Rules come in the order of their index. */
  add(rule: Rule): void {
    const field = PERSONAL.find((one) => rule.who?.[one] !== undefined);
    const names = field === undefined ? undefined : rule.who?.[field];
    if (field === undefined || names === undefined) {
      this.common.push(entryOf(rule));
      return;
    }
    this.named ??= new Map();
    const byName = this.named.get(field) ?? new Map<string, Entry[]>();
    this.named.set(field, byName);
    for (const name of names) {
      const entries = byName.get(name) ?? [];
      byName.set(name, entries);
      entries.push(entryOf(rule));
    }
  }

  /** @param certain the topics fit, whatever the unknown may be */
  search(search: Search, certain: boolean): void {
    searchList(this.common, search, certain);
    if (this.named !== null) this.searchNamed(this.named, search, certain);
  }

  private searchNamed(named: Map<PersonalField, Map<string, Entry[]>>, search: Search, certain: boolean): void {
    for (const [field, byName] of named) {
      if (field === "clientId" && search.unknown.has("clientId")) {
        for (const entries of byName.values()) searchList(entries, search, certain);
        continue;
      }
      const name = field === "tenantId" ? search.client.tenantId : metadataOf(search.client, field);
      const entries = name === undefined ? undefined : byName.get(name);
      if (entries !== undefined) searchList(entries, search, certain);
    }
  }
}

function searchList(entries: readonly Entry[], search: Search, certain: boolean): void {
  for (const entry of entries) {
    if (entry.index >= search.limit) return;
    // What may be so is enough to forbid, and not enough to allow.
    if ((entry.kinds & search.kind) === 0 || !(certain || entry.denies)) continue;
    if (entry.plain || decides(entry, search)) {
      search.found = entry.rule;
      search.limit = entry.index;
      return;
    }
  }
}
