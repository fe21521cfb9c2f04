import type { IncomingMessage } from "node:http";
import WebSocket, { type RawData } from "ws";
import { PrintgateError, toError } from "../errors";
import { type Base, explain } from "./client";
import { LAYER_PLUGINS } from "./reports";
import type { Connections } from "./trust";
import { fieldsOf, isFields, own, textOf, type Fields } from "./wire";

/** What a push socket brings. */
export interface SocketListener {
  /** `current` or `history`: a picture of the printer. */
  picture(message: Fields): void;
  event(name: string, payload: Fields): void;
  plugin(plugin: string, data: unknown): void;
  /** A message that can not be used: what is wrong with it, never the message itself. */
  fault(words: string): void;
  /** The socket is over; called once, not after `close()`. */
  over(error: PrintgateError): void;
}

export interface SocketOptions {
  readonly base: Base;
  readonly connections: Connections;
  /**
   * Makes a session (a passive login) and gives `name:session`; null from releases that have none to give, whose sockets
   * need none.
   */
  login(): Promise<string | null>;
  readonly listener: SocketListener;
  /** `current` comes at most every so many half seconds. */
  readonly throttle: number;
  /** How long after the login the first picture may take: OctoPrint does not answer a login it does not accept. */
  readonly answerMs?: number;
}

const ANSWER_MS = 10_000;
/** Bytes; a history of half an hour of temperatures has some hundred thousand. */
const LARGEST_MESSAGE = 4 * 1024 * 1024;
const CLOSE_MS = 1000;
const MOST_REPEATS = 3;

/** Events that the reports look at; all others stay where they are. */
const EVENTS = [
  "PrintStarted",
  "PrintPaused",
  "PrintResumed",
  "PrintCancelling",
  "PrintCancelled",
  "PrintFailed",
  "PrintDone",
  "Connected",
  "Disconnected",
  "Error",
  "FirmwareData",
] as const;

/** In this order: what is not subscribed to before the login is not sent after it. */
const SUBSCRIPTION = {
  subscribe: { state: { logs: false, messages: false }, events: EVENTS, plugins: [...LAYER_PLUGINS, "softwareupdate"] },
};

/** OctoPrint's push socket, unframed: one JSON object a message. Closed by whoever opened it. */
export class PushSocket {
  private readonly socket: WebSocket;
  private answerTimer: NodeJS.Timeout | null = null;
  private open = true;
  private answered = false;
  /** Logins one after the other; a session can go stale while another one is being made. */
  private authorising = false;
  /** How often a session was asked for since the last picture. */
  private repeats = 0;

  constructor(private readonly options: SocketOptions) {
    const { base, connections } = options;
    const url = new URL("sockjs/websocket", base);
    url.protocol = base.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(url, {
      agent: connections.agent,
      handshakeTimeout: ANSWER_MS,
      maxPayload: LARGEST_MESSAGE,
      followRedirects: false,
      // Messages are short and the server is small.
      perMessageDeflate: false,
    });
    this.socket.on("open", () => {
      this.begin();
    });
    this.socket.on("message", (data, isBinary) => {
      if (this.open) this.read(isBinary ? null : textOfData(data));
    });
    this.socket.on("unexpected-response", (_request, response: IncomingMessage) => {
      response.resume();
      this.end(refusal(response.statusCode ?? 0));
    });
    this.socket.on("error", (error) => {
      if ("code" in error && String(error.code).startsWith("WS_ERR_"))
        this.end(new PrintgateError("bad-answer", `OctoPrint pushed what can not be read (${String(error.code)})`));
      else this.end(explain(error, { where: base.host, key: null }));
    });
    this.socket.on("close", () => {
      this.end(new PrintgateError("link-lost", "OctoPrint closed the push connection"));
    });
  }

  /** True since the first picture came. */
  get isAnswered(): boolean {
    return this.answered;
  }

  /** Idempotent; ends within a second, after it nothing is called any more. */
  close(): Promise<void> {
    this.open = false;
    this.clearTimer();
    const { socket } = this;
    if (socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        socket.terminate();
      }, CLOSE_MS);
      socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      socket.close();
    });
  }

  /** Logs in (anew): at the beginning, when OctoPrint asks for it, and when the key was renewed. */
  authorise(): void {
    if (this.authorising || !this.open) return;
    this.authorising = true;
    this.options
      .login()
      .then((session) => {
        this.authorising = false;
        if (this.open && session !== null) this.send({ auth: session });
      })
      .catch((thrown: unknown) => {
        this.authorising = false;
        this.end(toError(thrown));
      });
  }

  private begin(): void {
    this.send(SUBSCRIPTION);
    this.send({ throttle: this.options.throttle });
    this.awaitAnswer();
    this.authorise();
  }

  /** OctoPrint no longer knows our session. One that it forgets at once, again and again, is no use. */
  private authoriseAnew(): void {
    this.repeats += 1;
    if (this.repeats > MOST_REPEATS)
      this.end(new PrintgateError("account-refused", "OctoPrint forgets our session as soon as it is made"));
    else this.authorise();
  }

  private awaitAnswer(): void {
    this.clearTimer();
    this.answerTimer = setTimeout(() => {
      this.end(new PrintgateError("account-refused", "OctoPrint opened the push connection, but says nothing on it"));
    }, this.options.answerMs ?? ANSWER_MS);
  }

  private read(text: string | null): void {
    let message: unknown;
    try {
      message = text === null ? null : JSON.parse(text);
    } catch {
      message = null;
    }
    if (!isFields(message)) {
      this.options.listener.fault("a push message that is no JSON object");
      return;
    }
    for (const kind of Object.keys(message)) this.hand(kind, message[kind]);
  }

  private hand(kind: string, content: unknown): void {
    const { listener } = this.options;
    if (!this.open || !KINDS.has(kind)) return;
    if (!isFields(content)) {
      listener.fault("a push message of the wrong type");
      return;
    }
    switch (kind) {
      case "history":
      case "current":
        this.answered = true;
        this.repeats = 0;
        this.clearTimer();
        listener.picture(content);
        return;
      case "event":
        listener.event(textOf(own(content, "type")) ?? "", fieldsOf(own(content, "payload")));
        return;
      case "plugin":
        listener.plugin(textOf(own(content, "plugin")) ?? "", own(content, "data"));
        return;
      case "reauthRequired":
        this.authoriseAnew();
    }
  }

  private send(message: object): void {
    if (this.open && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private end(error: PrintgateError): void {
    if (!this.open) return;
    this.open = false;
    this.clearTimer();
    this.socket.terminate();
    this.options.listener.over(error);
  }

  private clearTimer(): void {
    if (this.answerTimer !== null) clearTimeout(this.answerTimer);
    this.answerTimer = null;
  }
}

const KINDS: ReadonlySet<string> = new Set(["history", "current", "event", "plugin", "reauthRequired"]);

function refusal(status: number): PrintgateError {
  return new PrintgateError(
    "bad-answer",
    `the push connection was refused (${status}); does a proxy let WebSockets pass?`,
  );
}

function textOfData(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString("utf8");
  return Array.isArray(data) ? Buffer.concat(data).toString("utf8") : Buffer.from(data).toString("utf8");
}
