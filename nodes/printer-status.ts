import type { Node, NodeAPI, NodeDef, NodeMessage } from "node-red";
import { followPrinter, type View } from "../lib/node-red/follow";
import { copyOf, Light, onClose, onInput } from "../lib/node-red/runtime";
import { Throttle } from "../lib/node-red/throttle";
import { changedKeys, type PrinterStatus, topicOf } from "../lib/printer/status";

/** The printer's status: when it changes, at an interval, or when a message asks for it. */
export default function (RED: NodeAPI): void {
  function PrinterStatusNode(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new Light(this);
    /** What the last message of this node said. */
    let last: PrinterStatus | null = null;

    const changes = (status: PrinterStatus): string[] =>
      last === null ? Object.keys(status).filter((key) => key !== "lastSeen") : changedKeys(last, status);

    const fill = <T extends NodeMessage>(msg: T, { printer, status, raw }: View): T => {
      const changed = changes(status);
      const initial = last === null;
      last = status;
      const payload = follower.values.includeRaw ? { ...copyOf(status), raw: raw() } : copyOf(status);
      const topic = topicOf.status(printer.id);
      // A message that went through another node of this type may bring its mark along.
      delete msg["initial"];
      return Object.assign(msg, { topic, payload, printer: copyOf(printer), changed }, initial ? { initial } : {});
    };

    const tellChange = (): boolean => {
      const view = follower.view();
      if (!view?.complete || changes(view.status).length === 0) return false;
      this.send(fill({}, view));
      return true;
    };

    const throttle = new Throttle(tellChange);
    const onChange = (): void => {
      if (follower.values.emit === "change") throttle.ask(follower.values.minInterval * 1000);
    };
    const follower = followPrinter(RED, this, light, {
      type: "printer-status",
      def: { ...def },
      user: { ready: onChange, status: onChange },
    });

    const tellNow = (): void => {
      const view = follower.view();
      if (view) this.send(fill({}, view));
    };
    const { emit, interval } = follower.values;
    const timer = emit === "interval" ? setInterval(tellNow, interval * 1000) : undefined;

    onInput(this, light, (msg, send) => {
      send(fill(msg, follower.demand()));
    });
    onClose(this, () => {
      clearInterval(timer);
      throttle.close();
    });
  }

  RED.nodes.registerType("printer-status", PrinterStatusNode);
}
