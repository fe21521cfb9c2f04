import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Node, NodeMessage } from "node-red";
import { processorMicroseconds } from "./processor-time";

/**
 * Messages a second through an auth-gate in a running flow, as a ratio to a core switch node that decides by the same
 * topics: what a gate costs whoever puts one in. Both are measured in turns in one Node-RED.
 */

const ROUNDS = 31;
const MESSAGES = 3_000;
const AIM = 0.8;

interface RedModule {
  init(server: unknown, settings: object): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  nodes: { getNode(id: string): Node | null };
  events: { once(event: string, listener: () => void): void };
}

// Not bundled: the Node-RED that is installed, with the nodes as they are published.
const root = process.cwd();
const RED = createRequire(join(root, "package.json"))("node-red") as RedModule;

const TOPICS = ["pause", "resume", "stop", "speed", "light", "refresh", "home"].map(
  (word) => `printers/p1/commands/${word}`,
);
const RULES = TOPICS.map((topic) => ({
  effect: "allow",
  actions: ["pub"],
  topics: [topic.replace("p1", "+")],
  who: { role: "guest" },
}));
const CLIENT = { tenantId: "default", type: "MQTT", metadata: { userId: "amy", clientId: "c1", roles: "maker,guest" } };
/** A node without a place in the editor would be taken for a config node. */
const place = { z: "tab", x: 1, y: 1 };
const sink = (id: string) => ({ id, ...place, type: "debug", name: "", active: false, tosidebar: false, wires: [] });
const FLOW = [
  { id: "tab", type: "tab", label: "bench" },
  { id: "policy", type: "auth-policy", name: "", provider: "rules", rules: RULES, apps: [] },
  { id: "gate", ...place, type: "auth-gate", policy: "policy", action: "msg", wires: [["behind-gate"], [], []] },
  sink("behind-gate"),
  {
    ...{ id: "switch", ...place, type: "switch", property: "topic", propertyType: "msg", checkall: "false" },
    ...{ rules: TOPICS.map((v) => ({ t: "eq", v, vt: "str" })), outputs: TOPICS.length, repair: false },
    wires: TOPICS.map(() => ["behind-switch"]),
  },
  sink("behind-switch"),
];

function nodeOf(id: string): Node {
  const node = RED.nodes.getNode(id);
  if (node === null) throw new Error(`there is no node ${id}`);
  return node;
}

/** Counts what arrives; `all` resolves when that many have. */
function counter(id: string): (count: number) => Promise<void> {
  let left = 0;
  let tell: () => void = () => undefined;
  nodeOf(id).on("input", () => {
    left -= 1;
    if (left === 0) tell();
  });
  return (count) =>
    new Promise((resolve) => {
      left = count;
      tell = resolve;
    });
}

/** Messages a second of processor time from a node's input to the node behind it. */
async function speedOf(id: string, all: (count: number) => Promise<void>): Promise<number> {
  const node = nodeOf(id) as Node & { receive(msg: NodeMessage): void };
  const messages = Array.from({ length: MESSAGES }, (_, i) => ({
    ...{ _msgid: String(i), topic: TOPICS[i % TOPICS.length]!, payload: i, client: CLIENT },
  }));
  const through = all(MESSAGES);
  const begin = processorMicroseconds();
  for (const message of messages) node.receive(message);
  await through;
  return MESSAGES / ((processorMicroseconds() - begin) / 1e6);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

async function measure(): Promise<object> {
  const [gate, plain] = [counter("behind-gate"), counter("behind-switch")];
  const rounds: { gate: number; plain: number }[] = [];
  for (let round = -5; round < ROUNDS; round++) {
    const pair = { gate: await speedOf("gate", gate), plain: await speedOf("switch", plain) };
    if (round >= 0) rounds.push(pair);
  }
  return {
    gatePerSecond: Math.round(median(rounds.map((one) => one.gate))),
    switchPerSecond: Math.round(median(rounds.map((one) => one.plain))),
    ratio: Number(median(rounds.map((one) => one.gate / one.plain)).toFixed(2)),
    rules: RULES.length,
    aim: AIM,
  };
}

async function main(): Promise<void> {
  const userDir = mkdtempSync(join(tmpdir(), "printgate-gate-bench-"));
  writeFileSync(join(userDir, "flows.json"), JSON.stringify(FLOW));
  try {
    RED.init(createServer(), {
      ...{ userDir, flowFile: "flows.json", credentialSecret: "bench", httpAdminRoot: false, httpNodeRoot: "/" },
      ...{
        nodesDir: [join(root, "dist", "nodes")],
        telemetry: { enabled: false },
        logging: { console: { level: "off" } },
      },
    });
    const started = new Promise<void>((resolve) => {
      RED.events.once("flows:started", resolve);
    });
    await RED.start();
    await started;
    const gate = await measure();
    await RED.stop();
    process.stdout.write(JSON.stringify({ gate }));
  } finally {
    rmSync(userDir, { recursive: true, force: true });
  }
  process.exit(0);
}

void main();
