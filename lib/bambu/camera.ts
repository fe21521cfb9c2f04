import { PrintgateError, toError } from "../errors";
import { pictureByFfmpeg } from "./camera-ffmpeg";
import type { Known } from "./frames";
import { type CameraPlace, jpegIn, LARGEST_PICTURE, type PictureOptions, tooLate } from "./picture";
import { openTls } from "./tls";
import { isFields, textOf } from "./values";

/**
 * One still picture of a printer's camera. A1 and P1 send JPEGs one after the other over TLS on port 6000; the others
 * have an RTSPS stream on port 322, of which `ffmpeg` takes a picture (Bambu protocol notes, camera).
 */

const USER = "bblp";
const CONNECT_MS = 10_000;

/** How the camera of a printer is reached; what a model does not tell, its reports do. */
export function cameraOf({ model, report }: Known): "jpeg" | "rtsps" | "off" {
  const ipcam = report["ipcam"];
  const url = isFields(ipcam) ? textOf(ipcam["rtsp_url"]) : null;
  if (url === "disable") return "off";
  if (url !== null && url !== "") return "rtsps";
  return model.camera ?? "jpeg";
}

/**
 * Takes one picture.
 * @throws PrintgateError camera-failed, access-refused, unreachable, wrong-serial, certificate-changed, certificate-untrusted
 */
export async function takePicture(place: CameraPlace, known: Known, options: PictureOptions): Promise<Buffer> {
  switch (cameraOf(known)) {
    case "off":
      throw new PrintgateError(
        "camera-failed",
        'the printer gives no picture: switch on "LAN only liveview" in the camera settings on its screen',
      );
    case "rtsps":
      return pictureByFfmpeg(place, options);
    case "jpeg":
      return pictureFromStream(place, options);
  }
}

/** The greeting of the JPEG stream: 80 bytes, user and code padded with zeros to 32 each. */
function greeting(accessCode: string): Buffer {
  const hello = Buffer.alloc(80);
  hello.writeUInt32LE(0x40, 0);
  hello.writeUInt32LE(0x3000, 4);
  hello.write(USER, 16, 32, "utf8");
  hello.write(accessCode, 48, 32, "utf8");
  return hello;
}

async function pictureFromStream(place: CameraPlace, { signal }: PictureOptions): Promise<Buffer> {
  const { socket } = await openTls({ ...place, timeoutMs: CONNECT_MS, signal });
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const frames = new FrameReader();
      let heard = false;
      const giveUp = (): void => {
        reject(tooLate());
      };
      signal.addEventListener("abort", giveUp, { once: true });
      if (signal.aborted) giveUp();
      socket.on("data", (chunk: Buffer) => {
        heard = true;
        try {
          const picture = frames.take(chunk);
          if (picture !== null) resolve(picture);
        } catch (thrown) {
          reject(toError(thrown));
        }
      });
      socket.on("error", (error: Error) => {
        reject(
          new PrintgateError("camera-failed", `the camera's connection broke: ${error.message}`, { cause: error }),
        );
      });
      socket.on("close", () => {
        signal.removeEventListener("abort", giveUp);
        const words = heard
          ? "the printer ended the picture before it was whole"
          : "the printer's camera refused the access code, or its live view is switched off";
        reject(new PrintgateError(heard ? "camera-failed" : "access-refused", words));
      });
      socket.write(greeting(place.accessCode));
    });
  } finally {
    socket.destroy();
  }
}

const HEADER_BYTES = 16;

/** Cuts the JPEG stream into its pictures: a header of 16 bytes that begins with the size, then the picture. */
export class FrameReader {
  private parts: Buffer[] = [];
  private held = 0;
  /** Bytes of the picture that is on its way; null while the header is. */
  private size: number | null = null;

  /**
   * The first whole picture, null while there is none.
   * @throws PrintgateError camera-failed when this is no such stream
   */
  take(chunk: Buffer): Buffer | null {
    this.parts.push(chunk);
    this.held += chunk.length;
    if (this.size === null) {
      if (this.held < HEADER_BYTES) return null;
      const start = Buffer.concat(this.parts);
      this.size = start.readUInt32LE(0);
      if (this.size < 4 || this.size > LARGEST_PICTURE)
        throw new PrintgateError("camera-failed", "the camera sent something that is no picture");
      this.parts = [start.subarray(HEADER_BYTES)];
      this.held = start.length - HEADER_BYTES;
    }
    if (this.held < this.size) return null;
    const picture = jpegIn(Buffer.concat(this.parts).subarray(0, this.size));
    if (picture !== null) return picture;
    throw new PrintgateError("camera-failed", "the camera sent something that is no whole picture");
  }
}
