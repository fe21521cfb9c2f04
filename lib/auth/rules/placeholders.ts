import type { ClientInfo, Unknown } from "../provider";
import { isReserved } from "../request";
import { filterProblem, splitFilter, textProblem } from "../topics";

/**
 * Filters of rules: MQTT filters in which a whole level may be `${userId}`, `${clientId}`, `${tenantId}` or
 * `${attrs.<name>}`, to be filled with what is known of the client that asks.
 */

export const NOTHING_UNKNOWN: ReadonlySet<Unknown> = new Set();

/** A level that is filled from the client. */
export interface Slot {
  /** As it is written in the rule. */
  readonly text: string;
  readonly source: "userId" | "clientId" | "tenantId" | "attrs";
  /** The key in the client's metadata; unused for the tenant. */
  readonly key: string;
}

export interface RuleFilter {
  /** As it is written in the rule. */
  readonly text: string;
  readonly levels: readonly (string | Slot)[];
  /** It ends in `#`, which is not among the levels. */
  readonly hash: boolean;
}

const PLACEHOLDER = /^\$\{(?:(userId|clientId|tenantId)|attrs\.([^{}]+))\}$/;

/** What would make a value more than one level, or a wildcard of it. */
const SPECIAL = /[/+#]/;

/** The filter of a rule in pieces, its share prefix removed; or what is wrong with it, as the end of a sentence. */
export function parseRuleFilter(text: string): RuleFilter | { readonly problem: string } {
  const long = textProblem(text);
  if (long !== null) return { problem: long };
  const slots = new Map<string, Slot>();
  for (const level of text.split("/")) {
    if (!level.includes("${")) continue;
    const slot = parseSlot(level);
    if (typeof slot === "string") return { problem: slot };
    slots.set(level, slot);
  }
  // With a plain word in place of each placeholder it must be a filter.
  const stand = text.split("/").map((level) => (slots.has(level) ? "x" : level));
  const wrong = filterProblem(stand.join("/"));
  if (wrong !== null) return { problem: wrong };
  const { levels, hash } = splitFilter(stand.join("/"));
  const all = text.split("/");
  const inner = all.slice(all.length - levels.length - (hash ? 1 : 0), hash ? -1 : undefined);
  const group = all.slice(0, all.length - levels.length - (hash ? 1 : 0));
  if (group.some((level) => slots.has(level))) return { problem: "the name of a share holds no placeholder" };
  return { text, levels: inner.map((level) => slots.get(level) ?? level), hash };
}

function parseSlot(level: string): Slot | string {
  const [whole, field, attribute] = PLACEHOLDER.exec(level) ?? [];
  if (whole === undefined) {
    return level.startsWith("${") && level.indexOf("}") === level.length - 1
      ? `the placeholder ${level} is unknown`
      : "a placeholder does not fill its whole level";
  }
  if (field !== undefined) return { text: level, source: field as Exclude<Slot["source"], "attrs">, key: field };
  const key = attribute ?? "";
  return isReserved(key) ? `${key} is no attribute of a login` : { text: level, source: "attrs", key };
}

/** The client's own metadata of that name; names that every object has are none of it. */
export function metadataOf(client: ClientInfo, key: string): string | undefined {
  return Object.hasOwn(client.metadata, key) ? client.metadata[key] : undefined;
}

/** What fills the slot, whatever it holds. */
export function rawValue({ source, key }: Slot, client: ClientInfo): string | undefined {
  return source === "tenantId" ? client.tenantId : metadataOf(client, key);
}

/** What fills the slot, or undefined where it can not stand for exactly one level: then the filter matches nothing. */
export function slotValue(slot: Slot, client: ClientInfo): string | undefined {
  const value = rawValue(slot, client);
  return value === undefined || value === "" || SPECIAL.test(value) ? undefined : value;
}

/** Whether nobody can say what fills the slot. */
export function isUnknownSlot(slot: Slot, unknown: ReadonlySet<Unknown>): boolean {
  return (slot.source === "clientId" || slot.source === "attrs") && unknown.has(slot.source);
}
