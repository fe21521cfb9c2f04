// Runs the benchmarks as production runs the code (compiled, not instrumented), prints a table and keeps the
// figures in bench/results/. Works on a fresh clone: installs what is missing.
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureInstalled } from "./ensure.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

await ensureInstalled();
const { build } = await import("esbuild");

/** What others cost by the same measure, taken once on another machine: read them as an order of magnitude. */
const PEERS = [
  { name: "bambu-link (typed, deep merge)", full: "2.8 x", delta: "26 x", memory: "22 KB" },
  { name: "bambu-node (shallow merge)", full: "2.2 x", delta: "5.2 x", memory: "-" },
  { name: "pybambu (of Python's parser)", full: "5-6 x", delta: "68 x", memory: "77 KB" },
];

async function run(file, out) {
  const compiled = join(out, file.replace(/\.ts$/, ".cjs"));
  const options = { bundle: true, platform: "node", target: "es2022", format: "cjs", logLevel: "error" };
  await build({ entryPoints: [join(root, "bench", file)], outfile: compiled, ...options });
  const stdout = execFileSync(process.execPath, ["--expose-gc", compiled], {
    ...{ cwd: root, encoding: "utf8", maxBuffer: 1 << 26 },
  });
  return JSON.parse(stdout);
}

function table(rows) {
  const columns = Object.keys(rows[0] ?? {});
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column])))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const lines = cells.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("   "),
  );
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("   "));
  return lines.join("\n");
}

const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
const verdict = (value, aim) => (value <= aim ? "met" : "missed");

// The live flow loads the nodes as they are published.
execFileSync(process.execPath, [join(root, "scripts", "build.mjs")], { stdio: "inherit" });
const out = await mkdtemp(join(tmpdir(), "printgate-bench-"));
const results = {};
try {
  for (const file of (await readdir(join(root, "bench"))).filter((name) => name.endsWith(".bench.ts")).sort()) {
    results[file.replace(".bench.ts", "")] = await run(file, out);
  }
} finally {
  await rm(out, { recursive: true, force: true });
}

const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length };
console.log(`\nNode ${machine.node}, ${machine.cores} x ${machine.cpu}`);

for (const { speed, memory } of Object.values(results).filter((result) => result.speed !== undefined)) {
  console.log(
    "\nFrom bytes to events: parse + merge + decode + events, against the bare JSON.parse of the same bytes\n",
  );
  console.log(
    table(
      speed.map((row) => ({
        frame: row.name,
        bytes: row.bytes,
        "frames/s": row.framesPerSecond,
        "bare parses/s": row.bareParsesPerSecond,
        ratio: `${row.ratio.toFixed(2)} x`,
        aim: `${row.aim} x`,
        "": verdict(row.ratio, row.aim),
      })),
    ),
  );
  console.log("\nHeap of one printer, all that is kept of it\n");
  console.log(
    table(
      memory.map((row) => ({
        printer: row.name,
        "full report": kilobytes(row.firstFrameBytes),
        printers: row.printers,
        each: kilobytes(row.bytesPerPrinter),
        aim: kilobytes(row.aim),
        "": verdict(row.bytesPerPrinter, row.aim),
      })),
    ),
  );
}
console.log("\nOthers, measured the same way elsewhere and not in this run\n");
console.log(table(PEERS));

for (const { decisions } of Object.values(results).filter((result) => result.decisions !== undefined)) {
  console.log("\nPermission checks: who may publish where, first match in order, deny by default\n");
  console.log(
    table(
      decisions.map((row) => ({
        rules: row.rules,
        engine: row.engine,
        "decisions/s": row.decisionsPerSecond,
        "99 of 100 within": row.p99Us === undefined ? "-" : `${row.p99Us.toFixed(2)} us`,
        "we are faster by": row.ratio === undefined ? "-" : `${row.ratio} x`,
        aim: row.aim === undefined ? "" : `${row.aim} x`,
        "": row.aim === undefined ? "" : row.ratio >= row.aim ? "met" : "missed",
      })),
    ),
  );
}

for (const { gate } of Object.values(results).filter((result) => result.gate !== undefined)) {
  console.log("\nMessages through an auth-gate in a running flow, against a core switch node\n");
  console.log(
    table([
      {
        rules: gate.rules,
        "auth-gate, messages/s": gate.gatePerSecond,
        "switch, messages/s": gate.switchPerSecond,
        ratio: `${gate.ratio} x`,
        aim: `${gate.aim} x`,
        "": gate.ratio >= gate.aim ? "met" : "missed",
      },
    ]),
  );
}

const date = new Date().toISOString();
const folder = join(root, "bench", "results");
await mkdir(folder, { recursive: true });
const file = join(folder, `${date.slice(0, 19).replaceAll(":", "-")}.json`);
await writeFile(file, `${JSON.stringify({ date, ...machine, ...results }, null, 2)}\n`);
console.log(`\nWritten to ${file}`);
