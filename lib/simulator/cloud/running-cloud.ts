/** The simulated cloud at work: joins accounts, devices, the REST side and its faults. */
import { PrintgateError } from "../../errors";
import { Accounts, type CloudUser } from "./accounts";
import { makeApplicationPapers, makeServerIdentity, type ServerIdentity } from "./certificates";
import { type CloudDevice, type DeviceCatalogue, DeviceBook } from "./devices";
import { type Fault, FaultBoard, type FaultPlace } from "./faults";
import { type CloudRequest, openRest, type RestServer } from "./rest";
import { accountRoutes, type AccountSwitches } from "./routes-account";
import { deviceRoutes } from "./routes-devices";
import type { PlainDevice, SimulatedCloudOptions, VirtualCloud } from "./virtual-cloud";

const KEPT_REQUESTS = 1000;
const TOKEN_SECONDS = 90 * 24 * 3600;
const CODE_SECONDS = 300;
const INVENTED_VERSION = "01.08.02.00";

export class RunningCloud implements VirtualCloud {
  readonly requests: CloudRequest[] = [];
  readonly switches: AccountSwitches = { refresh: "works", tfaTokenIn: "accessToken" };
  private readonly accounts: Accounts;
  private readonly book = new DeviceBook();
  private readonly faults = new FaultBoard();
  private readonly now: () => number;
  private identity: ServerIdentity | null = null;
  private rest: RestServer | null = null;
  private closing: Promise<void> | null = null;
  private restPort = 0;

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
    this.book.remove(serial);
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
    await this.rest?.close();
  }

  private user(account: string): CloudUser {
    const user = this.accounts.find(account);
    if (user !== null) return user;
    throw new PrintgateError("config-invalid", `The virtual cloud has no account ${account}.`);
  }
}
