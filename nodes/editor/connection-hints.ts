import { type Edited, fieldOf, textOf } from "./form";

/** What the serial is, where it is not the one on the printer's label. */
const SERIALS: Readonly<Record<string, string>> = {
  octoprint: "printer-config.placeholder.serial-octoprint",
  simulated: "printer-config.placeholder.serial-simulated",
};

/** Texts that are other ones for each connection. What the form names itself is filled in later, over what is set here. */
export function prepareConnectionHints(node: Edited<"printer-config">): void {
  const say = (): void => {
    const connection = textOf("printer-config", "connection");
    const serial = SERIALS[connection] ?? "printer-config.placeholder.serial";
    fieldOf("printer-config", "serial").attr("placeholder", node._(serial));
    $("#printgate-account-hint").toggle(connection === "lan");
  };
  fieldOf("printer-config", "connection").on("change", say);
  say();
}
