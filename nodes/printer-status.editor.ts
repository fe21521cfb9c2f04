import type { EditorRED } from "node-red";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"printer-status">>("printer-status", {
  category: "3D printing",
  color: "#3FADB5",
  defaults: defaultsOf("printer-status"),
  inputs: 1,
  outputs: 1,
  icon: "printgate-status.svg",
  paletteLabel: "printer status",
  inputLabels() {
    return this._("printer-status.port.input");
  },
  outputLabels() {
    return this._("printer-status.port.output");
  },
  label() {
    return this.name || "printer status";
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("printer-status", this as Edited<"printer-status">);
  },
});

export {};
