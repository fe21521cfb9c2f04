/**
 * The simulated printer itself: what it does with a job, with commands and as time passes.
 * Pure: no socket, timer or clock inside; printer time comes in through `advance`.
 */
import { factoryFirmware, isUpdating, startUpdate, workOnUpdate } from "./firmware";
import { heatMachine } from "./heating";
import { enterStep, isBusy, moveFilament, showProgress, workOn } from "./job-course";
import { FILAMENT_CHANGE_SECONDS, STAGES } from "./job-steps";
import {
  type Alert,
  defaultSlots,
  type MachineState,
  type Pending,
  powerUp,
  type PrintOrder,
  type RunningJob,
  spoolAt,
} from "./state";
import { AMS_KINDS, type PrinterProfile } from "./profiles";
import { runoutCode, type SlotRef } from "./spools";

/** In which frames a cancel is told: the code and FAILED a second apart, the other way round, or in one frame. */
export type CancelOrder = "pulse-first" | "failed-first" | "together";

/** Nozzle temperature malfunction: the fault that `fail` simulates. */
const FAULT_ERROR = 0x03008008;
const FAULT_ALERT: Alert = { attr: 0x03000200, code: 0x00010001 };

const CANCEL_PENDING: Record<CancelOrder, readonly Pending[]> = {
  "pulse-first": [
    { what: "end-cancelled", left: 1 },
    { what: "clear-error", left: 4 },
  ],
  "failed-first": [
    { what: "say-cancelled", left: 1 },
    { what: "clear-error", left: 4 },
  ],
  together: [{ what: "clear-error", left: 3 }],
};

export class PrinterMachine {
  state: MachineState;
  /** New firmware is in place and waits for a restart. */
  restartDue = false;
  /** Alerts that belong to a job and go with the next one. */
  private jobAlerts: readonly Alert[] = [];

  constructor(readonly profile: PrinterProfile) {
    this.state = powerUp(profile, factoryFirmware(profile));
  }

  /** A job is being prepared, printed or paused and not on its way out. */
  get busy(): boolean {
    return isBusy(this.state);
  }

  /** Starts a print; false while another one is on. `at` = epoch seconds of the wall clock. */
  startPrint(order: PrintOrder, at: number): boolean {
    const { state } = this;
    if (this.busy || isUpdating(state.firmware) || state.pending.some(({ what }) => what === "end-cancelled"))
      return false;
    const name = order.name ?? "Calibration cube";
    const taskId = order.taskId ?? "0";
    const job: RunningJob = {
      name,
      file: order.file ?? (this.profile.ramdiskFile ? "/data/Metadata/plate_1.gcode" : `${name}.gcode.3mf`),
      taskId,
      origin: taskId === "0" ? "local" : "cloud",
      layers: Math.max(1, Math.round(order.layers ?? 20)),
      seconds: Math.max(1, (order.minutes ?? 10) * 60),
      slots: order.slots !== undefined && order.slots.length > 0 ? order.slots : defaultSlots(state),
      startedAt: at,
      printed: 0,
      step: 0,
      stepLeft: 0,
      slotIndex: 0,
      skipped: [],
    };
    this.forgetAlerts(this.jobAlerts);
    // The layer count of the last job goes at once; the new one comes with the first RUNNING frame.
    Object.assign(state, { job, jobOver: false, pauseStage: null, pending: [], layer: 0, totalLayers: 0, percent: 0 });
    Object.assign(state, { printError: 0, failReason: 0, preparePercent: 0, change: null });
    enterStep(state, this.profile, 0);
    this.showProgress();
    return true;
  }

  pause(stage: number = STAGES.pausedByUser): boolean {
    if (!this.busy || this.state.gcodeState !== "RUNNING") return false;
    this.state.gcodeState = "PAUSE";
    this.state.pauseStage = stage;
    this.showProgress();
    return true;
  }

  /** Goes on after a pause; after a runout somebody has put a new spool in. */
  resume(): boolean {
    const { state } = this;
    if (!this.busy || state.gcodeState !== "PAUSE") return false;
    if (state.emptied !== null) this.refill(state.emptied.ref);
    this.forgetAlerts(this.jobAlerts);
    Object.assign(state, { gcodeState: "RUNNING", pauseStage: null, printError: 0, failReason: 0 });
    this.showProgress();
    return true;
  }

