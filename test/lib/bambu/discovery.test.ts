import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { createSightings, discover, readSighting, type Sighting } from "../../../lib/bambu/discovery";
import { until } from "../../support/wait";

const headers = (difference: Record<string, string | null> = {}): Record<string, string | null> => ({
  Host: "239.255.255.250:1990",
  Server: "UPnP/1.0",
  Location: "192.0.2.17",
  NT: "urn:bambulab-com:device:3dprinter:1",
  NTS: "ssdp:alive",
  USN: "22E00A000000001",
  "DevModel.bambu.com": "N7",
  "DevName.bambu.com": "Werkstatt ✓",
  "DevConnect.bambu.com": "lan",
  ...difference,
});

function notify(difference: Record<string, string | null> = {}, first = "NOTIFY * HTTP/1.1"): Buffer {
  const lines = Object.entries(headers(difference)).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}`],
  );
  return Buffer.from([first, ...lines, "", ""].join("\r\n"));
}

describe("discovery: reading an announcement", () => {
  it("gives serial, address, name, model and mode", () => {
    assert.deepEqual(readSighting(notify(), "192.0.2.99"), {
      serial: "22E00A000000001",
      address: "192.0.2.17",
      name: "Werkstatt ✓",
      model: "P2S",
      mode: "lan",
    });
  });

  it("reads the answer to a search, bare line ends and headers in any case", () => {
    const answer = notify({ NT: null, NTS: null, ST: "urn:bambulab-com:device:3dprinter:1" }, "HTTP/1.1 200 OK");
    assert.equal(readSighting(answer, "192.0.2.99")?.serial, "22E00A000000001");
    const shouted = Buffer.from(notify().toString().replaceAll("\r\n", "\n").replace("USN", "usn"));
    assert.equal(readSighting(shouted, "192.0.2.99")?.address, "192.0.2.17");
  });

  it("takes the sender's address where none is given, and null for what is not", () => {
    const bare = notify({
      Location: "http://somewhere/desc.xml",
      "DevName.bambu.com": null,
      "DevModel.bambu.com": null,
      "DevConnect.bambu.com": "farm",
    });
    assert.deepEqual(readSighting(bare, "192.0.2.99"), {
      serial: "22E00A000000001",
      address: "192.0.2.99",
      name: "22E00A000000001",
      model: null,
      mode: null,
    });
  });

  for (const [what, bytes] of [
    ["another device", notify({ NT: "urn:schemas-upnp-org:device:MediaRenderer:1" })],
    ["a goodbye", notify({ NTS: "ssdp:byebye" })],
    ["a search of somebody else", notify({}, "M-SEARCH * HTTP/1.1")],
    ["a serial that can not stand in a topic", notify({ USN: "a/#" })],
    ["no serial", notify({ USN: null })],
    ["nothing", Buffer.alloc(0)],
    ["noise", Buffer.from([0, 255, 1, 254])],
    ["a flood", Buffer.alloc(60_000, 0x41)],
  ] as const) {
    it(`passes over ${what}`, () => {
      assert.equal(readSighting(bytes, "192.0.2.99"), null);
    });
  }
});

describe("discovery: listening", () => {
  const send = async (port: number, bytes: Buffer) => {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => {
      socket.send(bytes, port, "127.0.0.1", () => {
        socket.close(() => {
          resolve();
        });
      });
    });
  };

  it("tells the watchers of a serial and nobody else, and opens its sockets while there are any", async () => {
    const sightings = createSightings({ ports: [0, 0] });
    assert.deepEqual(await sightings.ports(), []);
    const mine: Sighting[] = [];
    const others: Sighting[] = [];
    const leave = [
      sightings.watch("22E00A000000001", (sighting) => mine.push(sighting)),
      sightings.watch("22E00A000000001", (sighting) => mine.push(sighting)),
      sightings.watch("01P00A000000001", (sighting) => others.push(sighting)),
    ];
    const ports = await sightings.ports();
    assert.equal(ports.length, 2);
    for (const port of ports) await send(port, notify());
    await until("both watchers heard both", () => mine.length === 4);
    assert.equal(others.length, 0);
    for (const stop of leave) stop();
    assert.deepEqual(await sightings.ports(), []);
  });

  it("asks printers to announce themselves and lists each once", async () => {
    const printer = createSocket("udp4");
    await new Promise<void>((resolve) => printer.bind(0, "127.0.0.1", resolve));
    let asked = "";
    printer.on("message", (bytes, from) => {
      asked = bytes.toString();
      const answer = { NT: null, NTS: null, ST: "urn:bambulab-com:device:3dprinter:1" };
      for (const USN of ["22E00A000000001", "01P00A000000002", "22E00A000000001"]) {
        printer.send(notify({ ...answer, USN, "DevName.bambu.com": USN }, "HTTP/1.1 200 OK"), from.port, from.address);
      }
    });
    const searchTo = { address: "127.0.0.1", port: printer.address().port };
    const found = await discover({ ports: [0], seconds: 0.3, searchTo });
    printer.close();
    assert.match(asked, /^M-SEARCH \* HTTP\/1\.1\r\n/);
    assert.match(asked, /\r\nST: urn:bambulab-com:device:3dprinter:1\r\n/);
    assert.deepEqual(
      found.map((sighting) => sighting.serial),
      ["01P00A000000002", "22E00A000000001"],
    );
  });

  it("a port that is taken is said, and the other one serves", async () => {
    const taken = createSocket("udp4");
    await new Promise<void>((resolve) => taken.bind(0, resolve));
    const warnings: string[] = [];
    const sightings = createSightings({ ports: [taken.address().port, 0], warn: (message) => warnings.push(message) });
    const stop = sightings.watch("22E00A000000001", () => undefined);
    const ports = await sightings.ports();
    stop();
    taken.close();
    assert.equal(ports.length, 1);
    assert.match(warnings[0] ?? "", /can not announce themselves on UDP port \d+/);
  });
});
