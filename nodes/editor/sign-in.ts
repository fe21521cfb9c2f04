import { valueOf } from "./fields";
import { type Edited, fieldOf, formOf, textOf } from "./form";
import { type Answer, askRuntime, sentence } from "./runtime-call";

type Account = Edited<"printer-account">;

/** What the runtime knows of the account. */
interface State {
  readonly state: "signed-out" | "signed-in" | "expired";
  readonly who: string;
  readonly account: string;
  readonly until: string | null;
  readonly pasted: boolean;
}
type Reply = { readonly next: "code"; readonly sentBy: "email" | "sms" } | { readonly next: "tfa" } | DoneReply;
interface DoneReply extends State {
  readonly next: "done";
}
/** Which part of the dialog is shown. */
type Part = "none" | "start" | "code" | "tfa";

/** The form as it stands, for the runtime: the account may not be deployed yet. */
const accountForm = (): Record<string, string> => ({
  ...formOf("printer-account"),
  accessToken: valueOf(fieldOf("printer-account", "accessToken")),
});

/** Asks the runtime about the account that is being edited. */
export function askAccount<T>(
  node: Parameters<typeof askRuntime>[0] & { readonly id: string },
  path: string,
  body: object = {},
): Promise<Answer<T>> {
  const url = `${encodeURIComponent(node.id)}/${path}`;
  return askRuntime<T>(node, { method: "POST", about: "accounts", path: url, body: { form: accountForm(), ...body } });
}

/**
 * Signing in, step by step. What is typed here belongs to no property of the node: it goes to the runtime and nowhere
 * else, and each field is emptied as soon as it was used.
 */
export function prepareSignIn(node: Account): void {
  const box = $("#printgate-sign-in");
  const line = $("#printgate-sign-in-result");
  const field = (name: string): JQuery => $(`#printgate-sign-in-${name}`);
  const say = (text: string, isFailure = false): void => {
    line.text(text).toggleClass("printgate-failure", isFailure);
  };

  /** Counts the questions: an answer that was overtaken is not shown. */
  let asked = 0;
  let part: Part = "none";
  const show = (next: Part): void => {
    part = next;
    $("[data-sign-in]").each((_index, element) => {
      $(element).toggle($(element).attr("data-sign-in")?.split(" ").includes(next) ?? false);
    });
  };

  const showState = (state: State): void => {
    const until =
      state.until === null ? "" : new Date(state.until).toLocaleDateString(undefined, { dateStyle: "long" });
    const text = (key: string): string => node._(`printer-account.state.${key}`, { who: state.who, until });
    const known = state.who === "" ? "signed-in" : until === "" ? "signed-in-as" : "signed-in-until";
    const key = state.state === "signed-in" ? (state.pasted ? "pasted" : known) : state.state;
    $("#printgate-account-state")
      .text(text(key))
      .toggleClass("printgate-failure", state.state === "expired");
    $("#printgate-sign-out").toggle(!state.pasted && state.state !== "signed-out");
    if (state.state === "expired" && valueOf(field("account")) === "") field("account").val(state.account);
    show(state.state === "signed-in" && !state.pasted ? "none" : "start");
  };

  /** One question at a time, with everything held still meanwhile; false when it failed or was overtaken. */
  const ask = async <T>(path: string, body: object, progress: string): Promise<(T & { ok: true }) | null> => {
    const mine = ++asked;
    say(progress === "" ? "" : node._(`printer-account.progress.${progress}`));
    box.find("input, button").prop("disabled", true);
    const answer = await askAccount<T>(node, path, body);
    if (mine !== asked) return null;
    box.find("input, button").prop("disabled", false);
    say(answer.ok ? "" : sentence(answer.reason), !answer.ok);
    return answer.ok ? answer : null;
  };

  const take = async (step: object, progress: string): Promise<boolean> => {
    const reply = await ask<Reply>("sign-in", { step }, progress);
    if (reply === null) return false;
    field("password").val("");
    field("code").val("");
    if (reply.next === "done") {
      showState(reply);
      return true;
    }
    const account = valueOf(field("account"));
    const how = reply.next === "tfa" ? "tfa" : reply.sentBy;
    field("code-hint").text(node._(`printer-account.code.${how}`, { account }));
    show(reply.next);
    field("code").trigger("focus");
    return true;
  };

  const refuse = (key: string, name: string): void => {
    say(node._(`printer-account.missing.${key}`), true);
    field(name).trigger("focus");
  };
  const account = (): string => valueOf(field("account")).trim();
  const begin = async (): Promise<void> => {
    const password = valueOf(field("password"));
    if (account() === "") refuse("account", "account");
    else if (password === "") await take({ kind: "send-code", account: account() }, "sending");
    else if (!(await take({ kind: "password", account: account(), password }, "signing-in")))
      field("password").trigger("focus");
  };
  const proceed = async (): Promise<void> => {
    const code = valueOf(field("code")).trim();
    const step = part === "tfa" ? { kind: "tfa", code } : { kind: "code", account: account(), code };
    if (code === "") refuse("code", "code");
    else if (!(await take(step, "checking"))) field("code").trigger("focus").trigger("select");
  };
  const startOver = (): void => {
    field("code").val("");
    say("");
    show("start");
    field("account").trigger("focus");
  };
  const load = async (): Promise<void> => {
    const state = await ask<State>("state", {}, "");
    if (state !== null) showState(state);
  };

  const press = (name: string, work: () => Promise<void> | void): void => {
    $(`#printgate-${name}`).on("click", () => void work());
  };
  press("sign-in-begin", begin);
  press("sign-in-proceed", proceed);
  press("sign-in-again", async () => {
    if (await take({ kind: "send-code", account: account() }, "sending")) say(node._("printer-account.progress.sent"));
  });
  press("sign-in-over", startOver);
  press("sign-out", async () => {
    const state = await ask<State>("sign-out", {}, "signing-out");
    if (state !== null) showState(state);
  });
  const onEnter = (name: string, work: () => Promise<void>): void => {
    field(name).on("keydown", (event) => {
      // With a modifier it is the editor's own shortcut for "Done".
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      void work();
    });
  };
  onEnter("account", begin);
  onEnter("password", begin);
  onEnter("code", proceed);

  // Another region or address is another cloud, where somebody else may be signed in.
  const keys = ["region", "apiUrl", "tlsConfig"];
  const cloud = (): string => keys.map((key) => textOf("printer-account", key)).join(" ");
  let last = cloud();
  for (const key of keys)
    fieldOf("printer-account", key).on("change", () => {
      if (cloud() === last) return;
      last = cloud();
      void load();
    });
  show("none");
  void load();
}

/** A dialog that is cancelled before its node ever was there leaves nobody signed in. */
export async function forgetSignIn(id: string): Promise<void> {
  // Of a node that was never there the editor gives nothing but the id; nobody is there to read an answer either.
  await askAccount({ id, type: "printer-account", _: (key) => key }, "sign-out");
}
