import type { NodeInitializer } from "node-red";
import { buildHouse, type House, useHouse, useStore } from "../../lib/node-red/composition";
import { memoryStore } from "../../lib/node-red/store";
import type { VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import { config } from "./flows";
import { type Flow, withRed } from "./helper";

/** The package's own house over the wire: printers are virtual ones at their ports, what it learns stays in memory. */
export function lanHouse(): { readonly install: NodeInitializer; readonly close: () => Promise<void> } {
  let house: House | null = null;
  return {
    install: withRed((RED) => {
      useStore(RED.events, memoryStore());
      house = useHouse(RED.events, buildHouse(RED));
    }),
    close: async () => {
      await house?.accounts.close();
    },
  };
}

/** A printer-config node for that virtual printer, and its credentials. */
export function configFor(machine: VirtualPrinter, difference: object = {}): Flow[number] {
  const { ftpPort, cameraPort } = machine.doors;
  // Models with a video stream have no port of their own for pictures.
  const camera = cameraPort === 0 ? {} : { cameraPort: String(cameraPort) };
  const ports = { port: String(machine.port), ftpPort: String(ftpPort), ...camera };
  return config({ serial: machine.serial, host: "127.0.0.1", ...ports, ...difference });
}

export const codesFor = (machine: VirtualPrinter): object => ({ config1: { accessCode: machine.accessCode } });
