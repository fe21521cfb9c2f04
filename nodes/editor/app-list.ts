import { labelled, linesField, rowList, type RowList, selectOf, textField, valueOf } from "./fields";
import type { Edited } from "./form";
import { attributesOf, type Fields, linesOf } from "./rule-form";

const FRESH = { hash: "sha256", enabled: true };
const TEXTS = ["id", "version", "tenantId", "userId"] as const;

/** Apps that may log in with a session key. */
export function prepareApps(node: Edited<"auth-policy">): RowList<Fields> {
  return rowList<Fields>($("#printgate-apps"), {
    fresh: FRESH,
    add: node._("auth-policy.apps.add"),
    build: (container, start) => buildApp(node, container, start as Fields),
    changed: () => undefined,
  });
}

function buildApp(node: Edited<"auth-policy">, container: JQuery, app: Fields): () => Fields {
  const shown = (name: string): string => (typeof app[name] === "string" ? app[name] : "");
  const labels = {
    id: node._("auth-policy.apps.id"),
    version: node._("auth-policy.apps.version"),
    tenantId: node._("auth-policy.apps.tenant"),
    userId: node._("auth-policy.apps.user"),
  };
  const texts = TEXTS.map((name) => ({ name, field: textField(shown(name)) }));
  const hash = selectOf({ sha1: "SHA-1", sha256: "SHA-256" }, shown("hash") || "sha1");
  const isOff = app["enabled"] === false || app["enabled"] === "false";
  const enabled = $("<input>", { type: "checkbox" }).prop("checked", !isOff);
  const publicKey = linesField(shown("publicKey"), "-----BEGIN RSA PUBLIC KEY-----");
  const attrs = linesField(linesOf((app["attrs"] ?? {}) as Fields), "roles: maker");
  container.append(
    $("<div>", { class: "printgate-line" }).append(texts.map(({ name, field }) => labelled(labels[name], field))),
    $("<div>", { class: "printgate-line" }).append(
      labelled(node._("auth-policy.apps.key"), publicKey),
      labelled(node._("auth-policy.apps.attrs"), attrs),
    ),
    $("<div>", { class: "printgate-line" }).append(
      labelled(node._("auth-policy.apps.hash"), hash),
      labelled(node._("auth-policy.apps.enabled"), enabled),
    ),
  );
  return (): Fields => {
    const given = [...texts, { name: "publicKey", field: publicKey }].map(({ name, field }): [string, string] => [
      name,
      valueOf(field),
    ]);
    const named = attributesOf(valueOf(attrs));
    return {
      ...Object.fromEntries(given.filter(([, value]) => value !== "")),
      hash: valueOf(hash),
      enabled: enabled.is(":checked"),
      ...(Object.keys(named).length > 0 && { attrs: named }),
    };
  };
}
