/** A call as it comes, the reply, and what answering it takes. */
import type { AppKeys } from "../login/app-keys";
import type { Attempts } from "../login/attempts";
import type { Headers } from "../login/credentials";
import type { UserRow } from "../login/users";
import type { Action, AuthData, AuthResult, ClientInfo, Unknown } from "../provider";
import type { Request } from "../request";
import type { BodySource } from "./body";

export interface HttpRequest extends BodySource {
  readonly method: string;
  /** Below the mount point, without query: `/auth`. */
  readonly path: string;
  /** By lower-case name; a server that can should give each value by itself (Node.js: `headersDistinct`). */
  readonly headers: Headers;
  /** Of the caller. */
  readonly remoteAddress: string | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One call, for whoever keeps books. Holds no secret. */
export interface AuditRecord {
  readonly method: "auth" | "check" | "register" | "key" | "session";
  readonly result: "ok" | "rejected" | "continue" | "granted" | "denied" | "error";
  /** As far as it is known; of a rejected login what the client said of itself. */
  readonly client: ClientInfo | null;
  readonly action: Action | null;
  readonly reason: string;
  readonly seconds: number;
}

export interface HttpParts {
  readonly policy: {
    /** Never rejects. */
    auth(data: AuthData): Promise<AuthResult>;
    /** Never rejects; refuses invalid topics by itself. */
    ask(
      request: Request,
      unknown?: ReadonlySet<Unknown>,
    ): Promise<{ readonly result: "granted" | "denied" | "error"; readonly reason: string }>;
  };
  /** What `users` and `apps` say of somebody who is only named. */
  attributesOf(tenantId: string, userId: string): Readonly<Record<string, string>> | undefined;
  readonly appKeys: AppKeys;
  readonly attempts: Attempts;
  /** Absent: there is no registration. */
  readonly registration?: {
    /** Empty = nobody may register. */
    readonly secret: string;
    /** False = the name is taken. Rejects when the user could not be kept. */
    register(row: UserRow): Promise<boolean>;
  };
  /** Absent: there are no metrics. */
  readonly metrics?: { readonly contentType: string; text(): string };
  audit(record: AuditRecord): void;
}
