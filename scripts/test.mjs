/** `npm test`: every check a contributor needs, on a fresh clone too, in the order in which failures are cheapest. */
import { spawn } from "node:child_process";
import { ensureInstalled } from "./ensure.mjs";

const STEPS = [
  ["build", ["run", "build"]],
  ["types", ["run", "typecheck"]],
  ["lint", ["run", "lint"]],
  ["unit and node tests", ["run", "test:unit"]],
  ["end-to-end tests", ["run", "test:e2e"]],
];

await ensureInstalled();

let passed = 0;
let failed = 0;
for (const [title, args] of STEPS) {
  const began = Date.now();
  console.log(`\n== ${title}`);
  const { code, output } = await run(args);
  passed += count(output, /(\d+) passing/);
  failed += count(output, /(\d+) failing/);
  console.log(`== ${title}: ${code === 0 ? "ok" : "failed"} in ${Math.round((Date.now() - began) / 1000)} s`);
  if (code !== 0) {
    finish(1);
    break;
  }
}
if (process.exitCode === undefined) finish(0);

function finish(code) {
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = code;
}

/** Shows the output as it comes, and keeps it for counting. */
function run(args) {
  return new Promise((resolve, reject) => {
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const child = spawn(npm, ["--silent", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      from.on("data", (chunk) => {
        output += chunk;
        to.write(chunk);
      });
    }
    child.on("error", reject);
    child.on("exit", (code) => resolve({ code: code ?? 1, output }));
  });
}

function count(text, pattern) {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
