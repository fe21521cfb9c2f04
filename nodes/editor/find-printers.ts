import { type Edited, fieldOf } from "./form";
import { askRuntime, sentence, whilePressed } from "./runtime-call";

/** A printer that announced itself on the network. */
interface Found {
  readonly serial: string;
  readonly address: string;
  readonly name: string;
  readonly model: string | null;
}

/** "Find printers": lists what announces itself; a click on one fills in serial, host and (if empty) name. */
export function prepareFindPrinters(node: Edited<"printer-config">): void {
  const list = $("#printgate-found");
  whilePressed($("#printgate-find"), async () => {
    list.removeClass("printgate-failure").text(node._("printer-config.find.listening"));
    const answer = await askRuntime<{ printers: Found[] }>(node, { method: "GET", path: "found" });
    if (!answer.ok) list.addClass("printgate-failure").text(sentence(answer.reason));
    else if (answer.printers.length === 0) list.text(node._("printer-config.find.none"));
    else list.empty().append(answer.printers.map(rowOf));
  });
}

function rowOf(found: Found): JQuery {
  const { name, serial, address, model } = found;
  const button = $("<button>", { type: "button", class: "red-ui-button printgate-found-printer" });
  button.text([name, model, serial, address].filter((part) => part !== null).join(" · "));
  button.on("click", () => {
    fill("serial", serial);
    fill("host", address);
    if (fieldOf("printer-config", "name").val() === "") fill("name", name);
  });
  return $("<div>").append(button);
}

function fill(key: string, value: string): void {
  fieldOf("printer-config", key).val(value).trigger("change");
}
