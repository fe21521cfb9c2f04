import type { Node, NodeAPI, NodeDef } from "node-red";
import { usePolicy, unusable } from "../lib/node-red/auth/follow";
import { Light, onClose, redRing } from "../lib/node-red/runtime";

/** The questions of a policy that a flow decides, one message each. */
export default function (RED: NodeAPI): void {
  function AuthRequestNode(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new Light(this);
    const { handle, values } = usePolicy(RED, light, { type: "auth-request", def: { ...def } });
    if (handle === null || handle.policy.broken !== null) return;
    if (handle.questions === null) {
      light.set(redRing(unusable("the policy's provider is no flow")));
      return;
    }
    const leave = handle.questions.join(({ id, topic, payload }) => {
      const authQuestion = { policy: values.policy, id };
      // Several of these nodes may get the same question: each sends a copy of its own.
      this.send(RED.util.cloneMessage({ topic, payload, authQuestion }));
    });
    onClose(this, leave);
  }

  RED.nodes.registerType("auth-request", AuthRequestNode);
}
