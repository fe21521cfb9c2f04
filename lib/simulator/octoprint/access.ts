/** Who may do what: users, API keys, permissions, sessions. Source: OctoPrint 1.11.8 as it was observed. */
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { JsonObject } from "../json";

export const PERMISSIONS = [
  "ADMIN",
  "STATUS",
  "CONNECTION",
  "WEBCAM",
  "SYSTEM",
  "FILES_LIST",
  "FILES_UPLOAD",
  "FILES_DOWNLOAD",
  "FILES_DELETE",
  "FILES_SELECT",
  "PRINT",
  "MONITOR_TERMINAL",
  "CONTROL",
  "SETTINGS_READ",
  "SETTINGS",
  "PLUGIN_APPKEYS_ADMIN",
  "PLUGIN_APPKEYS_GRANT",
  "PLUGIN_SOFTWAREUPDATE_CHECK",
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** What the group `readonly` may. */
export const READ_ONLY: readonly Permission[] = [
  "STATUS",
  "WEBCAM",
  "FILES_LIST",
  "FILES_DOWNLOAD",
  "MONITOR_TERMINAL",
  "SETTINGS_READ",
];

export interface OctoprintUser {
  readonly name: string;
  readonly apiKey: string;
  readonly permissions: readonly Permission[];
}

/** Keys and tokens are opaque strings of this shape. */
export const makeToken = (): string => randomBytes(32).toString("base64url");

export class AccessDesk {
  private readonly users = new Map<string, OctoprintUser>();
  /** Application keys: key -> user name and application. */
  private readonly appKeys = new Map<string, { readonly user: string; readonly app: string }>();
  private sessions = new Map<string, string>();

  /** `isSessionKey` knows the keys of the old app handshake, which may everything. */
  constructor(private readonly isSessionKey: (key: string) => boolean) {}

  /** Replaces the user of that name. */
  put(user: OctoprintUser): void {
    this.users.set(user.name, user);
  }

  get(name: string): OctoprintUser | undefined {
    return this.users.get(name);
  }

  /** The user whose key it is, his own one or one of an application. */
  ofKey(key: string): OctoprintUser | null {
    if (key === "") return null;
    const own = [...this.users.values()].find(({ apiKey }) => apiKey === key);
    if (own !== undefined) return own;
    const app = this.appKeys.get(key);
    if (app !== undefined) return this.users.get(app.user) ?? null;
    return this.isSessionKey(key) ? { name: "_api", apiKey: key, permissions: PERMISSIONS } : null;
  }

  /** A query argument goes before the header X-Api-Key, and that before a bearer token. */
  identify(headers: IncomingHttpHeaders, query: URLSearchParams): OctoprintUser | null {
    const header = headers["x-api-key"];
    const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? "")?.[1];
    return this.ofKey(query.get("apikey") ?? (typeof header === "string" ? header : bearer) ?? "");
  }

  /** The key of the application, the same one as before where there is one. */
  grant(user: string, app: string): string {
    const known = [...this.appKeys].find(
      ([, entry]) => entry.user === user && entry.app.toLowerCase() === app.toLowerCase(),
    );
    if (known !== undefined) return known[0];
    const key = makeToken();
    this.appKeys.set(key, { user, app });
    return key;
  }

  /** All keys of that application; false where there is none. */
  revoke(app: string): boolean {
    const keys = [...this.appKeys].filter(([, entry]) => entry.app.toLowerCase() === app.toLowerCase());
    for (const [key] of keys) this.appKeys.delete(key);
    return keys.length > 0;
  }

  listAppKeys(): JsonObject[] {
    return [...this.appKeys.values()].map(({ user, app }) => ({ app_id: app, user_id: user }));
  }

  /** A passive login. */
  openSession(user: OctoprintUser): string {
    const session = randomBytes(32).toString("hex");
    this.sessions.set(session, user.name);
    return session;
  }

  /** The user of a socket's `name:session`. A name that holds a colon can not log in. */
  ofSession(auth: string): OctoprintUser | null {
    const parts = auth.split(":");
    const [name = "", session = ""] = parts;
    if (parts.length !== 2 || this.sessions.get(session) !== name) return null;
    return this.users.get(name) ?? (name === "_api" ? { name, apiKey: "", permissions: PERMISSIONS } : null);
  }

  dropSessions(): void {
    this.sessions = new Map();
  }
}

export const may = (user: OctoprintUser | null, permission: Permission): boolean =>
  user?.permissions.includes(permission) ?? false;

/** `/api/currentuser`; a guest where nobody is. */
export function encodeUser(user: OctoprintUser | null): JsonObject {
  if (user === null) return { groups: ["guests"], name: null, permissions: [] };
  return { groups: groupsOf(user), name: user.name, permissions: [...user.permissions] };
}

export const groupsOf = ({ permissions }: OctoprintUser): string[] =>
  permissions.includes("ADMIN") ? ["admins", "users"] : ["readonly"];
