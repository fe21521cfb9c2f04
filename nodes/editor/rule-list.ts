import { labelled, linesField, rowList, type RowList, selectOf, textField, ticks, valueOf } from "./fields";
import { type Fields, fieldsOf, type RuleFields, ruleOf } from "./rule-form";
import type { Edited } from "./form";
import { askRuntime } from "./runtime-call";

interface Problem {
  readonly index: number | null;
  readonly message: string;
}

const FRESH = { effect: "allow", actions: ["pub"] };
/** After the last change, so that a rule is not judged at every letter. */
const PAUSE_MS = 400;

/** The rules, in the order in which they are looked at; what is malformed is said at the rule. */
export function prepareRules(node: Edited<"auth-policy">): RowList<Fields> {
  let timer: number | undefined;
  const judge = async (): Promise<void> => {
    const asked = timer;
    const rules = list.rows();
    const path = `${encodeURIComponent(node.id)}/problems`;
    const answer = await askRuntime<{ problems: Problem[] }>(node, {
      ...{ method: "POST", about: "policies", path },
      body: { rules },
    });
    // What was changed since has a question of its own.
    if (timer !== asked) return;
    const problems = answer.ok ? answer.problems : [{ index: null, message: answer.reason }];
    const at = (place: number | null): string => problems.find(({ index }) => index === place)?.message ?? "";
    for (const [place, row] of list.elements().entries()) row.find(".printgate-problem").text(at(place));
    $("#printgate-rules-problem").text(at(null));
  };
  const changed = (): void => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void judge(), PAUSE_MS);
    $(".printgate-decides").removeClass("printgate-decides");
  };
  const list = rowList<Fields>($("#printgate-rules"), {
    fresh: FRESH,
    add: node._("auth-policy.rules.add"),
    build: (container, start) => buildRule(node, container, start),
    changed,
  });
  $("#printgate-rules").on("change input", changed);
  return list;
}

function buildRule(node: Edited<"auth-policy">, container: JQuery, start: unknown): () => Fields {
  const before = fieldsOf(start);
  const effects = { allow: node._("auth-policy.rules.allow"), deny: node._("auth-policy.rules.deny") };
  const effect = selectOf(effects, before.effect).attr("aria-label", node._("auth-policy.rules.effect"));
  const actions = ticks({ pub: "pub", sub: "sub", unsub: "unsub", conn: "conn" }, before.actions);
  const note = textField(before.note, node._("auth-policy.rules.note"));
  const topics = linesField(before.topics, "printers/+/commands/pause");
  const who = linesField(before.who, "userId: amy\nrole: guest");
  const qos = ticks({ 0: "0", 1: "1", 2: "2" }, before.qos.map(String));
  const either = { "": node._("auth-policy.rules.any"), true: node._("auth-policy.rules.yes") };
  const retain = selectOf({ ...either, false: node._("auth-policy.rules.no") }, before.retain);
  const userProps = linesField(before.userProps, "name: value");
  const others = Object.keys(before.others).length === 0 ? "" : JSON.stringify(before.others);
  container
    .addClass("printgate-rule")
    .append(
      $("<div>", { class: "printgate-line" }).append(
        $("<span>", { class: "printgate-number", title: node._("auth-policy.rules.order") }),
        ...[effect, actions.boxes, note],
      ),
      $("<div>", { class: "printgate-line" }).append(
        labelled(node._("auth-policy.rules.topics"), topics),
        labelled(node._("auth-policy.rules.who"), who),
      ),
      $("<details>").append(
        $("<summary>").text(node._("auth-policy.rules.more")),
        $("<div>", { class: "printgate-line" }).append(
          labelled(node._("auth-policy.rules.user-props"), userProps),
          $("<div>").append(
            $("<div>").append($("<span>").text(`${node._("auth-policy.rules.qos")} `), qos.boxes),
            labelled(node._("auth-policy.rules.retain"), retain),
          ),
        ),
      ),
      $("<code>", { class: "printgate-others" }).text(others),
      $("<div>", { class: "printgate-problem", role: "alert" }),
    );
  const read = (): RuleFields => ({
    effect: valueOf(effect),
    actions: actions.chosen(),
    topics: valueOf(topics),
    who: valueOf(who),
    qos: qos.chosen().map(Number),
    retain: valueOf(retain) as RuleFields["retain"],
    userProps: valueOf(userProps),
    note: valueOf(note),
    others: before.others,
  });
  return () => ruleOf(read());
}

/** "Export" and "Import": the list as JSON in a text field. */
export function prepareExchange(node: Edited<"auth-policy">, list: RowList<Fields>): void {
  const text = $("#printgate-rules-json");
  const line = $("#printgate-rules-exchange");
  $("#printgate-rules-export").on("click", () => {
    text
      .val(JSON.stringify(list.rows(), null, 2))
      .show()
      .trigger("select");
    line.text(node._("auth-policy.exchange.exported"));
  });
  $("#printgate-rules-import").on("click", () => {
    if (!text.is(":visible")) {
      text.val("").show().trigger("focus");
      line.text(node._("auth-policy.exchange.paste"));
      return;
    }
    const rules = parsed(valueOf(text));
    if (!Array.isArray(rules)) {
      line.text(node._("auth-policy.exchange.malformed"));
      return;
    }
    list.replace(rules);
    text.hide();
    line.text(node._("auth-policy.exchange.imported", { count: rules.length }));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
