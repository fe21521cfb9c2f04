/** A virtual printer as the simulated cloud knows it: its line, its entry in the device list, its tasks. */
import type { Uplink, UplinkSink } from "../printer/uplink";
import type { FirmwareOffer, StateChange, VirtualPrinter } from "../printer/virtual-printer";
import type { CatalogueFirmware, CloudDevice, CloudTask, DeviceCatalogue, DeviceWork } from "./devices";

export interface AttachOptions {
  /** Whose it is: the account. */
  readonly user: string;
  /** In the device list; the printer's own name when absent. */
  readonly name?: string;
}

/** What the cloud gives an attached printer to tell. */
export interface AttachedSurroundings {
  readonly publish: (payload: string | Buffer) => void;
  readonly task: (task: CloudTask) => void;
  /** Epoch ms. */
  readonly now: () => number;
}

const OPEN_FRAME = { PREPARE: true, RUNNING: true, PAUSE: true, IDLE: false, FINISH: false, FAILED: false } as const;
/** The list's words for the states of a job. */
const WORDS: Readonly<Record<string, string>> = {
  PREPARE: "RUNNING",
  RUNNING: "RUNNING",
  PAUSE: "PAUSE",
  FINISH: "SUCCESS",
  FAILED: "FAILED",
};
let nextTask = 41000001;

function offeredEntry(version: string, offer: FirmwareOffer | null): CatalogueFirmware {
  const status = offer?.beta === true ? "beta" : "release";
  return { version, status, notes: offer?.notes ?? "", force: offer?.force ?? false };
}

export class AttachedPrinter implements CloudDevice, UplinkSink {
  readonly serial: string;
  readonly account: string;
  name: string;
  private readonly line: Uplink;
  private task: CloudTask | null = null;
  /** The line is cut although the printer is on. */
  private severed = false;
  private told: boolean;

  constructor(
    private readonly printer: VirtualPrinter,
    { user, name }: AttachOptions,
    readonly firmwareBetaOpen: boolean,
    private readonly around: AttachedSurroundings,
  ) {
    this.serial = printer.serial;
    this.account = user;
    this.name = name ?? printer.name;
    this.line = printer.uplink(this);
    this.told = this.online;
  }

  get modelName(): string {
    return this.printer.profile.code;
  }
  get productName(): string {
    return this.printer.profile.model;
  }
  get structure(): "CoreXY" | "I3" {
    return this.printer.profile.model.startsWith("A1") ? "I3" : "CoreXY";
  }
  get nozzleDiameter(): number {
    return this.printer.profile.nozzles[0]?.diameter ?? 0.4;
  }
  get accessCode(): string {
    return this.printer.accessCode;
  }
  get online(): boolean {
    return this.line.on && !this.severed;
  }
  get work(): DeviceWork | null {
    const { job } = this.line;
    const word = WORDS[this.printer.state];
    if (job === null || word === undefined) return null;
    const { name: title, taskId, percent, startedAt } = job;
    return { title, taskId, word, percent, startedAt: startedAt * 1000 };
  }
  get catalogue(): DeviceCatalogue {
    const { installed, modules, offer } = this.printer.firmware;
    const entries = (version: string, offered: string | undefined): CatalogueFirmware[] => [
      ...(offered === undefined ? [] : [offeredEntry(offered, offer)]),
      { version },
    ];
    return {
      version: installed,
      firmware: entries(installed, offer?.version),
      ams: modules.map(({ name, version }) => ({
        amsId: Number(name.split("/")[1]),
        firmware: entries(version, offer?.ams?.find(({ module }) => module === name)?.version),
      })),
    };
  }

  /** The line is cut, or mended. */
  sever(on: boolean): void {
    this.severed = on;
    this.tellPresence();
  }

  /** Reaches the printer while the line is whole. */
  request(payload: Buffer): void {
    if (this.online) this.line.request(payload);
  }

  detach(): void {
    this.severed = true;
    this.tellPresence();
    this.line.close();
  }

  report(payload: string | Buffer): void {
    if (this.online) this.around.publish(payload);
  }

  power(): void {
    this.tellPresence();
  }

  /** Jobs with a task id leave a row in the task list; prints from the local network leave none. */
  state({ state, taskId, job }: StateChange): void {
    const { now } = this.around;
    if (this.task !== null && !OPEN_FRAME[state]) {
      this.task.status = state === "FINISH" ? 2 : 3;
      this.task.endedAt = now();
      this.task = null;
    } else if (this.task === null && OPEN_FRAME[state] && taskId !== null) {
      const { serial } = this;
      this.task = { id: nextTask++, title: job ?? "", serial, status: 4, startedAt: now(), endedAt: null };
      this.around.task(this.task);
    }
  }

  private tellPresence(): void {
    const { online } = this;
    if (online === this.told) return;
    this.told = online;
    this.around.publish(JSON.stringify({ event: { event: online ? "client.connected" : "client.disconnected" } }));
  }
}
