import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { makeCertificate, type PrinterCertificate } from "../../lib/simulator/printer/certificate";

/**
 * The camera of an X1, P2S or H2: RTSP over TLS, one user, its packets inside the same connection (RFC 2326). What it
 * shows is a test picture that another ffmpeg makes.
 */
export interface RtspCamera {
  readonly port: number;
  readonly certificate: PrinterCertificate;
  /** Requests so far, first lines. */
  readonly asked: readonly string[];
  /** Connections at the moment. */
  readonly clients: number;
  close(): Promise<void>;
}

export interface RtspCameraOptions {
  readonly serial: string;
  readonly accessCode: string;
  /** Path of the program that draws. */
  readonly ffmpeg: string;
  /** Lets everybody in and never sends a packet. */
  readonly silent?: boolean;
}

const SDP = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "t=0 0", "m=video 0 RTP/AVP 96", "c=IN IP4 0.0.0.0"]
  .concat(["a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1", "a=control:track1", ""])
  .join("\r\n");

export async function openRtspCamera(options: RtspCameraOptions): Promise<RtspCamera> {
  const certificate = await makeCertificate(options.serial);
  const asked: string[] = [];
  const sockets = new Set<TLSSocket>();
  const { key, cert } = certificate;
  const server = createServer({ key, cert }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    const session = new Session(socket, options, (line) => asked.push(line));
    socket.on("close", () => {
      sockets.delete(socket);
      session.close();
    });
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    certificate,
    asked,
    get clients() {
      return sockets.size;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class Session {
  private text = "";
  private udp: UdpSocket | null = null;
  private painter: ChildProcess | null = null;

  constructor(
    private readonly socket: TLSSocket,
    private readonly options: RtspCameraOptions,
    private readonly note: (line: string) => void,
  ) {
    socket.on("data", (chunk: Buffer) => {
      this.text += chunk.toString("latin1");
      for (let end = this.text.indexOf("\r\n\r\n"); end >= 0; end = this.text.indexOf("\r\n\r\n")) {
        const request = this.text.slice(0, end);
        this.text = this.text.slice(end + 4);
        this.answer(request);
      }
    });
  }

  close(): void {
    this.udp?.close();
    this.painter?.kill("SIGKILL");
    this.udp = this.painter = null;
  }

  private answer(request: string): void {
    const method = /^\$?[^A-Z]*([A-Z]+) /s.exec(request)?.[1] ?? "";
    this.note(request.split("\r\n")[0] ?? "");
    const sequence = /^CSeq: *(\d+)/im.exec(request)?.[1] ?? "0";
    const say = (status: string, headers: string[] = [], body = ""): void => {
      this.socket.write([`RTSP/1.0 ${status}`, `CSeq: ${sequence}`, ...headers, "", body].join("\r\n"));
    };
    if (method === "OPTIONS") say("200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]);
    else if (!this.isWelcome(request)) say("401 Unauthorized", ['WWW-Authenticate: Basic realm="camera"']);
    else if (method === "DESCRIBE")
      say("200 OK", ["Content-Type: application/sdp", `Content-Length: ${SDP.length}`], SDP);
    else if (method === "SETUP") say("200 OK", ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]);
    else if (method === "PLAY") {
      say("200 OK", ["Session: 1"]);
      if (this.options.silent !== true) this.play();
    } else say("200 OK");
  }

  private isWelcome(request: string): boolean {
    const given = /^Authorization: *Basic +(\S+)/im.exec(request)?.[1] ?? "";
    return Buffer.from(given, "base64").toString("utf8") === `bblp:${this.options.accessCode}`;
  }

  private play(): void {
    const udp = createSocket("udp4");
    this.udp = udp;
    udp.on("message", (packet) => {
      const frame = Buffer.from([0x24, 0, packet.length >> 8, packet.length & 0xff]);
      if (this.socket.writable) this.socket.write(Buffer.concat([frame, packet]));
    });
    udp.bind(0, "127.0.0.1", () => {
      const { port } = udp.address();
      this.painter = spawn(
        this.options.ffmpeg,
        [
          ...["-loglevel", "quiet", "-re", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=30"],
          ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "15", "-bsf:v", "dump_extra"],
          ...["-pix_fmt", "yuv420p", "-f", "rtp", `rtp://127.0.0.1:${port}?pkt_size=1200`],
        ],
        { stdio: "ignore" },
      );
      this.painter.on("error", () => this.socket.destroy());
    });
  }
}
