import { scryptSync } from "node:crypto";
import { type AppKeysOptions, createAppKeys } from "../../lib/auth/login/app-keys";
import { parseApps } from "../../lib/auth/login/app-keys-apps";
import { createAttempts } from "../../lib/auth/login/attempts";
import { createLogins } from "../../lib/auth/login/login";
import { createHasher, formatPasswordHash } from "../../lib/auth/login/passwords";
import type { AuthData, ExtendedAuthData, Mqtt3AuthData } from "../../lib/auth/provider";
import { parseUsers } from "../../lib/auth/login/users";
import { createUsers } from "../../lib/auth/login/users-directory";
import { makeApp } from "./auth-apps";

/** A PHC string that costs nothing. */
export function cheapHash(password: string, salt = "0123456789abcdef"): string {
  const key = scryptSync(password, salt, 32, { N: 16, r: 1, p: 1 });
  return formatPasswordHash({ ln: 4, r: 1, p: 1, salt: Buffer.from(salt), key });
}

/** What anna's client shows in MQTT 3. */
export const ANNA: Mqtt3AuthData = {
  version: "3",
  isMQIsdp: false,
  username: "anna",
  password: Buffer.from("secret"),
  clientId: "c1",
  remoteAddr: "192.0.2.5",
  remotePort: 50000,
  channelId: "ch",
};

export const kiosk = makeApp("org.example.kiosk", "2.1");

/** One user (anna, password secret) and one app (kiosk) behind what judges logins. */
export function loginParts(more: { users?: object[]; appKeys?: Partial<AppKeysOptions> } = {}) {
  const { rows } = parseUsers([
    {
      username: "anna",
      passwordHash: cheapHash("secret"),
      tenantId: "home",
      userId: "u1",
      // The reserved names and __proto__ are what an attribute would forge.
      attrs: JSON.parse('{"roles":"admin","clientId":"forged","sessionType":"p","__proto__":"forged"}') as object,
    },
    ...(more.users ?? []),
  ]);
  const users = createUsers({ rows, hasher: createHasher({ cost: { ln: 4, r: 1, p: 1 } }) });
  const apps = parseApps([{ ...kiosk.row, tenantId: "home", userId: "kiosk", attrs: { roles: "app" } }], {
    minModulusBits: 1024,
  });
  const appKeys = createAppKeys({ apps: apps.rows, sessionSeconds: 7200, ...more.appKeys });
  const logins = createLogins({ users, appKeys });
  const clock = { now: 0 };
  return {
    users,
    appKeys,
    clock,
    attempts: createAttempts(undefined, () => clock.now),
    policy: {
      auth: (data: AuthData) => logins.login(data),
      extendedAuth: (data: ExtendedAuthData) => logins.extended(data),
    },
  };
}
