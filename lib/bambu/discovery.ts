import { createSocket, type Socket } from "node:dgram";
import { isIPv4 } from "node:net";
import { modelOfCode } from "./models";

/** A printer that announced itself on the network. */
export interface Sighting {
  readonly serial: string;
  /** IPv4 */
  readonly address: string;
  readonly name: string;
  /** Marketing name, for example "P2S"; null for a code that we do not know. */
  readonly model: string | null;
  /** Set on the printer's screen. */
  readonly mode: "lan" | "cloud" | null;
}

/** Tells whoever watches a serial that it was seen. Sockets are open while anybody watches. */
export interface Sightings {
  watch(serial: string, seen: (sighting: Sighting) => void): () => void;
}

/** Printers broadcast every 5 s to 2021; older firmware sends to 1990. */
const PORTS: readonly number[] = [2021, 1990];
const SEARCH_ADDRESS = "239.255.255.250";
const TARGET = "urn:bambulab-com:device:3dprinter:1";
const SEARCH = Buffer.from(
  [
    "M-SEARCH * HTTP/1.1",
    `HOST: ${SEARCH_ADDRESS}:1990`,
    'MAN: "ssdp:discover"',
    "MX: 2",
    `ST: ${TARGET}`,
    "",
    "",
  ].join("\r\n"),
);

/**
 * Reads an announcement (SSDP NOTIFY, or the answer to a search): headers in any case, UTF-8,
 * `Location` is a bare IPv4 address. null for anything else that arrives on the port.
 */
export function readSighting(bytes: Buffer, from: string): Sighting | null {
  if (bytes.length > 4096) return null;
  const [first = "", ...lines] = bytes.toString("utf8").split(/\r?\n/);
  if (!/^(NOTIFY \* HTTP|HTTP\/1\.[01] 200)/.test(first)) return null;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const kind = headers.get("nt") ?? headers.get("st");
  const serial = headers.get("usn") ?? "";
  if (kind !== TARGET || !/^[0-9A-Za-z]{6,32}$/.test(serial) || headers.get("nts") === "ssdp:byebye") return null;
  const location = headers.get("location") ?? "";
  const mode = headers.get("devconnect.bambu.com");
  return {
    serial: serial.toUpperCase(),
    address: isIPv4(location) ? location : from,
    name: headers.get("devname.bambu.com") ?? serial,
    model: modelOfCode(headers.get("devmodel.bambu.com") ?? ""),
    mode: mode === "lan" || mode === "cloud" ? mode : null,
  };
}

export interface ListenOptions {
  /** UDP ports to listen on. */
  readonly ports?: readonly number[];
  /** Said once per port that can not be opened; the others go on. */
  readonly warn?: (message: string) => void;
}

/** One set of sockets for all who watch. */
export function createSightings(options: ListenOptions = {}): Sightings & { ports(): Promise<readonly number[]> } {
  const watchers = new Map<string, Set<(sighting: Sighting) => void>>();
  let listening: Listening | null = null;
  return {
    watch(serial, seen) {
      const set = watchers.get(serial) ?? new Set();
      watchers.set(serial, set.add(seen));
      listening ??= listen(options, (sighting) => {
        for (const call of watchers.get(sighting.serial) ?? []) call(sighting);
      });
      return () => {
        set.delete(seen);
        if (set.size === 0 && watchers.get(serial) === set) watchers.delete(serial);
        if (watchers.size > 0) return;
        listening?.close();
        listening = null;
      };
    },
    ports: () => listening?.bound ?? Promise.resolve([]),
  };
}

/**
 * Listens for so many seconds, and asks printers to announce themselves.
 * @param options.searchTo where the question goes; left out = the multicast address that printers listen to
 */
export async function discover(
  options: ListenOptions & { seconds: number; searchTo?: { address: string; port: number } },
): Promise<Sighting[]> {
  const found = new Map<string, Sighting>();
  const listening = listen(options, (sighting) => found.set(sighting.serial, sighting));
  await listening.bound;
  listening.send(SEARCH, options.searchTo ?? { address: SEARCH_ADDRESS, port: PORTS[0] ?? 2021 });
  await new Promise((resolve) => setTimeout(resolve, options.seconds * 1000));
  listening.close();
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

interface Listening {
  /** The ports that could be opened. */
  readonly bound: Promise<readonly number[]>;
  send(bytes: Buffer, to: { address: string; port: number }): void;
  close(): void;
}

function listen({ ports = PORTS, warn }: ListenOptions, seen: (sighting: Sighting) => void): Listening {
  let closed = false;
  const sockets = new Set<Socket>();
  const bound = Promise.all(
    ports.map(
      (port) =>
        new Promise<number | null>((resolve) => {
          // Others on this machine may listen too: every program that knows these printers does.
          const socket = createSocket({ type: "udp4", reuseAddr: true });
          sockets.add(socket);
          socket.on("error", (error) => {
            warn?.(`printers can not announce themselves on UDP port ${port}: ${error.message}`);
            sockets.delete(socket);
            if (!closed) socket.close();
            resolve(null);
          });
          socket.on("message", (bytes, from) => {
            const sighting = closed ? null : readSighting(bytes, from.address);
            if (sighting !== null) seen(sighting);
          });
          socket.bind(port, () => {
            resolve(closed ? null : socket.address().port);
          });
        }),
    ),
  ).then((opened) => opened.filter((port) => port !== null));
  return {
    bound,
    send(bytes, { address, port }) {
      const [socket] = sockets;
      socket?.send(bytes, port, address, (error) => {
        if (error !== null) warn?.(`printers could not be asked to announce themselves: ${error.message}`);
      });
    },
    close() {
      closed = true;
      for (const socket of sockets) socket.close();
      sockets.clear();
    },
  };
}
