import type { EditorRED } from "node-red";
import { prepareFindPrinters } from "./editor/find-printers";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";
import { prepareLearntFingerprint } from "./editor/learnt-fingerprint";
import { prepareTestConnection } from "./editor/test-connection";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"printer-config">, { accessCode: string }>("printer-config", {
  category: "config",
  color: "#3FADB5",
  defaults: defaultsOf("printer-config"),
  credentials: { accessCode: { type: "password" } },
  label() {
    const fallback = this.connection === "simulated" ? "printer-config.simulated" : "printer-config.printer";
    return this.name || this.serial || this._(fallback, { model: this.model });
  },
  oneditprepare() {
    const node = this as Edited<"printer-config">;
    prepareForm("printer-config", node);
    prepareFindPrinters(node);
    prepareTestConnection(node);
    prepareLearntFingerprint(node);
  },
});

export {};
