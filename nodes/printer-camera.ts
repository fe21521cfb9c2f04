import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from "node-red";
import { followPrinter } from "../lib/node-red/follow";
import { PictureTaking } from "../lib/node-red/picture-taking";
import { copyOf, onClose, onInput, troubleRing } from "../lib/node-red/runtime";
import { TalkingLight } from "../lib/node-red/talking-light";
import { topicOf } from "../lib/printer/status";

/** One picture of a printer's camera for each message. */
export default function (RED: NodeAPI): void {
  function PrinterCameraNode(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new TalkingLight(this);
    const taking = new PictureTaking({ view: () => follower.view(), demand: () => follower.demand() });
    const stir = (): void => {
      taking.stir();
    };
    const follower = followPrinter(RED, this, light, {
      type: "printer-camera",
      def: { ...def },
      user: { ready: stir, unusable: stir, status: stir, link: stir },
    });

    const say = (key: "connecting" | "taking"): void => {
      light.say({ fill: "blue", shape: "dot", text: RED._(`printer-camera.status.${key}`) });
    };

    onInput(this, light, async (msg: NodeMessageInFlow, send) => {
      follower.demand();
      say("connecting");
      const { jpeg, view } = await taking
        .take(follower.values.timeout * 1000, () => {
          say("taking");
        })
        .catch((thrown: unknown) => {
          light.sayBriefly(troubleRing(thrown));
          throw thrown;
        });
      const kilobytes = Math.ceil(jpeg.length / 1024);
      light.sayBriefly({ fill: "green", shape: "dot", text: RED._("printer-camera.status.taken", { kilobytes }) });
      const topic = topicOf.camera(view.printer.id);
      send(Object.assign(msg, { topic, payload: jpeg, contentType: "image/jpeg", printer: copyOf(view.printer) }));
    });
    onClose(this, () => {
      taking.close();
      light.close();
    });
  }

  RED.nodes.registerType("printer-camera", PrinterCameraNode);
}
