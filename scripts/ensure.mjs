// What the other scripts stand on: the packages are there and dist/ is newer than its sources.
// Imports only what Node brings, since it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

// npm writes this file last, so an installation that was cut off is done again.
const installed = join(root, "node_modules", ".package-lock.json");
// Outside dist/, which is published.
const built = join(root, "node_modules", ".cache", "printgate", "built");
const sources = ["lib", "nodes", "icons", "scripts/build.mjs", "package.json", "tsconfig.json", "tsconfig.editor.json"];

function npm(...args) {
  // On Windows npm is a script that only a shell finds.
  const { status, error } = spawnSync("npm", args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error(`"npm ${args.join(" ")}" failed${error ? `: ${error.message}` : ""}.`);
}

function newestIn(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestIn(join(path, name))));
}

/** Installs what package-lock.json names when it is not there. Throws with a sentence when npm fails. */
export function ensureInstalled() {
  if (!existsSync(installed)) npm("ci");
}

/** Installs and builds where needed. Throws with a sentence when that fails. */
export function ensureBuilt() {
  ensureInstalled();
  const since = statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newest = Math.max(...sources.map((name) => newestIn(join(root, name))));
  if (existsSync(join(root, "dist")) && newest < since) return;
  npm("run", "build");
  mkdirSync(dirname(built), { recursive: true });
  writeFileSync(built, "");
}
