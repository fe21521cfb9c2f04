/** One client of the printer's file server: a table of FTP commands (RFC 959, 4217) over a control connection. */
import type { TLSSocket } from "node:tls";
import type { DataPort, FileServerOptions } from "./file-shapes";

const USER = "bblp";
const LONGEST_LINE = 2048;

interface SessionOptions extends FileServerOptions {
  openData(): Promise<DataPort>;
}

type Handler = (session: FileSession, argument: string) => Promise<void> | void;

export class FileSession {
  private line = "";
  private folder = "/";
  private user = "";
  private isIn = false;
  private isPrivate = false;
  private data: DataPort | null = null;
  private renameFrom: string | null = null;
  /** Commands are answered in their order. */
  private queue = Promise.resolve();

  constructor(
    private readonly socket: TLSSocket,
    private readonly options: SessionOptions,
  ) {
    socket.on("data", (chunk: Buffer) => {
      this.hear(chunk.toString("utf8"));
    });
    socket.on("close", () => this.data?.close());
    if (options.faults.full) {
      this.say(421, "Too many connections");
      socket.end();
    } else {
      this.say(220, "Virtual printer");
    }
  }

  private hear(text: string): void {
    this.line += text;
    if (this.line.length > LONGEST_LINE) {
      this.socket.destroy();
      return;
    }
    const lines = this.line.split(/\r?\n/);
    this.line = lines.pop() ?? "";
    for (const line of lines)
      this.queue = this.queue
        .then(() => this.obey(line))
        .catch(() => {
          this.cut();
        });
  }

  private async obey(line: string): Promise<void> {
    const space = line.indexOf(" ");
    const verb = (space < 0 ? line : line.slice(0, space)).toUpperCase();
    const handler = this.options.faults.noRename && RENAMES.has(verb) ? undefined : COMMANDS.get(verb);
    if (handler === undefined) this.say(502, "Command not implemented");
    else if (!this.isIn && !BEFORE_LOGIN.has(verb)) this.say(530, "Log in first");
    else await handler(this, space < 0 ? "" : line.slice(space + 1));
  }

  say(code: number, words: string): void {
    if (!this.socket.destroyed) this.socket.write(`${code} ${words}\r\n`);
  }

  cut(): void {
    this.socket.destroy();
  }

  setUser(name: string): void {
    this.user = name;
    this.isIn = false;
    this.say(331, "Password please");
  }

  logIn(password: string): void {
    this.isIn = this.user === USER && password === this.options.accessCode();
    if (this.isIn) this.say(230, "Welcome");
    else this.say(530, "Wrong user or password");
  }

  protect(level: string): void {
    this.isPrivate = level.toUpperCase() === "P";
    this.say(this.isPrivate ? 200 : 536, this.isPrivate ? "Protection set" : "Only private");
  }

  async passive(): Promise<void> {
    this.data?.close();
    this.data = await this.options.openData();
    const { port } = this.data;
    // An address of the printer's own: who connects must not believe it.
    this.say(227, `Entering Passive Mode (0,0,0,0,${port >> 8},${port & 255})`);
  }

