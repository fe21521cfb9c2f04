import { type Edited, fieldOf, formOf } from "./form";
import { askRuntime, whilePressed } from "./runtime-call";

interface Finding {
  readonly model: string | null;
  readonly firmware: string | null;
  readonly fingerprint: string | null;
}

/** "Test connection": tries the form as it stands, deployed or not, and says what came of it. */
export function prepareTestConnection(node: Edited<"printer-config">): void {
  const line = $("#printgate-test-result");
  whilePressed($("#printgate-test"), async () => {
    line.text(node._("printer-config.test.running"));
    const accessCode = String(fieldOf("printer-config", "accessCode").val() ?? "");
    const body = { ...formOf("printer-config"), accessCode, id: node.id };
    const answer = await askRuntime<Finding>({ method: "POST", path: "test", body });
    line.text(answer.ok ? success(node, answer) : node._("printer-config.test.failed", { reason: answer.reason }));
  });
}

function success(node: Edited<"printer-config">, { model, firmware, fingerprint }: Finding): string {
  const unknown = node._("printer-config.test.unknown");
  const text = node._("printer-config.test.ok", { model: model ?? unknown, firmware: firmware ?? unknown });
  return fingerprint === null ? text : `${text} ${node._("printer-config.test.certificate", { fingerprint })}`;
}
