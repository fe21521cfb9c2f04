import { PrintgateError } from "../errors";
import type { OctoprintClient, Reply } from "./client";
import { own, textOf } from "./wire";

/**
 * OctoPrint's Application Keys (since 1.3.10): we ask for a key, a person accepts in OctoPrint's own page, and the key is
 * handed out once. OctoPrint forgets a request that is not asked after for 5 s, and any after 10 minutes.
 */

/** A request that waits for somebody's decision. */
export interface KeyRequest {
  /** The page where the request is decided upon. */
  readonly page: string;
  /** The key; null while nobody has decided. @throws PrintgateError `account-refused` when it was denied or has run out, and what the client throws */
  poll(signal?: AbortSignal): Promise<string | null>;
}

export const POLL_EVERY_MS = 1000;
export const GIVE_UP_MS = 600_000;

const BASE = "plugin/appkeys";

/**
 * Asks for a key under the app's name. With `user` only that user is shown the request, and must decide.
 * @throws PrintgateError `not-supported` where the server has no Application Keys, `blocked` when asked too often, and what the client throws
 */
export async function requestAppKey(
  client: OctoprintClient,
  { app, user, signal }: { readonly app: string; readonly user?: string; readonly signal?: AbortSignal },
): Promise<KeyRequest> {
  const question = { key: null, ...(signal ? { signal } : {}) };
  const probe = await client.ask({ ...question, path: `${BASE}/probe`, accept: [404] });
  if (probe.status !== 204)
    throw new PrintgateError(
      "not-supported",
      "this OctoPrint hands out no keys by itself; make one in its settings and paste it",
    );
  const json = user === undefined || user === "" ? { app } : { app, user };
  const { body } = await client.ask({ ...question, method: "POST", path: `${BASE}/request`, json });
  const token = textOf(own(body, "app_token"));
  if (token === null || !/^[\w.~-]+$/.test(token))
    throw new PrintgateError("bad-answer", "OctoPrint took the request for a key, but names no number for it");
  // Releases before 1.8 have no page of their own for it: there it comes up in OctoPrint's.
  const hasPage = textOf(own(body, "auth_dialog")) !== null;
  return {
    page: new URL(hasPage ? `${BASE}/auth/${token}` : "", client.base).href,
    poll: async (pollSignal) => {
      const asked = {
        key: null,
        path: `${BASE}/request/${token}`,
        accept: [404],
        ...(pollSignal ? { signal: pollSignal } : {}),
      };
      return keyIn(await client.ask(asked));
    },
  };
}

function keyIn({ status, body }: Reply): string | null {
  if (status === 202) return null;
  if (status === 404)
    throw new PrintgateError("account-refused", "the request was denied in OctoPrint, or nobody decided in time");
  const key = textOf(own(body, "api_key"));
  if (key === null) throw new PrintgateError("bad-answer", "OctoPrint accepted, but gave no key");
  return key;
}