  async store(argument: string): Promise<void> {
    const { files, faults } = this.options;
    const path = this.pathOf(argument);
    const data = this.data;
    this.data = null;
    if (data === null || !this.isPrivate) {
      this.say(503, "PASV and PROT P first");
      return;
    }
    this.say(150, "Ok to send data");
    const socket = await data.accept();
    if (socket === null) {
      this.say(522, "The session must be resumed");
      return;
    }
    files.set(path, Buffer.alloc(0));
    const used = [...files.values()].reduce((sum, file) => sum + file.length, 0);
    const chunks: Buffer[] = [];
    let bytes = 0;
    let verdict: "whole" | "cut" | "full" = "whole";
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      const most = Math.min(faults.cutAfter ?? Number.POSITIVE_INFINITY, faults.space - used);
      chunks.push(chunk.subarray(0, Math.max(0, most - bytes)));
      bytes += chunk.length;
      if (bytes <= most) continue;
      verdict = faults.cutAfter !== null && faults.cutAfter <= faults.space - used ? "cut" : "full";
      break;
    }
    files.set(path, Buffer.concat(chunks));
    if (verdict === "cut" && faults.goneAfterCut) faults.full = true;
    socket.destroy();
    if (verdict === "cut") this.cut();
    else if (verdict === "full") this.say(552, "No space left");
    else if (!faults.neverConfirms) this.say(226, "Transfer complete");
  }

  size(argument: string): void {
    const file = this.options.files.get(this.pathOf(argument));
    if (file === undefined) this.say(550, "No such file");
    else this.say(213, String(file.length + this.options.faults.wrongBy));
  }

  remove(argument: string): void {
    if (this.options.files.delete(this.pathOf(argument))) this.say(250, "Removed");
    else this.say(550, "No such file");
  }

  takeName(argument: string): void {
    const path = this.pathOf(argument);
    const exists = this.options.files.has(path);
    this.renameFrom = exists ? path : null;
    this.say(exists ? 350 : 550, exists ? "And the new name" : "No such file");
  }

  rename(argument: string): void {
    const { files } = this.options;
    const file = this.renameFrom === null ? undefined : files.get(this.renameFrom);
    const to = this.pathOf(argument);
    if (file === undefined || this.renameFrom === null) this.say(503, "RNFR first");
    else if (files.has(to)) this.say(550, "There is such a file");
    else {
      files.delete(this.renameFrom);
      files.set(to, file);
      this.say(250, "Renamed");
    }
    this.renameFrom = null;
  }

  enter(argument: string): void {
    this.folder = this.pathOf(argument);
    this.say(250, "Changed");
  }

  tellFolder(): void {
    this.say(257, `"${this.folder}"`);
  }

  async list(): Promise<void> {
    const data = this.data;
    this.data = null;
    if (data === null) {
      this.say(503, "PASV first");
      return;
    }
    this.say(150, "Here it comes");
    const socket = await data.accept();
    if (socket === null) {
      this.say(522, "The session must be resumed");
      return;
    }
    const rows = [...this.options.files].map(
      ([path, file]) =>
        `-rw-r--r-- 1 root root ${file.length} Jan 01 2026 ${path.slice(path.lastIndexOf("/") + 1)}\r\n`,
    );
    socket.end(rows.join(""), () => {
      this.say(226, "Done");
    });
  }

  quit(): void {
    this.say(221, "Goodbye");
    this.socket.end();
  }

  private pathOf(argument: string): string {
    const parts = argument.startsWith("/") ? [] : this.folder.split("/");
    for (const part of argument.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "." && part !== "") parts.push(part);
    }
    return `/${parts.filter((part) => part !== "").join("/")}`;
  }
}

const BEFORE_LOGIN: ReadonlySet<string> = new Set(["USER", "PASS", "QUIT", "NOOP", "FEAT"]);
const RENAMES: ReadonlySet<string> = new Set(["RNFR", "RNTO"]);

const ok =
  (code: number, words: string): Handler =>
  (session) => {
    session.say(code, words);
  };

const COMMANDS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    "USER",
    (session, name) => {
      session.setUser(name);
    },
  ],
  [
    "PASS",
    (session, password) => {
      session.logIn(password);
    },
  ],
  ["TYPE", ok(200, "Type set")],
  ["PBSZ", ok(200, "PBSZ=0")],
  [
    "PROT",
    (session, level) => {
      session.protect(level);
    },
  ],
  ["PASV", (session) => session.passive()],
  ["STOR", (session, path) => session.store(path)],
  [
    "SIZE",
    (session, path) => {
      session.size(path);
    },
  ],
  [
    "DELE",
    (session, path) => {
      session.remove(path);
    },
  ],
  [
    "RNFR",
    (session, path) => {
      session.takeName(path);
    },
  ],
  [
    "RNTO",
    (session, path) => {
      session.rename(path);
    },
  ],
  ["LIST", (session) => session.list()],
  [
    "CWD",
    (session, path) => {
      session.enter(path);
    },
  ],
  ["MKD", ok(257, "Created")],
  [
    "PWD",
    (session) => {
      session.tellFolder();
    },
  ],
  ["SYST", ok(215, "UNIX Type: L8")],
  ["NOOP", ok(200, "Yes")],
  ["FEAT", ok(211, "No features")],
  [
    "QUIT",
    (session) => {
      session.quit();
    },
  ],
]);
