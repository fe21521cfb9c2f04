/** The simulated OctoPrint at work: joins server, push socket, keys and machine, and owns the clock. */
import { X509Certificate } from "node:crypto";
import type { Json } from "../json";
import { AccessDesk, makeToken, type Permission, PERMISSIONS } from "./access";
import type { OctoprintCore } from "./answers";
import { AppKeyDesk } from "./app-keys";
import { Clock } from "../clock";
import { FaultBoard, type FaultPlace } from "../fault-board";
import type { Fault } from "./faults";
import { FileShelf } from "./files";
import type { ServerIdentity } from "../certificates";
import { OctoprintMachine } from "./machine";
import type { OctoprintRequest } from "./rest";
import { type OpenServer, openServer } from "./server";
import { SessionKeyDesk } from "./session-keys";
import { PHASES } from "./states";
import type { PrintOrder, VirtualOctoprint, VirtualOctoprintOptions } from "./types";

const USER = "tester";
const PORTS = ["VIRTUAL", "/dev/ttyUSB0"];
const KEPT = 1000;
const TICK_MS = 50;
const SAMPLE_MS = 2000;
const LAYER_PLUGIN = "DisplayLayerProgress-websocket-payload";
const MARLIN = {
  FIRMWARE_NAME: "Marlin 2.1.2.5 (Mar 12 2025 10:00:00)",
  SOURCE_CODE_URL: "github.com/MarlinFirmware/Marlin",
  PROTOCOL_VERSION: "1.0",
  MACHINE_TYPE: "Virtual",
  EXTRUDER_COUNT: "1",
};

export class RunningOctoprint implements VirtualOctoprint {
  readonly requests: OctoprintRequest[] = [];
  readonly events: string[] = [];
  readonly apiKey: string;
  private readonly core: OctoprintCore;
  private readonly faults = new FaultBoard<Fault>();
  private update: { latest: string; error: string | null };
  private machine: OctoprintMachine;
  private server: OpenServer | null = null;
  private readonly clock: Clock;
  private boundPort: number;
  private closing: Promise<void> | null = null;
  private sampleDueAt = 0;

  constructor(
    private readonly options: VirtualOctoprintOptions,
    private readonly identity: ServerIdentity | null,
  ) {
    const now = options.now ?? Date.now;
    const apps = options.apps ?? [];
    const version = options.version ?? (apps.length > 0 ? "1.3.12" : "1.11.8");
    this.apiKey = options.apiKey ?? makeToken();
    this.boundPort = options.port ?? 0;
    this.update = { latest: version, error: null };
    this.machine = this.makeMachine();
    this.clock = new Clock(options.timeScale ?? 1, TICK_MS, (printerSeconds, at) => {
      this.tick(printerSeconds, at);
    });
    const sessionKeys = apps.length > 0 ? new SessionKeyDesk(apps, now) : null;
    const access = new AccessDesk((key) => sessionKeys?.isVerified(key) ?? false);
    access.put({ name: USER, apiKey: this.apiKey, permissions: PERMISSIONS });
    const desk = {
      grant: (user: string, app: string) => access.grant(user, app),
      tell: (data: Json) => this.server?.push.plugin("appkeys", data),
      now,
    };
    // The machine and the update's news are looked at anew with each request.
    const machine = (): OctoprintMachine => this.machine;
    const news = (): { latest: string; error: string | null } => this.update;
    this.core = {
      version,
      versionText: options.versionText ?? `OctoPrint ${version}`,
      name: options.name ?? "Virtual printer",
      get machine() {
        return machine();
      },
      files: new FileShelf(),
      access,
      appKeys: options.appKeys === "absent" ? null : new AppKeyDesk(desk, options.appKeys !== "unlimited"),
      sessionKeys,
      layerPlugin: options.layerPlugin ?? false,
      get update() {
        return news();
      },
      ports: PORTS,
      emit: (type, payload) => {
        this.emit(type, payload);
      },
      now,
    };
  }

  get url(): string {
    const { host = "127.0.0.1", prefix = "" } = this.options;
    return `${this.scheme}://${host === "0.0.0.0" ? "127.0.0.1" : host}:${this.boundPort}${prefix}`;
  }
  get port(): number {
    return this.boundPort;
  }
  get caPem(): string {
    return this.identity?.caPem ?? "";
  }
  get fingerprint(): string {
    return this.identity === null ? "" : new X509Certificate(this.identity.cert).fingerprint256;
  }
  get sockets(): number {
    return this.server?.push.size ?? 0;
  }
  get state(): string {
    return PHASES[this.machine.phase].text;
  }
  get waitingApps(): string[] {
    return Object.values(this.core.appKeys?.list() ?? {}).map(({ app_id: app }) =>
      typeof app === "string" ? app : "",
    );
  }
  private get scheme(): "http" | "https" {
    return this.identity === null ? "http" : "https";
  }

