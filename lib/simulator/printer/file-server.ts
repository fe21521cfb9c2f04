/**
 * The file server of a printer: FTPS with implicit TLS, one user, passive mode only (Bambu protocol notes, FTPS).
 * The TLS handshake of a data connection begins after `150`, and it must go on with the session of the control
 * connection. What is on the card lives in memory.
 */
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { DataPort, FileServerOptions } from "./file-shapes";
import { FileSession } from "./file-session";
import { listen } from "../listen";

export interface FileServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws PrintgateError `config-invalid` when the port can not be had */
export async function openFileServer(options: FileServerOptions): Promise<FileServer> {
  const { key, cert } = options.certificate;
  // One context for control and data: a session of the one can be resumed on the other.
  const context = createSecureContext({ key, cert, minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server: Server = createServer((raw) => {
    keep(raw);
    new FileSession(secured(raw, context), {
      ...options,
      openData: () => openData(options.host, context, keep),
    });
  });
  const port = await listen(server, "The virtual printer's file server", options.port, options.host);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function secured(raw: Socket, context: SecureContext): TLSSocket {
  const socket = new TLSSocket(raw, { isServer: true, secureContext: context });
  socket.on("error", () => raw.destroy());
  return socket;
}

const COME_MS = 5000;

async function openData(host: string, context: SecureContext, keep: (socket: Socket) => void): Promise<DataPort> {
  let arrive: (socket: Socket | null) => void = () => undefined;
  const arrived = new Promise<Socket | null>((resolve) => {
    arrive = resolve;
  });
  const server = createServer((raw) => {
    keep(raw);
    server.close();
    arrive(raw);
  });
  const timer = setTimeout(() => {
    server.close();
    arrive(null);
  }, COME_MS);
  const port = await listen(server, "The virtual printer's file server", 0, host);
  return {
    port,
    accept: async () => {
      const raw = await arrived;
      clearTimeout(timer);
      if (raw === null) return null;
      const socket = secured(raw, context);
      return new Promise((resolve) => {
        socket.once("secure", () => {
          resolve(socket.isSessionReused() ? socket : null);
        });
        socket.once("close", () => {
          resolve(null);
        });
      });
    },
    close: () => {
      clearTimeout(timer);
      server.close();
      arrive(null);
    },
  };
}
