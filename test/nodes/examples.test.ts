import assert from "node:assert/strict";
import { PROPERTIES } from "../../lib/node-red/properties";
import { coreTypes, EXAMPLES, exampleFlow } from "../support/examples";
import type { Flow } from "../support/helper";

const ALLOWED = new Set(["tab", ...coreTypes(), ...Object.keys(PROPERTIES)]);
/** Nodes that a reader must take in at once; neither what explains nor what configures. */
const MOST = 16;
const NOT_DRAWN = new Set(["tab", "comment"]);
/** Of the eight that a beginner begins with. */
const SMALL = [
  ...["Cut power when cooled down", "Notify with a snapshot", "Pause when smoke is detected", "Light follows the door"],
  ...["Dry filament when humid", "Quiet at night", "What did this print cost", "Farm board"],
];

/** Where a node is drawn; its width is about that of its name. */
function box(node: Flow[number]): { left: number; right: number; top: number; bottom: number } {
  const [name, x, y] = [
    String(node["name"] === "" ? node["type"] : node["name"]),
    Number(node["x"]),
    Number(node["y"]),
  ];
  const half = Math.max(100, 50 + name.length * 6.5) / 2;
  return { left: x - half, right: x + half, top: y - 15, bottom: y + 15 };
}

describe("the shipped examples", () => {
  const drawn = (flow: Flow) => flow.filter((node) => typeof node["x"] === "number");
  const working = (flow: Flow) => drawn(flow).filter(({ type }) => !NOT_DRAWN.has(String(type)));

  for (const name of EXAMPLES) {
    describe(name, () => {
      const flow = exampleFlow(name);

      it("is one tab of that name, explained by a comment, of core nodes and ours", () => {
        assert.deepEqual(
          flow.filter(({ type }) => type === "tab").map(({ label }) => label),
          [name],
        );
        const comment = flow.find(({ type }) => type === "comment");
        assert.ok(String(comment?.["info"]).length > 50);
        for (const { type } of flow) assert.ok(ALLOWED.has(String(type)), String(type));
        assert.ok(working(flow).length <= (SMALL.includes(name) ? 9 : MOST), `${working(flow).length} nodes`);
      });

      it("has wires that lead somewhere, and names configurations that are there", () => {
        const ids = new Set(flow.map(({ id }) => String(id)));
        assert.equal(ids.size, flow.length);
        for (const id of ids) assert.match(id, /^[0-9a-f]{16}$/);
        for (const node of flow) {
          for (const target of ((node["wires"] ?? []) as string[][]).flat()) assert.ok(ids.has(target), target);
          for (const key of ["printer", "policy", "account"])
            if (typeof node[key] === "string" && node[key] !== "") assert.ok(ids.has(node[key]), key);
        }
      });

      it("is drawn without nodes that cover each other or leave the sheet", () => {
        const boxes = drawn(flow).map((node) => ({ name: String(node["name"]), ...box(node) }));
        for (const [at, one] of boxes.entries()) {
          assert.ok(one.left >= 0 && one.top >= 0, one.name);
          for (const other of boxes.slice(at + 1)) {
            const apart =
              one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
            assert.ok(apart, `"${one.name}" and "${other.name}"`);
          }
        }
      });

      it("needs no hardware and holds no credentials", () => {
        for (const node of flow) {
          assert.equal(node["credentials"], undefined);
          if (node["type"] !== "printer-config") continue;
          assert.ok(["simulated", "octoprint"].includes(String(node["connection"])));
        }
        assert.doesNotMatch(
          JSON.stringify(flow),
          /accessCode|apiKey|\b(?!192\.0\.2\.|127\.0\.0\.1)\d+\.\d+\.\d+\.\d+\b/,
        );
      });
    });
  }

  it("share no id, so that they can be imported one after the other", () => {
    const ids = EXAMPLES.flatMap((name) => exampleFlow(name).map(({ id }) => id));
    assert.equal(new Set(ids).size, ids.length);
  });
});
