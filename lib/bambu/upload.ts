import { createReadStream, promises as fs } from "node:fs";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { TLSSocket } from "node:tls";
import { Client, enterPassiveModeIPv4, FTPError, type FTPContext } from "basic-ftp";
import { isPrintgateError, PrintgateError, redact, toError } from "../errors";
import type { PrintContent, PrintOrder } from "../printer/commands";
import type { SendOptions } from "../printer/link";
import { judge, tlsOptionsFor, type Trust } from "./tls";

/**
 * Brings a file to a printer: FTPS with implicit TLS, user `bblp`, passive mode only (Bambu protocol notes, FTPS).
 *
 * What is not whole never carries the name of a print: it grows under `<name>.part` and is renamed when its size was
 * checked. A printer whose file server can not rename gets the file under its name, and it is removed if that fails.
 */

/** Where the file server is and how it proves who it is. */
export interface FilePlace {
  readonly host: string;
  readonly port: number;
  readonly serial: string;
  readonly accessCode: string;
  readonly trust: Trust;
}

const USER = "bblp";
/** Nothing comes and nothing goes for so long: the transfer has ended. */
const IDLE_MS = 15_000;
/** To put away what is left of a failed upload. */
const CLEAN_UP_MS = 5000;
/** How long a server may take to say why it broke a transfer off. */
const LAST_WORD_MS = 500;
const CHUNK_BYTES = 64 * 1024;
const LONGEST_NAME = 100;

/** The commands that this server does not have (RFC 959: syntax error, not implemented). */
const UNKNOWN_COMMAND: ReadonlySet<number> = new Set([500, 501, 502, 504]);

interface Source {
  readonly stream: Readable;
  /** null = known when it ends. */
  readonly bytes: number | null;
}

/**
 * Uploads the content of the order; answers with the order for the file as it is called on the printer.
 * @throws PrintgateError upload-failed, access-refused, wrong-serial, certificate-changed, certificate-untrusted, unreachable
 */
export async function uploadTo(place: FilePlace, order: PrintOrder, options: SendOptions): Promise<PrintOrder> {
  if (order.content === null) return order;
  const name = safeName(order.file);
  const source = await openSource(order.content);
  // It may break before anybody reads it; whoever does then is told.
  source.stream.on("error", () => undefined);
  try {
    await new Upload(place, name, source, options).run();
  } finally {
    source.stream.destroy();
  }
  return { ...order, file: name, content: null };
}

/** A name that every card and every FTP server takes: no folders, no control characters, not hidden. */
export function safeName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? "";
  const ending = /(\.gcode)?\.3mf$|\.[a-z0-9]{1,8}$/i.exec(base)?.[0] ?? "";
  const stem = base
    .slice(0, base.length - ending.length)
    .replace(/[^\p{L}\p{N}._ ()+-]/gu, "_")
    .replace(/^[. ]+|[. ]+$/g, "")
    .slice(0, LONGEST_NAME);
  return `${stem === "" ? "print" : stem}${ending}`;
}

class Upload {
  /** What is on the printer now and is not whole. */
  private unfinished: string | null = null;
  private sent = 0;
  private control: Socket | null = null;

  constructor(
    private readonly place: FilePlace,
    private readonly name: string,
    private readonly source: Source,
    private readonly options: SendOptions,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.options;
    const client = new Client(IDLE_MS);
    const stop = (): void => {
      client.close();
    };
    signal.addEventListener("abort", stop);
    try {
      if (signal.aborted) throw new PrintgateError("upload-failed", "the upload was called off");
      await logIn(client, this.place);
      this.control = client.ftp.socket;
      await this.transfer(client);
    } catch (thrown) {
      const refusal = thrown instanceof FTPError || isPrintgateError(thrown) ? null : await this.lastWord();
      client.close();
      throw await this.failed(refusal ?? thrown);
    } finally {
      signal.removeEventListener("abort", stop);
      client.trackProgress();
      client.close();
    }
  }