  cancel(order: CancelOrder): boolean {
    if (!this.busy) return false;
    this.state.jobOver = true;
    this.state.change = null;
    if (order !== "pulse-first") this.end("FAILED");
    if (order !== "failed-first") this.sayCancelled();
    this.state.pending = CANCEL_PENDING[order].map((pending) => ({ ...pending }));
    return true;
  }

  fail(): boolean {
    if (!this.busy) return false;
    this.end("FAILED");
    this.sayError(FAULT_ERROR);
    this.raiseJobAlert(FAULT_ALERT);
    return true;
  }

  /** The spool in use is empty: the job pauses and says which feeder it was. */
  runOut(): boolean {
    const { state } = this;
    const ref = state.job?.slots[state.job.slotIndex];
    if (ref === undefined || !this.pause(STAGES.pausedRunout)) return false;
    const unit = state.units.find((one) => one.profile.id === ref.unit);
    const spool = unit?.slots[ref.slot] ?? null;
    state.change = null;
    if (unit !== undefined && spool !== null) {
      state.emptied = { ref, spool };
      unit.slots[ref.slot] = null;
      const module = AMS_KINDS[unit.profile.kind].fault;
      this.raiseJobAlert({ attr: ((module << 24) | ((ref.unit & 0x7f) << 16) | 0x7000) >>> 0, code: 0x00020007 });
    }
    this.activeLoaded = null;
    this.sayError(runoutCode(ref, state.units));
    return true;
  }

  finish(): boolean {
    if (!this.busy) return false;
    this.end("FINISH");
    return true;
  }

  /** Brings filament in, or takes out what is there (null); false while a job uses it or the slot is empty. */
  changeFilament(to: SlotRef | null, extruder: number): boolean {
    const { state } = this;
    if ((this.busy && state.gcodeState !== "PAUSE") || state.change !== null) return false;
    if (state.extruders[extruder] === undefined || (to !== null && spoolAt(state, to) === null)) return false;
    state.change = { extruder, to, left: FILAMENT_CHANGE_SECONDS };
    this.showProgress();
    return true;
  }

  raiseAlert(alert: Alert): void {
    this.forgetAlerts([alert]);
    this.state.alerts = [...this.state.alerts, alert];
  }

  dropAlert(alert: Alert): void {
    this.forgetAlerts([alert]);
  }

  clearAlerts(): void {
    this.state.alerts = [];
  }

  /** The error on the screen is acknowledged. */
  clearError(): void {
    this.state.printError = 0;
    this.forgetAlerts(this.jobAlerts);
  }

  setDoor(open: boolean): void {
    if (this.profile.door !== null) this.state.doorOpen = open;
  }

  /** Installs what is offered; `wait` while a job is on, `nothing` without an offer. */
  startUpdate(): "begun" | "wait" | "nothing" {
    if (this.busy) return "wait";
    return startUpdate(this.state.firmware) ? "begun" : "nothing";
  }

  /** Off and on again: the job is lost, what lies in the feeders and the room stays. */
  powerCycle(): void {
    const { units, external, doorOpen, lights, recording, timelapse, firmware } = this.state;
    if (this.state.emptied !== null) this.refill(this.state.emptied.ref);
    this.state = {
      ...powerUp(this.profile, { ...firmware, update: null, restartIn: null }),
      units,
      external,
      doorOpen,
      lights,
      recording,
      timelapse,
      versionsKnown: false,
    };
    this.jobAlerts = [];
    this.restartDue = false;
  }

  /**
   * Lets printer time pass. `onMilestone` is called at each moment that a printer reports at once:
   * a new state, stage, layer, error, alert or filament.
   */
  advance(seconds: number, onMilestone: () => void): void {
    let seen = this.milestone();
    for (let left = seconds; left > 0; left -= 1) {
      this.tick(Math.min(1, left));
      const now = this.milestone();
      if (now !== seen) onMilestone();
      seen = now;
    }
  }

