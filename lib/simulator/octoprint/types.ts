/** What a simulated OctoPrint can be told and asked. */
import type { FaultPlace } from "../fault-board";
import type { Json } from "../json";
import type { Permission } from "./access";
import type { Fault } from "./faults";
import type { OctoprintRequest } from "./rest";
import type { RegisteredApp } from "./session-keys";

export interface VirtualOctoprintOptions {
  /** 127.0.0.1 */
  readonly host?: string;
  /** 0 = any free one, which is the default. */
  readonly port?: number;
  /** A path in front of everything, `/octoprint` say, as a proxy adds it; none by default. */
  readonly prefix?: string;
  /** HTTPS and WSS with a certificate for localhost and 127.0.0.1, signed by an authority of its own. */
  readonly tls?: boolean;
  /** Of the user `tester`, who may everything; an invented one by default. */
  readonly apiKey?: string;
  /** 1.11.8, or 1.3.12 where apps are registered. */
  readonly version?: string;
  /** `text` of /api/version; imitators say something else than `OctoPrint <version>`. */
  readonly versionText?: string;
  /** What the printer is called in the server's settings. */
  readonly name?: string;
  /** Printer seconds in a real second, 1. With 0 nothing moves but through `advance` and requests. */
  readonly timeScale?: number;
  /** Printer seconds that passing states (Starting, Pausing, Cancelling ..) last, 1; 0 = none. */
  readonly transitionSeconds?: number;
  /** Real time between two `current` of an unthrottled listener, ms, 500. */
  readonly currentIntervalMs?: number;
  /** Whether the printer is switched on and connected at the start, and again after a restart; true. */
  readonly connected?: boolean;
  /** Nozzles, 1. */
  readonly tools?: number;
  /** Whether there is a heated chamber; false. */
  readonly chamber?: boolean;
  /** What M115 answers; that of a Marlin by default. */
  readonly firmware?: Readonly<Record<string, string>>;
  /** Whether the plugin DisplayLayerProgress is installed; false. */
  readonly layerPlugin?: boolean;
  /** Whether the plugin Application Keys is there, and whether it limits how often it may be asked; "limited". */
  readonly appKeys?: "limited" | "unlimited" | "absent";
  /** Apps of the handshake at /apps/auth; without any the address does not exist, as on servers since 1.4.0. */
  readonly apps?: readonly RegisteredApp[];
  /** Epoch ms; for terms of keys and time stamps. */
  readonly now?: () => number;
}

export interface PrintOrder {
  /** File name; test.gcode */
  readonly name?: string;
  /** Printer minutes, 10. */
  readonly minutes?: number;
  /** 50 */
  readonly layers?: number;
}

export interface VirtualOctoprint {
  /** `http://127.0.0.1:port/prefix`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Of `tester`. */
  readonly apiKey: string;
  /** The authority of the certificate, PEM; "" without TLS. */
  readonly caPem: string;
  /** SHA-256 of the certificate, `AA:BB:..`; "" without TLS. */
  readonly fingerprint: string;
  /** Puts a file on the server, selects it and starts it; nothing unless the printer is idle. */
  startPrint(order?: PrintOrder): void;
  pause(): void;
  resume(): void;
  /** Somebody cancels: PrintCancelling, and a passing state later PrintCancelled and PrintFailed (cancelled). */
  cancel(): void;
  finish(): void;
  /**
   * The firmware reports an error. `emergency` (default): the server ends the job and closes the connection to the
   * printer. `cancel`: it only cancels the job, which is told like any cancel but for `firmwareError`.
   */
  fail(error?: string, consequence?: "emergency" | "cancel"): void;
  /** The server connects to the printer. */
  connectPrinter(): void;
  /** The server disconnects from the printer; a job that is on fails by that. */
  disconnectPrinter(): void;
  /** The printer is gone without a word: switched off, cable pulled. */
  losePrinter(error?: string): void;
  /** Lets that many printer seconds pass at once. */
  advance(printerSeconds: number): void;
  setTarget(heater: string, celsius: number): void;
  /** What the plugin Software Update knows; `error` = why it knows nothing. */
  setUpdate(latest: string, error?: string | null): void;
  /** Adds or replaces a user; the key is the one given or an invented one, which is the answer. */
  addUser(name: string, permissions: readonly Permission[], apiKey?: string): string;
  /** The user decides about the oldest request of that application (of any, where none is named); false = nothing waits. */
  decide(allowed: boolean, app?: string): boolean;
  /** Applications that wait for a decision. */
  readonly waitingApps: readonly string[];
  /** Takes an application's keys away. */
  revoke(app: string): boolean;
  /** Lays a fault over requests; the answer lifts it. */
  inject(fault: Fault, place?: FaultPlace): () => void;
  clearFaults(): void;
  /** Ends every session: listeners are told to log in again. */
  expireSessions(reason?: "stale" | "logout" | "removed" | "modified"): void;
  /** Cuts every push socket without a word. */
  cutSockets(): void;
  /** An event as if the server had fired it. */
  emit(type: string, payload: Json): void;
  /** So many events at once. */
  flood(count: number, type?: string): void;
  /** Any text, as it is, to every push socket. */
  publish(text: string): void;
  /** The server is gone: the port is closed. */
  stop(): Promise<void>;
  /** It is back on the same port. Users, application keys and files are kept; job, sessions and requests are lost. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Push sockets that are connected. */
  readonly sockets: number;
  /** Text of the state, "Operational" say. */
  readonly state: string;
  /** Names of the events that were fired, the last thousand. */
  readonly events: readonly string[];
  /** The last thousand requests, answered or not. */
  readonly requests: readonly OctoprintRequest[];
  /** Idempotent, ends within a second, leaves no timer and no socket. */
  close(): Promise<void>;
}
