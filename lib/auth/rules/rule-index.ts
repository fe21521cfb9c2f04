import type { Action, ClientInfo, Unknown } from "../provider";
import { Levels, Words } from "./rule-index-levels";
import { BITS, NO_LIMIT, Shelf, type Search } from "./rule-index-shelf";
import { cover, overlap, Tree } from "./rule-index-tree";
import type { Rule } from "./parse";
import { innerFilter, isHidden, shortest, splitFilter } from "../topics";

/**
 * Rules by their topics: a tree with a step a level, so that a decision looks at the few rules whose filters
 * fit instead of at all of them. What it answers is the first rule of the list that decides, exactly as if the
 * list were read from the top (the tests compare the two). Made once for a list of rules.
 */
export class RuleIndex {
  private readonly names: Tree;
  private readonly allows: Tree;
  private readonly denies: Tree;
  private readonly connects = new Shelf();
  /** Of the question that is being answered: nothing waits here, so that one is enough. */
  private readonly levels: Levels;

  constructor(rules: readonly Rule[]) {
    const words = new Words();
    const subscribes = rules.filter(({ actions }) => actions.has("sub") || actions.has("unsub"));
    const isAllow = ({ effect }: Rule): boolean => effect === "allow";
    const isDeny = ({ effect }: Rule): boolean => effect === "deny";
    const isPublish = ({ actions }: Rule): boolean => actions.has("pub");
    // A name is covered by what matches it.
    this.names = new Tree(rules.filter(isPublish), words, cover);
    this.allows = new Tree(subscribes.filter(isAllow), words, cover);
    this.denies = new Tree(subscribes.filter(isDeny), words, overlap);
    for (const rule of rules) if (rule.actions.has("conn")) this.connects.add(rule);
    this.levels = new Levels(words);
  }

  /** The first rule of the list that decides, or null where none does. The action must be valid. */
  find(client: ClientInfo, action: Action, unknown: ReadonlySet<Unknown>): Rule | null {
    const search = this.searchFor(client, action, unknown);
    if (action.kind === "conn") {
      this.connects.search(search, true);
    } else if (action.kind === "pub") {
      this.names.search(search);
    } else {
      this.allows.search(search);
      this.denies.search(search);
    }
    return search.found;
  }

  private searchFor(client: ClientInfo, action: Action, unknown: ReadonlySet<Unknown>): Search {
    const { levels } = this;
    const text = textOf(action);
    // A name that is longer than the longest filter is just that, however many levels an attacker sends.
    levels.read(text, action.kind === "pub" ? this.names.depth + 1 : ALL_LEVELS);
    const hash = action.kind !== "pub" && text.endsWith("#");
    if (hash) levels.dropLast();
    return {
      client,
      action,
      kind: BITS[action.kind],
      unknown,
      text,
      levels,
      hash,
      end: hash ? shortest(splitFilter(text)) : levels.count,
      hidden: isHidden(text),
      found: null,
      limit: NO_LIMIT,
    };
  }
}

/** More than the longest text of MQTT has. */
const ALL_LEVELS = 0x10001;

function textOf(action: Action): string {
  if (action.kind === "pub") return action.topic;
  return action.kind === "conn" ? "" : innerFilter(action.topicFilter);
}
