import assert from "node:assert/strict";
import type { Node, NodeStatus } from "node-red";
import { isPrintgateError, PrintgateError } from "../../../lib/errors";
import { copyOf, Light, onClose, onInput, orProblem } from "../../../lib/node-red/runtime";
import { Throttle } from "../../../lib/node-red/throttle";
import { ownTime } from "../../support/wait";

type Listener = (...args: any[]) => void;

/** As much of a node as the border needs. */
class BareNode {
  readonly listeners = new Map<string, Listener>();
  readonly shown: NodeStatus[] = [];
  readonly warnings: string[] = [];
  readonly light = new Light(this as unknown as Node);

  on(event: string, listener: Listener): void {
    this.listeners.set(event, listener);
  }
  status(status: NodeStatus): void {
    this.shown.push(status);
  }
  warn(message: string): void {
    this.warnings.push(message);
  }
  asNode(): Node {
    return this as unknown as Node;
  }
  input(msg: object = {}): Promise<unknown[]> {
    return new Promise((resolve) => {
      const calls: unknown[] = [];
      this.listeners.get("input")?.(
        msg,
        () => undefined,
        (error?: unknown) => {
          calls.push(error);
          // A second call would come within the next turns.
          setTimeout(() => {
            resolve(calls);
          }, 5);
        },
      );
    });
  }
}

/** Other people's code throws anything: a generator does so without a `throw` that lint would refuse. */
function throwAnything(thrown: unknown): void {
  (function* nothing(): Generator {
    yield null;
  })().throw(thrown);
}

describe("input border", () => {
  it("calls done once, without an error, when the handler has ended", async () => {
    const node = new BareNode();
    onInput(node.asNode(), node.light, async () => {
      await Promise.resolve();
    });
    assert.deepEqual(await node.input(), [undefined]);
    assert.deepEqual(node.shown, []);
  });

  for (const [how, handler] of [
    [
      "throws",
      () => {
        throw new PrintgateError("config-invalid", "no printer selected");
      },
    ],
    ["rejects", () => Promise.reject(new PrintgateError("config-invalid", "no printer selected"))],
  ] as const) {
    it(`ends a handler that ${how} in a red ring and done with the same words`, async () => {
      const node = new BareNode();
      onInput(node.asNode(), node.light, handler);
      const [error, ...more] = await node.input();
      assert.deepEqual(more, []);
      assert.ok(isPrintgateError(error, "config-invalid"));
      assert.deepEqual(node.shown, [{ fill: "red", shape: "ring", text: error.message }]);
    });
  }

  it("makes whatever is thrown an error of the family", async () => {
    for (const thrown of [new TypeError("x is not a function"), "a text", undefined, { code: 1 }]) {
      const node = new BareNode();
      onInput(node.asNode(), node.light, () => {
        throwAnything(thrown);
      });
      const [error] = await node.input();
      assert.ok(isPrintgateError(error, "unexpected"));
    }
  });
});

describe("close border", () => {
  const close = async (run: (removed: boolean) => Promise<void> | void): Promise<BareNode> => {
    const node = new BareNode();
    onClose(node.asNode(), run);
    await new Promise<void>((resolve) => node.listeners.get("close")?.(true, resolve));
    return node;
  };

  it("has the two parameters that Node-RED counts", () => {
    const node = new BareNode();
    onClose(node.asNode(), () => undefined);
    assert.equal(node.listeners.get("close")?.length, 2);
  });

  it("says whether the node was removed, and waits for the close to end", async () => {
    const steps: unknown[] = [];
    await close(async (removed) => {
      await new Promise((resolve) => setImmediate(resolve));
      steps.push(removed);
    });
    assert.deepEqual(steps, [true]);
  });

  it("ends when the close fails, and says why", async () => {
    const { warnings } = await close(() => {
      throw new Error("stuck");
    });
    assert.deepEqual(warnings, ["stuck"]);
  });

  it("ends after two seconds when the close never does", async () => {
    let warnings: string[] = [];
    const took = await ownTime(async () => {
      ({ warnings } = await close(() => new Promise(() => undefined)));
    });
    assert.ok(took < 2500);
    assert.equal(warnings.length, 1);
  });
});

describe("status light", () => {
  it("sends a status only when it differs from the last one", () => {
    const node = new BareNode();
    for (const text of ["a", "a", "b", "b", "a"]) node.light.set({ fill: "green", shape: "dot", text });
    assert.deepEqual(
      node.shown.map((status) => ("text" in status ? status.text : null)),
      ["a", "b", "a"],
    );
  });
});

describe("set-up border", () => {
  it("gives what was made, or why it could not be", () => {
    assert.equal(
      orProblem(() => 1),
      1,
    );
    const problem = orProblem(() => {
      throw new Error("no");
    });
    assert.ok(isPrintgateError(problem));
  });
});

describe("copies", () => {
  it("share nothing with the original", () => {
    const original = { deep: { list: [1, 2] } };
    const copy = copyOf(original);
    copy.deep.list.push(3);
    assert.deepEqual(original, { deep: { list: [1, 2] } });
  });
});

describe("throttle", () => {
  it("runs at once, then once more at the end of the interval, however often it was asked", async () => {
    const runs: number[] = [];
    const began = Date.now();
    const throttle = await new Promise<Throttle>((resolve) => {
      const made = new Throttle(() => {
        if (runs.push(Date.now() - began) === 2) resolve(made);
        return true;
      });
      for (let count = 0; count < 10; count += 1) made.ask(100);
      assert.equal(runs.length, 1);
    });
    throttle.close();
    assert.ok((runs[1] ?? 0) >= 95);
  });

  it("makes no pause after a run that did nothing", () => {
    let runs = 0;
    const throttle = new Throttle(() => {
      runs += 1;
      return false;
    });
    throttle.ask(1000);
    throttle.ask(1000);
    assert.equal(runs, 2);
  });

  it("runs every time with an interval of 0", () => {
    let runs = 0;
    const throttle = new Throttle(() => {
      runs += 1;
      return true;
    });
    for (let count = 0; count < 10; count += 1) throttle.ask(0);
    assert.equal(runs, 10);
  });

  it("runs no more after it was closed", async () => {
    let runs = 0;
    const throttle = new Throttle(() => {
      runs += 1;
      return true;
    });
    throttle.ask(20);
    throttle.ask(20);
    throttle.close();
    await new Promise((resolve) => setTimeout(resolve, 40));
    assert.equal(runs, 1);
  });
});
