import WebSocket from "ws";
import {
  startVirtualOctoprint,
  type VirtualOctoprint,
  type VirtualOctoprintOptions,
} from "../../../lib/simulator/octoprint/virtual-octoprint";
import { until } from "../../support/wait";

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly location: string | null;
  readonly text: string;
  readonly json: any;
}

/** One HTTP request, without any code of ours between. `key` null = none. */
export async function call(
  octoprint: VirtualOctoprint,
  method: string,
  path: string,
  body?: unknown,
  key: string | null = octoprint.apiKey,
  headers: Record<string, string> = {},
): Promise<Reply> {
  // A connection that is kept could be the one that a restart of the server has just ended.
  const sent: Record<string, string> = {
    Connection: "close",
    ...(key === null ? {} : { "X-Api-Key": key }),
    ...headers,
  };
  const raw = body instanceof FormData || typeof body === "string" || body === undefined;
  if (!raw) sent["Content-Type"] = "application/json";
  const response = await fetch(octoprint.url + path, {
    method,
    headers: sent,
    body: raw ? (body ?? null) : JSON.stringify(body),
    redirect: "manual",
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  const json: unknown = type.startsWith("application/json") ? JSON.parse(text) : null;
  return { status: response.status, type, location: response.headers.get("location"), text, json };
}

/** A multipart form with a file and other fields. */
export function form(name: string, text: string, fields: Record<string, string> = {}): FormData {
  const data = new FormData();
  data.append("file", new Blob([text]), name);
  for (const [field, value] of Object.entries(fields)) data.append(field, value);
  return data;
}

/** A push socket that keeps what comes. */
export class Listener {
  readonly messages: Record<string, any>[] = [];
  closed = false;

  private constructor(readonly socket: WebSocket) {
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
    });
    socket.on("message", (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString("utf8")) as Record<string, any>);
    });
  }

  static async open(octoprint: VirtualOctoprint): Promise<Listener> {
    const listener = new Listener(new WebSocket(`${octoprint.url.replace(/^http/, "ws")}/sockjs/websocket`));
    await until("the server says hello", () => listener.of("connected").length > 0);
    return listener;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** What came under that name. */
  of(kind: string): any[] {
    return this.messages.filter((message) => kind in message).map((message) => message[kind] as unknown);
  }

  get events(): string[] {
    return this.of("event").map(({ type }: { type: string }) => type);
  }

  /** Texts of the states that `current` told, repeats left out. */
  get states(): string[] {
    const texts = this.of("current").map(({ state }: { state: { text: string } }) => state.text);
    return texts.filter((text, index) => text !== texts[index - 1]);
  }

  get last(): any {
    return this.of("current").at(-1);
  }
}

/** Starts servers and listeners for one test and puts them away afterwards. */
export class OctoBench {
  private readonly servers: VirtualOctoprint[] = [];
  private readonly listeners: Listener[] = [];

  /** A server whose time stands still unless the test moves it, and whose `current` come quickly. */
  async server(options: VirtualOctoprintOptions = {}): Promise<VirtualOctoprint> {
    const server = await startVirtualOctoprint({ timeScale: 0, currentIntervalMs: 5, ...options });
    this.servers.push(server);
    return server;
  }

  /** A socket that nobody logged in on. */
  async socket(octoprint: VirtualOctoprint): Promise<Listener> {
    const listener = await Listener.open(octoprint);
    this.listeners.push(listener);
    return listener;
  }

  /** A socket that is logged in and hears everything. */
  async listener(octoprint: VirtualOctoprint, subscribe?: unknown): Promise<Listener> {
    const listener = await this.socket(octoprint);
    if (subscribe !== undefined) listener.send({ subscribe });
    listener.send({ auth: await session(octoprint) });
    await until("the login is taken", () => listener.of("timelapse").length > 0);
    return listener;
  }

  async clear(): Promise<void> {
    for (const { socket } of this.listeners.splice(0)) socket.terminate();
    await Promise.all(this.servers.splice(0).map((server) => server.close()));
  }
}

/** `name:session` after a passive login. */
export async function session(octoprint: VirtualOctoprint, key = octoprint.apiKey): Promise<string> {
  const { json } = await call(octoprint, "POST", "/api/login", { passive: true }, key);
  return `${json.name as string}:${json.session as string}`;
}
