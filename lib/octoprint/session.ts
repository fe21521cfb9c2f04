import { PrintgateError, toError } from "../errors";
import type { Command } from "../printer/commands";
import type { CommandReply, Link, LinkListener, Observation, SendOptions } from "../printer/link";
import { orderFor } from "./commands";
import { Connection, type Reach } from "./connection";
import { OctoprintReports } from "./reports";
import { waitMs } from "./waits";

export interface OctoprintOptions extends Pick<Reach, "url" | "keys" | "trust" | "answerMs"> {
  /** Without a word for so long, the printer counts as offline; OctoPrint is asked in good time before. */
  readonly staleAfterMs: number;
  /** How often REST is asked while the push socket can not be had, 5000. */
  readonly pollMs?: number;
  /** How long to wait after so many failures in a row; from a second, doubling, to five minutes. */
  readonly waitMs?: (failures: number) => number;
}

const POLL_MS = 5000;
const QUIET_MS = 30_000;

/** A printer behind OctoPrint: pictures over REST first, then its push socket; over REST again where that can not be had. */
export function octoprint(options: OctoprintOptions): Link {
  return new OctoprintSession(options);
}

/** What "Test connection" finds out. */
export interface Found {
  readonly observation: Observation;
  /** Of the server's certificate; null without TLS. */
  readonly fingerprint: string | null;
}

/**
 * Asks once who is there, and leaves.
 * @throws PrintgateError in words that name the trouble
 */
export async function probe(options: OctoprintOptions): Promise<Found> {
  const reports = new OctoprintReports();
  const nobody = {
    heard: () => undefined,
    missed: () => undefined,
    news: () => undefined,
    lost: () => undefined,
    warn: () => undefined,
  };
  const connection = new Connection(reachOf(options), reports, nobody);
  try {
    await connection.begin();
    return { observation: reports.observe(Date.now()), fingerprint: connection.fingerprint };
  } finally {
    await connection.close();
  }
}

function reachOf(options: OctoprintOptions): Reach {
  const { url, keys, trust, answerMs, staleAfterMs, pollMs = POLL_MS } = options;
  return {
    ...{ url, keys, trust, waitMs: options.waitMs ?? waitMs },
    pollMs: Math.min(pollMs, staleAfterMs / 2),
    quietMs: Math.min(QUIET_MS, staleAfterMs / 2),
    ...(answerMs === undefined ? {} : { answerMs }),
  };
}

/** Makes one connection after another, for as long as it is open. */
class OctoprintSession implements Link {
  readonly name = "octoprint";
  readonly vendor = "octoprint";
  private readonly reports = new OctoprintReports();
  private listener: LinkListener | null = null;
  private connection: Connection | null = null;
  private isLive = false;
  private retryTimer: NodeJS.Timeout | null = null;
  private trouble: PrintgateError | null = null;
  private failures = 0;
  private told: Observation | null = null;
  private readonly warned = new Set<string>();
  /** A connection on its way out. */
  private leaving: Promise<void> = Promise.resolve();

  constructor(private readonly options: OctoprintOptions) {}

  open(listener: LinkListener): void {
    this.listener = listener;
    this.retryIn(0);
  }

  async close(): Promise<void> {
    this.listener = null;
    if (this.retryTimer !== null) clearTimeout(this.retryTimer);
    this.retryTimer = null;
    const { connection } = this;
    this.connection = null;
    this.isLive = false;
    await Promise.all([this.leaving, connection?.close()]);
    this.reports.disconnected();
  }

  refresh(): void {
    this.connection?.refresh();
  }

  async send(command: Command, options: SendOptions): Promise<CommandReply> {
    // What can not be done at all is said first, connected or not.
    if (command.name !== "print" && command.name !== "refresh") orderFor(command, this.reports);
    if (this.connection === null) throw new PrintgateError("offline", "there is no connection to OctoPrint");
    try {
      return await this.connection.send(command, options);
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "account-refused") return { kind: "refused", code: 403, reason: error.message };
      throw error;
    }
  }

  private start(): void {
    this.retryTimer = null;
    const isCurrent = (): boolean => this.connection === connection;
    const connection: Connection = new Connection(reachOf(this.options), this.reports, {
      heard: () => {
        if (isCurrent()) this.report();
      },
      missed: () => {
        if (isCurrent()) this.listener?.missed?.();
      },
      news: () => {
        if (isCurrent() && this.isLive && this.reports.observe(Date.now()) !== this.told) this.report();
      },
      lost: (error) => {
        this.lost(connection, error);
      },
      warn: (words) => {
        if (isCurrent()) this.warn(words);
      },
    });
    this.connection = connection;
    this.listener?.state({ kind: "connecting", after: this.trouble });
    connection.begin().then(
      () => {
        if (!isCurrent()) return;
        this.isLive = true;
        this.trouble = null;
        this.failures = 0;
        this.warned.clear();
        this.listener?.state({ kind: "live" });
        this.report();
        connection.follow();
      },
      (thrown: unknown) => {
        this.lost(connection, toError(thrown));
      },
    );
  }

  /** What was heard just now, even if it is what was known: the printer is there. */
  private report(): void {
    this.told = this.reports.observe(Date.now());
    this.listener?.report(this.told);
  }

  /** The end of a connection, told once however many signs of it there are. */
  private lost(connection: Connection, error: PrintgateError): void {
    if (this.connection !== connection) return;
    this.connection = null;
    this.isLive = false;
    this.leaving = connection.close();
    if (error.code === "account-refused") this.options.keys.refused();
    this.reports.disconnected();
    this.warn(error.message);
    if (STOPS.has(error.code)) {
      this.listener?.state({ kind: "stopped", reason: error });
      return;
    }
    this.trouble = error;
    this.failures += 1;
    const retryInMs = (this.options.waitMs ?? waitMs)(this.failures);
    this.listener?.state({ kind: "waiting", reason: error, retryInMs });
    this.retryIn(retryInMs);
  }

  private retryIn(inMs: number): void {
    this.retryTimer = setTimeout(() => {
      this.start();
    }, inMs);
  }

  /** Each trouble once, not once per retry. */
  private warn(message: string): void {
    if (this.warned.has(message)) return;
    this.warned.add(message);
    this.listener?.warn(message);
  }
}

/** What only a change of the settings can mend. A key can be accepted again, and a permission given, on OctoPrint's side. */
const STOPS: ReadonlySet<string> = new Set(["config-invalid"]);
