import type { NodeAPI, NodeDef } from "node-red";
import { addAccountRoutes } from "../lib/node-red/accounts/admin";
import type { PrinterAccountNode } from "../lib/node-red/accounts/node";
import { type AccountCredentials, readAccountSettings, warningsOf } from "../lib/node-red/accounts/settings";
import { houseOf } from "../lib/node-red/composition";
import { Light, onClose, orProblem, redRing } from "../lib/node-red/runtime";

/** A Bambu Lab account: who is signed in to the cloud. Used by the printers that are reached through it. */
export default function (RED: NodeAPI): void {
  const house = houseOf(RED);
  addAccountRoutes(RED, house);

  function PrinterAccount(this: PrinterAccountNode, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new Light(this);
    const log = {
      warn: (message: string): void => {
        this.warn(message);
      },
    };
    // Absent, not empty, as long as nothing was entered; `_alias` is the node of the template in a subflow.
    const { credentials, _alias } = this as { credentials?: AccountCredentials; _alias?: string };
    const found = orProblem(() => {
      const settings = readAccountSettings(RED, { ...def }, credentials ?? {});
      const seat = house.accounts.claim({ nodeId: this.id, accountId: _alias ?? this.id }, settings, log);
      return { seat, warnings: warningsOf(settings) };
    });
    if (found instanceof Error) {
      Object.assign(this, { account: found, remark: null });
      light.set(redRing(found));
      this.warn(found.message);
      return;
    }
    const { seat, warnings } = found;
    for (const warning of warnings) this.warn(warning);
    const remark = warnings.length === 0 ? null : RED._("printer-account.status.insecure");
    if (remark !== null) light.set({ fill: "yellow", shape: "ring", text: remark });
    Object.assign(this, { account: seat.handle, remark });
    onClose(this, () => {
      seat.release();
    });
  }

  RED.nodes.registerType<PrinterAccountNode, NodeDef, object, AccountCredentials>("printer-account", PrinterAccount, {
    credentials: { accessToken: { type: "password" } },
  });
}
