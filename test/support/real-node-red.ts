import { type ChildProcess, execFile, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./ports";
import { until } from "./wait";

const run = promisify(execFile);
const ROOT = join(__dirname, "../..");

/** The pair to test on: this process's Node.js and the development copy of Node-RED, or what CI names. */
export const NODE = process.env["PRINTGATE_NODE"] ?? process.execPath;
export const NODE_RED = process.env["PRINTGATE_NODE_RED"] ?? dirname(require.resolve("node-red/package.json"));

export interface FlowNode {
  id: string;
  type: string;
  [property: string]: unknown;
}

/** npm under the Node.js that is tested, so that `engines` is judged by it. */
async function npm(args: string[], cwd: string): Promise<string> {
  const cli = process.env["npm_execpath"];
  const env = { ...process.env, npm_config_loglevel: "error" };
  const { stdout } = await run(cli === undefined ? "npm" : NODE, [...(cli === undefined ? [] : [cli]), ...args], {
    cwd,
    env,
    maxBuffer: 1 << 24,
  });
  return stdout;
}

/**
 * A user directory with the package in it: packed as it would be published, installed the way the palette manager does
 * it. Made once a run, since it asks the registry; each Node-RED gets a copy.
 */
async function install(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "printgate-installed-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  await npm(["pack", "--pack-destination", folder], ROOT);
  const [tarball = "missing"] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  const userDir = join(folder, "user");
  await mkdir(userDir);
  await writeFile(join(userDir, "package.json"), JSON.stringify({ name: "user", version: "0.0.1", private: true }));
  const how = ["--omit=dev", "--engine-strict", "--save-prefix=~", "--prefer-offline", "--no-audit", "--no-fund"];
  await npm(["install", join(folder, tarball), ...how], userDir);
  return userDir;
}
let installed: Promise<string> | null = null;

const running = new Set<RealNodeRed>();
afterEach(function () {
  // What happened can not be seen again where tests run by themselves.
  if (this.currentTest?.isFailed())
    for (const { log } of running) console.log(`Node-RED's last words:\n${log.slice(-5000)}`);
});

/** A Node-RED of its own: own process, own user directory, own port. */
export class RealNodeRed {
  log = "";
  private child: ChildProcess | null = null;

  private constructor(
    readonly userDir: string,
    readonly port: number,
  ) {}

  /** With the published package in a new user directory. */
  static async withPackage(settings: Record<string, unknown> = {}): Promise<RealNodeRed> {
    const userDir = await mkdtemp(join(tmpdir(), "printgate-user-"));
    await cp(await (installed ??= install()), userDir, { recursive: true, verbatimSymlinks: true });
    const all = {
      flowFile: "flows.json",
      credentialSecret: "test",
      uiHost: "127.0.0.1",
      telemetry: { enabled: false },
      editorTheme: { tours: false, projects: { enabled: false }, palette: { catalogues: [] } },
      ...settings,
    };
    await writeFile(join(userDir, "settings.js"), `module.exports = ${JSON.stringify(all)}`);
    return new RealNodeRed(userDir, await freePort());
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const args = [join(NODE_RED, "red.js"), "--userDir", this.userDir, "--port", String(this.port)];
    const child = spawn(NODE, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    running.add(this);
    const note = (chunk: Buffer) => (this.log += chunk.toString());
    child.stdout.on("data", note);
    child.stderr.on("data", note);
    const began = this.log.length;
    await until(
      "Node-RED answers",
      async () => {
        if (child.exitCode !== null) throw new Error(`Node-RED ended:\n${this.log}`);
        if (!this.log.slice(began).includes("Started flows")) return false;
        return (await fetch(`${this.url}/settings`).catch(() => null))?.ok === true;
      },
      120_000,
    );
  }

  get running(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill(signal);
    });
  }

  async remove(): Promise<void> {
    await this.stop();
    running.delete(this);
    await rm(this.userDir, { recursive: true, force: true });
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/${path}`, { headers: { accept: "application/json" } });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async deploy(flows: FlowNode[], type: "full" | "nodes" | "flows" = "full"): Promise<void> {
    const before = this.log.split("Started").length;
    const response = await fetch(`${this.url}/flows`, {
      method: "POST",
      headers: { "content-type": "application/json", "Node-RED-Deployment-Type": type },
      body: JSON.stringify(flows),
    });
    if (!response.ok) throw new Error(`POST /flows: ${response.status} ${await response.text()}`);
    await until("the flows have started", () => this.log.split("Started").length > before, 60_000);
  }
}
