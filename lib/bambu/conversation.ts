import { PrintgateError } from "../errors";
import type { FirmwareWord } from "../printer/firmware";
import type { Observation } from "../printer/link";
import { type Accepted, FAULT_WORDS, type Fault, type Known, PrinterReports } from "./frames";
import { type RequestName, requestFrame, sequenceIds } from "./requests";

/** A printer's answer to a request: matched by section, command and sequence id. */
export type Reply = Extract<Accepted, { kind: "reply" }>;

/** Who waits for answers to what was said. */
export interface ReplyListener {
  reply(reply: Reply): void;
  /** A report came; what it says of an answer is told before. */
  report?(observation: Observation): void;
  /** The connection is gone: no answer will come any more. */
  ended(reason: PrintgateError): void;
}

/** What a conversation needs of whoever holds the connection, and what it tells. */
export interface Talk {
  /** Hands a frame for `device/<serial>/request` over once, at QoS 0; false = there is no connection, and nothing is kept. */
  publish(frame: string): boolean;
  report(observation: Observation): void;
  warn(message: string): void;
  /** The printer was silent for too long, was asked to go on, and is silent still. */
  silent(reason: PrintgateError): void;
  /** The cloud says whether the printer's own connection is up. */
  presence?(online: boolean): void;
}

/** A full report costs a P1 or A1 dear: beyond the one after connecting, not more often than this. */
const PUSH_ALL_EVERY_MS = 300_000;
/** A full report comes within a second or two after it was asked for, or was lost. */
const ANSWER_MS = 5000;
/** How often a printer that reports is asked for its versions again. */
const VERSION_TRIES = 5;
/** The answer to a short question comes sooner; half of the time that a printer may be away before that is news. */
const QUESTION_MS = 2500;
/** After it asked a silent printer to go on, how long it waits before it gives the connection up. */
const REVIVE_MS = 30_000;

/**
 * What is said between us and one printer, whichever way it goes: the LAN and the cloud carry the same frames. It lives
 * as long as its link, over all the link's connections. Owner of its timers; `end` releases them.
 */
