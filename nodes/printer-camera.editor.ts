import type { EditorRED } from "node-red";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"printer-camera">>("printer-camera", {
  category: "3D printing",
  color: "#3FADB5",
  defaults: defaultsOf("printer-camera"),
  inputs: 1,
  outputs: 1,
  icon: "printgate-camera.svg",
  paletteLabel: "printer camera",
  inputLabels() {
    return this._("printer-camera.port.input");
  },
  outputLabels() {
    return this._("printer-camera.port.output");
  },
  label() {
    return this.name || "printer camera";
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("printer-camera", this as Edited<"printer-camera">);
  },
});

export {};
