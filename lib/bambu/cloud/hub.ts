import { randomBytes } from "node:crypto";
import { PrintgateError, toError } from "../../errors";
import type { LinkState } from "../../printer/link";
import { backoffMs, Endings } from "../backoff";
import { CloudConnection } from "./connection";
import type { CloudAccess } from "./types";

/** A printer that wants to be heard through the account's connection. */
export interface HubMember {
  readonly serial: string;
  /** Why it can not be heard at the moment; never `live`, which is `joined`. */
  state(state: LinkState): void;
  /** Its reports are subscribed to from now on. Called anew after each loss of the connection. */
  joined(): void;
  /** The bytes of one message on its `report` topic. */
  message(bytes: Buffer): void;
}

/** A member's place in the hub. */
export interface Seat {
  /** A frame to the printer, once, at QoS 0; false = there is no connection, and nothing is kept. */
  publish(frame: string): boolean;
  /** Idempotent. Ends at once; for the last member when the connection has said goodbye. */
  leave(): Promise<void>;
}

export interface CloudHub {
  /** The first member opens the connection, the last one to leave closes it. Members are called from later ticks only. */
  join(member: HubMember): Seat;
}

/**
 * One MQTT connection for all printers of an account: a connection each would be taken for a swarm, and a second one
 * under the same name would end the first.
 * @param options.backoff ms to wait after so many failures in a row
 */
export function cloudHub(access: CloudAccess, options: { backoff?: (failures: number) => number } = {}): CloudHub {
  return new Hub(access, options.backoff ?? backoffMs);
}

/** A printer whose topic the broker refused may be added to the account later. */
const REFUSED_RETRY_MS = 300_000;
/** So many connections in a row ended while this one printer's subscription was under way: it is what ends them. */
const STRIKES = 3;
/** What only a sign-in or other settings can mend. */
const STOPS: ReadonlySet<string> = new Set(["account-expired", "signed-out", "config-invalid"]);

/** The subscription of one serial, shared by whoever wants to hear it. */
interface Line {
  readonly serial: string;
  readonly members: Set<HubMember>;
  state: "wanted" | "asked" | "listening" | "refused";
  strikes: number;
  retryTimer: NodeJS.Timeout | null;
}

class Hub implements CloudHub {
  private readonly clientId = `printgate-${randomBytes(6).toString("hex")}`;
  private readonly lines = new Map<string, Line>();
  private readonly endings: Endings;
  private connection: CloudConnection | null = null;
  /** Epoch ms since when the connection is up; null = it is not. */
  private upSince: number | null = null;
  private state: LinkState = { kind: "closed" };
  private trouble: PrintgateError | null = null;
  private startTimer: NodeJS.Timeout | null = null;
  private forgetChanges: (() => void) | null = null;
  private closing: Promise<void> = Promise.resolve();

  constructor(
    private readonly access: CloudAccess,
    backoff: (failures: number) => number,
  ) {
    this.endings = new Endings(backoff);
  }

  join(member: HubMember): Seat {
    const { serial } = member;
    const line = this.lines.get(serial) ?? newLine(serial);
    line.members.add(member);
    this.lines.set(serial, line);
    if (this.state.kind === "closed") this.open();
    else
      setImmediate(() => {
        if (line.members.has(member)) this.greet(line, member);
      });
    return {
      publish: (frame) =>
        line.members.has(member) &&
        line.state === "listening" &&
        this.connection?.publish(`device/${serial}/request`, frame) === true,
      leave: () => this.leave(line, member),
    };
  }

  private open(): void {
    // Told when it starts.
    this.state = { kind: "connecting", after: null };
    this.forgetChanges = this.access.changed(() => {
      this.restart();
    });
    this.startIn(0);
  }

  /** An earlier connection says goodbye first: two under one name would be one too many. */
  private startIn(ms: number): void {
    this.startTimer = setTimeout(() => {
      void this.closing.then(() => {
        if (this.connection === null && this.state.kind === "connecting") this.start();
      });
    }, ms);
  }

  /** How a member that comes later stands. */
  private greet(line: Line, member: HubMember): void {
    if (this.state.kind !== "live") member.state(this.state);
    else if (line.state === "listening") member.joined();
    else if (line.state === "refused") member.state(notOurs(line.serial));
    else {
      member.state({ kind: "connecting", after: null });
      if (line.state === "wanted" && this.connection !== null) void this.ask(line, this.connection);
    }
  }

  private async leave(line: Line, member: HubMember): Promise<void> {
    if (!line.members.delete(member)) return;
    if (line.members.size > 0) return;
    this.drop(line);
    if (this.lines.size > 0) return;
    this.forgetChanges?.();
    this.forgetChanges = null;
    this.setState({ kind: "closed" });
    await this.hangUp();
  }

  private drop(line: Line): void {
    const { state } = line;
    forgive(line);
    this.lines.delete(line.serial);
    if (state !== "wanted") this.connection?.unsubscribe(reportsOf(line.serial));
  }

  /** Somebody has signed in or out, or the same sign-in is worth another try: whatever was is over. */
  private restart(): void {
    const waitMs = this.trouble?.code === "account-expired" ? this.endings.add(null).waitMs : 0;
    this.trouble = null;
    for (const line of this.lines.values()) if (line.state === "refused") forgive(line);
    void this.hangUp();
    this.setState({ kind: "connecting", after: null });
    this.startIn(waitMs);
  }

