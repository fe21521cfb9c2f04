import { NO_WORD } from "../../lib/printer/firmware";
import type { NodeInitializer } from "node-red";
import { useHouse } from "../../lib/node-red/composition";
import type { Surroundings } from "../../lib/node-red/links/way";
import { pinsIn } from "../../lib/node-red/links/pins";
import { Printers } from "../../lib/node-red/printers";
import type { PrinterSettings } from "../../lib/node-red/settings";
import { memoryStore } from "../../lib/node-red/store";
import type { Observation } from "../../lib/printer/link";
import { Printer } from "../../lib/printer/printer";
import { type PrinterStatus, UNKNOWN_STATUS } from "../../lib/printer/status";
import { aDevice, fakeAccounts } from "./fake-account";
import { FakeLink, FakeMemory } from "./fake-link";
import { type Flow, until, withRed } from "./helper";

export const SERIAL = "01P00A000000001";

/** A house whose printers are reached through links that do as the test says. */
export class FakeHouse {
  /** One for each Printer that was made, in order. */
  readonly links: FakeLink[] = [];
  readonly settings: PrinterSettings[] = [];
  readonly memory = new FakeMemory();
  /** What goes beside the printers; to be changed before the load. */
  readonly fakes = fakeAccounts({ devices: [aDevice({ model: "P1S" })] });
  surroundings: Surroundings = {
    pins: pinsIn(memoryStore()),
    sightings: { watch: () => () => undefined },
    accounts: this.fakes.accounts,
  };
  readonly printers: Printers;

  constructor({ restartMs }: { restartMs?: number } = {}) {
    const make: ConstructorParameters<typeof Printers>[0] = (settings, log) => {
      const link = new FakeLink();
      this.links.push(link);
      this.settings.push(settings);
      const { id, name, staleAfterMs } = settings;
      const knownModel = () => this.fakes.accounts.of(settings.account)?.modelOf(id) ?? null;
      return new Printer({ id, name, link, knownModel, staleAfterMs, memory: this.memory, log });
    };
    this.printers = new Printers(make, restartMs);
  }

  /** Loaded before the nodes, it makes this the house of that Node-RED. */
  readonly install: NodeInitializer = withRed((RED) => {
    useHouse(RED.events, { printers: this.printers, sessions: this.fakes.sessions, ...this.surroundings });
  });

  /** Resolves when that many Printers were made and the last one listens. */
  async opened(count = 1): Promise<FakeLink> {
    await until(() => this.links.length >= count && this.link.isOpen);
    return this.link;
  }

  /** The link of the Printer that was made last. */
  get link(): FakeLink {
    const link = this.links.at(-1);
    if (!link) throw new Error("no printer was made");
    return link;
  }
}

/** One whole report; the difference is laid over an all-unknown status. */
export function observation(difference: Partial<PrinterStatus> = {}, complete = true): Observation {
  return {
    status: { ...UNKNOWN_STATUS, state: "idle", ...difference },
    signals: { cancelled: false, runout: false },
    model: "P1S",
    complete,
    firmware: NO_WORD,
    raw: () => ({ print: { gcode_state: "IDLE" } }),
  };
}

export const job = (progress: number): PrinterStatus["job"] => ({
  id: "7001",
  name: "bracket",
  file: "bracket.3mf",
  origin: "local",
  progress,
  layer: 1,
  totalLayers: 100,
  remainingSeconds: 600,
  startedAt: null,
  endsAt: null,
});

export const tab: Flow[number] = { id: "tab1", type: "tab", label: "tab" };

export const config = (difference: object = {}): Flow[number] => ({
  ...{ id: "config1", type: "printer-config", name: "bench", connection: "lan" },
  ...{ serial: SERIAL, host: "192.0.2.10", port: "8883" },
  ...difference,
});

export const CODES = { config1: { accessCode: "12345678" }, config2: { accessCode: "12345678" } };

/** A printer-account node; the accounts of a FakeHouse are fakes. */
export const account = (difference: object = {}): Flow[number] => ({
  ...{ id: "account1", type: "printer-account", name: "home" },
  ...{ region: "global", apiUrl: "", mqttUrl: "", tlsConfig: "" },
  ...difference,
});

/** A printer-status node, wired to a node that collects. */
export const statusNode = (difference: object = {}): Flow => [
  {
    id: "status1",
    z: "tab1",
    type: "printer-status",
    printer: "config1",
    minInterval: 0,
    wires: [["got"]],
    ...difference,
  },
  { id: "got", z: "tab1", type: "helper" },
];

export const eventNode = (difference: object = {}): Flow => [
  { id: "event1", z: "tab1", type: "printer-event", printer: "config1", wires: [["told"]], ...difference },
  { id: "told", z: "tab1", type: "helper" },
];

/** A firmware-check node that only answers messages, wired to a collecting node for each of its outputs. */
export const firmwareNode = (difference: object = {}): Flow => [
  {
    ...{ id: "check1", z: "tab1", type: "firmware-check", printer: "config1", interval: 0 },
    wires: [["update"], ["current"], ["unknown"]],
    ...difference,
  },
  ...["update", "current", "unknown"].map((id) => ({ id, z: "tab1", type: "helper" })),
];
