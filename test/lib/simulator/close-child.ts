/** Run as a process of its own: it ends by itself only if a closed printer leaves nothing behind. */
import { once } from "node:events";
import { connect } from "node:tls";
import { RawClient } from "../../support/raw-client";
import { ownTime } from "../../support/wait";
import { Bench, CODE } from "./fixture";

async function main(): Promise<void> {
  const printer = await new Bench().printer({ model: "X1C", jobs: "endless", timeScale: 600 });
  const client = await RawClient.open(printer, CODE);
  await client.pushAll();
  // A connection that never gets to speak MQTT must not hold it up either.
  const mute = connect({ host: "127.0.0.1", port: printer.port, rejectUnauthorized: false });
  mute.on("error", () => undefined);
  await once(mute, "secureConnect");
  const closedInMs = await ownTime(() => Promise.all([printer.close(), printer.close()]));
  console.log(JSON.stringify({ closedInMs }));
  await client.close();
  mute.destroy();
}

void main();
