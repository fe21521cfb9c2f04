import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const ROOT = join(__dirname, "..");

/** Folder -> what its files may import from this package, besides the folder itself. */
const ALLOWED: Record<string, string[]> = {
  "lib/errors": [],
  "lib/printer": ["lib/errors"],
  "lib/bambu": ["lib/errors", "lib/printer"],
  "lib/octoprint": ["lib/errors", "lib/printer"],
  "lib/simulator": ["lib/errors"],
  "lib/auth": ["lib/errors"],
  "lib/node-red": ["lib/errors", "lib/printer", "lib/bambu", "lib/octoprint", "lib/simulator", "lib/auth"],
  nodes: ["lib/node-red", "lib/printer", "lib/auth", "nodes/editor", "lib/node-red/properties"],
  "nodes/editor": ["lib/node-red/properties"],
};
/** The most lines of a file: beyond it, it is two things. */
const CEILING = 350;

const files = ["lib", "nodes"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name)),
);

function roomOf(path: string): string {
  const rooms = Object.keys(ALLOWED).filter(
    (room) => path === room || path.startsWith(`${room}/`) || `${room}.ts` === path,
  );
  const room = rooms.sort((a, b) => b.length - a.length)[0];
  assert.ok(room, `${path} stands in no room of the house`);
  return room;
}

function importsOf(path: string): string[] {
  const text = readFileSync(join(ROOT, path), "utf8");
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((match) =>
    relative(ROOT, resolve(ROOT, dirname(path), match[1] ?? "")),
  );
}

describe("the house", () => {
  for (const [room, allowed] of Object.entries(ALLOWED)) {
    it(`${room} imports only what it may`, () => {
      const inRoom = files.filter((path) => roomOf(path) === room);
      assert.ok(inRoom.length > 0, "a room without files");
      for (const path of inRoom) {
        for (const target of importsOf(path)) {
          const may = allowed.some((entry) => target === entry || target.startsWith(`${entry}/`));
          assert.ok(may || roomOf(`${target}.ts`) === room, `${path} imports ${target}`);
        }
      }
    });
  }

  it("no file imports itself, however long the way round", () => {
    const seen = new Set<string>();
    const walk = (path: string, way: readonly string[]): void => {
      assert.ok(!way.includes(path), [...way.slice(way.indexOf(path)), path].join(" -> "));
      if (seen.has(path)) return;
      for (const target of importsOf(path)) walk(`${target}.ts`, [...way, path]);
      seen.add(path);
    };
    for (const path of files) walk(path, []);
  });

  it(`no file is longer than ${CEILING} lines`, () => {
    for (const path of files) {
      const lines = readFileSync(join(ROOT, path), "utf8").split("\n").length - 1;
      assert.ok(lines <= CEILING, `${path} has ${lines} lines`);
    }
  });

  it("the properties that the editor shares import nothing but each other", () => {
    for (const path of files.filter((file) => file.startsWith("lib/node-red/propert"))) {
      for (const target of importsOf(path)) assert.match(target, /^lib\/node-red\/property-(kinds|table)$/, path);
    }
  });

  it("the core knows nothing of Node-RED", () => {
    for (const path of files.filter((file) => /^lib\/(printer|bambu|octoprint|simulator|auth|errors)/.test(file))) {
      assert.doesNotMatch(readFileSync(join(ROOT, path), "utf8"), /\bRED\.|from "node-red"/, path);
    }
  });

  it("an editor half imports nothing that needs Node.js", () => {
    for (const path of files.filter((file) => file.endsWith(".editor.ts") || file.startsWith("nodes/editor/"))) {
      for (const target of importsOf(path)) {
        assert.ok(
          target === "lib/node-red/properties" || target.startsWith("nodes/editor/"),
          `${path} imports ${target}`,
        );
      }
    }
  });
});
