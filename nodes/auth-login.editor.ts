import type { EditorRED } from "node-red";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"auth-login">>("auth-login", {
  category: "permissions",
  color: "#DEB887",
  defaults: defaultsOf("auth-login"),
  inputs: 1,
  outputs: 3,
  icon: "printgate-login.svg",
  paletteLabel: "login",
  inputLabels() {
    return this._("auth-login.port.input");
  },
  outputLabels(port) {
    return (
      [this._("auth-login.port.ok"), this._("auth-login.port.rejected"), this._("auth-login.port.continue")][port] ?? ""
    );
  },
  label() {
    return this.name || "login";
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("auth-login", this as Edited<"auth-login">);
  },
});

export {};
