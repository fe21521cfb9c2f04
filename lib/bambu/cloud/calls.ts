import { PrintgateError } from "../../errors";
import { entriesOf, fieldsOf, type Fields, integerIn, numberOf, textOf } from "../values";
import type { CloudClient } from "./client";
import { type Tokens, tokensOf, uidInToken, uidOf } from "./tokens";

/** The calls of somebody who is signed in, apart from the list of printers. Paths: the Bambu protocol notes. */

/** What the cloud says of the person. */
export interface Profile {
  readonly uid: string | null;
  readonly account: string | null;
  readonly name: string | null;
  readonly firmwareBetaOpen: boolean;
}

interface By {
  readonly token: string;
  readonly by: "user" | "program";
}

/** The profile, and the second source of the user id where the token and the profile have none. */
export async function fetchWho(client: CloudClient, { token, by }: By): Promise<Profile> {
  const profile = await fetchProfile(client, { token, by });
  if (profile.uid !== null || uidInToken(token) !== null) return profile;
  return { ...profile, uid: await fetchPreferenceUid(client, token) };
}

export async function fetchProfile(client: CloudClient, { token, by }: By): Promise<Profile> {
  const call = { what: "your profile", method: "GET", at: "api", path: "/v1/user-service/my/profile", token } as const;
  const { body } = await client.ask({ ...call, by, payload: ["uid", "uidStr"] });
  const open = fieldsOf(body.setting).isFirmwareBetaOpen;
  return {
    uid: uidOf(body.uidStr) ?? uidOf(body.uid),
    account: textOf(body.account),
    name: textOf(body.name) ?? textOf(body.nickname) ?? textOf(body.nickName),
    firmwareBetaOpen: open === true || open === 1,
  };
}

/** The second place that knows the user id. */
export async function fetchPreferenceUid(client: CloudClient, token: string): Promise<string | null> {
  const path = "/v1/design-user-service/my/preference";
  const { body } = await client.ask({ what: "your user id", method: "GET", at: "api", path, token, payload: ["uid"] });
  return uidOf(body.uidStr) ?? uidOf(body.uid);
}

/** @throws PrintgateError also where the cloud gives no new token; the old one is as good as it was */
export async function refreshTokens(
  client: CloudClient,
  held: { readonly accessToken: string; readonly refreshToken: string; readonly now: () => number },
): Promise<Tokens> {
  const what = "a longer sign-in";
  const { body } = await client.ask({
    ...{ what, method: "POST", at: "api", path: "/v1/user-service/user/refreshtoken" },
    ...{ token: held.accessToken, body: { refreshToken: held.refreshToken }, payload: ["accessToken"] },
    // Many accounts get this for every refresh: it says nothing about the token itself.
    refusals: [{ status: 401, is: "account-refused", says: "the cloud does not prolong this sign-in" }],
  });
  const tokens = tokensOf(body, held.now());
  if (tokens === null)
    throw new PrintgateError("bad-answer", `the cloud's answer to the request for ${what} has no token`);
  return tokens;
}

export async function logout(client: CloudClient, token: string): Promise<void> {
  const call = { what: "signing out", method: "POST", at: "api", path: "/v1/user-service/my/logout", token } as const;
  // The member is spelt like this, and empty, in the vendor's own use.
  await client.ask({ ...call, body: { refreshtoken: "" } });
}

/** The catalogue entry of a printer as it was sent; null when the answer names no such printer. */
export async function fetchCatalogueEntry(
  client: CloudClient,
  asked: { readonly token: string; readonly serial: string; readonly uid: string | null; readonly tag: string },
): Promise<Readonly<Fields> | null> {
  const what = "the firmware catalogue";
  const { body } = await client.ask({
    ...{ what, method: "GET", at: "api", path: "/v1/iot-service/api/user/device/version" },
    ...{ query: { dev_id: asked.serial }, token: asked.token, payload: ["devices"] },
    // Sent since the maker's programs do, but nothing depends on it.
    headers: asked.uid === null ? {} : { "X-BBL-Client-ID": `slicer:${asked.uid}:${asked.tag}` },
  });
  const { devices } = body;
  if (devices !== undefined && devices !== null && !Array.isArray(devices))
    throw new PrintgateError("bad-answer", `the cloud's answer to the request for ${what} has no list of printers`);
  return entriesOf(devices).find((entry) => isSerial(entry.dev_id, asked.serial)) ?? null;
}

function isSerial(value: unknown, serial: string): boolean {
  return typeof value === "string" && value.trim().toUpperCase() === serial.toUpperCase();
}

export async function renameDevice(
  client: CloudClient,
  asked: { readonly token: string; readonly serial: string; readonly name: string },
): Promise<void> {
  await client.ask({
    ...{ what: "a new name", method: "PATCH", at: "api", path: "/v1/iot-service/api/user/device/info" },
    ...{ token: asked.token, body: { dev_id: asked.serial, dev_name: asked.name } },
  });
}

/** A job that went through the cloud. Times are ISO 8601 as the cloud wrote them. */
export interface CloudTask {
  readonly id: string;
  readonly title: string | null;
  readonly serial: string | null;
  /** 2 = finished, 3 = aborted or failed, 4 = current (source: the Bambu protocol notes); others are not known. */
  readonly status: number | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** The slicer's estimate, s and g. */
  readonly estimatedSeconds: number | null;
  readonly estimatedGrams: number | null;
}

/** Jobs of the account, newest first. Prints that never left the LAN are not among them. */
export async function fetchTasks(
  client: CloudClient,
  asked: { readonly token: string; readonly serial?: string; readonly limit?: number; readonly offset?: number },
): Promise<{ readonly total: number; readonly tasks: readonly CloudTask[] }> {
  const page = { limit: String(asked.limit ?? 20), offset: String(asked.offset ?? 0), status: "0" };
  const { body } = await client.ask({
    ...{ what: "the list of jobs", method: "GET", at: "api", path: "/v1/user-service/my/tasks", token: asked.token },
    ...{ query: asked.serial === undefined ? page : { ...page, deviceId: asked.serial }, payload: ["hits"] },
  });
  const tasks = entriesOf(body.hits).flatMap(taskOf);
  return { total: integerIn(body.total, 0, Number.MAX_SAFE_INTEGER) ?? tasks.length, tasks };
}

function taskOf(hit: Readonly<Fields>): readonly CloudTask[] {
  const id = uidOf(hit.id);
  if (id === null) return [];
  return [
    {
      id,
      title: textOf(hit.title) ?? textOf(hit.designTitle),
      serial: textOf(hit.deviceId)?.toUpperCase() ?? null,
      status: numberOf(hit.status),
      startedAt: textOf(hit.startTime),
      endedAt: textOf(hit.endTime),
      estimatedSeconds: numberOf(hit.costTime),
      estimatedGrams: numberOf(hit.weight),
    },
  ];
}
