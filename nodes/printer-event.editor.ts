import type { EditorRED } from "node-red";
import { chosenEvents, prepareEventList } from "./editor/event-list";
import { defaultsOf, prepareForm, type Props } from "./editor/form";

declare const RED: EditorRED;

RED.nodes.registerType<Props<"printer-event">>("printer-event", {
  category: "3D printing",
  color: "#3FADB5",
  defaults: defaultsOf("printer-event"),
  inputs: 0,
  outputs: 1,
  icon: "printgate-event.svg",
  paletteLabel: "printer event",
  outputLabels() {
    return this._("printer-event.port.output");
  },
  label() {
    return (
      this.name || (Array.isArray(this.events) && this.events.length === 1 ? String(this.events[0]) : "printer event")
    );
  },
  labelStyle() {
    return this.name ? "node_label_italic" : "";
  },
  oneditprepare() {
    prepareForm("printer-event", this);
    prepareEventList(this);
  },
  oneditsave() {
    // The type speaks of what the runtime gets; in the editor a variable may stand for the list.
    this.events = chosenEvents(this) as typeof this.events;
  },
});

export {};
