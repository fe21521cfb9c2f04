import type { Node, NodeAPI, NodeDef, NodeMessage, NodeStatus } from "node-red";
import type { Verdict } from "../lib/auth/policy/verdict";
import { DecisionLight, usePolicy, undecided } from "../lib/node-red/auth/follow";
import { askPolicy, QuestionReader } from "../lib/node-red/auth/question";
import { Light, onClose, onInput, type Send } from "../lib/node-red/runtime";

/** Where a message leaves. */
const OUTPUTS: Record<Verdict["result"], (msg: NodeMessage) => Parameters<Send>[0]> = {
  granted: (msg) => msg,
  denied: (msg) => [null, msg],
  error: (msg) => [null, null, msg],
};

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

    const stamp = (msg: NodeMessage, auth: Verdict): void => {
      // Over something that is there already it is defined: a setter could keep it from being what it says.
      if ("auth" in msg)
        Object.defineProperty(msg, "auth", { value: auth, writable: true, enumerable: true, configurable: true });
      else msg["auth"] = auth;
    };

    onInput(this, light, (msg, send) => {
      const { policy } = user.demand();
      return reader.read(msg, (asked) =>
        askPolicy(policy, asked, (verdict) => {
          if (isClosed) throw undecided("the gate was closed before there was a decision");
          stamp(msg, verdict);
          send(OUTPUTS[verdict.result](msg));
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
