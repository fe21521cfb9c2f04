import { valueOf } from "./fields";
import { type Edited, fieldOf, formOf } from "./form";
import { askRuntime, whilePressed } from "./runtime-call";

interface Finding {
  readonly model: string | null;
  readonly firmware: string | null;
  readonly fingerprint: string | null;
  readonly remark: string | null;
}

const SECRETS = ["accessCode", "apiKey", "appKey"] as const;

/** What stands in the fields of the credentials: of one that is stored, the place holder. */
function secretsOf(): Record<string, string> {
  return Object.fromEntries(SECRETS.map((key) => [key, valueOf(fieldOf("printer-config", key))]));
}

type Outcome = "success" | "failure" | "none";

/** "Test connection": tries the form as it stands, deployed or not, and says what came of it. */
export function prepareTestConnection(node: Edited<"printer-config">): void {
  const button = $("#printgate-test");
  const line = $("#printgate-test-result");
  const say = (text: string, outcome: Outcome): void => {
    line.text(text);
    line.toggleClass("printgate-success", outcome === "success");
    line.toggleClass("printgate-failure", outcome === "failure");
    // The line is the last one of a long form, often below what can be seen.
    if (text !== "") line.get(0)?.scrollIntoView({ block: "nearest" });
  };

  // An answer speaks of the form that was tried, not of one that was changed since.
  let tries = 0;
  button.closest("form").on("input change", () => {
    tries += 1;
    say("", "none");
  });
  whilePressed(button, async () => {
    tries += 1;
    const mine = tries;
    say(node._("printer-config.test.running"), "none");
    const body = { ...formOf("printer-config"), ...secretsOf(), id: node.id };
    const answer = await askRuntime<Finding>(node, { method: "POST", path: "test", body });
    if (mine !== tries) return;
    if (answer.ok) say(success(node, answer), "success");
    else say(node._("printer-config.test.failed", { reason: answer.reason }), "failure");
  });
}

function success(node: Edited<"printer-config">, { model, firmware, fingerprint, remark }: Finding): string {
  const unknown = node._("printer-config.test.unknown");
  const text = node._("printer-config.test.ok", { model: model ?? unknown, firmware: firmware ?? unknown });
  const certificate = fingerprint === null ? null : node._("printer-config.test.certificate", { fingerprint });
  return [text, certificate, remark].filter((part) => part !== null).join(" ");
}
