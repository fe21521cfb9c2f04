import { type Edited, fieldOf, textOf } from "./form";
import { askRuntime, whilePressed } from "./runtime-call";

type Pin = { readonly fingerprint: string | null };

/** Shows the certificate that was learnt for the serial in the form, with "Forget". */
export function prepareLearntFingerprint(node: Edited<"printer-config">): void {
  const text = $("#printgate-learnt");
  const button = $("#printgate-forget");
  const path = (): string => `${encodeURIComponent(textOf("printer-config", "serial"))}/fingerprint`;

  const show = (fingerprint: string | null): void => {
    text.text(fingerprint ?? node._("printer-config.pin.none"));
    button.toggle(fingerprint !== null);
  };
  const load = async (): Promise<void> => {
    show(null);
    const serial = textOf("printer-config", "serial");
    if (serial === "" || serial.includes("$")) return;
    const answer = await askRuntime<Pin>(node, { method: "GET", path: path() });
    if (answer.ok && textOf("printer-config", "serial") === serial) show(answer.fingerprint);
  };

  fieldOf("printer-config", "serial").on("change", () => {
    void load();
  });
  whilePressed(button, async () => {
    const answer = await askRuntime<Pin>(node, { method: "DELETE", path: path() });
    if (answer.ok) show(answer.fingerprint);
    else text.text(answer.reason);
  });
  void load();
}
