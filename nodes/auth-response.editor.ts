import type { EditorRED } from "node-red";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"auth-response">>("auth-response", {
  category: "permissions",
  color: "#DEB887",
  defaults: defaultsOf("auth-response"),
  inputs: 1,
  outputs: 0,
  icon: "printgate-answer.svg",
  align: "right",
  paletteLabel: "permission answer",
  inputLabels() {
    return this._("auth-response.port.input");
  },
  label() {
    return this.name || "permission answer";
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("auth-response", this as Edited<"auth-response">);
  },
});

export {};
