import { isPrintgateError } from "../../errors";
import { modelOf, modelOfCode } from "../models";
import { entriesOf, type Fields, textOf } from "../values";
import type { CloudClient } from "./client";
import type { CloudDevice } from "./types";

/**
 * The printers of an account (source: the Bambu protocol notes). The cloud has two lists. The first is also a queue of
 * jobs and has no member `devices` while that is empty; the second, of what is bound to the account, is asked then.
 *
 * @returns none where neither list names one
 * @throws PrintgateError as CloudClient.ask
 */
export async function fetchDevices(client: CloudClient, token: string): Promise<readonly CloudDevice[]> {
  const printing = await fetchList(client, token, "print").catch((thrown: unknown) => {
    if (isFinal(thrown)) throw thrown;
    return [];
  });
  return printing.length > 0 ? printing : fetchList(client, token, "bind");
}

const FINAL = ["account-expired", "blocked", "signed-out", "certificate-untrusted"] as const;

/** Where one page failed so, another that knows the same would too. */
export function isFinal(thrown: unknown): boolean {
  return FINAL.some((code) => isPrintgateError(thrown, code));
}

const LISTS = {
  print: { path: "/v1/iot-service/api/user/print", query: { force: "true" } },
  bind: { path: "/v1/iot-service/api/user/bind", query: {} },
} as const;

async function fetchList(
  client: CloudClient,
  token: string,
  list: keyof typeof LISTS,
): Promise<readonly CloudDevice[]> {
  const what = "the list of printers";
  const { path, query } = LISTS[list];
  const call = { what, method: "GET", at: "api", path, token, payload: ["devices"] } as const;
  const { body } = await client.ask(list === "print" ? { ...call, query } : call);
  return devicesOf(body.devices);
}

/** More printers than anybody has; beyond it an answer is passed over. */
const MOST_DEVICES = 1000;

/** The entries that name a printer, each serial once; none where the value is no list. */
export function devicesOf(value: unknown): readonly CloudDevice[] {
  const devices = new Map<string, CloudDevice>();
  for (const entry of entriesOf(value).slice(0, MOST_DEVICES)) {
    const device = deviceOf(entry);
    if (device !== null && !devices.has(device.serial)) devices.set(device.serial, device);
  }
  return [...devices.values()];
}

/** What can stand as a level in a topic. */
const SERIAL = /^[A-Z0-9_-]{1,64}$/;

/** The lists spell three members differently; each is read wherever it stands. */
function deviceOf(entry: Readonly<Fields>): CloudDevice | null {
  const serial = textOf(entry.dev_id)?.trim().toUpperCase();
  if (serial === undefined || !SERIAL.test(serial)) return null;
  return {
    serial,
    name: trimmed(entry.dev_name) ?? trimmed(entry.name) ?? serial,
    model: modelIn(entry),
    online: flagOf(entry.dev_online) ?? flagOf(entry.online),
    accessCode: trimmed(entry.dev_access_code),
    jobStatus: trimmed(entry.task_status) ?? trimmed(entry.print_status),
  };
}

/** Old models have a code (`C12`), newer ones a marketing name. */
function modelIn(entry: Readonly<Fields>): string | null {
  const [code, product] = [trimmed(entry.dev_model_name), trimmed(entry.dev_product_name)];
  return (code === null ? null : modelOfCode(code)) ?? marketingName(product) ?? marketingName(code);
}

function marketingName(word: string | null): string | null {
  return word === null ? null : modelOf([{ name: "ota", product_name: word }], "").name;
}

/** Access codes come with a line end now and then. */
function trimmed(value: unknown): string | null {
  const text = textOf(value)?.trim();
  return text === undefined || text === "" ? null : text;
}

function flagOf(value: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  return value === 1 || value === 0 ? value === 1 : null;
}

/**
 * The list as it is known after an answer: one without printers changes nothing, since the cloud gives that now and
 * then; and newer answers have fewer members, so what does not change by itself is kept where one is silent.
 */
export function mergeDevices(known: readonly CloudDevice[], heard: readonly CloudDevice[]): readonly CloudDevice[] {
  if (heard.length === 0) return known;
  const before = new Map(known.map((device) => [device.serial, device]));
  return heard.map((device) => {
    const old = before.get(device.serial);
    if (old === undefined) return device;
    return {
      ...device,
      name: device.name === device.serial ? old.name : device.name,
      model: device.model ?? old.model,
      accessCode: device.accessCode ?? old.accessCode,
    };
  });
}
