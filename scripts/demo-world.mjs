// What the demo's printers live in besides Node-RED: a cloud with one account and one printer, and an OctoPrint with
// another. All of it is simulated, listens on loopback only and ends with `npm start`.
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const ACCOUNT = "demo@example.org";
/** The demo flow tells it: nothing is behind it but simulated printers, on loopback. */
const PASSWORD = "printgate-demo";
/** As in scripts/demo-flow.json. */
const CLOUD_SERIAL = "03900A000000042";
const SECRETS_OF_FLOW = {
  "5e1d9a7c40b2f863": { accessToken: "${PRINTGATE_DEMO_TOKEN}" },
  c8f04b6de19a2573: { apiKey: "${PRINTGATE_DEMO_KEY}" },
};
const PRINT_EVERY_MS = 15_000;

/** The demo flow's credentials as Node-RED keeps them: the names of variables, encrypted with the secret of its settings. */
export function writeCredentials(path, secret) {
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-ctr", createHash("sha256").update(secret).digest(), iv);
  const text = cipher.update(JSON.stringify(SECRETS_OF_FLOW), "utf8", "base64") + cipher.final("base64");
  writeFileSync(path, `${JSON.stringify({ $: iv.toString("hex") + text })}\n`, { mode: 0o600 });
}

/** Starts it; `env` is what the demo flow needs to find it. */
export async function openWorld(root, userDir) {
  const load = createRequire(join(root, "package.json"));
  const simulator = (name) => load(`./dist/lib/simulator/${name}.js`);
  const cloud = await simulator("cloud/virtual-cloud").startVirtualCloud({
    tls: true,
    users: [{ account: ACCOUNT, password: PASSWORD, uid: 1000042, name: "Demo" }],
  });
  const printer = await simulator("printer/virtual-printer").startVirtualPrinter({
    ...{ model: "A1", serial: CLOUD_SERIAL, accessCode: randomBytes(4).toString("hex") },
    ...{ timeScale: 50, jobs: "endless" },
  });
  cloud.attach(printer, { user: ACCOUNT, name: "Garage A1" });
  const octoprint = await simulator("octoprint/virtual-octoprint").startVirtualOctoprint({
    ...{ timeScale: 40, layerPlugin: true, name: "Old Ender" },
  });
  octoprint.startPrint({ name: "hook.gcode", minutes: 6 });
  const prints = setInterval(() => octoprint.startPrint({ name: "hook.gcode", minutes: 6 }), PRINT_EVERY_MS);

  // The simulated cloud is signed by an authority that was made a moment ago and is gone with this process.
  const authority = join(userDir, "demo-cloud.pem");
  writeFileSync(authority, cloud.caPem);
  return {
    env: {
      NODE_EXTRA_CA_CERTS: authority,
      PRINTGATE_DEMO_API: cloud.url,
      PRINTGATE_DEMO_MQTT: cloud.mqttUrl,
      PRINTGATE_DEMO_TOKEN: cloud.token(ACCOUNT),
      PRINTGATE_DEMO_OCTOPRINT: octoprint.url,
      PRINTGATE_DEMO_KEY: octoprint.apiKey,
    },
    close: () => {
      clearInterval(prints);
      return Promise.allSettled([printer.close(), cloud.close(), octoprint.close()]);
    },
  };
}
