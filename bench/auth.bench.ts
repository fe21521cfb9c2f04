import { newEnforcer, newModelFromString, type Enforcer } from "casbin";
// @ts-expect-error: it has no types of its own
import { Qlobber as UntypedQlobber } from "qlobber";
import type { Action, ClientInfo } from "../lib/auth/provider";
import { compileRules } from "../lib/auth/rules/rules";
import { matches } from "../lib/auth/topics";
import { processorMicroseconds } from "./processor-time";
import { randomFrom } from "../test/support/random";

/**
 * Decisions a second on publishes, first match in order, deny by default, beside what others would use for it:
 * qlobber (a topic tree; order, placeholders and `$` are added to it here) and casbin (general rules, read one
 * by one). All engines are measured in turns in one process, and must agree before they are measured.
 */

const SIZES = [1_000, 10_000];
const CLIENTS = 500;
const QUESTIONS = 100_000;
/** How many questions all engines must answer alike; casbin reads all rules for each and gets fewer. */
const AGREEMENT = { fast: 3_000, casbin: 40 };
const ROUNDS = 25;
const ROUND_MS = 40;
const CASBIN_MS = 3_000;

interface PlainRule {
  effect: "allow" | "deny";
  actions: ["pub"];
  topics: [string];
}

interface Question {
  client: ClientInfo;
  clientId: string;
  action: Extract<Action, { kind: "pub" }>;
}

/** The index of the rule that decides, -1 = none. */
type Engine = (question: Question) => number;

const random = randomFrom(7);
const below = (limit: number): number => Math.floor(random() * limit);
const clientIds = Array.from({ length: CLIENTS }, (_, i) => `client-${i}`);
const WORDS = ["commands", "events", "status", "firmware", "camera", "files", "logs", "config"];

/** `sites/<40>/<8 words>/<400 devices>/<8 words>`: of a name in the questions about two filters fit at 10,000 rules. */
function levelsOf(): string[] {
  return ["sites", `s${below(40)}`, WORDS[below(8)]!, `d${below(400)}`, WORDS[below(8)]!];
}

/** 40 % exact, 25 % with a `+`, 15 % with a `#`, 20 % with the client's id; 80 % allow. */
function makeRule(): PlainRule {
  const levels = levelsOf();
  const kind = random();
  if (kind >= 0.4 && kind < 0.65) levels[1 + below(4)] = "+";
  else if (kind >= 0.65 && kind < 0.8) levels.splice(3 + below(2), 2, "#");
  else if (kind >= 0.8) levels[3] = "${clientId}";
  return { effect: random() < 0.8 ? "allow" : "deny", actions: ["pub"], topics: [levels.join("/")] };
}

/** Half of them ask for what some rule is about, half for anything. */
function makeQuestion(rules: readonly PlainRule[]): Question {
  const clientId = clientIds[below(CLIENTS)]!;
  const levels = levelsOf();
  if (random() < 0.5) {
    const rule = rules[below(rules.length)]!.topics[0].split("/");
    for (const [at, level] of rule.entries()) {
      if (level === "${clientId}") levels[at] = clientId;
      else if (level !== "+" && level !== "#") levels[at] = level;
    }
  }
  const client = { tenantId: "t", type: "MQTT", metadata: { userId: "u", clientId } };
  const topic = levels.join("/");
  return { client, clientId, action: { kind: "pub", topic, qos: 0, isRetained: false, userProps: [] } };
}

function ours(rules: PlainRule[]): Engine {
  const compiled = compileRules(rules);
  return ({ client, action }) => compiled.decide(client, action).rule ?? -1;
}

interface Tree<T> {
  add(filter: string, value: T): void;
  match(name: string): T[];
}

const Qlobber = UntypedQlobber as new <T>(options: object) => Tree<T>;

/** The tree gives all rules whose filter fits; the client's id is bound afterwards, and the first one wins. */
function qlobber(rules: PlainRule[]): Engine {
  const tree = new Qlobber<{ index: number; slot: number }>({
    separator: "/",
    wildcard_one: "+",
    wildcard_some: "#",
    match_empty_levels: true,
  });
  for (const [index, { topics }] of rules.entries()) {
    const levels = topics[0].split("/");
    const slot = levels.indexOf("${clientId}");
    tree.add(levels.map((level, at) => (at === slot ? "+" : level)).join("/"), { index, slot });
  }
  return ({ action, clientId }) => {
    let first = Infinity;
    for (const { index, slot } of tree.match(action.topic)) {
      if (index < first && (slot < 0 || action.topic.split("/")[slot] === clientId)) first = index;
    }
    return first === Infinity ? -1 : first;
  };
}

