import assert from "node:assert/strict";
import type { Action, ClientInfo, Qos, Unknown } from "../../../lib/auth/provider";
import { compileRules } from "../../../lib/auth/rules/rules";
import { randomFrom } from "../../support/random";

/**
 * Random rules and questions, answered by the index and by a reader that shares nothing with it: it reads the
 * list from the top, and knows filters only as the sets of names that a regular expression selects.
 */

interface PlainRule {
  effect: "allow" | "deny";
  actions: string[];
  topics: string[];
  who?: Record<string, string | string[]>;
  qos?: number[];
  retain?: boolean;
}

const LETTERS = ["", "a", "b", "u", "$s"];
const NAME_LETTERS = [...LETTERS, "z", "$z"];
const SLOTS = ["${userId}", "${clientId}", "${tenantId}", "${attrs.team}"];
const VALUES = ["a", "b", "u", "u", "$s", "+", "a/b", "", undefined];

const NAMES = [1, 2, 3, 4]
  .flatMap((length) => {
    let names: string[][] = [[]];
    for (let i = 0; i < length; i++) names = names.flatMap((name) => NAME_LETTERS.map((letter) => [...name, letter]));
    return names.map((name) => name.join("/"));
  })
  .filter((name) => name !== "");

const sets = new Map<string, Set<number>>();

/** The numbers of the names that the filter selects. */
function setOf(filter: string): Set<number> {
  const known = sets.get(filter);
  if (known) return known;
  const pattern = filter
    .split("/")
    .map((level, at) => {
      if (level === "+") return at === 0 ? "(?!\\$)[^/]*" : "[^/]*";
      if (level === "#") return at === 0 ? "(?!\\$).*" : "@";
      return level.replaceAll("$", "\\$");
    })
    .join("/")
    .replace("/@", "(/.*)?");
  const expression = new RegExp(`^${pattern}$`);
  const set = new Set(NAMES.flatMap((name, i) => (expression.test(name) ? [i] : [])));
  sets.set(filter, set);
  return set;
}

const relations = new Map<string, boolean>();

function relates(how: "covers" | "overlaps", filter: string, asked: string): boolean {
  const key = JSON.stringify([how, filter, asked]);
  let held = relations.get(key);
  if (held === undefined) {
    const [mine, theirs] = [setOf(filter), [...setOf(asked)]];
    held = how === "covers" ? theirs.every((name) => mine.has(name)) : theirs.some((name) => mine.has(name));
    relations.set(key, held);
  }
  return held;
}