  /** Opens the port and, unless time stands still, starts the clock. */
  async start(): Promise<void> {
    if (this.server !== null) return;
    const { host = "127.0.0.1", prefix = "", currentIntervalMs = 500 } = this.options;
    const server = await openServer(this.core, {
      host,
      port: this.boundPort,
      prefix,
      identity: this.identity,
      currentIntervalMs,
      faults: this.faults,
      log: (request) => {
        this.requests.push(request);
        if (this.requests.length > KEPT) this.requests.shift();
      },
    });
    // It was ended while it opened.
    if (this.closing !== null) return server.close();
    this.server = server;
    this.boundPort = server.port;
    if (this.options.connected ?? true) this.machine.beConnected(PORTS[0] ?? "");
    this.clock.start();
  }

  /** The port is closed; what only lives in memory is lost. */
  async stop(): Promise<void> {
    this.clock.stop();
    const { server } = this;
    this.server = null;
    this.machine = this.makeMachine();
    this.core.access.dropSessions();
    this.core.appKeys?.forget();
    this.core.sessionKeys?.forget();
    await server?.close();
  }

  async restart(): Promise<void> {
    await this.stop();
    if (this.closing === null) await this.start();
  }

  close(): Promise<void> {
    return (this.closing ??= this.stop());
  }

  startPrint({ name = "test.gcode", minutes = 10, layers = 50 }: PrintOrder = {}): void {
    if (this.machine.phase !== "operational") return;
    const date = Math.floor(this.core.now() / 1000);
    const bytes = Buffer.from(`; ${name}\n`.repeat(100));
    const file = this.core.files.put({ path: name, bytes, date, owner: USER, seconds: minutes * 60, layers });
    this.machine.select(file, USER);
    this.machine.start(USER);
  }
  pause(): void {
    this.machine.pause();
  }
  resume(): void {
    this.machine.resume();
  }
  cancel(): void {
    this.machine.cancel();
  }
  finish(): void {
    this.machine.finish();
  }
  fail(
    error = "Thermal Runaway, system stopped! Heater_ID: 0",
    consequence: "emergency" | "cancel" = "emergency",
  ): void {
    this.machine.complain(error, consequence);
  }
  connectPrinter(): void {
    this.machine.connect(PORTS[0] ?? "");
  }
  disconnectPrinter(): void {
    this.machine.disconnect();
  }
  losePrinter(error = "SerialException: the device is gone"): void {
    this.machine.lose(error);
  }
  advance(printerSeconds: number): void {
    this.machine.advance(printerSeconds);
    if (this.machine.operational) this.machine.samplePoint();
  }
  setTarget(heater: string, celsius: number): void {
    this.machine.setTarget(heater, celsius);
  }
  setUpdate(latest: string, error: string | null = null): void {
    this.update = { latest, error };
  }

  addUser(name: string, permissions: readonly Permission[], apiKey = makeToken()): string {
    this.core.access.put({ name, apiKey, permissions });
    return apiKey;
  }

  decide(allowed: boolean, app?: string): boolean {
    const desk = this.core.appKeys;
    const entry = Object.entries(desk?.list() ?? {}).find(([, one]) => app === undefined || one["app_id"] === app);
    if (desk === null || entry === undefined) return false;
    const [token, { user_id: user }] = entry;
    return desk.decide(token, typeof user === "string" ? user : USER, allowed);
  }

  revoke(app: string): boolean {
    return this.core.access.revoke(app);
  }
  inject(fault: Fault, place: FaultPlace = {}): () => void {
    return this.faults.add(fault, place);
  }
  clearFaults(): void {
    this.faults.clear();
  }
  expireSessions(reason: "stale" | "logout" | "removed" | "modified" = "stale"): void {
    this.core.access.dropSessions();
    this.server?.push.expire(reason);
  }
  cutSockets(): void {
    this.server?.push.cut();
  }

  emit(type: string, payload: Json): void {
    this.events.push(type);
    if (this.events.length > KEPT) this.events.shift();
    this.server?.push.event(type, payload);
  }

  flood(count: number, type = "Dwelling"): void {
    for (let index = 0; index < count; index++) this.emit(type, null);
  }
  publish(text: string): void {
    this.server?.push.publish(text);
  }

  private makeMachine(): OctoprintMachine {
    const { tools = 1, chamber = false, firmware = MARLIN, transitionSeconds = 1 } = this.options;
    return new OctoprintMachine(
      { tools, chamber, firmware, transitionSeconds },
      {
        emit: (type, payload) => {
          this.emit(type, payload);
        },
        changed: () => this.server?.push.changed(),
        layer: (current, total) => {
          if (this.options.layerPlugin !== true) return;
          // The plugin words numbers as text, and what it does not know as a dash.
          const data = { currentLayer: String(current ?? "-"), totalLayer: String(total ?? "-") };
          this.server?.push.plugin(LAYER_PLUGIN, { updateReason: "layerChanged", ...data });
        },
        now: this.options.now ?? Date.now,
      },
    );
  }

  private tick(printerSeconds: number, now: number): void {
    this.machine.advance(printerSeconds);
    if (now < this.sampleDueAt || !this.machine.operational) return;
    this.machine.samplePoint();
    this.sampleDueAt = now + SAMPLE_MS;
  }
}
