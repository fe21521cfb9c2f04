import type { EditorRED } from "node-red";
import { prepareApps } from "./editor/app-list";
import type { RowList } from "./editor/fields";
import { defaultsOf, type Edited, prepareForm, type Props } from "./editor/form";
import { prepareUsers } from "./editor/policy-users";
import type { Fields } from "./editor/rule-form";
import { prepareExchange, prepareRules } from "./editor/rule-list";
import { prepareTrial } from "./editor/try-policy";

declare const RED: EditorRED;

/** The lists of the dialog that is open; null where a variable stands in the place of the list. */
let rules: RowList<Fields> | null = null;
let apps: RowList<Fields> | null = null;

/** Fills a list, or shows the variable: an element of `<ol>` becomes plain text then. */
function fill(id: string, rows: unknown, prepare: () => RowList<Fields>): RowList<Fields> | null {
  if (typeof rows === "string" && rows !== "") {
    $(id).text(rows);
    return null;
  }
  const list = prepare();
  list.replace(Array.isArray(rows) ? rows : []);
  return list;
}

RED.nodes.registerType<Props<"auth-policy">, { users: string }>("auth-policy", {
  category: "config",
  color: "#DEB887",
  defaults: defaultsOf("auth-policy"),
  credentials: { users: { type: "password" } },
  label() {
    return this.name || this._("auth-policy.label-of", { provider: this.provider });
  },
  oneditprepare() {
    const node = this as Edited<"auth-policy">;
    prepareForm("auth-policy", node);
    rules = fill("#printgate-rules", node.rules, () => prepareRules(node));
    apps = fill("#printgate-apps", node.apps, () => prepareApps(node));
    if (rules) prepareExchange(node, rules);
    prepareUsers(node);
    prepareTrial(node, () => rules);
  },
  oneditsave() {
    this.rules = rules?.rows() ?? this.rules;
    this.apps = apps?.rows() ?? this.apps;
  },
});

export {};
