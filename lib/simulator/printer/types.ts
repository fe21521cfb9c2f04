/** What a virtual printer can be told and asked. */
import type { PrinterCertificate } from "./certificate";
import type { FirmwareOffer } from "./machine/firmware";
import type { CancelOrder } from "./machine/machine";
import type { PrinterProfile } from "./machine/profiles";
import type { PrintOrder } from "./machine/state";
import type { React } from "./reactions";
import type { ReceivedRequest } from "./request-desk";
import type { SideDoors } from "./side-doors";
import type { StateChange, Uplink, UplinkSink } from "./uplink";

export interface VirtualPrinterOptions {
  /** Marketing name, in any case: P1S, P1P, X1C, X1, A1, A1 mini, P2S, H2D, H2S. */
  readonly model: string;
  /** Topic level and certificate name: letters, digits, `-`, `_`, `.`. */
  readonly serial: string;
  readonly accessCode: string;
  /** 127.0.0.1 */
  readonly host?: string;
  /** 0 = any free one, which is the default. */
  readonly port?: number;
  /** Of its file server and its camera, likewise. */
  readonly ftpPort?: number;
  readonly cameraPort?: number;
  /** Printer seconds in a real second, 1. With 0 nothing moves or is reported but through `advance` and requests. */
  readonly timeScale?: number;
  /** Unsigned `print` commands are refused. */
  readonly signedCommands?: boolean;
  /** 4 */
  readonly maxClients?: number;
  /** What it is called in announcements; "Virtual P1S". */
  readonly name?: string;
  /** `endless`: short jobs one after another, every few a pause, a runout, a cancel, a failure, newer firmware. Default `none`. */
  readonly jobs?: "none" | "endless";
  /** Real time between reports while a job is on, 1000; an idle printer takes five times as long. */
  readonly reportIntervalMs?: number;
  /** What runs on it at the start and what it is offered; the model's own firmware and nothing by default. */
  readonly firmware?: { readonly installed?: string; readonly offer?: FirmwareOffer };
  /** Identity to keep over a restart; made anew when absent. */
  readonly certificate?: PrinterCertificate;
  /** In which frames a cancel is told; `pulse-first`. */
  readonly cancelOrder?: CancelOrder;
  readonly onState?: (change: StateChange) => void;
}

/** What runs on a virtual printer. */
export interface InstalledFirmware {
  readonly installed: string;
  /** The feeders, by their names in `get_version`. */
  readonly modules: readonly { readonly name: string; readonly version: string }[];
  /** Whether the printer has heard of it or not. */
  readonly offer: FirmwareOffer | null;
  readonly updating: boolean;
}

export interface VirtualPrinter {
  readonly port: number;
  readonly serial: string;
  readonly name: string;
  readonly profile: PrinterProfile;
  /** Its file server and its camera: what is on the card, and what goes wrong. */
  readonly doors: SideDoors;
  /** SHA-256 of the certificate, `AA:BB:..`. */
  readonly fingerprint: string;
  /** The authority that signed the certificate. */
  readonly caPem: string;
  readonly certificate: PrinterCertificate;
  /** That a login needs now. */
  readonly accessCode: string;
  /** Begins a job unless one is on. */
  startPrint(job?: PrintOrder): void;
  pause(): void;
  resume(): void;
  /**
   * Somebody stops the job. With `pulse-first` the cancel code is told at once, FAILED one printer second later;
   * `failed-first` is the other way round, `together` both at once. The code is cleared 3 printer seconds later.
   */
  cancel(): void;
  fail(): void;
  /** The spool in use is empty; `resume` puts a new one in. */
  runOut(): void;
  finish(): void;
  /** Lets that many printer seconds pass at once; each new state, stage, layer or error is reported on the way. */
  advance(printerSeconds: number): void;
  raiseAlert(attr: number, code: number): void;
  clearAlerts(): void;
  /** Nothing happens on a model without a door sensor. */
  openDoor(): void;
  closeDoor(): void;
  /**
   * Newer firmware from now on, instead of what was offered before.
   * @throws PrintgateError `config-invalid` for an offer of nothing, or for a feeder that is not there
   */
  offerFirmware(offer: FirmwareOffer): void;
  /** An update that has begun goes on. */
  withdrawFirmware(): void;
  /**
   * Installs what is offered, in a minute and a half of printer time; the printer then restarts and everybody is cut off
   * (not after an update of feeders alone). Nothing happens without an offer or while a job is on.
   */
  startUpdate(): void;
  readonly firmware: InstalledFirmware;
  /** For the next logins; who is connected stays. */
  setAccessCode(code: string): void;
  /** Any frame, as it is, to everybody who listens to reports. */
  publish(frame: object | Buffer | string): void;
  /** Stays connected and sends nothing any more: neither reports nor replies. */
  silence(on: boolean): void;
  /** What it does with commands from now on instead of what it would do by itself; null = as usual again. */
  react(rule: React | null): void;
  /** Cuts every connection without a word. */
  dropLinks(): void;
  /** Off and on again on the same port with the same certificate; the job is lost. */
  powerCycle(): Promise<void>;
  /**
   * Lays a second line, on which the printer reports and takes commands whether or not somebody listens at its own broker.
   * @throws PrintgateError `config-invalid` while there is one
   */
  uplink(sink: UplinkSink): Uplink;
  /** Connected clients. */
  readonly clients: number;
  /** Logins that were let in. */
  readonly connects: number;
  /** Clients that said goodbye. */
  readonly disconnectsClean: number;
  /** The last thousand commands, answered or not. */
  readonly requests: readonly ReceivedRequest[];
  /** `gcode_state` */
  readonly state: string;
  /** Idempotent, ends within a second, leaves no timer and no socket. */
  close(): Promise<void>;
}
