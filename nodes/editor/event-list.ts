import { rowsOf } from "../../lib/node-red/properties";
import type { Edited } from "./form";

/** A variable may stand in place of the list: it can not be ticked. */
type Chosen = readonly string[] | string;

/** What the node has; a flow that was written by hand may have nothing. */
const chosenOf = ({ events = [] }: { events?: Chosen }): Chosen => events;

/** Check boxes for all events; a variable is shown as text, and gives way to them when it is cleared. */
export function prepareEventList(node: Edited<"printer-event">): void {
  const chosen = chosenOf(node);
  if (typeof chosen !== "string" || chosen === "") {
    showBoxes(node, chosen);
    return;
  }
  const field = $("<input>", { type: "text", id: VARIABLE, "aria-labelledby": "printgate-events-label" }).val(chosen);
  field.on("change", () => {
    if (textIn(field) === "") showBoxes(node, []);
  });
  $("#printgate-events").empty().append(field);
}

/** The id of the field that holds a variable. */
const VARIABLE = "printgate-events-variable";

const textIn = (field: JQuery): string => String(field.val() ?? "").trim();

/** One box an event, under the subject before its first dot. */
function showBoxes(node: Edited<"printer-event">, chosen: Chosen): void {
  const row = rowsOf("printer-event")["events"];
  const names = row?.kind === "list" ? row.choices : [];
  const list = $("#printgate-events").empty();
  for (const subject of new Set(names.map(subjectOf))) {
    const group = $("<fieldset>").append($("<legend>").text(node._(`printer-event.subject.${subject}`)));
    const rows = names.filter((name) => subjectOf(name) === subject);
    list.append(group.append(rows.map((name) => boxOf(node, name, chosen.includes(name)))));
  }
}

/** The ticked names, or the variable. The same names in another order are no change. */
export function chosenEvents(node: Edited<"printer-event">): Chosen {
  const field = $(`#${VARIABLE}`);
  if (field.length > 0 && textIn(field) !== "") return textIn(field);
  const ticked = $("#printgate-events input:checked")
    .toArray()
    .map((box) => String($(box).val()));
  const before = chosenOf(node);
  const isSame = ticked.length === before.length && ticked.every((name) => before.includes(name));
  return isSame ? before : ticked;
}

const subjectOf = (name: string): string => name.split(".")[0] ?? name;

function boxOf(node: Edited<"printer-event">, name: string, checked: boolean): JQuery {
  const id = `printgate-event-${name.replace(".", "-")}`;
  const box = $("<input>", { type: "checkbox", id, value: name }).prop("checked", checked);
  const label = $("<label>", { for: id }).append(
    $("<code>").text(name),
    " ",
    node._(`printer-event.event.${name.replace(".", "-")}`),
  );
  return $("<div>", { class: "printgate-event" }).append(box, " ", label);
}