export class Conversation {
  private readonly reports: PrinterReports;
  private readonly nextId = sequenceIds();
  private readonly listeners = new Set<ReplyListener>();
  private readonly faults = new Map<Fault, number>();
  private lastPushAllAt = Number.NEGATIVE_INFINITY;
  private beganAt = 0;
  /** Epoch ms; null = nothing was heard since it began. */
  private lastReportAt: number | null = null;
  /** Epoch ms at which the printer was asked to go on. */
  private revivedAt: number | null = null;
  private complete = false;
  /** What it last said of updates. */
  private word: FirmwareWord | null = null;
  /** The sequence id of a question whose answer divides what was under way before from what is said now. */
  private divider: string | null = null;
  /** That answer is overdue. What comes has to do, and may be old. */
  private doubtful = false;
  private silenceTimer: NodeJS.Timeout | null = null;
  /** Runs out when the answer that is due does not come: to the divider, then the full report. */
  private answerTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly options: { readonly serial: string; readonly staleAfterMs: number },
    private readonly talk: Talk,
  ) {
    this.reports = new PrinterReports({ serial: options.serial });
  }

  /** A connection is made, or the printer has one of its own anew: nothing is `complete` until the first full report. */
  reset(): void {
    this.beganAt = Date.now();
    this.lastReportAt = this.revivedAt = null;
    this.complete = this.doubtful = false;
    this.divider = null;
    this.reports.reconnected();
  }

  /** So long ago that what was heard then is worth nothing. */
  forget(): void {
    this.reports.forget();
  }

  /** The printer can be asked now: asks for its versions and its whole state once, and watches that it goes on talking. */
  begin(): void {
    this.request("getVersion");
    this.askForAll();
  }

  private askForAll(): void {
    this.clearTimers();
    this.request("pushAll");
    this.armSilenceTimer(this.options.staleAfterMs);
    this.answerTimer = setTimeout(() => {
      this.answerTimer = null;
      const observation = this.complete ? null : this.reports.settle(Date.now());
      // What was known before this connection is no report of the printer's.
      if (observation !== null && this.lastReportAt !== null) this.talk.report(observation);
      this.missVersions(VERSION_TRIES);
    }, ANSWER_MS);
  }

  /** A printer that has just been switched on answers with an empty list, or not at all. */
  private missVersions(tries: number): void {
    if (tries === 0 || this.reports.knowsVersions) return;
    if (this.lastReportAt !== null) this.request("getVersion");
    this.answerTimer = setTimeout(() => {
      this.answerTimer = null;
      this.missVersions(tries - 1);
    }, ANSWER_MS);
  }

  /**
   * As `begin`, where reports may be under way that the printer sent long ago: through a cloud that takes its time, or
   * over a connection that stood still for a while. What comes before the printer's answer to a first question is old.
   */
  renew(): void {
    this.clearTimers();
    this.reset();
    this.divider = this.request("getVersion");
    this.answerTimer = setTimeout(() => {
      // It answers no questions, perhaps not the next one either: what it said meanwhile may be all there is.
      const { lastReportAt, divider } = this;
      this.catchUp();
      this.lastReportAt = lastReportAt;
      this.divider = divider;
      this.doubtful = true;
      this.reports.reconnected({ doubtful: true });
    }, QUESTION_MS);
  }

  private catchUp(): void {
    this.reset();
    this.askForAll();
  }

  /** Nothing will be heard for now. Who waits for an answer is told; idempotent. */
  end(reason: PrintgateError): void {
    this.clearTimers();
    for (const listener of [...this.listeners]) listener.ended(reason);
  }

  /** What is known of the printer at this moment. */
  get known(): Known {
    return this.reports.known;
  }

  /** Takes the bytes of one message on `device/<serial>/report`. */
  hear(bytes: Buffer): void {
    const now = Date.now();
    let answered = false;
    for (const accepted of this.reports.accept(bytes, now)) {
      answered ||= this.divider !== null && accepted.kind === "reply" && accepted.sequenceId === this.divider;
      this.onAccepted(accepted, now);
    }
    if (answered) this.catchUp();
  }

  /** Asks for the whole state, unless that was done less than five minutes ago. */
  refresh(): void {
    if (Date.now() - this.lastPushAllAt >= PUSH_ALL_EVERY_MS) this.request("pushAll");
  }

  /**
   * Says something once.
   * @param frame makes the frame around a fresh sequence id
   * @returns the id that the answer will carry; null = there is no connection, and nothing was or will be said
   */
  say(frame: (sequenceId: string) => string): string | null {
    const id = this.nextId();
    return this.talk.publish(frame(id)) ? id : null;
  }

  /** Hears the answers of the printer to anything that was said; the result ends that. */
  listen(listener: ReplyListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private request(name: RequestName): string | null {
    const id = this.say((sequenceId) => requestFrame(name, sequenceId));
    if (id !== null && name === "pushAll") this.lastPushAllAt = Date.now();
    return id;
  }

  private onAccepted(accepted: Accepted, now: number): void {
    switch (accepted.kind) {
      case "report":
        this.lastReportAt = now;
        this.revivedAt = null;
        if (this.divider !== null && !this.doubtful) return;
        this.complete ||= accepted.observation.complete;
        this.heedUpdates(accepted.observation.firmware);
        this.talk.report(accepted.observation);
        for (const listener of [...this.listeners]) listener.report?.(accepted.observation);
        return;
      case "fault":
        this.countFault(accepted.fault);
        return;
      case "reply":
        for (const listener of [...this.listeners]) listener.reply(accepted);
        return;
      case "presence":
        this.talk.presence?.(accepted.online);
        return;
      case "ignored":
    }
  }

  /** An update is installed or gone: an AMS gets its without the printer's going away, so the versions are asked for anew. */
  private heedUpdates(word: FirmwareWord): void {
    const before = this.word;
    this.word = word;
    if (before === null || before === word) return;
    if ((before.updating && !word.updating) || (before.says === "offered" && word.says === "none"))
      this.request("getVersion");
  }

  /** Once per kind: a printer that sends one bad frame usually sends many. */
  private countFault(fault: Fault): void {
    const count = (this.faults.get(fault) ?? 0) + 1;
    this.faults.set(fault, count);
    if (count === 1) this.talk.warn(`${this.options.serial} sent a report ${FAULT_WORDS[fault]} passed over`);
  }

  private armSilenceTimer(inMs: number): void {
    this.silenceTimer = setTimeout(() => {
      this.silenceTimer = null;
      this.checkSilence();
    }, inMs);
  }

  /** Some firmware goes on holding a connection it no longer feeds. First it is asked, then it is left. */
  private checkSilence(): void {
    const { staleAfterMs } = this.options;
    const now = Date.now();
    // A clock that was set back must not make the silence last until it has caught up.
    const since = Math.min(this.lastReportAt ?? this.beganAt, now);
    if (this.lastReportAt !== null) this.lastReportAt = since;
    else this.beganAt = since;
    const left = since + staleAfterMs - now;
    if (left > 0) {
      this.armSilenceTimer(left);
    } else if (this.revivedAt === null) {
      this.revivedAt = now;
      this.request("startPushing");
      this.armSilenceTimer(Math.min(staleAfterMs, REVIVE_MS));
    } else {
      const never = this.lastReportAt === null ? "; is the serial right?" : "";
      this.talk.silent(new PrintgateError("silent", `connected, but the printer sends no reports${never}`));
    }
  }

  private clearTimers(): void {
    for (const timer of [this.silenceTimer, this.answerTimer]) if (timer !== null) clearTimeout(timer);
    this.silenceTimer = this.answerTimer = null;
  }
}
