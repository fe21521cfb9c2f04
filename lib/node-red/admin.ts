import type { Node, NodeAPI } from "node-red";
import { discover } from "../bambu/discovery";
import { PrintgateError, redact, toError } from "../errors";
import { isPrinterId } from "../printer/status";
import type { House } from "./composition";
import { tryPrinter } from "./links/links";
import { variableIn } from "./properties";
import { type PrinterCredentials, readSettings, SECRETS } from "./settings";
import { LISTEN_SECONDS } from "./links/way";

/**
 * What the printer-config dialog asks the runtime. All answers are JSON; a failure is
 * `{ ok: false, reason }` in words. No answer and no log line holds an access code.
 */

/** Longer than any real setting; a request that brings more is no request of our dialog. */
const MAX_TEXT = 1024;
/** A private key of 16,384 bits is longer. */
const MAX_SECRET = 16_384;
/** What the editor shows instead of a stored password, and sends back when it was not changed. */
const UNCHANGED = "__PWRD__";

type Handler = ReturnType<NodeAPI["auth"]["needsPermission"]>;
type Request = Parameters<Handler>[0];

/** Node-RED offers no way to take a route away, so they are added once to each admin server. */
const served = new WeakSet<NodeAPI["httpAdmin"]>();

export function addRoutes(RED: NodeAPI, house: House): void {
  const app = RED.httpAdmin;
  if (served.has(app)) return;
  served.add(app);
  const read = RED.auth.needsPermission("printer-config.read");
  const write = RED.auth.needsPermission("printer-config.write");

  const find = async (): Promise<object> => ({ printers: await discover({ seconds: LISTEN_SECONDS }) });
  const test = async ({ body }: Request): Promise<object> => {
    const form = readForm(RED, body);
    try {
      return await tryPrinter(readSettings(form.def, form.credentials, form.id), house);
    } catch (thrown) {
      throw new PrintgateError("unexpected", redact(toError(thrown).message, Object.values(form.credentials)));
    }
  };
  const showPin = async ({ params }: Request): Promise<object> => {
    const pins = await Promise.all(idsIn(params).map((id) => house.pins.read(id)));
    return { fingerprint: pins.find((pin) => pin !== null) ?? null };
  };
  const forgetPin = async ({ params }: Request): Promise<object> => {
    for (const id of idsIn(params)) {
      if ((await house.pins.read(id)) === null) continue;
      await house.pins.forget(id);
      await house.printers.restart(id);
    }
    return { fingerprint: null };
  };

  app.get("/printgate/printers/found", read, answer(find));
  app.post("/printgate/printers/test", write, answer(test));
  app.get("/printgate/printers/:serial/fingerprint", read, answer(showPin));
  app.delete("/printgate/printers/:serial/fingerprint", write, answer(forgetPin));
}

/** `{ ok: true, ... }`, or `{ ok: false, reason }`: to have no connection is an answer, not a broken request. */
export function answer(work: (request: Request) => Promise<object>): Handler {
  return (request, response) => {
    // One answer holds a key, and no browser shall keep it.
    response.set("Cache-Control", "no-store");
    work(request).then(
      (found) => {
        response.json({ ok: true, ...found });
      },
      (thrown: unknown) => {
        response.json({ ok: false, reason: toError(thrown).message });
      },
    );
  };
}

/** The id as it was given, and as a serial number would be written: the dialog may hold either. */
function idsIn({ serial: given }: Request["params"]): string[] {
  const id = typeof given === "string" ? given : "";
  if (id.length > 64 || !isPrinterId(id)) throw new PrintgateError("config-invalid", "this is no serial");
  return [...new Set([id, id.toUpperCase()])];
}

interface Form {
  readonly def: Record<string, unknown>;
  readonly credentials: PrinterCredentials;
  /** Of the config node, which may not have been deployed yet. */
  readonly id: string;
}

/** The dialog's fields as the node would get them: variables replaced, a password that was left alone taken from the store. */
export function readForm(RED: NodeAPI, body: unknown): Form {
  const fields = typeof body === "object" && body !== null ? Object.entries(body) : [];
  if (fields.length === 0 || fields.length > 50 || !fields.every(isShort))
    throw new PrintgateError("config-invalid", "the form can not be read");
  const sent = Object.fromEntries(fields) as Record<string, unknown>;
  const id = typeof sent["id"] === "string" ? sent["id"] : "";
  const node = RED.nodes.getNode(id) as Deployed | null;
  const def = Object.fromEntries(fields.map(([key, value]) => [key, resolved(RED, node, value)]));
  const credentials: PrinterCredentials = {};
  for (const key of SECRETS) {
    const typed = sent[key] === UNCHANGED ? storedSecret(RED, id, node, key) : sent[key];
    const secret = resolved(RED, node, typed);
    if (typeof secret === "string") credentials[key] = secret;
  }
  return { def, credentials, id };
}

type Deployed = Node & { credentials?: PrinterCredentials };

/** Of a node that was never deployed, or has no credentials, Node-RED keeps nothing. */
function storedSecret(RED: NodeAPI, id: string, node: Deployed | null, key: keyof PrinterCredentials): unknown {
  const kept = (): PrinterCredentials | undefined => node?.credentials ?? RED.nodes.getCredentials(id);
  return kept()?.[key];
}

function isShort([key, value]: [string, unknown]): boolean {
  const most = (SECRETS as readonly string[]).includes(key) ? MAX_SECRET : MAX_TEXT;
  return typeof value === "string" ? value.length <= most : ["number", "boolean"].includes(typeof value);
}

/** `${NAME}` by its value, as seen from the node (its tab and subflow included) where it is deployed. */
export function resolved(RED: NodeAPI, node: Node | null, value: unknown): unknown {
  if (variableIn(value) === null) return value;
  // The types ask for a node; Node-RED itself takes none and then looks into the process's environment.
  const found: unknown = RED.util.evaluateNodeProperty(value as string, "env", node as Node, {});
  return found === "" || found === undefined ? value : found;
}
