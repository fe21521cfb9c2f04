/**
 * The camera of an A1 or P1: TLS, a greeting of 80 bytes with user and access code, then JPEGs, each behind a header of
 * 16 bytes (Bambu protocol notes, camera). A wrong code ends the connection at once.
 */
import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { CAMERA_PICTURE } from "./camera-picture";
import type { PrinterCertificate } from "./certificate";
import { listen } from "../listen";

/** What a test can make go wrong: how pictures come. */
export type CameraFault = "none" | "garbage" | "huge" | "half" | "silent" | "slow";

export interface CameraServerOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly certificate: PrinterCertificate;
  /** Asked at each greeting. */
  readonly accessCode: () => string;
  readonly fault: () => CameraFault;
}

export interface CameraServer {
  readonly port: number;
  /** Connections at the moment. */
  readonly clients: number;
  /** Greetings that were welcome. */
  readonly welcomed: number;
  close(): Promise<void>;
}

const GREETING_BYTES = 80;
const HEADER_BYTES = 16;
const USER = "bblp";
const PICTURE_EVERY_MS = 1000;
/** So much of a picture at a time, when it comes slowly. */
const SLOW_BYTES = 512;
const SLOW_EVERY_MS = 5;

/** @throws PrintgateError `config-invalid` when the port can not be had */
export async function openCameraServer(options: CameraServerOptions): Promise<CameraServer> {
  const { key, cert } = options.certificate;
  const sockets = new Set<Socket>();
  let welcomed = 0;
  const server = createServer({ key, cert, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" }, (socket) => {
    serve(socket, options, () => (welcomed += 1));
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => undefined);
  const port = await listen(server, "The virtual printer's camera", options.port, options.host);
  return {
    port,
    get clients() {
      return sockets.size;
    },
    get welcomed() {
      return welcomed;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function serve(socket: TLSSocket, { accessCode, fault }: CameraServerOptions, welcome: () => void): void {
  let greeting = Buffer.alloc(0);
  let timer: NodeJS.Timeout | undefined;
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    clearInterval(timer);
  });
  socket.on("data", (chunk: Buffer) => {
    if (timer !== undefined || greeting.length >= GREETING_BYTES) return;
    greeting = Buffer.concat([greeting, chunk]).subarray(0, GREETING_BYTES);
    if (greeting.length < GREETING_BYTES) return;
    if (!isWelcome(greeting, accessCode())) {
      socket.destroy();
      return;
    }
    welcome();
    const how = fault();
    if (how === "silent") return;
    timer = begin(socket, how);
  });
}

function isWelcome(greeting: Buffer, accessCode: string): boolean {
  const field = (from: number): string => greeting.toString("utf8", from, from + 32).replace(/\0+$/, "");
  return (
    greeting.readUInt32LE(0) === 0x40 &&
    greeting.readUInt32LE(4) === 0x3000 &&
    field(16) === USER &&
    field(48) === accessCode
  );
}

function begin(socket: TLSSocket, how: Exclude<CameraFault, "silent">): NodeJS.Timeout {
  if (how === "slow") return trickle(socket, frame(CAMERA_PICTURE));
  const send = (): void => {
    socket.write(FRAMES[how]);
    if (how === "half") socket.end();
  };
  send();
  return setInterval(send, PICTURE_EVERY_MS);
}

function trickle(socket: TLSSocket, bytes: Buffer): NodeJS.Timeout {
  let sent = 0;
  return setInterval(() => {
    if (sent < bytes.length) socket.write(bytes.subarray(sent, (sent += SLOW_BYTES)));
  }, SLOW_EVERY_MS);
}

function frame(picture: Buffer, size = picture.length): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(size, 0);
  header.writeUInt32LE(1, 8);
  return Buffer.concat([header, picture]);
}

const FRAMES: Readonly<Record<Exclude<CameraFault, "silent" | "slow">, Buffer>> = {
  none: frame(CAMERA_PICTURE),
  garbage: frame(Buffer.alloc(500, 0x20)),
  huge: frame(Buffer.alloc(16), 0xffff_ffff),
  half: frame(CAMERA_PICTURE.subarray(0, 600), CAMERA_PICTURE.length),
};
