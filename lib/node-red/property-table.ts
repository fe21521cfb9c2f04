import type { Property } from "./property-kinds";

/**
 * The properties of each node, one row each. The runtime reads values through the rows and the editor
 * takes its defaults and checks from them, so the two can not drift apart.
 *
 * Words of a problem are short sentences in lower case without a full stop: they stand in a node's
 * status, in `done(err)` and in the editor's tooltip alike.
 */

/** The event names of the public contract, in the order the dialog shows them. */
const EVENTS = [
  "print.started",
  "print.paused",
  "print.resumed",
  "print.finished",
  "print.failed",
  "print.cancelled",
  "print.progress",
  "print.first-layer",
  "alert.raised",
  "alert.cleared",
  "filament.runout",
  "filament.changed",
  "door.opened",
  "door.closed",
  "printer.online",
  "printer.offline",
  "firmware.available",
  "account.expiring",
  "account.expired",
] as const;

/** The commands of the public contract, in the order the dialog shows them; "" = the message says which. */
const COMMANDS = [
  "",
  "pause",
  "resume",
  "stop",
  "print",
  "skip-objects",
  "speed",
  "light",
  "fan",
  "bed-temperature",
  "nozzle-temperature",
  "chamber-temperature",
  "home",
  "gcode",
  "ams-load",
  "ams-unload",
  "ams-dry",
  "ams-set",
  "clear-error",
  "refresh",
  "rename",
] as const;

/** Printers that can be simulated. */
const MODELS = ["P1S", "P1P", "X1C", "X1", "A1", "A1 mini", "P2S", "H2D", "H2S"] as const;

/** Where the printer itself is called. */
const lan = { property: "connection", is: ["lan", "auto"] } as const;
const cloud = { property: "connection", is: ["cloud", "auto"] } as const;
/** Where it is a printer of Bambu Lab's, perhaps known to an account. */
const bambu = { property: "connection", is: ["lan", "cloud", "auto"] } as const;
const octoprint = { property: "connection", is: ["octoprint"] } as const;
/** Where somebody must say which printer is meant, or how it is to be called. */
const named = { property: "connection", is: ["lan", "cloud", "auto", "octoprint"] } as const;
/** Where that is the maker's serial number. */
const serialNumber = { property: "connection", is: ["lan", "cloud", "auto", "simulated"] } as const;
/** Where whoever is called shows a certificate of its own. */
const certified = { property: "connection", is: ["lan", "auto", "octoprint"] } as const;
/** An address without encryption: nobody shows a certificate there. */
const plain = { property: "url", begins: "http://" } as const;
const verified = { property: "tls", is: ["verify"] } as const;
const pinned = { property: "tls", is: ["pin"] } as const;
const simulated = { property: "connection", is: ["simulated"] } as const;
const printer = { kind: "node", default: "", type: "printer-config", missing: "no printer selected" } as const;
const policy = { kind: "node", default: "", type: "auth-policy", missing: "no policy selected" } as const;
const name = { kind: "text", default: "" } as const;
const byRules = { property: "provider", is: ["rules"] } as const;
const byWebhook = { property: "provider", is: ["webhook"] } as const;
const elsewhere = { property: "provider", is: ["webhook", "flow"] } as const;
const SOURCES = ["msg", "flow", "global", "str", "json", "jsonata", "env"] as const;

