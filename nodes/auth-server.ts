import type { Node, NodeAPI, NodeDef } from "node-red";
import type { HttpParts } from "../lib/auth/http/types";
import { usePolicy, unusable } from "../lib/node-red/auth/follow";
import { rootProblem, sitesOf } from "../lib/node-red/auth/http";
import { houseOf } from "../lib/node-red/composition";
import { printerRows } from "../lib/node-red/printer-metrics";
import { unsetVariable, variableIn } from "../lib/node-red/properties";
import { copyOf, Light, onClose, redRing } from "../lib/node-red/runtime";

interface Credentials {
  registrationSecret?: string;
}

/** Answers a broker's questions over HTTP, by the same policy that gates ask. */
export default function (RED: NodeAPI): void {
  // At once, before any http in node: a path that is served is served by us.
  const sites = sitesOf(RED);

  function AuthServerNode(this: Node<Credentials>, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    const light = new Light(this);
    const { handle, values, mark } = usePolicy(RED, light, { type: "auth-server", def: { ...def } });
    const { path } = values;
    const secret = ((this as { credentials?: Credentials }).credentials?.registrationSecret ?? "").trim();
    const problem = (values.register ? secretProblem(secret) : null) ?? rootProblem(RED, path);
    if (handle === null) return;
    if (problem !== null) {
      light.set(redRing(problem));
      return;
    }

    const { policy, attributesOf, appKeys, attempts, users, metrics } = handle;
    const printers = (): ReturnType<typeof printerRows> => printerRows(houseOf(RED).printers.list());
    const parts: HttpParts = {
      ...{ policy, attributesOf, appKeys, attempts },
      ...(values.register && { registration: { secret, register: (row) => users.register(row) } }),
      ...(values.metrics && {
        metrics: { contentType: metrics.contentType, text: () => metrics.text([printers()]) },
      }),
      audit: (record) => {
        this.send({ topic: `auth/${record.method}`, payload: copyOf(record) });
      },
    };
    const leave = sites.add({
      ...{ path, parts, ready: users.ready },
      settled: (conflict) => {
        light.set(conflict === null ? (mark ?? { fill: "green", shape: "dot", text: path }) : redRing(conflict));
      },
    });
    onClose(this, leave);
  }

  RED.nodes.registerType<Node<Credentials>, NodeDef, object, Credentials>("auth-server", AuthServerNode, {
    credentials: { registrationSecret: { type: "password" } },
  });
}

function secretProblem(secret: string): ReturnType<typeof unusable> | null {
  const unset = variableIn(secret);
  if (unset !== null) return unusable(unsetVariable(unset));
  return secret === "" ? unusable("no registration secret") : null;
}