  private start(): void {
    this.startTimer = null;
    this.setState({ kind: "connecting", after: this.trouble });
    const connection: CloudConnection = new CloudConnection(this.access, this.clientId, {
      up: () => {
        this.onUp(connection);
      },
      message: (topic, bytes) => {
        this.onMessage(topic, bytes);
      },
      down: (reason) => {
        this.onDown(connection, reason);
      },
    });
    this.connection = connection;
    connection.start();
  }

  private onUp(connection: CloudConnection): void {
    this.upSince = Date.now();
    this.trouble = null;
    // Members hear of it line by line, when they are subscribed to.
    this.state = { kind: "live" };
    for (const line of this.lines.values()) if (line.state === "refused") tell(line, notOurs(line.serial));
    void this.askAll(connection);
  }

  /** All at once, and afterwards one by one those that were under way when earlier connections ended. */
  private async askAll(connection: CloudConnection): Promise<void> {
    const wanted = [...this.lines.values()].filter(({ state }) => state === "wanted");
    await Promise.all(wanted.filter(({ strikes }) => strikes === 0).map((line) => this.ask(line, connection)));
    for (const line of wanted.filter(({ strikes }) => strikes > 0)) await this.ask(line, connection);
  }

  private async ask(line: Line, connection: CloudConnection): Promise<void> {
    if (!this.isWaiting(line, connection)) return;
    line.state = "asked";
    try {
      await connection.subscribe(reportsOf(line.serial));
    } catch (thrown) {
      // A connection that ended meanwhile has said so itself.
      if (this.connection === connection && toError(thrown).code === "wrong-serial") this.refuse(line);
      return;
    }
    if (this.connection !== connection || this.lines.get(line.serial) !== line) return;
    line.state = "listening";
    line.strikes = 0;
    for (const member of [...line.members]) member.joined();
  }

  private isWaiting(line: Line, connection: CloudConnection): boolean {
    return this.connection === connection && this.lines.get(line.serial) === line && line.state === "wanted";
  }

  /** One printer that is not ours must not keep the others from being heard. */
  private refuse(line: Line): void {
    if (this.lines.get(line.serial) !== line) return;
    line.state = "refused";
    line.strikes = STRIKES - 1;
    line.retryTimer = setTimeout(() => {
      line.retryTimer = null;
      line.state = "wanted";
      if (this.state.kind === "live" && this.connection !== null) void this.ask(line, this.connection);
    }, REFUSED_RETRY_MS);
    tell(line, notOurs(line.serial));
  }

  private onMessage(topic: string, bytes: Buffer): void {
    const serial = /^device\/([^/]+)\/report$/.exec(topic)?.[1];
    const line = serial === undefined ? undefined : this.lines.get(serial);
    for (const member of line === undefined ? [] : [...line.members]) member.message(bytes);
  }

  private onDown(connection: CloudConnection, reason: PrintgateError): void {
    if (this.connection !== connection) return;
    this.connection = null;
    const sessionMs = this.upSince === null ? null : Date.now() - this.upSince;
    this.upSince = null;
    this.markSuspects();
    this.trouble = reason;
    if (STOPS.has(reason.code)) {
      this.setState({ kind: "stopped", reason });
      if (connection.loggedIn) this.access.refused();
      return;
    }
    const { waitMs } = this.endings.add(sessionMs);
    this.setState({ kind: "waiting", reason, retryInMs: waitMs });
    this.startTimer = setTimeout(() => {
      this.start();
    }, waitMs);
  }

  /** Some brokers answer a topic that is not allowed by hanging up, which looks like any other loss. */
  private markSuspects(): void {
    const under = [...this.lines.values()].filter(({ state }) => state === "asked");
    for (const line of this.lines.values()) if (line.state !== "refused") line.state = "wanted";
    for (const line of under) {
      line.strikes += 1;
      if (line.strikes >= STRIKES && under.length === 1) this.refuse(line);
    }
  }

  private setState(state: LinkState): void {
    this.state = state;
    if (state.kind === "closed") return;
    for (const line of [...this.lines.values()]) tell(line, state);
  }

  private hangUp(): Promise<void> {
    if (this.startTimer !== null) clearTimeout(this.startTimer);
    this.startTimer = null;
    const { connection } = this;
    this.connection = null;
    this.upSince = null;
    for (const line of this.lines.values()) if (line.state !== "refused") line.state = "wanted";
    if (connection !== null) this.closing = connection.close();
    return this.closing;
  }
}

const newLine = (serial: string): Line => ({
  serial,
  members: new Set(),
  state: "wanted",
  strikes: 0,
  retryTimer: null,
});

function tell(line: Line, state: LinkState): void {
  for (const member of [...line.members]) member.state(state);
}

/** Asked for anew at the next opportunity. */
function forgive(line: Line): void {
  if (line.retryTimer !== null) clearTimeout(line.retryTimer);
  line.retryTimer = null;
  line.state = "wanted";
  line.strikes = 0;
}

const reportsOf = (serial: string): string => `device/${serial}/report`;

function notOurs(serial: string): LinkState {
  const message = `the cloud does not let this account hear ${serial}: is the printer bound to the account, and the serial right?`;
  return {
    kind: "waiting",
    reason: new PrintgateError("account-refused", message),
    retryInMs: REFUSED_RETRY_MS,
  };
}
