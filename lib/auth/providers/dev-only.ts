import type { AuthProvider, Identity } from "../provider";

/**
 * BifroMQ's development mode: everybody is let in and may do everything. The user name says who one is. To be
 * used where nothing is at stake, and loudly.
 */

/** For the log and the status of whatever uses it. */
export const DEV_ONLY_WARNING = "dev-only: everybody is let in and may do everything";

const TENANT = "DevOnly";
const USER = "DevUser";

/** `T/U` is user U of tenant T; any other name is a user of "DevOnly"; without a name it is "DevUser". */
export function devIdentity(username: string | undefined): Identity {
  const [tenantId = "", userId = "", ...more] = (username ?? "").split("/");
  const isPair = more.length === 0 && tenantId !== "" && userId !== "";
  return isPair ? { tenantId, userId, attrs: {} } : { tenantId: TENANT, userId: username || USER, attrs: {} };
}

export function createDevOnlyProvider(): AuthProvider {
  const granted = { result: "granted", reason: "dev-only grants everything" } as const;
  return {
    auth: ({ username }) => Promise.resolve({ result: "ok", identity: devIdentity(username) }),
    extendedAuth: () =>
      Promise.resolve({ result: "rejected", code: "NotAuthorized", reason: "dev-only knows no extended login" }),
    checkPermission: () => Promise.resolve(granted),
    checkNow: () => granted,
    close: () => Promise.resolve(),
  };
}
