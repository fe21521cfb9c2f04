// A stand-alone virtual printer: `npm run simulate -- --model P1S --serial S --access-code C --port N`.
import { randomInt } from "node:crypto";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { parseArgs } from "node:util";
import { ensureBuilt } from "./ensure.mjs";

const usage = `A virtual printer, MQTT over TLS, until Ctrl-C.

  npm run simulate -- [options]

  --model NAME         P1S, P1P, X1C, X1, A1, A1 mini, P2S, H2D or H2S (P1S)
  --serial S           its serial and the name in its certificate (an invented one of the model)
  --access-code C      its password (an invented one)
  --host ADDRESS       where it listens; 0.0.0.0 = on every address (127.0.0.1)
  --port N             8883; 0 = any free one
  --name TEXT          its name in announcements
  --time-scale N       printer seconds in a second; 60 = a minute a second, 1 = real time (60)
  --jobs none|endless  nothing, or one short job after another (endless)
  --offer VERSION      newer firmware is offered from the start, for example 01.09.01.00
  --signed             refuses unsigned print commands, as firmware without Developer Mode does
  --announce           says on the network that it is there (UDP 2021), as printers do
  --help
`;

function readFlags() {
  const text = { type: "string" };
  const { values } = parseArgs({
    options: {
      model: { ...text, default: "P1S" },
      serial: text,
      "access-code": text,
      host: { ...text, default: "127.0.0.1" },
      port: { ...text, default: "8883" },
      name: text,
      "time-scale": { ...text, default: "60" },
      jobs: { ...text, default: "endless" },
      offer: text,
      signed: { type: "boolean", default: false },
      announce: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error("--port must be a number from 0 to 65535.");
  if (values.jobs !== "none" && values.jobs !== "endless") throw new Error("--jobs must be none or endless.");
  if (values.offer === "") throw new Error("--offer must be a version.");
  const timeScale = Number(values["time-scale"]);
  if (!(timeScale > 0)) throw new Error("--time-scale must be a number greater than 0.");
  return { ...values, port, timeScale };
}

/** The address others reach this machine at. */
function ownAddress(host) {
  if (isIP(host) === 4 && host !== "0.0.0.0") return host;
  const outward = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal);
  return outward?.address ?? "127.0.0.1";
}

const clock = () => new Date().toTimeString().slice(0, 8);

async function main() {
  const flags = readFlags();
  if (flags.help) {
    console.log(usage);
    return;
  }
  ensureBuilt();
  const { startVirtualPrinter, findProfile } = await import("../dist/lib/simulator/printer/virtual-printer.js");
  const { startAnnouncer } = await import("../dist/lib/simulator/printer/announcer.js");
  const profile = findProfile(flags.model);
  const serial = flags.serial ?? `${profile.serialPrefix}00A000000001`;
  const accessCode = flags["access-code"] ?? String(randomInt(10_000_000, 100_000_000));

  const printer = await startVirtualPrinter({
    model: profile.model,
    serial,
    accessCode,
    host: flags.host,
    port: flags.port,
    ...(flags.name === undefined ? {} : { name: flags.name }),
    timeScale: flags.timeScale,
    signedCommands: flags.signed,
    jobs: flags.jobs,
    ...(flags.offer === undefined ? {} : { firmware: { offer: { version: flags.offer } } }),
    onState: ({ state, previous, job, percent }) => {
      console.log(`${clock()}  ${previous} -> ${state}${job === null ? "" : `  "${job}", ${percent} %`}`);
    },
  });
  const location = ownAddress(flags.host);
  // A printer that only this machine reaches is only announced to this machine.
  const target = location.startsWith("127.") ? { host: location } : {};
  const announcer = flags.announce
    ? await startAnnouncer({
        serial,
        name: printer.name,
        code: profile.code,
        firmware: printer.firmware.installed,
        location,
        ...target,
      })
    : null;

  console.log(`${profile.model}, a minute of printing takes ${(60 / flags.timeScale).toFixed(1)} s`);
  console.log(`host         ${flags.host}`);
  console.log(`port         ${printer.port}`);
  console.log(`serial       ${serial}`);
  console.log(`access code  ${accessCode}`);
  console.log(`fingerprint  ${printer.fingerprint}`);
  console.log(
    `firmware     ${printer.firmware.installed}${flags.offer === undefined ? "" : ` (offered: ${flags.offer})`}`,
  );

  const stop = async () => {
    await announcer?.close();
    await printer.close();
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
