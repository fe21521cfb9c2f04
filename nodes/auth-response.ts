import type { Node, NodeAPI, NodeDef } from "node-red";
import { type AuthPolicyNode, undecided } from "../lib/node-red/auth/follow";
import { Light, onInput } from "../lib/node-red/runtime";

/** Takes a flow's answer to the question of an auth-request node. */
export default function (RED: NodeAPI): void {
  function AuthResponseNode(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new Light(this);

    onInput(this, light, (msg) => {
      const { policy, id } = (msg["authQuestion"] ?? {}) as { policy?: unknown; id?: unknown };
      if (typeof policy !== "string" || typeof id !== "string")
        throw undecided("the message has lost its question: keep msg.authQuestion");
      const asker = RED.nodes.getNode(policy) as Partial<AuthPolicyNode> | null;
      const problem = asker?.handle?.questions?.answer(id, msg.payload) ?? null;
      if (asker?.handle?.questions == null) throw undecided("the policy that asked is gone");
      if (problem !== null) throw undecided(problem);
      light.set({});
    });
  }

  RED.nodes.registerType("auth-response", AuthResponseNode);
}
