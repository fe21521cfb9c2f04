import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { startAnnouncer, type Announcer } from "../../../lib/simulator/printer/announcer";

const TARGET = "urn:bambulab-com:device:3dprinter:1";
const WHO = {
  serial: "01P00A000000001",
  name: "Drucker Küche",
  code: "C12",
  firmware: "01.08.02.00",
  location: "192.0.2.31",
};

describe("the virtual printer's announcements", () => {
  let listener: Socket;
  let announcer: Announcer;
  let heard: Promise<unknown[]>;

  beforeEach(async () => {
    listener = createSocket("udp4").bind(0, "127.0.0.1");
    await once(listener, "listening");
    heard = once(listener, "message");
    announcer = await startAnnouncer({
      ...WHO,
      host: "127.0.0.1",
      port: listener.address().port,
      intervalMs: 20,
      bindHost: "127.0.0.1",
    });
  });

  afterEach(async () => {
    await Promise.all([announcer.close(), announcer.close()]);
    listener.close();
  });

  const ask = (target: string, port: number): void => {
    const lines = [
      "M-SEARCH * HTTP/1.1",
      "HOST: 239.255.255.250:2021",
      'MAN: "ssdp:discover"',
      "MX: 3",
      `ST: ${target}`,
      "",
      "",
    ];
    listener.send(lines.join("\r\n"), port, "127.0.0.1");
  };

  it("are NOTIFY datagrams with the printer's headers, again and again", async () => {
    const [first] = (await heard) as [Buffer];
    const [second] = (await once(listener, "message")) as [Buffer];
    const lines = first.toString("utf8").split("\r\n");
    assert.equal(lines[0], "NOTIFY * HTTP/1.1");
    const expected = [
      `NT: ${TARGET}`,
      "NTS: ssdp:alive",
      `USN: ${WHO.serial}`,
      `Location: ${WHO.location}`,
      "DevModel.bambu.com: C12",
      "DevName.bambu.com: Drucker Küche",
      "DevVersion.bambu.com: 01.08.02.00",
      "DevConnect.bambu.com: lan",
    ];
    for (const line of expected) assert.ok(lines.includes(line), line);
    assert.deepEqual(second, first);
  });

  it("answer a search for printers and nothing else", async () => {
    await heard;
    ask("urn:schemas-upnp-org:device:MediaServer:1", announcer.port);
    ask(TARGET, announcer.port);
    const answers: string[] = [];
    // Three more announcements leave ample time for an answer too many.
    for (let notices = 0; notices < 3;) {
      const [data] = (await once(listener, "message")) as [Buffer];
      const text = data.toString("utf8");
      if (!text.startsWith("NOTIFY")) answers.push(text);
      else if (answers.length > 0) notices += 1;
    }
    assert.equal(answers.length, 1);
    assert.match(answers[0]!, /^HTTP\/1\.1 200 OK\r\n/);
    assert.ok(answers[0]!.includes(`ST: ${TARGET}\r\n`) && answers[0]!.includes(`USN: ${WHO.serial}\r\n`));
  });
});
