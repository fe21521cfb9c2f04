import type { EditorRED } from "node-red";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"auth-request">>("auth-request", {
  category: "permissions",
  color: "#DEB887",
  defaults: defaultsOf("auth-request"),
  inputs: 0,
  outputs: 1,
  icon: "printgate-question.svg",
  paletteLabel: "permission question",
  outputLabels() {
    return this._("auth-request.port.output");
  },
  label() {
    return this.name || "permission question";
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("auth-request", this as Edited<"auth-request">);
  },
});

export {};