const MODEL = `
[request_definition]
r = sub, obj
[policy_definition]
p = sub, obj, eft
[policy_effect]
e = priority(p.eft) || deny
[matchers]
m = fits(p.obj, r.obj, r.sub)
`;

async function casbin(rules: PlainRule[]): Promise<Engine> {
  const enforcer: Enforcer = await newEnforcer(newModelFromString(MODEL));
  const split = new Map(rules.map(({ topics: [topic] }) => [topic, topic.split("/")]));
  await enforcer.addFunction("fits", (topic: string, name: string, clientId: string) => {
    const [levels, names] = [split.get(topic)!, name.split("/")];
    for (let at = 0; at < levels.length; at++) {
      if (levels[at] === "#") return true;
      if (levels[at] !== "+" && names[at] !== (levels[at] === "${clientId}" ? clientId : levels[at])) return false;
    }
    return levels.length === names.length;
  });
  await enforcer.addPolicies(rules.map(({ effect, topics: [topic] }, i) => [`r${i}`, topic, effect]));
  // It tells whether, not by which rule.
  return ({ clientId, action }) => (enforcer.enforceSync(clientId, action.topic) ? 1 : 0);
}

/** Read from the top, with the filters of the package but nothing of its index. */
function firstOf(rules: PlainRule[]): Engine {
  return ({ clientId, action }) =>
    rules.findIndex(({ topics: [topic] }) => matches(topic.replace("${clientId}", clientId), action.topic));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** Keeps the decisions from being thought useless. */
let checksum = 0;

/** Decisions a second of processor time, over about so many ms of it. */
function rate(engine: Engine, questions: readonly Question[], ms: number, batch: number): number {
  const begin = processorMicroseconds();
  let [took, done] = [0, 0];
  while (took < ms * 1000) {
    for (let i = 0; i < batch; i++) checksum += engine(questions[(done + i) % questions.length]!);
    done += batch;
    took = processorMicroseconds() - begin;
  }
  return done / (took / 1e6);
}

/** The time that 99 of 100 decisions take at most, in microseconds. */
function p99(engine: Engine, questions: readonly Question[]): number {
  const times = questions.map((question) => {
    const begin = process.hrtime.bigint();
    checksum += engine(question);
    return Number(process.hrtime.bigint() - begin);
  });
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)]! / 1000;
}

function agree(what: string, questions: readonly Question[], one: Engine, other: Engine): void {
  for (const question of questions) {
    if (one(question) !== other(question)) throw new Error(`${what} decides ${JSON.stringify(question)} otherwise`);
  }
}

async function measure(size: number): Promise<object[]> {
  const rules = Array.from({ length: size }, makeRule);
  const questions = Array.from({ length: QUESTIONS }, () => makeQuestion(rules));
  const [mine, tree, list] = [ours(rules), qlobber(rules), await casbin(rules)];
  const allowed: Engine = (question) => (rules[mine(question)]?.effect === "allow" ? 1 : 0);
  agree("a reader from the top", questions.slice(0, AGREEMENT.fast / 10), mine, firstOf(rules));
  agree("qlobber", questions.slice(0, AGREEMENT.fast), mine, tree);
  agree("casbin", questions.slice(0, AGREEMENT.casbin), allowed, list);
  rate(mine, questions, 300, 1000);
  rate(tree, questions, 300, 1000);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const [us, them] = [rate(mine, questions, ROUND_MS, 1000), rate(tree, questions, ROUND_MS, 1000)];
    return { us, them, ratio: us / them };
  });
  const slow = rate(list, questions, CASBIN_MS, 10);
  const row = (engine: string, perSecond: number, more: object): object => ({
    rules: size,
    engine,
    decisionsPerSecond: Math.round(perSecond),
    ...more,
  });
  const us = median(rounds.map((round) => round.us));
  const ratio = median(rounds.map((round) => round.ratio));
  return [
    row("printgate", us, { p99Us: Number(p99(mine, questions).toFixed(2)) }),
    row("qlobber", median(rounds.map(({ them }) => them)), {
      p99Us: Number(p99(tree, questions).toFixed(2)),
      ratio: Number(ratio.toFixed(2)),
      ...(size === 10_000 && { aim: 1.5 }),
    }),
    row("casbin", slow, { ratio: Math.round(us / slow) }),
  ];
}

async function main(): Promise<void> {
  const decisions: object[] = [];
  for (const size of SIZES) decisions.push(...(await measure(size)));
  process.stdout.write(JSON.stringify({ decisions, checksum: Number.isFinite(checksum) }));
}

void main();
