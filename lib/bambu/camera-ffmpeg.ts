import { spawn } from "node:child_process";
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { PrintgateError, redact, toError } from "../errors";
import { type CameraPlace, type PictureOptions, jpegIn, LARGEST_PICTURE, tooLate } from "./picture";
import { openTls } from "./tls";

/**
 * A still of an RTSPS stream through `ffmpeg`, where that is installed (Bambu protocol notes, camera).
 *
 * `ffmpeg` neither pins a certificate nor hides what stands in its arguments from other users of the machine. So the TLS
 * connection is ours: it is judged first, and `ffmpeg` talks to a relay on loopback that carries its bytes. The address
 * with the access code goes in through its standard input.
 */

const RTSPS_PORT = 322;
const USER = "bblp";
const CONNECT_MS = 10_000;
/** The end of what ffmpeg said is where it says why. */
const KEPT_WORDS = 2000;

/** @throws PrintgateError camera-failed, access-refused, unreachable, wrong-serial, certificate-changed, certificate-untrusted */
export async function pictureByFfmpeg(place: CameraPlace, { signal }: PictureOptions): Promise<Buffer> {
  const relay = await openRelay(place, signal);
  // Inside quotes that an encoded URL may still hold.
  const code = encodeURIComponent(place.accessCode).replaceAll("'", "%27");
  const url = `rtsp://${USER}:${code}@127.0.0.1:${relay.port}/streaming/live/1`;
  try {
    const { picture, words } = await runFfmpeg(`file '${url}'\n`, signal);
    if (picture !== null) return picture;
    throw explain(redact(words, [place.accessCode, code]));
  } catch (thrown) {
    // What kept the relay from the printer says more than what ffmpeg made of it.
    throw relay.trouble() ?? thrown;
  } finally {
    relay.close();
  }
}

interface Relay {
  readonly port: number;
  trouble(): PrintgateError | null;
  close(): void;
}

/** Takes connections on loopback and carries each over a judged TLS connection to the printer. */
async function openRelay(place: CameraPlace, signal: AbortSignal): Promise<Relay> {
  const port = place.rtspsPort ?? RTSPS_PORT;
  const call = async (): Promise<Socket> => (await openTls({ ...place, port, timeoutMs: CONNECT_MS, signal })).socket;
  // Where nothing answers, ffmpeg need not be started at all.
  let first: Socket | null = await call();
  const sockets = new Set<Socket>([first]);
  let trouble: PrintgateError | null = null;
  const server: Server = createServer((near) => {
    sockets.add(near);
    near.on("error", () => near.destroy());
    const called = first !== null && !first.destroyed ? Promise.resolve(first) : call();
    first = null;
    called.then(
      (far) => {
        sockets.add(far);
        far.on("error", () => near.destroy());
        far.on("close", () => near.destroy());
        near.on("close", () => far.destroy());
        if (near.destroyed) far.destroy();
        else join(near, far);
      },
      (thrown: unknown) => {
        trouble = toError(thrown);
        near.destroy();
      },
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    trouble: () => trouble,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * Carries bytes both ways. Packets can only come inside this connection, which ffmpeg does not ask for at first, and not
 * every version can be told to: the refusal that RTSP has for it (RFC 2326, 461) makes it do so.
 */
function join(near: Socket, far: Socket): void {
  near.on("data", (chunk: Buffer) => {
    const request = chunk.toString("latin1");
    const sequence = WITH_DATAGRAMS.test(request) ? /^CSeq: *(\d+)/im.exec(request)?.[1] : undefined;
    if (sequence === undefined) far.write(chunk);
    else near.write(`RTSP/1.0 461 Unsupported Transport\r\nCSeq: ${sequence}\r\n\r\n`);
  });
  far.pipe(near);
}

const WITH_DATAGRAMS = /^SETUP [^]*^Transport: *RTP\/AVP(?:\/UDP)?;/im;

/** A picture, or what it said instead. @throws PrintgateError camera-failed when it could not run */
function runFfmpeg(script: string, signal: AbortSignal): Promise<{ picture: Buffer | null; words: string }> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(tooLate());
      return;
    }
    const child = spawn(
      "ffmpeg",
      [
        ...["-hide_banner", "-nostdin", "-loglevel", "error", "-safe", "0"],
        ...["-protocol_whitelist", "pipe,tcp,udp,rtp,rtsp,file,crypto", "-f", "concat", "-i", "pipe:0"],
        ...["-frames:v", "1", "-f", "image2pipe", "-vcodec", "mjpeg", "-q:v", "3", "pipe:1"],
      ],
      { stdio: ["pipe", "pipe", "pipe"], signal, killSignal: "SIGKILL" },
    );
    const pieces: Buffer[] = [];
    let bytes = 0;
    let words = "";
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= LARGEST_PICTURE) pieces.push(chunk);
      else child.kill("SIGKILL");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString("utf8")).slice(-KEPT_WORDS);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.name === "AbortError") reject(tooLate());
      else if (error.code === "ENOENT")
        reject(new PrintgateError("camera-failed", "this model's camera needs ffmpeg, which is not installed here"));
      else reject(new PrintgateError("camera-failed", `ffmpeg could not be started: ${error.message}`));
    });
    child.on("close", () => {
      resolve({ picture: bytes <= LARGEST_PICTURE ? jpegIn(Buffer.concat(pieces)) : null, words });
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(script);
  });
}

function explain(words: string): PrintgateError {
  if (/401|unauthorized/i.test(words))
    return new PrintgateError("access-refused", "the printer's camera refused the access code");
  const last = words.trim().split("\n").at(-1)?.slice(0, 200) ?? "";
  return new PrintgateError(
    "camera-failed",
    last === "" ? "ffmpeg gave no picture" : `ffmpeg gave no picture: ${last}`,
  );
}
