/** The simulated cloud at work: joins accounts, devices, the REST side, the broker and the faults. */
import { PrintgateError } from "../../errors";
import type { VirtualPrinter } from "../printer/virtual-printer";
import { Accounts, type CloudUser } from "./accounts";
import { AttachedPrinter, type AttachOptions } from "./attached-printer";
import { type CloudBroker, openCloudBroker } from "./broker";
import { makeApplicationPapers, makeServerIdentity, type ServerIdentity } from "../certificates";
import { type CloudDevice, type DeviceCatalogue, DeviceBook } from "./devices";
import { FaultBoard, type FaultPlace } from "../fault-board";
import type { Fault } from "./faults";
import { type CloudRequest, openRest, type RestServer } from "./rest";
import { accountRoutes, type AccountSwitches } from "./routes-account";
import { deviceRoutes } from "./routes-devices";
import type { PlainDevice, SimulatedCloudOptions, VirtualCloud } from "./types";

const KEPT_REQUESTS = 1000;
const TOKEN_SECONDS = 90 * 24 * 3600;
const CODE_SECONDS = 300;
const INVENTED_VERSION = "01.08.02.00";

export class RunningCloud implements VirtualCloud {
  readonly requests: CloudRequest[] = [];
  readonly switches: AccountSwitches = { refresh: "works", tfaTokenIn: "accessToken" };
  private readonly accounts: Accounts;
  private readonly book = new DeviceBook();
  private readonly faults = new FaultBoard<Fault>();
  private readonly now: () => number;
  private identity: ServerIdentity | null = null;
  private rest: RestServer | null = null;
  private broker: CloudBroker | null = null;
  private closing: Promise<void> | null = null;
  private restPort = 0;
  private readonly attached = new Map<string, AttachedPrinter>();

  constructor(private readonly options: SimulatedCloudOptions) {
    this.now = options.now ?? Date.now;
    this.accounts = new Accounts(options.users, {
      now: this.now,
      tokenSeconds: options.tokenSeconds ?? TOKEN_SECONDS,
      codeSeconds: options.codeSeconds ?? CODE_SECONDS,
      tokens: options.tokens ?? "opaque",
    });
  }

  private get host(): string {
    return this.options.host ?? "127.0.0.1";
  }
  get url(): string {
    return `${this.identity === null ? "http" : "https"}://${this.host}:${this.restPort}`;
  }
  get mqttUrl(): string {
    return `${this.identity === null ? "mqtt" : "mqtts"}://${this.host}:${this.mqtt.port}`;
  }
  get mqtt(): CloudBroker {
    if (this.broker !== null) return this.broker;
    throw new PrintgateError("offline", "The virtual cloud is not open.");
  }
  get caPem(): string | null {
    return this.identity?.caPem ?? null;
  }

  async open(): Promise<void> {
    const [identity, papers] = await Promise.all([
      this.options.tls === true ? makeServerIdentity() : null,
      makeApplicationPapers(),
    ]);
    this.identity = identity;
    this.rest = await openRest({
      host: this.host,
      port: this.options.port ?? 0,
      identity,
      routes: [...accountRoutes(this.accounts, this.switches), ...deviceRoutes(this.book, papers)],
      look: (token) => this.accounts.look(token),
      fault: (method, path) => this.faults.take(method, path),
      log: (request) => {
        this.requests.push(request);
        if (this.requests.length > KEPT_REQUESTS) this.requests.shift();
      },
      now: this.now,
    });
    this.restPort = this.rest.port;
    try {
      await this.openBroker();
    } catch (thrown) {
      await this.rest.close();
      throw thrown;
    }
  }

  private async openBroker(): Promise<void> {
    this.broker = await openCloudBroker({
      host: this.host,
      port: this.options.mqttPort ?? 0,
      identity: this.identity,
      login: (username, password) => {
        const look = this.accounts.look(password);
        return look.kind === "good" && username === `u_${look.user.uid}` ? look.user.account : null;
      },
      owns: (account, serial) => this.book.get(serial)?.account === account,
      request: (serial, payload) => {
        this.attached.get(serial)?.request(payload);
      },
    });
  }

  token(account: string): string {
    return this.accounts.token(this.user(account));
  }
  ticket(account: string): string {
    return this.accounts.ticket(this.user(account));
  }
  lastCode(account: string): string | null {
    return this.accounts.lastCode(account);
  }
  tfaCode(account: string): string {
    return this.accounts.tfaCode(this.user(account).account) ?? "";
  }
  expireTokens(account?: string): void {
    this.accounts.expireTokens(account);
  }
  expireCodes(): void {
    this.accounts.expireCodes();
  }

  addDevice(device: PlainDevice): void {
    this.user(device.account);
    const { serial, account, work = null, catalogue } = device;
    const plain: CloudDevice = {
      serial,
      account,
      name: device.name ?? `Printer ${serial.slice(-4)}`,
      modelName: device.modelName ?? "C12",
      productName: device.productName ?? "P1S",
      structure: "CoreXY",
      nozzleDiameter: 0.4,
      online: device.online ?? true,
      accessCode: device.accessCode ?? "10203040",
      work,
      catalogue: catalogue ?? {
        version: INVENTED_VERSION,
        firmware: [{ version: INVENTED_VERSION }],
        ams: [],
      },
    };
    this.book.add(plain);
  }

  removeDevice(serial: string): void {
    this.attached.get(serial)?.detach();
    this.attached.delete(serial);
    this.book.remove(serial);
  }

  attach(printer: VirtualPrinter, options: AttachOptions): void {
    const { firmwareBetaOpen } = this.user(options.user);
    if (this.attached.has(printer.serial))
      throw new PrintgateError("config-invalid", `${printer.serial} is attached already.`);
    const attached = new AttachedPrinter(printer, options, Boolean(firmwareBetaOpen), {
      publish: (payload) => this.broker?.publish(printer.serial, payload),
      task: (task) => {
        this.book.addTask(task);
      },
      now: this.now,
    });
    this.attached.set(printer.serial, attached);
    this.book.add(attached);
  }
  detach(printer: VirtualPrinter): void {
    this.removeDevice(printer.serial);
  }
  cutUplink(serial: string): void {
    this.attachedPrinter(serial).sever(true);
  }
  mendUplink(serial: string): void {
    this.attachedPrinter(serial).sever(false);
  }

  setCatalogue(serial: string, catalogue: DeviceCatalogue | null): void {
    this.book.overrule(serial, catalogue);
  }

  fault(fault: Fault, place: FaultPlace = {}): () => void {
    return this.faults.add(fault, place);
  }
  clearFaults(): void {
    this.faults.clear();
  }

  close(): Promise<void> {
    return (this.closing ??= this.shut());
  }

  private async shut(): Promise<void> {
    for (const printer of this.attached.values()) printer.detach();
    this.attached.clear();
    await Promise.all([this.rest?.close(), this.broker?.close()]);
  }

  private attachedPrinter(serial: string): AttachedPrinter {
    const attached = this.attached.get(serial);
    if (attached !== undefined) return attached;
    throw new PrintgateError("config-invalid", `No printer ${serial} is attached to the virtual cloud.`);
  }

  private user(account: string): CloudUser {
    const user = this.accounts.find(account);
    if (user !== null) return user;
    throw new PrintgateError("config-invalid", `The virtual cloud has no account ${account}.`);
  }
}
