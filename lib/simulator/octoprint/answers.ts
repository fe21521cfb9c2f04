/** How the simulated OctoPrint reads requests and words answers. Source: OctoPrint 1.11.8 as it was observed. */
import type { IncomingHttpHeaders } from "node:http";
import type { Json } from "../json";
import type { AccessDesk, OctoprintUser, Permission } from "./access";
import type { AppKeyDesk } from "./app-keys";
import type { FileShelf } from "./files";
import type { OctoprintMachine } from "./machine";
import type { SessionKeyDesk } from "./session-keys";

/** What the routes work on. */
export interface OctoprintCore {
  readonly version: string;
  /** `text` of /api/version. */
  readonly versionText: string;
  readonly name: string;
  readonly machine: OctoprintMachine;
  readonly files: FileShelf;
  readonly access: AccessDesk;
  /** null = the plugin is not installed. */
  readonly appKeys: AppKeyDesk | null;
  /** null = the server is too new for them. */
  readonly sessionKeys: SessionKeyDesk | null;
  /** Whether DisplayLayerProgress is installed. */
  readonly layerPlugin: boolean;
  /** The server's own update, as the plugin Software Update sees it. */
  readonly update: { readonly latest: string; readonly error: string | null };
  /** Serial ports; the first one has the printer. */
  readonly ports: readonly string[];
  emit(type: string, payload: Json): void;
  /** Epoch ms. */
  now(): number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string goes out as a web page, null as nothing. */
  readonly body: Json;
}

/** A request that was let in. */
export interface Call {
  readonly core: OctoprintCore;
  readonly user: OctoprintUser | null;
  /** What the pattern of the path has in brackets, decoded. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The members of a JSON body; empty where there is none. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
  /** The server's address as the client called it, prefix included. */
  readonly base: string;
}

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: RegExp;
  readonly permission?: Permission;
  /** Anybody may post, without a key and without the token of a browser session. */
  readonly open?: true;
  /** Demands a JSON body. */
  readonly json?: true;
  /** Asked before anything is read: an answer here is the last word. */
  readonly admit?: (core: OctoprintCore) => Answer | null;
  readonly run: (call: Call) => Answer;
}

export const answer = (body: Json, status = 200): Answer => ({ status, body });
export const refusal = (status: number, error: string): Answer => ({ status, body: { error } });
export const DONE: Answer = { status: 204, body: null };

export const NOT_FOUND = refusal(404, "There is nothing at this address.");
/** The same for addresses of pages and of plugins that are not there. */
export const NO_PAGE: Answer = { status: 404, body: "<!doctype html><title>404</title><h1>Not here</h1>" };
export const FORBIDDEN = refusal(403, "This needs a permission that you do not have.");
export const NO_CSRF_TOKEN = refusal(400, "CSRF validation failed");
export const NOT_OPERATIONAL = refusal(409, "Printer is not operational");
