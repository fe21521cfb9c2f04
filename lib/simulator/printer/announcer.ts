/**
 * Announces a virtual printer on the network and answers who looks for printers.
 * Source: Bambu protocol notes, discovery: NOTIFY to UDP 2021 every five seconds whose Host line is only text,
 * and replies to M-SEARCH.
 */
import { createSocket, type Socket } from "node:dgram";

export interface AnnouncerOptions {
  readonly serial: string;
  readonly name: string;
  /** DevModel code, for example "C12". */
  readonly code: string;
  readonly firmware: string;
  /** The bare IPv4 address that is announced. */
  readonly location: string;
  /** Where announcements go; 255.255.255.255. */
  readonly host?: string;
  /** 2021 */
  readonly port?: number;
  /** Between two announcements, 5000. */
  readonly intervalMs?: number;
  /** Port of the own socket, where searches are heard; 0 = any. With 2021 it joins the multicast group of searches. */
  readonly bindPort?: number;
  /** Address of the own socket; 0.0.0.0. */
  readonly bindHost?: string;
}

export interface Announcer {
  /** Where it hears searches. */
  readonly port: number;
  close(): Promise<void>;
}

const TARGET = "urn:bambulab-com:device:3dprinter:1";
const SEARCH_GROUP = "239.255.255.250";
const DISCOVERY_PORT = 2021;

function describe(options: AnnouncerOptions): readonly string[] {
  return [
    "Server: UPnP/1.0",
    `Location: ${options.location}`,
    `USN: ${options.serial}`,
    "Cache-Control: max-age=1800",
    `DevModel.bambu.com: ${options.code}`,
    `DevName.bambu.com: ${options.name}`,
    "DevConnect.bambu.com: lan",
    "DevBind.bambu.com: free",
    "Devseclink.bambu.com: secure",
    "DevInf.bambu.com: wlan0",
    `DevVersion.bambu.com: ${options.firmware}`,
    "DevCap.bambu.com: 1",
  ];
}

const message = (lines: readonly string[]): Buffer => Buffer.from([...lines, "", ""].join("\r\n"), "utf8");

/** True for a search that a printer answers: its own target, or everything. */
function isSearch(text: string): boolean {
  if (!/^M-SEARCH \* HTTP\/1\.1\r?\n/i.test(text)) return false;
  const target = /^ST:[ \t]*(\S+)/im.exec(text)?.[1];
  return target === TARGET || target === "ssdp:all";
}

function bind(socket: Socket, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, host, () => {
      socket.off("error", reject);
      resolve(socket.address().port);
    });
  });
}

/** Announces at once and then at each interval, until closed. Rejects when its own port can not be had. */
export async function startAnnouncer(options: AnnouncerOptions): Promise<Announcer> {
  const { host = "255.255.255.255", port = DISCOVERY_PORT, intervalMs = 5000 } = options;
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  const own = await bind(socket, options.bindPort ?? 0, options.bindHost ?? "0.0.0.0");
  // No network is no reason to end: the next announcement may get through.
  const ignore = (): undefined => undefined;
  socket.on("error", ignore);
  socket.setBroadcast(true);
  if (own === DISCOVERY_PORT) {
    try {
      socket.addMembership(SEARCH_GROUP);
    } catch {
      // A machine without a multicast route still announces itself.
    }
  }

  const notice = message([
    "NOTIFY * HTTP/1.1",
    "Host: 239.255.255.250:1990",
    `NT: ${TARGET}`,
    "NTS: ssdp:alive",
    ...describe(options),
  ]);
  const answer = message(["HTTP/1.1 200 OK", `ST: ${TARGET}`, "EXT:", ...describe(options)]);
  const announce = (): void => {
    socket.send(notice, port, host, ignore);
  };
  socket.on("message", (data, from) => {
    if (isSearch(data.toString("utf8"))) socket.send(answer, from.port, from.address, ignore);
  });
  announce();
  const timer = setInterval(announce, intervalMs);

  let closing: Promise<void> | null = null;
  return {
    port: own,
    close: () =>
      (closing ??= new Promise((resolve) => {
        clearInterval(timer);
        socket.close(resolve);
      })),
  };
}
