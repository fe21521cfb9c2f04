import { type RowList, valueOf } from "./fields";
import type { Edited } from "./form";
import { attributesOf, type Fields } from "./rule-form";
import { askRuntime, sentence, whilePressed } from "./runtime-call";

interface Trial {
  readonly result: string;
  readonly reason: string;
  readonly rule: number | null;
  readonly steps: readonly { readonly rule: number; readonly why: string; readonly decides: boolean }[];
}

/** "Try it": an identity and an action against the rules in the dialog, or against what is deployed. */
export function prepareTrial(node: Edited<"auth-policy">, rules: () => RowList<Fields> | null): void {
  const line = $("#printgate-try-result");
  const steps = $("#printgate-try-steps");
  const field = (name: string): JQuery => $(`#printgate-try-${name}`);

  const attempt = async (isDeployed: boolean): Promise<void> => {
    const list = rules();
    const { tenantId = "", ...metadata } = attributesOf(valueOf(field("client")));
    const hasClient = tenantId !== "" || Object.keys(metadata).length > 0;
    const question = {
      ...(hasClient && { client: { tenantId, type: "MQTT", metadata } }),
      action: valueOf(field("action")),
      topic: valueOf(field("topic")),
      qos: Number(valueOf(field("qos"))),
      retain: field("retain").is(":checked"),
    };
    const path = `${encodeURIComponent(node.id)}/try`;
    const body = { question, ...(isDeployed || list === null ? {} : { rules: list.rows() }) };
    const answer = await askRuntime<{ trial: Trial }>(node, { method: "POST", about: "policies", path, body });
    $(".printgate-decides").removeClass("printgate-decides");
    steps.empty();
    line.toggleClass("printgate-failure", !answer.ok);
    if (!answer.ok) {
      line.text(sentence(answer.reason));
      return;
    }
    const { result, reason, rule } = answer.trial;
    line.text(`${result}: ${reason}`);
    steps.append(answer.trial.steps.map((step) => $("<li>", { value: step.rule + 1 }).text(step.why)));
    if (rule !== null && !isDeployed) list?.elements()[rule]?.addClass("printgate-decides");
  };
  whilePressed($("#printgate-try-dialog"), () => attempt(false));
  whilePressed($("#printgate-try-deployed"), () => attempt(true));
}
