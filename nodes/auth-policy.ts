import type { NodeAPI, NodeDef } from "node-red";
import { addPolicyRoutes } from "../lib/node-red/auth/admin";
import type { AuthPolicyNode } from "../lib/node-red/auth/follow";
import { buildPolicy, type PolicyCredentials } from "../lib/node-red/auth/policies";
import { isRegisteredUsers } from "../lib/node-red/auth/users";
import { storeOf } from "../lib/node-red/composition";
import { Light, onClose, redRing } from "../lib/node-red/runtime";
import { fileNameOf } from "../lib/node-red/store";

/** Who may do what: rules, or whoever is asked instead. */
export default function (RED: NodeAPI): void {
  addPolicyRoutes(RED);

  function AuthPolicy(this: AuthPolicyNode, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new Light(this);
    // Absent, not empty, as long as nothing was entered.
    const { credentials } = this as { credentials?: PolicyCredentials };
    const registered = storeOf(RED).document(`registered-users/${fileNameOf(this.id)}`, isRegisteredUsers);
    const handle = buildPolicy({ ...def }, credentials ?? {}, registered);
    Object.assign(this, { handle, devOnlyText: RED._("auth-policy.status.dev-only") });
    for (const warning of handle.warnings) this.warn(warning);
    const { broken } = handle.policy;
    if (broken !== null) {
      light.set(redRing(broken));
      this.warn(broken.message);
    } else if (handle.provider === "dev-only") light.set({ fill: "yellow", shape: "ring", text: this.devOnlyText });
    onClose(this, () => handle.close());
  }

  RED.nodes.registerType<AuthPolicyNode, NodeDef, object, PolicyCredentials>("auth-policy", AuthPolicy, {
    credentials: { users: { type: "password" } },
  });
}
