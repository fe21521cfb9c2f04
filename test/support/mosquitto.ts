import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeCertificate } from "../../lib/simulator/printer/certificate";
import { freePort } from "./ports";
import { until } from "./wait";

/** A real Mosquitto with TLS 1.2, a password file and a certificate in the printer's name. */
export interface Mosquitto {
  readonly port: number;
  /** What it wrote in its log. */
  log(): string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it for good and removes its files. */
  remove(): Promise<void>;
}

export async function startMosquitto(options: {
  program: string;
  passwords: string;
  /** The name in its certificate. */
  serial: string;
  users: Record<string, string>;
  /** A certificate of the test's own instead. */
  identity?: { key: string; cert: string };
  /** Only clients with a certificate of this authority are let in. */
  clientAuthority?: string;
}): Promise<Mosquitto> {
  const folder = await mkdtemp(join(tmpdir(), "printgate-mosquitto-"));
  const port = await freePort();
  const { key, cert } = options.identity ?? (await makeCertificate(options.serial));
  await writeFile(join(folder, "clients.pem"), options.clientAuthority ?? "");
  await writeFile(join(folder, "key.pem"), key);
  await writeFile(join(folder, "cert.pem"), cert);
  const passwords = join(folder, "passwords");
  await writeFile(passwords, "");
  for (const [user, password] of Object.entries(options.users)) {
    await promisify(execFile)(options.passwords, ["-b", passwords, user, password]);
  }
  const config = join(folder, "mosquitto.conf");
  await writeFile(
    config,
    [
      `listener ${port} 127.0.0.1`,
      `certfile ${join(folder, "cert.pem")}`,
      `keyfile ${join(folder, "key.pem")}`,
      "tls_version tlsv1.2",
      ...(options.clientAuthority === undefined
        ? []
        : [`cafile ${join(folder, "clients.pem")}`, "require_certificate true"]),
      "allow_anonymous false",
      `password_file ${passwords}`,
      "log_type all",
      "connection_messages true",
      // Started as root it would become a user who can not read the files above.
      "user root",
      "",
    ].join("\n"),
  );
  let log = "";
  let child: ChildProcess | null = null;
  const start = async () => {
    log = "";
    const process = spawn(options.program, ["-c", config, "-v"], { stdio: ["ignore", "pipe", "pipe"] });
    child = process;
    process.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
    process.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
    await until("Mosquitto runs", () => {
      if (process.exitCode !== null) throw new Error(log);
      return log.includes("running");
    });
  };
  const kill = async () => {
    const process = child;
    child = null;
    if (process === null || process.exitCode !== null) return;
    await new Promise((resolve) => {
      process.once("exit", resolve);
      process.kill("SIGTERM");
    });
  };
  await start();
  return {
    port,
    log: () => log,
    start,
    stop: kill,
    remove: async () => {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}