/** The filters that a rule's filter may stand for: none where a value does not fit, several where one is unknown. */
function filledIn(rule: PlainRule, topic: string, client: ClientInfo, unknown: ReadonlySet<Unknown>): string[] {
  let paths: string[][] = [[]];
  for (const [at, level] of topic.split("/").entries()) {
    let values = [level];
    if (SLOTS.includes(level)) {
      const source = level.slice(2, -1).replace("attrs.", "");
      const hidden: Unknown | null = source === "clientId" ? "clientId" : source === "team" ? "attrs" : null;
      const value = source === "tenantId" ? client.tenantId : client.metadata[source];
      if (hidden && unknown.has(hidden)) values = rule.effect === "deny" ? ["a", "b", "u", "$s", "z", "$z"] : [];
      else values = value && !/[/+#]/.test(value) ? [value] : [];
      if (at === 0 && rule.effect === "allow") values = values.filter((one) => !one.startsWith("$"));
    }
    paths = paths.flatMap((path) => values.map((one) => [...path, one]));
  }
  return paths.map((path) => path.join("/"));
}

function meant(rule: PlainRule, client: ClientInfo, unknown: ReadonlySet<Unknown>): boolean {
  return Object.entries(rule.who ?? {}).every(([field, held]) => {
    const wanted = [held].flat();
    const need = { clientId: "clientId", role: "attrs", address: "address" }[field] as Unknown | undefined;
    if (need && unknown.has(need)) return rule.effect === "deny";
    if (field === "tenantId") return wanted.includes(client.tenantId);
    if (field === "role") return (client.metadata.roles ?? "").split(",").some((role) => wanted.includes(role.trim()));
    const value = client.metadata[field];
    if (field !== "address") return value !== undefined && wanted.includes(value);
    return wanted.some((range) => value?.startsWith(range.replace("0/24", "")) ?? false);
  });
}

/** The index of the rule that decides, read from the top. */
function naive(
  rules: PlainRule[],
  client: ClientInfo,
  action: Action,
  unknown: ReadonlySet<Unknown>,
): number | undefined {
  const index = rules.findIndex((rule) => {
    if (!rule.actions.includes(action.kind) || !meant(rule, client, unknown)) return false;
    if (rule.qos && "qos" in action && !rule.qos.includes(action.qos)) return false;
    if (rule.retain !== undefined && action.kind === "pub" && rule.retain !== action.isRetained) return false;
    if (action.kind === "conn") return true;
    const asked = action.kind === "pub" ? action.topic : action.topicFilter.replace("$share/g/", "");
    const how = rule.effect === "allow" || action.kind === "pub" ? "covers" : "overlaps";
    return rule.topics.some((topic) =>
      filledIn(rule, topic.replace("$share/g/", ""), client, unknown).some((filter) => relates(how, filter, asked)),
    );
  });
  return index < 0 ? undefined : index;
}

class Dice {
  constructor(private readonly random: () => number) {}

  chance(of: number): boolean {
    return this.random() < of;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  some<T>(from: readonly T[]): T[] {
    const picked = from.filter(() => this.chance(0.4));
    return picked.length > 0 ? picked : [this.pick(from)];
  }

  path(letters: readonly string[], longest: number): string {
    const length = 1 + Math.floor(this.random() * longest);
    return Array.from({ length }, () => this.pick(letters)).join("/");
  }

  name(): string {
    return this.path(NAME_LETTERS, 4) || "a";
  }

  filter(letters: readonly string[]): string {
    const path = this.path(letters, 3);
    const filter = this.chance(0.06) ? "#" : this.chance(0.25) ? `${path}/#` : path || "+";
    return this.chance(0.1) ? `$share/g/${filter}` : filter;
  }

  rule(): PlainRule {
    const who: Record<string, string | string[]> = {};
    if (this.chance(0.2)) who.userId = this.some(["a", "b", "u"]);
    if (this.chance(0.15)) who.clientId = this.pick(["a", "u"]);
    if (this.chance(0.1)) who.tenantId = this.some(["a", "b"]);
    if (this.chance(0.1)) who.role = this.pick(["chief", "guest"]);
    if (this.chance(0.1)) who.address = this.pick(["192.0.2.0/24", "192.0.2.7"]);
    return {
      effect: this.chance(0.65) ? "allow" : "deny",
      actions: this.some(["pub", "sub", "unsub", "conn"]),
      topics: Array.from({ length: this.chance(0.2) ? 3 : 1 }, () => this.filter([...LETTERS, "+", "+", ...SLOTS])),
      ...(this.chance(0.5) && { who }),
      ...(this.chance(0.15) && { qos: this.some([0, 1, 2]) }),
      ...(this.chance(0.15) && { retain: this.chance(0.5) }),
    };
  }

  client(): ClientInfo {
    const metadata: Record<string, string> = {};
    for (const name of ["userId", "clientId", "team"]) {
      const value = this.pick(VALUES);
      if (value !== undefined) metadata[name] = value;
    }
    if (this.chance(0.5)) metadata.roles = this.pick(["chief", "guest,chief", "nobody, guest", ""]);
    if (this.chance(0.5)) metadata.address = this.pick(["192.0.2.7", "192.0.2.8", "198.51.100.7"]);
    return { tenantId: this.pick(["a", "b", "$s", ""]), type: "MQTT", metadata };
  }

  action(): Action {
    const kind = this.pick(["pub", "pub", "sub", "sub", "unsub", "conn"] as const);
    const qos = this.pick([0, 1, 2] as Qos[]);
    if (kind === "conn") return { kind, userProps: [] };
    if (kind === "pub") {
      return { kind, topic: this.name(), qos, isRetained: this.chance(0.5), userProps: [] };
    }
    const topicFilter = this.filter([...NAME_LETTERS, "+", "+"]);
    return kind === "sub" ? { kind, topicFilter, qos, userProps: [] } : { kind, topicFilter, userProps: [] };
  }
}

const UNKNOWN: Unknown[][] = [
  [],
  [],
  ["clientId"],
  ["clientId", "address"],
  ["attrs"],
  ["clientId", "address", "attrs"],
];

describe("random questions", function () {
  this.timeout(240_000);

  it("100,000 of them are decided by the rule that a naive reader finds first", () => {
    const dice = new Dice(randomFrom(20_260_301));
    const found = { granted: 0, denied: 0, byDefault: 0 };
    for (let asked = 0; asked < 100_000;) {
      const plain = Array.from({ length: dice.pick([1, 3, 10, 30, 100]) }, () => dice.rule());
      const rules = compileRules(plain);
      for (let i = 0; i < 250; i++, asked++) {
        const [client, action, unknown] = [dice.client(), dice.action(), new Set(dice.pick(UNKNOWN))];
        const expected = naive(plain, client, action, unknown);
        const actual = rules.decide(client, action, unknown);
        const rule = "rule" in actual ? actual.rule : undefined;
        const tell = (): string => JSON.stringify({ plain, client, action, unknown: [...unknown], rule, expected });
        if (rule !== expected) assert.fail(tell());
        const effect = expected === undefined ? undefined : plain[expected]!.effect;
        if ((actual.result === "granted") !== (effect === "allow")) assert.fail(tell());
        if (i < 25 && rules.explain(client, action, unknown).rule !== (expected ?? null)) assert.fail(tell());
        found[expected === undefined ? "byDefault" : actual.result === "granted" ? "granted" : "denied"]++;
      }
    }
    // The questions must not all be of one kind, or the agreement would say little.
    for (const [kind, times] of Object.entries(found)) assert.ok(times > 10_000, `${kind}: ${times}`);
  });
});