  private async transfer(client: Client): Promise<void> {
    const renames = await canRename(client);
    const target = renames ? `${this.name}.part` : this.name;
    const total = this.source.bytes;
    client.trackProgress(({ bytesOverall }) => {
      this.sent = bytesOverall;
      this.options.progress?.(bytesOverall, total);
    });
    this.unfinished = target;
    await client.uploadFrom(
      counted(this.source.stream, (bytes) => (this.sent = bytes)),
      `/${target}`,
    );
    client.trackProgress();
    await this.checkSize(client, target);
    if (!renames) {
      this.unfinished = null;
      return;
    }
    // Some servers do not rename onto a file that is there.
    await client.remove(`/${this.name}`, true);
    await client.rename(`/${target}`, `/${this.name}`);
    this.unfinished = null;
  }

  private async checkSize(client: Client, target: string): Promise<void> {
    const expected = this.source.bytes ?? this.sent;
    if (this.sent !== expected)
      throw new PrintgateError("upload-failed", `only ${this.sent} of ${expected} bytes could be read`);
    const arrived = await client.size(`/${target}`).catch((thrown: unknown) => {
      // A server without SIZE has confirmed the whole transfer; there is nothing more to ask.
      if (thrown instanceof FTPError && UNKNOWN_COMMAND.has(thrown.code)) return expected;
      throw thrown;
    });
    if (arrived !== expected)
      throw new PrintgateError("upload-failed", `${arrived} of ${expected} bytes arrived on the printer`);
  }

  /** A server that breaks a transfer off says why on the other connection, often a moment later; null = it does not. */
  private async lastWord(): Promise<FTPError | null> {
    const { control } = this;
    if (control === null || control.destroyed || this.options.signal.aborted) return null;
    return new Promise((resolve) => {
      const end = (word: FTPError | null): void => {
        clearTimeout(timer);
        control.off("data", hear);
        control.off("close", gone);
        resolve(word);
      };
      const hear = (text: Buffer | string): void => {
        const [message, code] = /^([45]\d\d) .*/m.exec(text.toString()) ?? [];
        if (message !== undefined) end(new FTPError({ code: Number(code), message }));
      };
      const gone = (): void => {
        end(null);
      };
      const timer = setTimeout(gone, LAST_WORD_MS);
      control.on("data", hear);
      control.once("close", gone);
    });
  }

  /** Puts away what is left, over a connection of its own, since the first one is usually the trouble. */
  private async failed(thrown: unknown): Promise<PrintgateError> {
    const error = explain(thrown, this.place);
    const { unfinished } = this;
    if (unfinished === null) return error;
    const gone = await removed(this.place, unfinished);
    const rest = gone
      ? "nothing of it is left on the printer"
      : `an incomplete file "${unfinished}" may be left on the printer, do not print it`;
    return new PrintgateError("upload-failed", `${error.message}; nothing was started, ${rest}`, { cause: error });
  }
}

/** The certificate is judged before the access code is said. */
async function logIn(client: Client, place: FilePlace): Promise<void> {
  const tls = await tlsOptionsFor(place);
  await client.connectImplicitTLS(String(tls.host), place.port, tls);
  if (!(client.ftp.socket instanceof TLSSocket))
    throw new PrintgateError("upload-failed", "the connection is not secure");
  judge(client.ftp.socket.getPeerCertificate(), place);
  await client.login(USER, place.accessCode);
  await client.send("TYPE I");
  await client.send("PBSZ 0");
  await client.send("PROT P");
  client.prepareTransfer = async (ftp) => {
    const answer = await enterPassiveModeIPv4(atControlHost(ftp));
    judgeData(ftp, place);
    return answer;
  };
}

