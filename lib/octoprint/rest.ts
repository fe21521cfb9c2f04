import { PrintgateError } from "../errors";
import type { OctoprintClient } from "./client";
import { readUpdateCheck, type ServerVersions } from "./firmware";
import type { RestPicture } from "./reports";
import { fieldsOf, own, textOf, textsOf } from "./wire";

/** The questions that a session asks. Each throws what the client throws. */

export interface Asker {
  readonly client: OctoprintClient;
  readonly key: string;
  readonly signal: AbortSignal;
}

/** A check for updates may have to ask the internet first. */
const UPDATE_CHECK_MS = 60_000;
/** Permissions of OctoPrint without which a user can only look. */
const ACTING: ReadonlySet<string> = new Set(["PRINT", "CONTROL", "ADMIN"]);

/**
 * OctoPrint's version.
 * @throws PrintgateError `account-refused` in words that tell a wrong key from a missing permission; `bad-answer` from a server that only imitates OctoPrint
 */
export async function askVersion({ client, key, signal }: Asker): Promise<string> {
  const { status, body } = await client.ask({ path: "api/version", key, signal, accept: [401, 403] });
  if (status >= 400) throw await whyRefused({ client, key, signal });
  const text = textOf(own(body, "text"));
  const version = textOf(own(body, "server"));
  // Printers and other servers answer to the calls that slicers need, under a name of their own.
  if (version === null || (text !== null && !/^OctoPrint \d/.test(text))) {
    const name = text === null ? "" : ` but "${text.slice(0, 60)}"`;
    throw new PrintgateError("bad-answer", `this is not OctoPrint${name}`);
  }
  return version;
}

async function whyRefused({ client, key, signal }: Asker): Promise<PrintgateError> {
  const { body } = await client.ask({ path: "api/currentuser", key, signal, accept: [401, 403, 404] });
  const name = textOf(own(body, "name"));
  const words =
    name === null
      ? "OctoPrint does not accept the API key"
      : `the user "${name}" of the API key may not see the printer: it needs OctoPrint's permission "Status"`;
  return new PrintgateError("account-refused", words);
}

/** Whether the key's user may do more than look; null from releases without permissions. */
export async function askRights({ client, key, signal }: Asker): Promise<boolean | null> {
  const { status, body } = await client.ask({ path: "api/currentuser", key, signal, accept: [401, 403, 404] });
  const permissions = own(body, "permissions");
  if (status >= 400 || !Array.isArray(permissions)) return null;
  return textsOf(permissions).some((name) => ACTING.has(name.toUpperCase()));
}

/** What the printer is doing; that the printer is off is an answer. */
export async function askPicture({ client, key, signal }: Asker): Promise<RestPicture> {
  const [job, printer] = await Promise.all([
    client.ask({ path: "api/job", key, signal }),
    client.ask({ path: "api/printer?exclude=sd", key, signal, accept: [409] }),
  ]);
  return { job: job.body, printer: printer.status === 409 ? null : printer.body };
}

/** The session of a passive login, as the push socket wants it; null from releases that give none. */
export async function askSession({ client, key, signal }: Asker): Promise<string | null> {
  const { body } = await client.ask({ method: "POST", path: "api/login", json: { passive: true }, key, signal });
  const [name, session] = [textOf(own(body, "name")), textOf(own(body, "session"))];
  // A name with a colon could not be told from the session.
  return name === null || session === null || name.includes(":") ? null : `${name}:${session}`;
}

/** What OctoPrint says about updates of itself. */
export async function askUpdates({ client, key, signal }: Asker, installed: string): Promise<ServerVersions> {
  const path = "plugin/softwareupdate/check?targets=octoprint";
  const { body } = await client.ask({ path, key, signal, timeoutMs: UPDATE_CHECK_MS });
  return readUpdateCheck(fieldsOf(body), installed);
}

/** Has OctoPrint ask the printer what it is; the answer comes as an event. */
export async function askPrinter({ client, key, signal }: Asker): Promise<void> {
  await client.ask({
    method: "POST",
    path: "api/printer/command",
    json: { command: "M115" },
    key,
    signal,
    accept: [409],
  });
}

/** What the printer called its firmware when it was connected; null where it is off, or the user may not ask. */
export async function askFirmwareName({ client, key, signal }: Asker): Promise<string | null> {
  const { body } = await client.ask({ path: "api/system/info", key, signal, accept: [401, 403] });
  return textOf(own(fieldsOf(own(body, "systeminfo")), "printer.firmware"));
}
