import type { EditorRED, EditorWidgetTypedInputType } from "node-red";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"auth-gate">>("auth-gate", {
  category: "permissions",
  color: "#DEB887",
  defaults: defaultsOf("auth-gate"),
  inputs: 1,
  outputs: 3,
  icon: "printgate-gate.svg",
  paletteLabel: "permission gate",
  inputLabels() {
    return this._("auth-gate.port.input");
  },
  outputLabels(port) {
    return (
      [this._("auth-gate.port.granted"), this._("auth-gate.port.denied"), this._("auth-gate.port.error")][port] ?? ""
    );
  },
  label() {
    return this.name || "permission gate";
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("auth-gate", this as Edited<"auth-gate">);
    const types: EditorWidgetTypedInputType[] = ["msg", "flow", "global", "str", "json", "jsonata", "env"];
    for (const key of ["topic", "identity"])
      $(`#node-input-${key}`).typedInput({ default: "msg", types, typeField: `#node-input-${key}Type` });
  },
});

export {};
