import type { EditorRED } from "node-red";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"firmware-check">>("firmware-check", {
  category: "3D printing",
  color: "#3FADB5",
  defaults: defaultsOf("firmware-check"),
  inputs: 1,
  outputs: 3,
  icon: "printgate-firmware.svg",
  paletteLabel: "firmware check",
  inputLabels() {
    return this._("firmware-check.port.input");
  },
  outputLabels(index) {
    return [
      this._("firmware-check.port.update"),
      this._("firmware-check.port.current"),
      this._("firmware-check.port.unknown"),
    ][index];
  },
  label() {
    return this.name || "firmware check";
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("firmware-check", this as Edited<"firmware-check">);
  },
});

export {};
