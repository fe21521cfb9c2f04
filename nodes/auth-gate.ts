import type { Node, NodeAPI, NodeDef, NodeMessage, NodeStatus } from "node-red";
import type { Verdict } from "../lib/auth/policy-verdict";
import { DecisionLight, usePolicy, undecided } from "../lib/node-red/auth-follow";
import { askPolicy, QuestionReader } from "../lib/node-red/auth-question";
import { Light, onClose, onInput } from "../lib/node-red/runtime";

/** Where a message leaves. */
const OUTPUTS: Record<Verdict["result"], number> = { granted: 0, denied: 1, error: 2 };

/** Lets a message pass if the policy grants what it asks for. */
export default function (RED: NodeAPI): void {
  function AuthGateNode(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new Light(this);
    const user = usePolicy(RED, light, { type: "auth-gate", def: { ...def } });
    const decisions = new DecisionLight(light);
    const reader = new QuestionReader(RED, this, user.values);
    const looks: Record<Verdict["result"], NodeStatus> = {
      granted: { fill: "green", shape: "dot", text: RED._("auth-gate.status.granted") },
      denied: { fill: "grey", shape: "dot", text: RED._("auth-gate.status.denied") },
      error: { fill: "red", shape: "ring", text: RED._("auth-gate.status.error") },
    };
    let isClosed = false;

    const stamp = (msg: NodeMessage, verdict: Verdict): NodeMessage =>
      // Defined, not assigned: a setter on the message could keep it from being what it says.
      Object.defineProperty(msg, "auth", { value: verdict, writable: true, enumerable: true, configurable: true });

    onInput(this, light, (msg, send) => {
      const { policy } = user.demand();
      return reader.read(msg, (asked) =>
        askPolicy(policy, asked, (verdict) => {
          if (isClosed) throw undecided("the gate was closed before there was a decision");
          const leaving: (NodeMessage | null)[] = [null, null, null];
          leaving[OUTPUTS[verdict.result]] = stamp(msg, verdict);
          send(leaving);
          if (user.mark === null) decisions.show(looks[verdict.result]);
        }),
      );
    });
    onClose(this, () => {
      isClosed = true;
      decisions.close();
    });
  }

  RED.nodes.registerType("auth-gate", AuthGateNode);
}
