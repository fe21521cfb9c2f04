import type { NodeAPI, NodeDef } from "node-red";
import { accountFor, type UsableAccount } from "../lib/node-red/accounts/node";
import { addRoutes } from "../lib/node-red/admin";
import { houseOf } from "../lib/node-red/composition";
import type { PrinterConfigNode } from "../lib/node-red/follow";
import type { Seat } from "../lib/node-red/printers";
import { addOctoprintRoutes } from "../lib/node-red/octoprint-admin";
import { onClose, orProblem } from "../lib/node-red/runtime";
import { type PrinterCredentials, readSettings, warningOf } from "../lib/node-red/settings";

/** A printer and the way to it. Connects as soon as the first node uses it. */
export default function (RED: NodeAPI): void {
  const house = houseOf(RED);
  addRoutes(RED, house);
  addOctoprintRoutes(RED, house);

  function PrinterConfig(this: PrinterConfigNode, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const log = {
      warn: (message: string): void => {
        this.warn(message);
      },
    };
    // Absent, not empty, as long as nothing was entered.
    const { credentials } = this as { credentials?: PrinterCredentials };
    let account: UsableAccount | null = null;
    const claim = (): Seat => {
      const settings = readSettings({ ...def }, credentials ?? {}, this.id);
      account = accountFor(RED, settings, log);
      const warning = warningOf(settings);
      if (warning !== null) log.warn(warning);
      return house.printers.claim(this.id, settings, log);
    };
    const seat = orProblem(claim);
    const words: PrinterConfigNode["words"] = (key, parameters) => RED._(`printer-config.${key}`, parameters);
    Object.assign(this, { seat, words, account });
    if ("release" in seat) onClose(this, () => seat.release());
    else this.warn(seat.message);
  }

  RED.nodes.registerType<PrinterConfigNode, NodeDef, object, PrinterCredentials>("printer-config", PrinterConfig, {
    credentials: { accessCode: { type: "password" }, apiKey: { type: "password" }, appKey: { type: "password" } },
  });
}
