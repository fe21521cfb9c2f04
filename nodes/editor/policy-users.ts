import type { EditorRED } from "node-red";
import { smallButton, valueOf } from "./fields";
import type { Edited } from "./form";
import { attributesOf, linesOf } from "./rule-form";
import { type Answer, askRuntime, sentence, whilePressed } from "./runtime-call";

declare const RED: EditorRED;

interface User {
  readonly name: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly hasPassword: boolean;
  readonly hasCertificate: boolean;
  readonly registered: boolean;
  readonly problem: string | null;
}

type Listed = Answer<{ users: User[] }>;

/** The users, as the runtime keeps them: a browser sends passwords and never gets one. */
export function prepareUsers(node: Edited<"auth-policy">): void {
  const line = $("#printgate-users-result");
  const body = $("#printgate-users tbody");
  const field = (name: string): JQuery => $(`#printgate-user-${name}`);
  const path = (more = ""): string => `${encodeURIComponent(node.id)}/users${more}`;

  const show = (answer: Listed, isChange: boolean): boolean => {
    line
      .text(answer.ok ? (isChange ? node._("auth-policy.users.kept") : "") : sentence(answer.reason))
      .toggleClass("printgate-failure", !answer.ok);
    if (!answer.ok) return false;
    body.empty().append(answer.users.map(rowOf));
    // Node-RED writes credentials with the next deploy: light its button.
    if (isChange) RED.nodes.dirty(true);
    return true;
  };
  const post = (user: object): Promise<Listed> =>
    askRuntime(node, { method: "POST", about: "policies", path: path(), body: user });

  const rowOf = (user: User): JQuery => {
    const edit = smallButton("pencil", node._("auth-policy.users.edit"));
    edit.on("click", () => {
      field("name").val(user.name);
      field("tenant").val(user.tenantId);
      field("attrs").val(linesOf(user.attrs));
      field("password").val("").trigger("focus");
    });
    const remove = smallButton("trash", node._("auth-policy.users.remove"));
    whilePressed(remove, async () => {
      const target = path(`/${encodeURIComponent(user.name)}`);
      show(await askRuntime(node, { method: "DELETE", about: "policies", path: target }), true);
    });
    const by = [
      ...(user.hasPassword ? [node._("auth-policy.users.password")] : []),
      ...(user.hasCertificate ? [node._("auth-policy.users.certificate")] : []),
      ...(user.registered ? [node._("auth-policy.users.registered")] : []),
      ...(user.problem === null ? [] : [user.problem]),
    ];
    const cells = [user.name, `${user.tenantId}/${user.userId}`, linesOf(user.attrs), by.join(", ")];
    return $("<tr>").append(
      cells.map((text) => $("<td>").text(text)),
      $("<td>").append(user.registered ? "" : edit, " ", remove),
    );
  };

  whilePressed($("#printgate-user-save"), async () => {
    const [username, password, tenantId] = ["name", "password", "tenant"].map((name) => valueOf(field(name)));
    const attrs = attributesOf(valueOf(field("attrs")));
    if (show(await post({ username, password, tenantId, attrs }), true))
      for (const name of ["name", "password", "tenant", "attrs"]) field(name).val("");
  });
  whilePressed($("#printgate-users-replace"), async () => {
    const users = valueOf(field("list"));
    const answer = await askRuntime<{ users: User[] }>(node, {
      ...{ method: "POST", about: "policies", path: path("/replace") },
      body: { users },
    });
    if (show(answer, true)) field("list").val("");
  });
  void askRuntime<{ users: User[] }>(node, { method: "GET", about: "policies", path: path() }).then((answer) => {
    show(answer, false);
  });
}
