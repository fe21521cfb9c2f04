// Makes dist/: the runtime by tsc (CommonJS, not bundled), the editor halves by esbuild in front of their
// forms, icons and locales beside the nodes, where Node-RED looks for them.
import { execFileSync } from "node:child_process";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(root, "dist", "nodes");
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");

async function buildEditor(file) {
  const name = file.replace(".editor.ts", "");
  // Not minified: the published package stays readable, and checks of it can find registerType.
  const { outputFiles } = await build({
    entryPoints: [join(root, "nodes", file)],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2020",
    charset: "utf8",
  });
  const form = await readFile(join(root, "nodes", `${name}.html`), "utf8");
  await writeFile(
    join(out, `${name}.html`),
    `<script type="text/javascript">\n${outputFiles[0].text}</script>\n\n${form}`,
  );
}

await rm(join(root, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.json")], { stdio: "inherit" });
for (const file of await readdir(join(root, "nodes"))) if (file.endsWith(".editor.ts")) await buildEditor(file);
await cp(join(root, "icons"), join(out, "icons"), { recursive: true });
await cp(join(root, "nodes", "locales"), join(out, "locales"), { recursive: true });
