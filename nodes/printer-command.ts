import type { Node, NodeAPI, NodeDef, NodeMessageInFlow, NodeStatus } from "node-red";
import { sendAsked } from "../lib/node-red/command-sending";
import { followPrinter } from "../lib/node-red/follow";
import { onClose, onInput } from "../lib/node-red/runtime";
import { TalkingLight } from "../lib/node-red/talking-light";

/** Asks a printer to do something, and says whether it did. */
export default function (RED: NodeAPI): void {
  function PrinterCommandNode(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new TalkingLight(this);
    /** One for each message on its way: a signal that many listen to would look like a leak. */
    const underWay = new Set<AbortController>();
    const follower = followPrinter(RED, this, light, { type: "printer-command", def: { ...def }, user: {} });

    const show = (
      key: string,
      words: Record<string, string>,
      look: Pick<NodeStatus, "fill" | "shape">,
    ): NodeStatus => ({
      ...look,
      text: RED._(`printer-command.status.${key}`, words),
    });

    onInput(this, light, async (msg: NodeMessageInFlow, send) => {
      const abort = new AbortController();
      underWay.add(abort);
      const { outcome, answer } = await sendAsked(msg, follower.demand(), {
        configured: follower.values.command,
        timeoutMs: follower.values.timeout * 1000,
        signal: abort.signal,
        begun: (command) => {
          light.say(show("sending", { command }, { fill: "blue", shape: "dot" }));
        },
        progress: (report) => {
          const { command, percent } = report.payload;
          if (percent !== null)
            light.say(show("uploading", { command, percent: String(percent) }, { fill: "blue", shape: "dot" }));
          send([null, null, report]);
        },
      }).finally(() => underWay.delete(abort));
      if (outcome.confirmed) {
        light.sayBriefly(show("done", { command: outcome.command }, { fill: "green", shape: "dot" }));
        send(answer);
      } else {
        // The canvas has room for the code; the sentence is in the message.
        const { command, code } = outcome;
        const words = { ...(command !== null && { command }), code: String(code) };
        light.sayBriefly(show(command === null ? "refused-message" : "refused", words, { fill: "red", shape: "ring" }));
        send([null, answer]);
      }
    });
    onClose(this, () => {
      for (const abort of underWay) abort.abort();
      light.close();
    });
  }

  RED.nodes.registerType("printer-command", PrinterCommandNode);
}
