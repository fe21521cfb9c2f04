import type { EditorRED } from "node-red";
import { prepareConnectionHints } from "./editor/connection-hints";
import { prepareDevicePicker } from "./editor/device-picker";
import { prepareFindPrinters } from "./editor/find-printers";
import { defaultsOf, type Edited, prepareForm, type Props, textOf } from "./editor/form";
import { prepareLearntFingerprint } from "./editor/learnt-fingerprint";
import { preparePlainAddresses } from "./editor/plain-address";
import { prepareRequestKey } from "./editor/request-key";
import { prepareTestConnection } from "./editor/test-connection";

declare const RED: EditorRED;

/**
 * Node-RED checks credentials only in the open dialog, where a stored one is a place holder: the types
 * do not know that it does.
 */
const accessCode = {
  type: "password" as const,
  validate: (entered: unknown): boolean =>
    entered !== "" || !["lan", "auto"].includes(textOf("printer-config", "connection")),
};

/** An app that OctoPrint knows makes its own keys. */
const apiKey = {
  type: "password" as const,
  validate: (entered: unknown): boolean =>
    entered !== "" ||
    textOf("printer-config", "connection") !== "octoprint" ||
    textOf("printer-config", "appId") !== "",
};
const appKey = { type: "password" as const };

/** Gives up what the open dialog has asked for. */
let giveUp: () => void = () => undefined;

RED.nodes.registerType<Props<"printer-config">, Record<"accessCode" | "apiKey" | "appKey", string>>("printer-config", {
  category: "config",
  color: "#3FADB5",
  defaults: defaultsOf("printer-config"),
  credentials: { accessCode, apiKey, appKey },
  label() {
    const fallback = this.connection === "simulated" ? "printer-config.simulated" : "printer-config.printer";
    return this.name || this.serial || this._(fallback, { model: this.model });
  },
  oneditprepare() {
    const node = this as Edited<"printer-config">;
    prepareForm("printer-config", node);
    prepareConnectionHints(node);
    prepareDevicePicker(node);
    prepareFindPrinters(node);
    prepareTestConnection(node);
    prepareLearntFingerprint(node);
    preparePlainAddresses("printer-config", ["url"]);
    giveUp = prepareRequestKey(node);
  },
  oneditsave() {
    giveUp();
  },
  oneditcancel() {
    giveUp();
  },
});

export {};
