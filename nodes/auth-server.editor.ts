import type { EditorRED } from "node-red";
import { defaultsOf, type Edited, fieldOf, prepareForm, type Props, textOf } from "./editor/form";

declare const RED: EditorRED;

/** Only who registers has to know it. */
const registrationSecret = {
  type: "password" as const,
  validate: (entered: unknown): boolean => entered !== "" || textOf("auth-server", "register") !== "true",
};

RED.nodes.registerType<Props<"auth-server">, { registrationSecret: string }>("auth-server", {
  category: "permissions",
  color: "#DEB887",
  defaults: defaultsOf("auth-server"),
  credentials: { registrationSecret },
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
    const register = fieldOf("auth-server", "register");
    const secret = fieldOf("auth-server", "registrationSecret");
    const show = (): void => {
      secret.closest(".form-row").toggle(textOf("auth-server", "register") !== "false");
      secret.trigger("change");
    };
    register.on("change", show);
    show();
  },
});

export {};
