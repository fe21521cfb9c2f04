import type { Node, NodeAPI, NodeDef } from "node-red";
import { followPrinter } from "../lib/node-red/follow";
import { copyOf, Light } from "../lib/node-red/runtime";
import { topicOf } from "../lib/printer/status";

/** What happens at a printer, one message an event. */
export default function (RED: NodeAPI): void {
  function PrinterEventNode(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const follower = followPrinter(RED, this, new Light(this), {
      type: "printer-event",
      def: { ...def },
      user: {
        event: (event, printer) => {
          const wanted = follower.values.events;
          if (wanted.length > 0 && !wanted.includes(event.event)) return;
          const topic = topicOf.event(printer.id, event.event);
          this.send({ topic, payload: copyOf(event), printer: copyOf(printer) });
        },
      },
    });
  }

  RED.nodes.registerType("printer-event", PrinterEventNode);
}