/** A row that decides about others stands before them. */
export const PROPERTIES = {
  "printer-config": {
    name,
    connection: {
      kind: "choice",
      default: "lan",
      choices: ["lan", "cloud", "auto", "octoprint", "simulated"],
      later: ["relay"],
    },
    // In the network alone it is asked about firmware, and nothing else.
    account: {
      kind: "node",
      default: "",
      type: "printer-account",
      when: bambu,
      missing: "no account selected",
      missingWhen: cloud,
    },
    url: { kind: "text", default: "", form: "url", when: octoprint, missing: "no address of OctoPrint" },
    serial: { kind: "text", default: "", form: "id", upper: serialNumber, missing: "no serial", missingWhen: named },
    host: { kind: "text", default: "", form: "host", when: lan },
    port: { kind: "number", default: 8883, min: 1, max: 65535, whole: true, when: lan },
    ftpPort: { kind: "number", default: 990, min: 1, max: 65535, whole: true, when: lan },
    cameraPort: { kind: "number", default: 6000, min: 1, max: 65535, whole: true, when: lan },
    tls: { kind: "choice", default: "pin", choices: ["pin", "verify", "insecure"], when: certified, unless: plain },
    fingerprint: { kind: "text", default: "", form: "fingerprint", when: pinned },
    ca: { kind: "text", default: "", when: verified, missing: "no CA file", missingWhen: lan },
    appId: { kind: "text", default: "", form: "app", when: octoprint },
    appVersion: { kind: "text", default: "", form: "app", when: octoprint },
    model: { kind: "choice", default: "P1S", choices: MODELS, when: simulated },
    timeScale: { kind: "number", default: 60, min: 0.1, max: 100_000, when: simulated },
    staleAfter: { kind: "number", default: 60, min: 1, max: 86_400 },
  },
  "printer-account": {
    name,
    region: { kind: "choice", default: "global", choices: ["global", "china"] },
    apiUrl: { kind: "text", default: "", form: "url" },
    mqttUrl: { kind: "text", default: "", form: "mqttUrl" },
    tlsConfig: { kind: "node", default: "", type: "tls-config" },
  },
  "printer-status": {
    name,
    printer,
    emit: { kind: "choice", default: "change", choices: ["change", "interval", "request"] },
    interval: { kind: "number", default: 60, min: 0.1, max: 86_400, when: { property: "emit", is: ["interval"] } },
    minInterval: { kind: "number", default: 1, min: 0, max: 86_400, when: { property: "emit", is: ["change"] } },
    includeRaw: { kind: "boolean", default: false },
  },
  "printer-event": {
    name,
    printer,
    events: { kind: "list", default: [], choices: EVENTS, later: [] },
  },
  "printer-command": {
    name,
    printer,
    command: { kind: "choice", default: "", choices: COMMANDS },
    timeout: { kind: "number", default: 10, min: 0.1, max: 3600 },
  },
  "printer-camera": { name, printer, timeout: { kind: "number", default: 10, min: 0.1, max: 3600 } },
  "firmware-check": {
    name,
    printer,
    channel: { kind: "choice", default: "account", choices: ["account", "release", "beta"] },
    interval: { kind: "number", default: 24, min: 0, max: 8760 },
    emit: { kind: "choice", default: "always", choices: ["always", "change"] },
  },
  "auth-policy": {
    name,
    provider: { kind: "choice", default: "rules", choices: ["rules", "webhook", "flow", "dev-only"] },
    rules: { kind: "rows", default: [], when: byRules },
    apps: { kind: "rows", default: [] },
    webhookUrl: { kind: "text", default: "", form: "url", when: byWebhook, missing: "no webhook address" },
    webhookTimeout: { kind: "number", default: 5000, min: 10, max: 600_000, whole: true, when: elsewhere },
    bypassOnError: { kind: "boolean", default: false },
    sessionSeconds: { kind: "number", default: 7200, min: 1, max: 31_536_000 },
    minModulusBits: { kind: "number", default: 2048, min: 512, max: 16_384, whole: true },
  },
  "auth-login": {
    name,
    policy,
    method: { kind: "choice", default: "password", choices: ["password", "http", "session-key", "msg"] },
  },
  "auth-gate": {
    name,
    policy,
    action: { kind: "choice", default: "msg", choices: ["msg", "pub", "sub", "unsub", "conn"] },
    topic: { kind: "text", default: "topic" },
    topicType: { kind: "source", default: "msg", sources: SOURCES },
    identity: { kind: "text", default: "client" },
    identityType: { kind: "source", default: "msg", sources: SOURCES },
  },
  "auth-request": { name, policy },
  "auth-response": { name },
  "auth-server": {
    name,
    policy,
    path: { kind: "text", default: "/printgate", form: "path" },
    register: { kind: "boolean", default: false },
    metrics: { kind: "boolean", default: true },
  },
} as const satisfies Record<string, Record<string, Property>>;

export type NodeType = keyof typeof PROPERTIES;

/** Types that other nodes point to: the editor names the fields of their dialogs differently. */
export const CONFIG_TYPES: readonly NodeType[] = ["printer-config", "printer-account", "auth-policy"];
