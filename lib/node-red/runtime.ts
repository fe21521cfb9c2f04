import type { Node, NodeMessage, NodeMessageInFlow, NodeStatus } from "node-red";
import { type PrintgateError, toError } from "../errors";

/**
 * The border between Node-RED and us. Node-RED neither awaits an input listener nor guards one that
 * rejects: a single unhandled rejection ends its process, so every listener goes through here.
 */

/** How long a close may take. Node-RED itself would hold up a deploy for 15 s. */
const CLOSE_MS = 2000;

export type Send = (msg: NodeMessage | (NodeMessage | null)[]) => void;

/** The red ring that names a reason. */
export function redRing(reason: PrintgateError): NodeStatus {
  return { fill: "red", shape: "ring", text: reason.message };
}

/** The same for whatever was thrown. */
export function troubleRing(thrown: unknown): NodeStatus {
  return redRing(toError(thrown));
}

/**
 * A node's status that is sent only when it differs from the last one: each status goes to every open
 * editor, and a printer reports once a second.
 */
export class Light {
  #last = "";

  constructor(private readonly node: Node) {}

  set(status: NodeStatus): void {
    const next = JSON.stringify(status);
    if (next === this.#last) return;
    this.#last = next;
    this.node.status(status);
  }
}

/**
 * Runs `handler` for each message and is the only place that calls `done`: once, without an error when
 * the handler has ended, else with a PrintgateError that the red ring shows in the same words.
 * Reading the message belongs into the handler, where a throw is caught.
 */
export function onInput(
  node: Node,
  light: Light,
  handler: (msg: NodeMessageInFlow, send: Send) => Promise<void> | void,
): void {
  node.on("input", (msg, send, done) => {
    const fail = (thrown: unknown): void => {
      const error = toError(thrown);
      light.set(redRing(error));
      done(error);
    };
    let work: Promise<void> | void;
    try {
      work = handler(msg, send);
    } catch (thrown) {
      fail(thrown);
      return;
    }
    // What is done at once needs no promise: a gate passes a hundred thousand messages a second.
    if (work === undefined) done();
    else
      work.then(() => {
        done();
      }, fail);
  });
}

/**
 * Runs `close` when the node goes and tells Node-RED at the latest after 2 s, whatever happens.
 * The listener has exactly two parameters: Node-RED counts them to know that it must wait.
 */
export function onClose(node: Node, close: (removed: boolean) => Promise<void> | void): void {
  node.on("close", (removed: boolean, done: () => void) => {
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      clearTimeout(deadline);
      done();
    };
    const deadline = setTimeout(() => {
      node.warn(`closing took longer than ${CLOSE_MS / 1000} s and goes on in the background`);
      end();
    }, CLOSE_MS);
    const run = async (): Promise<void> => {
      await close(removed);
    };
    run().then(end, (thrown: unknown) => {
      node.warn(toError(thrown).message);
      end();
    });
  });
}

/**
 * The receiver's own copy of plain data. Node-RED hands the first receiver of a message the very
 * object that was sent, and receivers change what they get.
 */
export function copyOf<T>(plain: T): T {
  return structuredClone(plain);
}

/** What `make` gives, or why it could not: for set-up, where a throw would take the whole flow down. */
export function orProblem<T>(make: () => T): T | PrintgateError {
  try {
    return make();
  } catch (thrown) {
    return toError(thrown);
  }
}
