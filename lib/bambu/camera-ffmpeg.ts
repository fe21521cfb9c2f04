import { spawn } from "node:child_process";
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { PrintgateError, redact, toError } from "../errors";
import type { CameraPlace, PictureOptions } from "./camera";
import { jpegIn, LARGEST_PICTURE, tooLate } from "./jpeg";
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
export async function pictureByFfmpeg(place: CameraPlace, options: PictureOptions): Promise<Buffer> {
  const relay = await openRelay(place, options.signal);
  try {
    return await runFfmpeg(relay.port, place.accessCode, options.signal);
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
  // Where nothing answers, ffmpeg need not be started at all.
  (await openTls({ ...place, port, timeoutMs: CONNECT_MS, signal })).socket.destroy();
  const sockets = new Set<Socket>();
  let trouble: PrintgateError | null = null;
  const server: Server = createServer((near) => {
    sockets.add(near);
    near.on("error", () => near.destroy());
    openTls({ ...place, port, timeoutMs: CONNECT_MS, signal }).then(
      ({ socket: far }) => {
        sockets.add(far);
        far.on("error", () => near.destroy());
        far.on("close", () => near.destroy());
        near.on("close", () => far.destroy());
        if (near.destroyed) far.destroy();
        else near.pipe(far).pipe(near);
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

function runFfmpeg(port: number, accessCode: string, signal: AbortSignal): Promise<Buffer> {
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
      const picture = jpegIn(Buffer.concat(pieces));
      if (picture !== null) resolve(picture);
      else reject(explain(redact(words, [accessCode])));
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(`file 'rtsp://${USER}:${encodeURIComponent(accessCode)}@127.0.0.1:${port}/streaming/live/1?tcp'\n`);
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