  private milestone(): string {
    const { gcodeState, stage, layer, printError, alerts, extruders, firmware, versionsKnown } = this.state;
    const filament = extruders.map(({ loaded }) => (loaded === null ? "" : `${loaded.unit}:${loaded.slot}`));
    const update = [versionsKnown, firmware.update?.phase, firmware.installed, firmware.offer !== null];
    return [gcodeState, stage, layer, printError, alerts.length, ...filament, ...update].join();
  }

  private tick(seconds: number): void {
    const { state } = this;
    const before = state.uptime;
    state.uptime += seconds;
    if (Math.floor(before / 10) !== Math.floor(state.uptime / 10))
      state.wifiDbm = -48 + Math.round(3 * Math.sin(state.uptime / 23));
    if (state.uptime > 60) state.versionsKnown = true;
    heatMachine(state, seconds);
    this.settlePending(seconds);
    moveFilament(state, seconds);
    if (workOnUpdate(state.firmware, seconds) === "restart") this.restartDue = true;
    if (this.busy && state.gcodeState !== "PAUSE" && workOn(state, this.profile, seconds)) this.end("FINISH");
    this.showProgress();
  }

  private settlePending(seconds: number): void {
    const { state } = this;
    const due = state.pending.filter((pending) => (pending.left -= seconds) <= 0);
    if (due.length === 0) return;
    state.pending = state.pending.filter((pending) => pending.left > 0);
    for (const { what } of due) {
      if (what === "say-cancelled") this.sayCancelled();
      else if (what === "end-cancelled") this.end("FAILED", state.pending);
      else state.printError = 0;
    }
  }

  private showProgress(): void {
    showProgress(this.state, this.profile);
  }

  private end(how: "FINISH" | "FAILED", pending: readonly Pending[] = []): void {
    const { state } = this;
    Object.assign(state, {
      gcodeState: how,
      jobOver: true,
      pauseStage: null,
      remainingMinutes: 0,
      change: null,
      pending,
    });
    if (how === "FINISH") Object.assign(state, { percent: 100, layer: state.job?.layers ?? 0, preparePercent: 100 });
    for (const heater of [...state.extruders, state.bed, state.chamber]) heater.target = 0;
    Object.assign(state.fans, { part: 0, aux: 0, chamber: 0 });
    if (state.emptied !== null) this.refill(state.emptied.ref);
    this.useUp();
    this.showProgress();
  }

  /** A job takes three percent of a spool with a chip; a spool that is nearly empty is replaced. */
  private useUp(): void {
    const ref = this.state.extruders[this.state.activeExtruder]?.loaded;
    const unit = this.state.units.find((one) => one.profile.id === ref?.unit);
    const spool = unit?.slots[ref?.slot ?? 0];
    if (unit === undefined || ref === undefined || ref === null || spool?.chip !== true) return;
    unit.slots[ref.slot] = { ...spool, remain: spool.remain <= 10 ? 100 : spool.remain - 3 };
  }

  private refill(ref: SlotRef): void {
    const { state } = this;
    const unit = state.units.find((one) => one.profile.id === ref.unit);
    if (unit === undefined || state.emptied === null) return;
    unit.slots[ref.slot] = { ...state.emptied.spool, remain: state.emptied.spool.chip ? 100 : -1 };
    state.emptied = null;
    this.activeLoaded = ref;
  }

  private set activeLoaded(ref: SlotRef | null) {
    const extruder = this.state.extruders[this.state.activeExtruder];
    if (extruder !== undefined) extruder.loaded = ref;
  }

  private sayCancelled(): void {
    this.sayError(this.profile.cancelCode);
  }

  private sayError(code: number): void {
    this.state.printError = code;
    this.state.failReason = code;
  }

  private raiseJobAlert(alert: Alert): void {
    this.raiseAlert(alert);
    this.jobAlerts = [...this.jobAlerts, alert];
  }

  private forgetAlerts(gone: readonly Alert[]): void {
    const { state } = this;
    const left = state.alerts.filter(
      (alert) => !gone.some((one) => one.attr === alert.attr && one.code === alert.code),
    );
    if (left.length !== state.alerts.length) state.alerts = left;
    if (gone === this.jobAlerts) this.jobAlerts = [];
  }
}
