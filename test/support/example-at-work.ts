import type { RequestListener } from "node:http";
import { startVirtualPrinter, type VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import authGate from "../../nodes/auth-gate";
import authLogin from "../../nodes/auth-login";
import authPolicy from "../../nodes/auth-policy";
import printerCamera from "../../nodes/printer-camera";
import printerCommand from "../../nodes/printer-command";
import printerConfig from "../../nodes/printer-config";
import printerEvent from "../../nodes/printer-event";
import printerStatus from "../../nodes/printer-status";
import { coreNodes, exampleFlow } from "./examples";
import { SERIAL } from "./flows";
import { callsOf, type Flow, Inbox, load, nodeOf, startNodeRed, stopNodeRed, withRed } from "./helper";
import { configFor, lanHouse } from "./lan-house";
import { until } from "./wait";

export const ACCESS_CODE = "87654321";

const CORE = coreNodes(
  ...["common/20-inject", "common/25-catch", "common/90-comment", "network/21-httpin"],
  ...[
    "function/10-function",
    "function/10-switch",
    "function/15-change",
    "function/80-template",
    "function/89-trigger",
  ],
);

/** The shipped examples at work, one a test: their flows as they are, but for the printer, which is one that the test leads. */
export function useExamples() {
  let machine: VirtualPrinter;
  let house: ReturnType<typeof lanHouse>;
  let flow: Flow;
  let pages: RequestListener;

  beforeEach(async () => {
    house = lanHouse();
    await startNodeRed();
  });
  afterEach(async () => {
    await stopNodeRed();
    await house.close();
    await machine.close();
  });

  const idOf = (name: string): string =>
    String(flow.find((node) => node["name"] === name || node["type"] === name)?.["id"]);

  return {
    idOf,
    inboxOf: (name: string): Inbox => new Inbox(idOf(name)),
    press: (name: string): void => {
      nodeOf(idOf(name)).receive({});
    },
    get machine(): VirtualPrinter {
      return machine;
    },
    /** What the flow serves. */
    get pages(): RequestListener {
      return pages;
    },

    /** Loads an example for that model; debug nodes become nodes that collect. Credentials may be written into a node. */
    start: async (
      name: string,
      model = "P1S",
      change: (node: Flow[number]) => Flow[number] = (node) => node,
    ): Promise<void> => {
      machine = await startVirtualPrinter({ model, serial: SERIAL, accessCode: ACCESS_CODE, timeScale: 0 });
      flow = exampleFlow(name).map((node) => {
        if (node["type"] === "printer-config")
          return { ...configFor(machine), id: node["id"], credentials: { accessCode: machine.accessCode } };
        if (node["type"] === "printer-status") return { ...node, minInterval: "0" };
        return change(node["type"] === "debug" ? { ...node, type: "helper" } : node);
      });
      const secrets = Object.fromEntries(flow.map(({ id, credentials }) => [id, credentials ?? {}]));
      const bare = flow.map((node) => ({ ...node, credentials: undefined }));
      const printers = [printerConfig, printerStatus, printerEvent, printerCommand, printerCamera];
      const ours = [...printers, authPolicy, authLogin, authGate];
      const look = withRed((RED) => {
        pages = RED.httpNode;
      });
      await load([house.install, look, ...CORE, ...ours], bare, secrets);
      const ids = flow.filter(({ type }) => /^printer-(status|event|command|camera)$/.test(String(type)));
      const isKnown = (id: string) =>
        callsOf(id, "status").some((look) => JSON.stringify(look).includes("status.idle"));
      await until("the printer is known", () => ids.every(({ id }) => isKnown(String(id))));
    },

    /** Printer time passes in steps, each of them reported. */
    pass: async (state: string): Promise<void> => {
      await until(`the printer is ${state}`, () => {
        if (machine.state !== state) machine.advance(30);
        return machine.state === state;
      });
    },
  };
}
