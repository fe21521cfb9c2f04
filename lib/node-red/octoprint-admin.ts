import type { NodeAPI } from "node-red";
import { PrintgateError } from "../errors";
import { answer, readForm } from "./admin";
import type { House } from "./composition";
import { KeyRequests } from "./key-requests";
import { forgetful, octoprintTrust } from "./links/octoprint";
import { readProperties } from "./properties";

/**
 * What the printer-config dialog asks when somebody wants a key from OctoPrint. The key goes to the dialog that asked for
 * it, once, as the answer to somebody who may write printers; it is logged nowhere.
 */

type Handler = ReturnType<NodeAPI["auth"]["needsPermission"]>;
type Request = Parameters<Handler>[0];

const UNNAMED = "unnamed";

const served = new WeakSet<NodeAPI["httpAdmin"]>();

/** Adds the routes, once to each admin server. */
export function addOctoprintRoutes(RED: NodeAPI, { pins }: House, requests = new KeyRequests()): void {
  const app = RED.httpAdmin;
  if (served.has(app)) return;
  served.add(app);
  const write = RED.auth.needsPermission("printer-config.write");

  const start = async ({ body }: Request): Promise<object> => {
    const { def } = readForm(RED, body);
    // How the printer is to be called can be decided later.
    const form = { ...def, connection: "octoprint", serial: def["serial"] === "" ? UNNAMED : def["serial"] };
    const { values, problems } = readProperties("printer-config", form);
    if (problems[0] !== undefined) throw new PrintgateError("config-invalid", problems[0]);
    const trust = await octoprintTrust({ ...values, id: values.serial }, pins);
    return requests.start(values.url, forgetful(trust));
  };
  const ask = ({ params }: Request): Promise<object> => {
    const key = requests.ask(String(params["request"]));
    return Promise.resolve({ key });
  };
  const drop = ({ params }: Request): Promise<object> => {
    requests.drop(String(params["request"]));
    return Promise.resolve({});
  };

  const route = (work: (request: Request) => Promise<object>): Handler => answer(async (request) => work(request));
  app.post("/printgate/octoprint/key", write, route(start));
  app.get("/printgate/octoprint/key/:request", write, route(ask));
  app.delete("/printgate/octoprint/key/:request", write, route(drop));
}
