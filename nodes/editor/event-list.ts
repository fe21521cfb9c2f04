import { rowsOf } from "../../lib/node-red/properties";
import type { Edited } from "./form";

/** A variable in place of the list is left alone: it can not be ticked. */
type Chosen = readonly string[] | string;

/** Check boxes for all events, under the subject before their first dot. */
export function prepareEventList(node: Edited<"printer-event">): void {
  const row = rowsOf("printer-event")["events"];
  const names = row?.kind === "list" ? row.choices : [];
  const chosen = node.events as Chosen;
  const list = $("#printgate-events").empty();
  if (typeof chosen === "string" && chosen !== "") {
    list.text(chosen);
    return;
  }
  for (const subject of new Set(names.map(subjectOf))) {
    const group = $("<fieldset>").append($("<legend>").text(node._(`printer-event.subject.${subject}`)));
    const rows = names.filter((name) => subjectOf(name) === subject);
    list.append(group.append(rows.map((name) => boxOf(node, name, chosen.includes(name)))));
  }
}

/** The ticked names; what the node had when the list is a variable. */
export function chosenEvents(node: Edited<"printer-event">): readonly string[] {
  const boxes = $("#printgate-events input");
  if (boxes.length === 0) return node.events;
  return boxes
    .filter(":checked")
    .toArray()
    .map((box) => String($(box).val()));
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
