import type { Edited } from "./form";
import { sentence, whilePressed } from "./runtime-call";
import { askAccount } from "./sign-in";

/** "Check": asks the cloud whose token was pasted. */
export function prepareTokenCheck(node: Edited<"printer-account">): void {
  const line = $("#printgate-token-result");
  const say = (text: string, outcome: "success" | "failure" | "none"): void => {
    line.text(text);
    line.toggleClass("printgate-success", outcome === "success");
    line.toggleClass("printgate-failure", outcome === "failure");
  };
  whilePressed($("#printgate-token-check"), async () => {
    say(node._("printer-account.progress.checking"), "none");
    const answer = await askAccount<{ who: string }>(node, "check-token");
    if (!answer.ok) say(sentence(answer.reason), "failure");
    else say(node._("printer-account.token.works", { who: answer.who }), "success");
  });
}
