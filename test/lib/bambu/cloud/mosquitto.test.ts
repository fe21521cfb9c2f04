import assert from "node:assert/strict";
import { connectAsync, type MqttClient } from "mqtt";
import { generate, type SelfsignedOptions } from "selfsigned";
import { cloudHub } from "../../../../lib/bambu/cloud/hub";
import { bambuCloud } from "../../../../lib/bambu/cloud/link";
import type { CloudAccess } from "../../../../lib/bambu/cloud/types";
import { LinkLog } from "../../../support/link-log";
import { type Mosquitto, startMosquitto } from "../../../support/mosquitto";
import { tool } from "../../../support/tools";
import { until } from "../../../support/wait";

const SERIAL = "01P00A000000001";
const TOKEN = "t0ken-of-nobody";

interface Pair {
  readonly key: string;
  readonly cert: string;
}

async function make(name: string, signer: Pair | null, extensions: NonNullable<SelfsignedOptions["extensions"]>) {
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions,
    ...(signer === null ? {} : { ca: signer }),
  });
  return { key: made.private, cert: made.cert };
}
const authority = (name: string) =>
  make(name, null, [
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
  ]);
const leaf = (name: string, signer: Pair, host: string) =>
  make(name, signer, [
    { name: "basicConstraints", cA: false },
    { name: "subjectAltName", altNames: [host === "127.0.0.1" ? { type: 7, ip: host } : { type: 2, value: host }] },
  ]);

/** A broker of one's own (or a bridge to the maker's) with an authority of its own, that wants to see a certificate. */
describe("an account through a Mosquitto of one's own", function () {
  let broker: Mosquitto | null = null;
  let printer: MqttClient | null = null;
  let log: LinkLog | null = null;
  let ca: Pair;
  let client: Pair;

  beforeEach(async function () {
    tool(this, "mosquitto");
    tool(this, "mosquitto_passwd");
    ca = await authority("Authority of one's own");
    client = await leaf("u_4711", ca, "client.example.org");
  });
  afterEach(async () => {
    await log?.link.close();
    await printer?.endAsync(true);
    await broker?.remove();
    log = printer = broker = null;
  });

  async function start(test: Mocha.Context, host: string, demands: "certificate" | "password"): Promise<void> {
    broker = await startMosquitto({
      program: tool(test, "mosquitto"),
      passwords: tool(test, "mosquitto_passwd"),
      serial: SERIAL,
      users: { u_4711: TOKEN, printer: "p" },
      identity: await leaf("broker", ca, host),
      ...(demands === "certificate" ? { clientAuthority: ca.cert } : {}),
    });
  }

  async function aPrinter(): Promise<void> {
    const client_ = { key: client.key, cert: client.cert };
    const stand = await connectAsync(`mqtts://127.0.0.1:${broker!.port}`, {
      ...client_,
      username: "printer",
      password: "p",
      rejectUnauthorized: false,
      reconnectPeriod: 0,
    });
    const report = (frame: object) => stand.publish(`device/${SERIAL}/report`, JSON.stringify(frame));
    stand.on("message", (_topic, payload) => {
      const [body] = Object.values(JSON.parse(payload.toString()) as Record<string, Record<string, string>>);
      const module = [{ name: "ota", sw_ver: "01.08.02.00", product_name: "P1S" }];
      if (body?.["command"] === "get_version")
        report({ info: { command: "get_version", sequence_id: body["sequence_id"], module } });
      if (body?.["command"] === "pushall") report({ print: { command: "push_status", msg: 0, gcode_state: "IDLE" } });
    });
    await stand.subscribeAsync(`device/${SERIAL}/request`);
    printer = stand;
  }

  function connect(tls?: CloudAccess["tls"]): LinkLog {
    const access: CloudAccess = {
      url: `mqtts://127.0.0.1:${broker!.port}`,
      ...(tls === undefined ? {} : { tls }),
      credentials: () => Promise.resolve({ username: "u_4711", password: TOKEN }),
      changed: () => () => undefined,
      refused: () => undefined,
    };
    const hub = cloudHub(access);
    return (log = new LinkLog(bambuCloud({ serial: SERIAL, hub, staleAfterMs: 60_000 })));
  }

  it("is heard with its authority and a client certificate, and left with a clean DISCONNECT", async function () {
    await start(this, "127.0.0.1", "certificate");
    await aPrinter();
    const link = connect({ ca: ca.cert, ...client });
    await until("the full report", () => link.last?.complete === true);
    assert.equal(link.last?.model, "P1S");
    await link.link.close();
    await until("the broker noticed", () => /Received DISCONNECT from printgate-/.test(broker!.log()));
  });

  it("without the client certificate it says what is missing, and no token is sent", async function () {
    await start(this, "127.0.0.1", "certificate");
    const link = connect({ ca: ca.cert });
    await until("it waits", () => link.now === "waiting");
    assert.match(link.reasons[0] ?? "", /client certificate/);
    assert.doesNotMatch(broker!.log(), /as printgate-/);
  });

  it("the public authorities do not vouch for it, and no token is sent", async function () {
    await start(this, "127.0.0.1", "password");
    const link = connect();
    await until("it waits", () => link.now === "waiting");
    assert.match(link.reasons[0] ?? "", /not signed by a trusted authority .*TLS configuration with its authority/);
    assert.doesNotMatch(broker!.log(), /as printgate-/);
  });

  it("a certificate for another host is refused", async function () {
    await start(this, "broker.example.org", "password");
    const link = connect({ ca: ca.cert });
    await until("it waits", () => link.now === "waiting");
    assert.match(link.reasons[0] ?? "", /is for another host/);
  });

  it("a key that does not fit its certificate stops with a sentence", async function () {
    await start(this, "127.0.0.1", "password");
    const link = connect({ ca: ca.cert, key: ca.key, cert: client.cert });
    await until("it stops", () => link.now === "stopped");
    assert.match(link.reasons[0] ?? "", /the account's TLS configuration can not be used/);
    assert.ok(!link.allWords.includes(TOKEN) && !link.allWords.includes(ca.key));
  });
});
