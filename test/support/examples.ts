import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
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

/** Where the nodes of Node-RED itself are. */
function coreRequire(): NodeJS.Require {
  const red = createRequire(process.env["NODE_RED"] ?? require.resolve("node-red"));
  return createRequire(red.resolve("@node-red/nodes"));
}

/** Nodes of Node-RED itself that the examples are made of. */
export function coreNodes(...files: string[]): NodeInitializer[] {
  const nodes = coreRequire();
  return files.map((file) => nodes(`@node-red/nodes/core/${file}`) as NodeInitializer);
}

/** The types of all of them. */
export function coreTypes(): Set<string> {
  const folder = join(dirname(coreRequire().resolve("@node-red/nodes/package.json")), "core");
  const forms = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".html"));
  const types = forms.flatMap((file) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(/registerType\(\s*['"]([^'"]+)['"]/g)].map(
      ([, type = ""]) => type,
    ),
  );
  return new Set(types);
}
