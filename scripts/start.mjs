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
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openWorld, writeCredentials } from "./demo-world.mjs";
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
    const { credentialSecret } = createRequire(import.meta.url)(join(userDir, "settings.js"));
    writeCredentials(join(userDir, "flows_cred.json"), credentialSecret);
  });
  linkPackage();
}

/** Whether something listens on the port. */
function isAnswered() {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port: Number(port) });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Says where to go once there is something to see: what was said before has scrolled away. */
async function sayWhere(child) {
  for (let tries = 0; tries < 300 && child.exitCode === null; tries += 1) {
    if (await isAnswered()) {
      console.log(`\nPrintgate: open http://127.0.0.1:${port} (Ctrl-C stops it)\n`);
      return;
    }
    await setTimeout(200, undefined, { ref: false });
  }
}

/** Why Node-RED can not be started on the port; null = it can. */
async function problemWithPort() {
  if (!(Number(port) > 0 && Number(port) < 65536)) return `PORT must be a number from 1 to 65535, not "${port}".`;
  if (!(await isAnswered())) return null;
  return `Port ${port} is in use, perhaps by another Node-RED. The environment variable PORT chooses another one.`;
}

async function start() {
  const world = await openWorld(root, userDir);
  const nodeRed = join(dirname(createRequire(import.meta.url).resolve("node-red/package.json")), "red.js");
  const child = spawn(process.execPath, [nodeRed, "--userDir", userDir, "--port", port], {
    stdio: "inherit",
    env: { ...process.env, ...world.env },
  });

  // Ctrl-C reaches both of us, other signals perhaps only this process. Node-RED takes the second one for the first.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(error.message);
    process.exitCode = 1;
    void world.close();
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 0);
    void world.close();
  });
  void sayWhere(child);
}

const problem = await problemWithPort();
if (problem === null) {
  ensureInstalled();
  ensureBuilt();
  prepareUserDir();
  await start();
} else {
  console.error(problem);
  process.exitCode = 1;
}
