/** What a virtual cloud can be told and asked. */
import type { FaultPlace } from "../fault-board";
import type { VirtualPrinter } from "../printer/virtual-printer";
import type { CloudUser } from "./accounts";
import type { AttachOptions } from "./attached-printer";
import type { CloudMqtt } from "./broker";
import type { DeviceCatalogue, DeviceWork } from "./devices";
import type { Fault } from "./faults";
import type { CloudRequest } from "./rest";
import type { AccountSwitches } from "./routes-account";

export interface SimulatedCloudOptions {
  readonly users: readonly CloudUser[];
  /** 127.0.0.1 */
  readonly host?: string;
  /** Port of the REST calls; 0 = any free one, which is the default. */
  readonly port?: number;
  /** Port of the broker; 0 = any free one, which is the default. */
  readonly mqttPort?: number;
  /** https and mqtts with an authority of its own (`caPem`), good for 127.0.0.1 and localhost. Default false. */
  readonly tls?: boolean;
  /** How long tokens live, in seconds; 7776000, which is 90 days. */
  readonly tokenSeconds?: number;
  /** How long mailed codes live, in seconds; 300. */
  readonly codeSeconds?: number;
  /** Default `opaque`. */
  readonly tokens?: "opaque" | "jwt";
  /** Epoch ms; `Date.now`. Expiry is reckoned with it. */
  readonly now?: () => number;
}

/** A device that needs no virtual printer, for what only concerns the REST calls. What is absent is invented. */
export interface PlainDevice {
  readonly serial: string;
  /** Whose it is. */
  readonly account: string;
  readonly name?: string;
  readonly modelName?: string;
  readonly productName?: string;
  readonly online?: boolean;
  readonly accessCode?: string;
  readonly work?: DeviceWork;
  /** Installed and offered; 01.08.02.00 and nothing newer by default. */
  readonly catalogue?: DeviceCatalogue;
}

export interface VirtualCloud {
  /** `http://127.0.0.1:port` (or `https:`): REST calls, and the web origin of the authenticator's step. */
  readonly url: string;
  /** `mqtt://127.0.0.1:port` (or `mqtts:`). */
  readonly mqttUrl: string;
  readonly mqtt: CloudMqtt;
  /** The authority that signed the certificate; null without TLS. */
  readonly caPem: string | null;
  /** The last thousand requests, in the order in which they came. */
  readonly requests: readonly CloudRequest[];
  /** What may be turned while it runs: whether refreshing works, where the authenticator's step puts the token. */
  readonly switches: AccountSwitches;

  /** A token of that account, as a login would give it. */
  token(account: string): string;
  /** A ticket of a browser sign-in; works once. */
  ticket(account: string): string;
  /** The code that was mailed (or sent by SMS) last; null when none was. */
  lastCode(account: string): string | null;
  /** What the authenticator of that account shows. */
  tfaCode(account: string): string;
  /** Every token, or those of one account, is over. */
  expireTokens(account?: string): void;
  /** Every code that was sent is over. */
  expireCodes(): void;

  /**
   * The printer belongs to that account from now on: it is in the device list, reports on the cloud's broker and takes
   * commands from there. Whether it is on, and whether its line is whole, is told there as `client.connected` and
   * `client.disconnected`.
   * @throws PrintgateError `config-invalid` for an unknown account, or while the printer belongs to a cloud
   */
  attach(printer: VirtualPrinter, options: AttachOptions): void;
  detach(printer: VirtualPrinter): void;
  /** The printer is on and its line to the cloud is not. */
  cutUplink(serial: string): void;
  mendUplink(serial: string): void;

  addDevice(device: PlainDevice): void;
  removeDevice(serial: string): void;
  /** What the catalogue says of a device from now on, whatever its printer says; null = as before. */
  setCatalogue(serial: string, catalogue: DeviceCatalogue | null): void;

  /** Something goes wrong with the REST calls from now on; the answer lifts it. The newest fault that fits counts. */
  fault(fault: Fault, place?: FaultPlace): () => void;
  clearFaults(): void;

  /** Idempotent, ends within a second, leaves no timer and no socket. */
  close(): Promise<void>;
}
