import { type EventEmitter, once } from "node:events";
import type { Node, NodeAPI, NodeInitializer, NodeMessageInFlow } from "node-red";
import helper from "node-red-node-test-helper";

/**
 * Node-RED without an editor, typed and awaited. `NODE_RED` names another copy than the installed one,
 * so that the same tests run against other versions.
 */
helper.init(process.env["NODE_RED"] ?? require.resolve("node-red"));

export type Flow = Record<string, unknown>[];
export type DeployType = "full" | "flows" | "nodes";

/** The helper as it is: its published types still speak of callbacks. */
interface Helper {
  startServer(): Promise<void>;
  unload(): Promise<void>;
  stopServer(): Promise<void>;
  load(nodes: NodeInitializer[], flow: Flow, credentials: object): Promise<void>;
  readonly _redNodes: { setFlows(flow: Flow, credentials: object, type: DeployType): Promise<unknown> };
  readonly _events: EventEmitter;
  settings(settings: object): void;
}
const real = helper as unknown as Helper;

interface Call {
  readonly thisValue: Node;
  readonly args: unknown[];
}

export type SpiedNode = Node & { receive(msg: object): void };

export const startNodeRed = (): Promise<void> => real.startServer();

export async function stopNodeRed(): Promise<void> {
  await real.unload();
  await real.stopServer();
}

/** Node-RED keeps and changes what it is given: flows and credentials are handed over as copies. */
export function load(nodes: NodeInitializer[], flow: Flow, credentials: object = {}): Promise<void> {
  return real.load(nodes, structuredClone(flow), structuredClone(credentials));
}

/** A deploy that has started. Not the helper's own: that gives the flows a third of a second to start. */
export async function deploy(flow: Flow, type: DeployType, credentials: object = {}): Promise<void> {
  const started = once(real._events, "flows:started");
  await real._redNodes.setFlows(structuredClone(flow), structuredClone(credentials), type);
  await started;
}

/** Settings of the Node-RED that starts next, over the usual ones. */
export function settings(difference: object): void {
  real.settings(difference);
}

export const nodeOf = (id: string): SpiedNode => helper.getNode(id) as unknown as SpiedNode;

export const request = (): ReturnType<typeof helper.request> => helper.request();

/** The calls of a method of one node; the spy is shared by all nodes, since it sits on their prototype. */
export function callsOf(id: string, method: "status" | "warn" | "error" | "send"): unknown[] {
  const spies = nodeOf(id) as unknown as Record<string, { getCalls(): Call[] }>;
  return spies[method]!.getCalls()
    .filter(({ thisValue }) => thisValue.id === id)
    .map(({ args }) => args[0]);
}

/** What a node shows; null when it never showed anything. */
export const statusOf = (id: string): unknown => callsOf(id, "status").at(-1) ?? null;

/** What Node-RED calls on a node when a listener uses its `send` and `done`. */
interface Inner {
  send(msg: unknown): void;
  _complete(msg: unknown, error?: unknown): void;
}

/** Sends a message into a node and tells what its listener sent and with what it called `done`. */
export async function ask(id: string, msg: object = {}): Promise<{ error: unknown; sent: any[] }> {
  const node = nodeOf(id);
  const inner = node as unknown as Inner;
  const sent: unknown[] = [];
  const { promise, resolve } = withResolver<unknown>();
  inner.send = (message) => sent.push(message);
  inner._complete = (_message, error) => {
    resolve(error ?? null);
  };
  node.receive(msg);
  const error = await promise;
  Reflect.deleteProperty(inner, "send");
  Reflect.deleteProperty(inner, "_complete");
  return { error, sent };
}

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((give) => {
    resolve = give;
  });
  return { promise, resolve };
}

/** Collects what a helper node receives; `next(count)` resolves when that many came. */
export class Inbox {
  readonly messages: (NodeMessageInFlow & Record<string, any>)[] = [];
  private wake: (() => void) | null = null;

  constructor(id: string) {
    nodeOf(id).on("input", (msg) => {
      this.messages.push(msg as NodeMessageInFlow & Record<string, any>);
      this.wake?.();
    });
  }

  async next(count = 1): Promise<(NodeMessageInFlow & Record<string, any>)[]> {
    while (this.messages.length < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.messages.splice(0, count);
  }
}

/** Waits until a condition holds, looking again in every turn of the loop. */
export async function until(condition: () => boolean, withinMs = 50_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`this never came true: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Some turns of the loop: for asserting that nothing more comes. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A node file that only takes the RED object: to prepare a Node-RED before the nodes load. */
export const withRed =
  (prepare: (RED: NodeAPI) => void): NodeInitializer =>
  (RED) => {
    prepare(RED);
  };
