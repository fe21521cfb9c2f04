import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
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

/** Packs the package as it would be published; the answer is the tarball's path. */
export async function pack(folder: string): Promise<string> {
  await npm(["pack", "--pack-destination", folder], ROOT);
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  return join(folder, tarball ?? "missing");
}

/** A Node-RED of its own: own process, own user directory, own port. */
export class RealNodeRed {
  log = "";
  private child: ChildProcess | null = null;

  private constructor(
    readonly userDir: string,
    readonly port: number,
  ) {}

  /** A new user directory with the tarball in it, installed the way the palette manager does it. */
  static async withPackage(tarball: string, settings: Record<string, unknown> = {}): Promise<RealNodeRed> {
    const userDir = await mkdtemp(join(tmpdir(), "printgate-user-"));
    await writeFile(join(userDir, "package.json"), JSON.stringify({ name: "user", version: "0.0.1", private: true }));
    await npm(
      [
        "install",
        tarball,
        "--omit=dev",
        "--engine-strict",
        "--save-prefix=~",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
      ],
      userDir,
    );
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
      60_000,
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
    await until("the flows have started", () => this.log.split("Started").length > before, 20_000);
  }
}