/** Printers name an address of theirs that may not be the one we reach them at: the port is what counts. */
function atControlHost(ftp: FTPContext): FTPContext {
  const host = ftp.socket.remoteAddress?.replace(/^::ffff:/i, "") ?? "";
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(host)) return ftp;
  return new Proxy(ftp, {
    get: (target, key) => {
      if (key === "request")
        return async (command: string) => {
          const answer = await target.request(command);
          const message = answer.message.replace(/\d+,\d+,\d+,\d+(?=,\d+,\d+)/, host.replaceAll(".", ","));
          return { ...answer, message };
        };
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}

/** A resumed TLS session is the server that was judged; where the printer does not resume, its certificate is looked at again. */
function judgeData(ftp: FTPContext, place: FilePlace): void {
  const socket = ftp.dataSocket;
  if (!(socket instanceof TLSSocket)) return;
  socket.once("secureConnect", () => {
    if (socket.isSessionReused()) return;
    try {
      judge(socket.getPeerCertificate(), place);
    } catch (thrown) {
      socket.destroy(toError(thrown));
    }
  });
}

/** Asked by a rename of what is not there: a server that knows the command says that the file is missing (550). */
async function canRename(client: Client): Promise<boolean> {
  const answer = await client.sendIgnoringError("RNFR /printgate-no-such-file");
  return !UNKNOWN_COMMAND.has(answer.code);
}

async function removed(place: FilePlace, file: string): Promise<boolean> {
  const client = new Client(CLEAN_UP_MS);
  const deadline = setTimeout(() => {
    client.close();
  }, CLEAN_UP_MS);
  try {
    await logIn(client, place);
    const answer = await client.remove(`/${file}`, true);
    // 550: it never came to be, or the printer removed it by itself.
    return answer.code < 300 || answer.code === 550;
  } catch {
    return false;
  } finally {
    clearTimeout(deadline);
    client.close();
  }
}

async function openSource(content: PrintContent): Promise<Source> {
  switch (content.kind) {
    case "buffer":
      return { stream: Readable.from(chunksOf(content.data)), bytes: content.data.length };
    case "path": {
      const found = await fs.stat(content.path).catch((cause: unknown) => {
        throw new PrintgateError("upload-failed", "the file to print can not be read", { cause });
      });
      if (!found.isFile() || found.size === 0)
        throw new PrintgateError("upload-failed", "what should be printed is no file, or an empty one");
      return { stream: createReadStream(content.path), bytes: found.size };
    }
    case "stream": {
      const { stream, bytes } = content;
      return { stream: stream instanceof Readable ? stream : new Readable().wrap(stream), bytes };
    }
  }
}

function* chunksOf(data: Buffer): Generator<Buffer> {
  for (let from = 0; from < data.length; from += CHUNK_BYTES) yield data.subarray(from, from + CHUNK_BYTES);
}

/** The same stream, counted. Its end without an error is what makes a transfer whole. */
function counted(stream: Readable, tell: (bytes: number) => void): Readable {
  async function* count(): AsyncGenerator {
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer | string>) {
      bytes += Buffer.byteLength(chunk);
      tell(bytes);
      yield chunk;
    }
  }
  return Readable.from(count(), { objectMode: false });
}

/** FTP reply codes (RFC 959) that mean something to a user. */
const REPLIES: Readonly<Record<number, readonly ["access-refused" | "upload-failed", string]>> = {
  421: ["upload-failed", "the printer's file server takes no more connections at the moment"],
  530: ["access-refused", "the printer's file server refused the access code: read it anew on the printer's screen"],
  452: ["upload-failed", "there is no space left on the printer's storage"],
  552: ["upload-failed", "there is no space left on the printer's storage"],
  553: ["upload-failed", "the printer does not take a file of this name"],
};

function explain(thrown: unknown, { accessCode, port }: FilePlace): PrintgateError {
  if (isPrintgateError(thrown)) return thrown;
  const known = thrown instanceof FTPError ? REPLIES[thrown.code] : undefined;
  if (known !== undefined) return new PrintgateError(known[0], known[1], { cause: thrown });
  const code = (thrown as { code?: unknown } | null)?.code;
  if (code === "ECONNREFUSED" || code === "EHOSTUNREACH" || code === "ENOTFOUND")
    return new PrintgateError("unreachable", `nothing answers at the printer's file server, port ${port}`, {
      cause: thrown,
    });
  const words = redact(toError(thrown).message, [accessCode]);
  return new PrintgateError("upload-failed", `the upload failed: ${words}`, { cause: thrown });
}
