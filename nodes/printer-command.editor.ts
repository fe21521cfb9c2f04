import type { EditorRED } from "node-red";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"printer-command">>("printer-command", {
  category: "3D printing",
  color: "#3FADB5",
  defaults: defaultsOf("printer-command"),
  inputs: 1,
  outputs: 3,
  icon: "printgate-command.svg",
  paletteLabel: "printer command",
  inputLabels() {
    return this._("printer-command.port.input");
  },
  outputLabels(index) {
    return [
      this._("printer-command.port.done"),
      this._("printer-command.port.refused"),
      this._("printer-command.port.progress"),
    ][index];
  },
  label() {
    return this.name || this.command || "printer command";
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("printer-command", this as Edited<"printer-command">);
  },
});

export {};
