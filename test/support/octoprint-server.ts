import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./ports";
import { skipWithout, tool } from "./tools";
import { until } from "./wait";

/** `PRINTGATE_OCTOPRINT` tries another release than the one that CI has. */
export const RELEASE = process.env["PRINTGATE_OCTOPRINT"] ?? "1.11.8";
/** Kept between runs, since to fill it takes half a minute. Git does not see it. */
const CACHE = join(__dirname, "..", "..", ".octoprint");
const run = promisify(execFile);

/**
 * The program of a real OctoPrint, in a virtual environment of Python's, made on first use. Skips the test where Python
 * is absent, or where the package can not be had.
 */
export async function octoprintProgram(context: Mocha.Context): Promise<string> {
  const python = tool(context, "python3");
  const folder = join(CACHE, RELEASE);
  const program = join(folder, "bin", "octoprint");
  // Written last: an installation that was cut off is done again.
  const whole = join(folder, "whole");
  if (existsSync(whole)) return program;
  await rm(folder, { recursive: true, force: true });
  await mkdir(CACHE, { recursive: true });
  try {
    await run(python, ["-m", "venv", folder]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `OctoPrint==${RELEASE}`];
    await run(join(folder, "bin", "python"), pip, { maxBuffer: 1 << 24 });
    await writeFile(whole, "");
  } catch (thrown) {
    const words = thrown instanceof Error ? thrown.message : String(thrown);
    return skipWithout(context, `OctoPrint, which Python could not install: ${words.slice(0, 600)}`);
  }
  return program;
}

/** What the printer answers to M115. */
export const FIRMWARE = "Marlin 2.1.2.5 (Mar 12 2025 10:00:00)";

/** A real OctoPrint with its bundled virtual printer, in a folder of its own. */
export interface RealOctoprint {
  readonly url: string;
  /** Of the user `tester`, who may everything. */
  readonly apiKey: string;
  start(): Promise<void>;
  /** Ends it as a service manager would. */
  stop(): Promise<void>;
  /** Stops it for good and removes its files. */
  remove(): Promise<void>;
  /** What it wrote. */
  log(): string;
  /** A request of our own, for what the printer's owner would do in the browser; fails unless it is answered 2xx. */
  ask(method: string, path: string, body?: unknown): Promise<any>;
  /** Uploads a file of so many moves and waits, and prints it. A line takes at least 25 ms. */
  print(name: string, lines: number): Promise<void>;
  /** A line to the printer; `!!DEBUG:` lines are orders to the virtual printer itself. */
  gcode(line: string): Promise<void>;
}

/** No wizard, nothing that asks the internet, a printer that makes no errors of its own accord. */
const config = (key: string): string => `
api: { key: ${key}, allowCrossOrigin: false }
server:
  firstRun: false
  seenWizards: { corewizard: 4, classicwebcam: 1, tracking: null, softwareupdate: 1, backup: null }
  onlineCheck: { enabled: true, host: 127.0.0.1, port: 9, interval: 3600 }
  pluginBlacklist: { enabled: false }
  pythonEolCheck: { enabled: false }
serial:
  port: VIRTUAL
  baudrate: 115200
  autoconnect: true
  log: false
  # A pause waits for the printer to tell where it is; the virtual one often misses the question.
  timeout: { positionLogWait: 1 }
plugins:
  virtual_printer:
    enabled: true
    simulated_errors: []
    sendWait: false
    firmwareName: "${FIRMWARE}"
    m115FormatString: "FIRMWARE_NAME:{firmware_name} SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin PROTOCOL_VERSION:1.0 MACHINE_TYPE:Virtual EXTRUDER_COUNT:1"
  _disabled: [ achievements, announcements, backup, discovery, errortracking, file_check, health_check, pluginmanager, tracking ]
`;

/** Starts it and waits until its printer is there. */
export async function startOctoprint(program: string): Promise<RealOctoprint> {
  const folder = await mkdtemp(join(tmpdir(), "printgate-octoprint-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const apiKey = "a-key-of-the-tester-of-43-letters-0123456789";
  await writeFile(join(folder, "config.yaml"), config("0123456789ABCDEF0123456789ABCDEF"));
  await run(program, ["--basedir", folder, "user", "add", "tester", "--password", "secret", "--admin"]);
  const users = join(folder, "users.yaml");
  await writeFile(users, (await readFile(users, "utf8")).replace("apikey: null", `apikey: ${apiKey}`));

  let child: ChildProcess | null = null;
  let log = "";
  const ask = async (method: string, path: string, body?: unknown): Promise<any> => {
    const form = body instanceof FormData || body === undefined;
    const response = await fetch(url + path, {
      method,
      headers: { "X-Api-Key": apiKey, Connection: "close", ...(form ? {} : { "Content-Type": "application/json" }) },
      body: form ? (body ?? null) : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  const start = async (): Promise<void> => {
    const args = ["--basedir", folder, "serve", "--host", "127.0.0.1", "--port", String(port), "--iknowwhatimdoing"];
    const started = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-100_000);
      });
    }
    const isUp = async (): Promise<boolean> => {
      if (started.exitCode !== null) throw new Error(`OctoPrint ended by itself\n${log}`);
      const printer: any = await ask("GET", "/api/printer").catch(() => null);
      return printer?.state.flags.operational === true;
    };
    await until("OctoPrint and its printer are there", isUp, 60_000);
  };
  /** Ends it, at the latest after so long. */
  const end = async (graceMs: number): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null) return;
    await new Promise((resolve) => {
      // In the middle of a print it takes its time.
      const hard = setTimeout(() => running.kill("SIGKILL"), graceMs);
      running.once("exit", (code) => {
        clearTimeout(hard);
        resolve(code);
      });
      running.kill("SIGTERM");
    });
  };
  const octoprint: RealOctoprint = {
    url,
    apiKey,
    start,
    stop: () => end(5000),
    remove: async () => {
      await end(100);
      // What it started to look at files may still be writing.
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
    log: () => log,
    ask,
    print: async (name, lines) => {
      const moves = Array.from({ length: lines }, (_, index) =>
        index % 2 === 0 ? "G4 P50" : `G1 X${index % 100} F6000`,
      );
      const form = new FormData();
      form.append("file", new Blob([`${moves.join("\n")}\n`]), name);
      form.append("select", "true");
      form.append("print", "true");
      await ask("POST", "/api/files/local", form);
    },
    gcode: async (line) => {
      await ask("POST", "/api/printer/command", { command: line });
    },
  };
  try {
    await start();
  } catch (thrown) {
    await octoprint.remove();
    throw thrown;
  }
  return octoprint;
}
