import type { Node, NodeAPI, NodeDef, NodeMessage, NodeStatus } from "node-red";
import { type LoginAnswer, type LoginVerdict, logIn } from "../lib/auth/login/login";
import { DecisionLight, usePolicy, undecided } from "../lib/node-red/auth/follow";
import { Light, onClose, onInput } from "../lib/node-red/runtime";

/** Where a message leaves. */
const OUTPUTS: Record<LoginVerdict["result"], number> = { ok: 0, rejected: 1, continue: 2 };

/** Finds out who sent a message. */
export default function (RED: NodeAPI): void {
  function AuthLoginNode(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new Light(this);
    const user = usePolicy(RED, light, { type: "auth-login", def: { ...def } });
    const decisions = new DecisionLight(light);
    const looks: Record<LoginVerdict["result"], NodeStatus> = {
      ok: { fill: "green", shape: "dot", text: RED._("auth-login.status.ok") },
      rejected: { fill: "grey", shape: "dot", text: RED._("auth-login.status.rejected") },
      continue: { fill: "blue", shape: "dot", text: RED._("auth-login.status.continue") },
    };
    let isClosed = false;

    const answerTo = async (msg: NodeMessage): Promise<LoginAnswer> => {
      const { policy, appKeys, attempts, users } = user.demand();
      const { broken } = policy;
      if (broken !== null) return { auth: { result: "rejected", code: "Error", reason: broken.message } };
      await users.ready;
      const { credentials, req, payload, authData } = msg;
      return logIn(user.values.method, { credentials, req, payload, authData }, { policy, appKeys, attempts });
    };

    onInput(this, light, async (msg, send) => {
      const { auth, client } = await answerTo(msg);
      if (isClosed) throw undecided("the login was closed before there was a decision");
      // An identity that somebody wrote into the message is none.
      delete msg["client"];
      Object.assign(msg, { auth }, client && { client });
      const leaving: (NodeMessage | null)[] = [null, null, null];
      leaving[OUTPUTS[auth.result]] = msg;
      send(leaving);
      if (user.mark === null) decisions.show(looks[auth.result]);
    });
    onClose(this, () => {
      isClosed = true;
      decisions.close();
    });
  }

  RED.nodes.registerType("auth-login", AuthLoginNode);
}
