import type { EditorRED } from "node-red";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"auth-server">, { registrationSecret: string }>("auth-server", {
  category: "permissions",
  color: "#DEB887",
  defaults: defaultsOf("auth-server"),
  credentials: { registrationSecret: { type: "password" } },
  inputs: 0,
  outputs: 1,
  icon: "printgate-server.svg",
  paletteLabel: "permission server",
  outputLabels() {
    return this._("auth-server.port.output");
  },
  label() {
    return this.name || "permission server";
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("auth-server", this as Edited<"auth-server">);
  },
});

export {};
