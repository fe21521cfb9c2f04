import type { EditorRED } from "node-red";
import { prepareTokenCheck } from "./editor/check-token";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";
import { preparePlainAddresses } from "./editor/plain-address";
import { forgetSignIn, prepareSignIn } from "./editor/sign-in";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"printer-account">, { accessToken: string }>("printer-account", {
  category: "config",
  color: "#3FADB5",
  defaults: defaultsOf("printer-account"),
  credentials: { accessToken: { type: "password" } },
  label() {
    return this.name || this._("printer-account.account");
  },
  oneditprepare() {
    const node = this as Edited<"printer-account">;
    prepareForm("printer-account", node);
    prepareSignIn(node);
    prepareTokenCheck(node);
    preparePlainAddresses("printer-account", ["apiUrl", "mqttUrl"]);
  },
  oneditcancel(isNew?: boolean) {
    if (isNew === true) void forgetSignIn(this.id);
  },
});

export {};
