import assert from "node:assert/strict";
import { connectAsync, type MqttClient } from "mqtt";
import { bambuLan } from "../../../lib/bambu/session";
import { LinkLog } from "../../support/link-log";
import { type Mosquitto, startMosquitto } from "../../support/mosquitto";
import { tool } from "../../support/tools";
import { until } from "../../support/wait";

const SERIAL = "00M00A000000001";
const CODE = "m0squitto-code";

/** The client against a broker that nobody here wrote: Mosquitto, with a stand-in that answers as a printer would. */
describe("a session through Mosquitto", function () {
  let broker: Mosquitto | null = null;
  let printer: MqttClient | null = null;
  let log: LinkLog | null = null;
  let requests: string[] = [];

  beforeEach(async function () {
    const program = tool(this, "mosquitto");
    const passwords = tool(this, "mosquitto_passwd");
    requests = [];
    broker = await startMosquitto({ program, passwords, serial: SERIAL, users: { bblp: CODE, printer: "p" } });
    printer = await aPrinter(broker.port);
  });

  afterEach(async () => {
    await log?.link.close();
    await printer?.endAsync(true);
    await broker?.remove();
    log = printer = broker = null;
  });

  async function aPrinter(port: number): Promise<MqttClient> {
    const client = await connectAsync(`mqtts://127.0.0.1:${port}`, {
      username: "printer",
      password: "p",
      rejectUnauthorized: false,
      reconnectPeriod: 100,
    });
    const report = (frame: object) => client.publish(`device/${SERIAL}/report`, JSON.stringify(frame));
    client.on("message", (_topic, payload) => {
      const [[section, body]] = Object.entries(
        JSON.parse(payload.toString()) as Record<string, Record<string, string>>,
      ) as [[string, Record<string, string>]];
      requests.push(`${section}.${body["command"] ?? ""}`);
      if (body["command"] === "get_version") {
        const ota = { name: "ota", sw_ver: "01.08.02.00", product_name: "Bambu Lab X1-Carbon", sn: SERIAL };
        report({ info: { command: "get_version", sequence_id: body["sequence_id"], module: [ota] } });
      }
      if (body["command"] === "pushall") {
        report({
          print: {
            command: "push_status",
            sequence_id: "2021",
            gcode_state: "IDLE",
            bed_temper: 21,
            nozzle_temper: 22,
          },
        });
      }
    });
    await client.subscribeAsync(`device/${SERIAL}/request`);
    return client;
  }

  function connect(accessCode: string): LinkLog {
    const link = bambuLan({
      serial: SERIAL,
      host: "127.0.0.1",
      port: broker!.port,
      accessCode,
      trust: { mode: "pin", fingerprint: null, learn: () => Promise.resolve() },
      staleAfterMs: 60_000,
    });
    return (log = new LinkLog(link));
  }

  it("logs in over TLS 1.2, asks once, and hears each report once", async () => {
    const link = connect(CODE);
    await until("the full report and the model", () => link.last?.complete === true && link.last.model === "X1C");
    assert.deepEqual(requests, ["info.get_version", "pushing.pushall"]);
    for (let bed = 30; bed < 50; bed++) {
      printer!.publish(
        `device/${SERIAL}/report`,
        JSON.stringify({ print: { command: "push_status", gcode_state: "IDLE", bed_temper: bed } }),
      );
    }
    await until("the last report", () => link.last?.status.temperatures.bed.actual === 49);
    const beds = link.reports.map((report) => report.status.temperatures.bed.actual).filter((bed) => (bed ?? 0) >= 30);
    assert.deepEqual(
      beds,
      Array.from({ length: 20 }, (_, index) => 30 + index),
    );
  });

  it("a refused password ends the attempts", async () => {
    const link = connect("not-the-code");
    await until("it stops", () => link.now === "stopped");
    assert.match(link.reasons[0] ?? "", /access code refused/);
    assert.equal(broker!.log().split("not authorised").length - 1, 1, broker!.log());
  });

  it("comes back after the broker was restarted, with one connection", async () => {
    const link = connect(CODE);
    await until("the full report", () => link.last?.complete === true);
    await broker!.stop();
    await until("it waits", () => link.now === "waiting");
    await broker!.start();
    await until(
      "it is back",
      () => link.now === "live" && requests.filter((name) => name === "pushing.pushall").length === 2,
      15_000,
    );
    assert.equal(broker!.log().split("as printgate-").length - 1, 1, broker!.log());
  });

  it("closing is a clean DISCONNECT", async () => {
    const link = connect(CODE);
    await until("the full report", () => link.last?.complete === true);
    await link.link.close();
    await until("the broker noticed", () => /Received DISCONNECT from printgate-/.test(broker!.log()));
  });

  it("publishes with QoS 0 and subscribes to reports alone", async () => {
    const link = connect(CODE);
    await until("the full report", () => link.last?.complete === true);
    const lines = broker!.log().split("\n");
    const published = lines.filter((line) => /Received PUBLISH from printgate-/.test(line));
    assert.equal(published.length, 2);
    for (const line of published) assert.match(line, /\(d0, q0, r0,/);
    const subscribed = lines.filter((line) => /printgate-\S+ 0 device\//.test(line));
    assert.equal(subscribed.length, 1);
    assert.match(subscribed[0] ?? "", new RegExp(`device/${SERIAL}/report$`));
  });
});
