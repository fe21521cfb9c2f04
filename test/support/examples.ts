import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { NodeInitializer } from "node-red";
import type { Flow } from "./helper";

const FOLDER = join(__dirname, "..", "..", "examples");

export const EXAMPLES = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.replace(/\.json$/, ""));

/** A shipped example as it is. */
export function exampleFlow(name: string): Flow {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8")) as Flow;
}

/** Nodes of Node-RED itself that the examples are made of. */
export function coreNodes(...files: string[]): NodeInitializer[] {
  const red = createRequire(process.env["NODE_RED"] ?? require.resolve("node-red"));
  const nodes = createRequire(red.resolve("@node-red/nodes"));
  return files.map((file) => nodes(`@node-red/nodes/core/${file}`) as NodeInitializer);
}
