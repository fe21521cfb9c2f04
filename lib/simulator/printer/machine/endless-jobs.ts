/**
 * One short job after another, so that every automation has something to react to, and now and then newer firmware.
 * Deterministic.
 */
import { type FirmwareOffer, nextVersion, offerFirmware } from "./firmware";
import type { CancelOrder, PrinterMachine } from "./machine";

/** What befalls a job besides being printed. */
type Incident =
  | { readonly what: "pause" | "runout"; readonly atPercent: number; readonly forSeconds: number }
  | { readonly what: "cancel" | "fail" | "alert" | "door"; readonly atPercent: number };

interface PlannedJob {
  readonly name: string;
  readonly layers: number;
  /** Printer minutes. */
  readonly minutes: number;
  /** From the cloud with a task id, else from the local network. */
  readonly cloud: boolean;
  readonly incident?: Incident;
  /** When the job is over: the maker offers newer firmware, or somebody installs it. */
  readonly afterwards?: "offer" | "install";
}

const PLAN: readonly PlannedJob[] = [
  { name: "Cable clip", layers: 48, minutes: 16, cloud: false },
  {
    name: "Plant label",
    layers: 30,
    minutes: 14,
    cloud: true,
    incident: { what: "pause", atPercent: 40, forSeconds: 180 },
    afterwards: "offer",
  },
  { name: "Drawer knob", layers: 90, minutes: 20, cloud: false, incident: { what: "alert", atPercent: 55 } },
  {
    name: "Gear 24 teeth",
    layers: 60,
    minutes: 18,
    cloud: true,
    incident: { what: "runout", atPercent: 45, forSeconds: 240 },
  },
  {
    name: "Lamp bracket",
    layers: 110,
    minutes: 22,
    cloud: false,
    incident: { what: "cancel", atPercent: 35 },
    afterwards: "install",
  },
  { name: "Hook for keys", layers: 40, minutes: 15, cloud: false, incident: { what: "door", atPercent: 30 } },
  { name: "Wall spacer", layers: 75, minutes: 19, cloud: true, incident: { what: "fail", atPercent: 60 } },
];

/** Printer seconds between two jobs: somebody takes the part off the plate. */
const REST_SECONDS = 300;
const FIRST_REST_SECONDS = 20;
/** An advisory of the first AMS that needs no reaction. */
const ADVISORY = { attr: 0x07000500, code: 0x00030002 };
const ADVISORY_SECONDS = 120;

export class EndlessJobs {
  private next = 0;
  private rest = FIRST_REST_SECONDS;
  private incident: Incident | null = null;
  private afterwards: PlannedJob["afterwards"] | null = null;
  /** Offered from here, and not by anybody else. */
  private offered: FirmwareOffer | null = null;
  /** What puts an incident right, and in how many seconds. */
  private repair: { left: number; readonly run: () => void } | null = null;

  constructor(
    private readonly machine: PrinterMachine,
    private readonly cancelOrder: CancelOrder,
  ) {}

  /** Tells what to do after that much printer time has passed. `now` = epoch seconds. */
  step(seconds: number, now: number): void {
    const { machine } = this;
    if (this.repair !== null) {
      this.repair.left -= seconds;
      if (this.repair.left <= 0) {
        this.repair.run();
        this.repair = null;
      }
    }
    if (machine.busy) {
      if (this.incident !== null && machine.state.percent >= this.incident.atPercent) this.befall(this.incident);
      return;
    }
    if (this.afterwards === "offer") this.offerUpdate();
    if (this.afterwards === "install") this.installUpdate();
    this.afterwards = null;
    this.rest -= seconds;
    if (this.rest > 0) return;
    const plan = PLAN[this.next % PLAN.length];
    const { name, layers, minutes } = plan ?? {};
    const taskId = plan?.cloud === true ? String(4100000 + this.next) : "0";
    const order = { taskId, ...(name !== undefined ? { name } : {}), layers: layers ?? 20, minutes: minutes ?? 15 };
    if (!machine.startPrint(order, now)) return;
    this.incident = plan?.incident ?? null;
    this.afterwards = plan?.afterwards ?? null;
    this.next += 1;
    this.rest = REST_SECONDS;
  }

  /** The next version of the printer and, where there is one, of its first feeder; what somebody else offers stays. */
  private offerUpdate(): void {
    const { firmware } = this.machine.state;
    if (firmware.offer !== null) return;
    const feeders = [...firmware.feeders].slice(0, 1);
    this.offered = {
      version: nextVersion(firmware.installed),
      ams: feeders.map(([module, version]) => ({ module, version: nextVersion(version) })),
      notes: "Invented firmware of a simulated printer.",
    };
    offerFirmware(firmware, this.offered);
  }

  private installUpdate(): void {
    if (this.offered !== null && this.machine.state.firmware.offer === this.offered) this.machine.startUpdate();
  }

  private befall(incident: Incident): void {
    const { machine } = this;
    this.incident = null;
    switch (incident.what) {
      case "pause":
        machine.pause();
        this.repair = { left: incident.forSeconds, run: () => machine.resume() };
        break;
      case "runout":
        machine.runOut();
        this.repair = { left: incident.forSeconds, run: () => machine.resume() };
        break;
      case "alert":
        machine.raiseAlert(ADVISORY);
        this.repair = {
          left: ADVISORY_SECONDS,
          run: () => {
            machine.dropAlert(ADVISORY);
          },
        };
        break;
      case "door":
        machine.setDoor(true);
        this.repair = {
          left: ADVISORY_SECONDS,
          run: () => {
            machine.setDoor(false);
          },
        };
        break;
      case "cancel":
        machine.cancel(this.cancelOrder);
        break;
      case "fail":
        machine.fail();
        // The message on the screen is read and closed before the next job.
        this.repair = {
          left: REST_SECONDS / 2,
          run: () => {
            machine.clearError();
          },
        };
        break;
    }
  }
}
