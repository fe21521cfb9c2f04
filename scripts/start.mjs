// `npm start`: Node-RED with this package, in a user directory of its own (.printgate/ in the clone), with a
// demo flow of simulated printers on the first run. PORT changes the port. Nothing outside the machine is needed.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBuilt, ensureInstalled } from "./ensure.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const userDir = join(root, ".printgate");
const port = process.env.PORT ?? "1880";

/** Written once: it is the user's file from then on. The secret encrypts the access codes in this directory only. */
function settings(secret) {
  return `// Settings of Node-RED for \`npm start\`; see https://nodered.org/docs/user-guide/runtime/configuration
module.exports = {
  flowFile: "flows.json",
  credentialSecret: ${JSON.stringify(secret)},
  uiHost: "127.0.0.1",
  uiPort: process.env.PORT || 1880,
  telemetry: { enabled: false },
  editorTheme: {
    tours: false,
    projects: { enabled: false },
    palette: { catalogues: [] },
  },
};
`;
}

function writeOnce(path, make) {
  if (!existsSync(path)) make(path);
}

/** Node-RED finds packages in <userDir>/node_modules; a link makes it load this clone, examples included. */
function linkPackage() {
  const { name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const link = join(userDir, "node_modules", name);
  mkdirSync(dirname(link), { recursive: true });
  const found = lstatSync(link, { throwIfNoEntry: false });
  if (found?.isDirectory()) return; // somebody installed a release there
  if (found) unlinkSync(link); // the clone may have moved
  // "junction" needs no administrator on Windows and is ignored elsewhere.
  symlinkSync(root, link, "junction");
}

function prepareUserDir() {
  mkdirSync(userDir, { recursive: true });
  writeOnce(join(userDir, "settings.js"), (path) => {
    writeFileSync(path, settings(randomBytes(24).toString("hex")), { mode: 0o600 });
  });
  writeOnce(join(userDir, "package.json"), (path) => {
    writeFileSync(path, `${JSON.stringify({ name: "printgate-demo", private: true }, null, 2)}\n`);
  });
  writeOnce(join(userDir, "flows.json"), (path) => {
    copyFileSync(join(root, "scripts", "demo-flow.json"), path);
  });
  linkPackage();
}

ensureInstalled();
ensureBuilt();
prepareUserDir();

const nodeRed = join(dirname(createRequire(import.meta.url).resolve("node-red/package.json")), "red.js");
const child = spawn(process.execPath, [nodeRed, "--userDir", userDir, "--port", port], { stdio: "inherit" });
console.log(`\nPrintgate: open http://127.0.0.1:${port} (Ctrl-C stops it)\n`);

// Ctrl-C reaches both of us, other signals perhaps only this process. Node-RED takes the second one for the first.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 0);
});
