/** How a job gets on: from step to step, from layer to layer, from one filament to the next. */
import { FILAMENT_CHANGE_SECONDS, FILE_STEP_SECONDS, jobSteps, SPEEDS, STAGES } from "./job-steps";
import { extruderOf, type MachineState, type RunningJob, spoolAt } from "./state";
import type { PrinterProfile } from "./profiles";
import type { SlotRef } from "./spools";

/** Being prepared, printed or paused and not on its way out. */
export function isBusy(state: MachineState): boolean {
  return state.job !== null && !state.jobOver;
}

/** Begins a step of the job: state, heaters, filament and fans that belong to it. */
export function enterStep(state: MachineState, profile: PrinterProfile, index: number): void {
  const step = jobSteps(profile)[index];
  const { job } = state;
  if (step === undefined || job === null) return;
  job.step = index;
  job.stepLeft = step.seconds ?? 0;
  state.gcodeState = step.state;
  const first = job.slots[0] ?? { unit: 255, slot: 0 };
  if (step.state === "RUNNING") state.totalLayers = job.layers;
  if (step.stage === STAGES.homing) state.homed = true;
  if (step.heat === "bed") state.bed.target = (spoolAt(state, first) ?? state.external).bed;
  if (step.heat === "nozzle") heatFor(state, first);
  if (step.load === true) takeSlot(state, job, 0);
  if (step.seconds === null)
    Object.assign(state.fans, { part: 255, aux: profile.auxFan ? 178 : 0, chamber: profile.chamberFan ? 76 : 0 });
}

/** Works on the job for that long; true when it is done. A filament change holds everything else up. */
export function workOn(state: MachineState, profile: PrinterProfile, seconds: number): boolean {
  const { job } = state;
  if (job === null || state.change !== null) return false;
  const step = jobSteps(profile)[job.step];
  if (step === undefined) return true;
  if (step.seconds === null) {
    job.printed += seconds * speedFactor(state);
    if (job.printed >= job.seconds) return true;
    const due = Math.floor((job.printed / job.seconds) * job.slots.length);
    if (due > job.slotIndex) takeSlot(state, job, due);
    return false;
  }
  job.stepLeft -= seconds;
  if (job.step === 0) state.preparePercent = Math.round((1 - Math.max(0, job.stepLeft) / FILE_STEP_SECONDS) * 100);
  if (job.stepLeft <= 0) enterStep(state, profile, job.step + 1);
  return false;
}

/** Moves filament that is on its way in or out. */
export function moveFilament(state: MachineState, seconds: number): void {
  const { change } = state;
  const extruder = change === null ? undefined : state.extruders[change.extruder];
  if (change === null || extruder === undefined) return;
  change.left -= seconds;
  // For the second half of the time the old filament is out and the new one not there yet.
  if (change.left <= FILAMENT_CHANGE_SECONDS / 2 && extruder.loaded !== null) {
    state.trayPrevious = extruder.loaded;
    extruder.loaded = null;
  }
  if (change.left > 0) return;
  extruder.loaded = change.to;
  state.activeExtruder = change.extruder;
  state.change = null;
}

/** Brings stage, percent, layer and remaining time in line with where the job is. */
export function showProgress(state: MachineState, profile: PrinterProfile): void {
  const { job } = state;
  const steps = jobSteps(profile);
  const step = job === null ? undefined : steps[job.step];
  if (job === null || step === undefined || !isBusy(state)) {
    // A job that is being stopped keeps its stage until its state says that it is over.
    if (state.gcodeState !== "RUNNING" && state.gcodeState !== "PAUSE" && state.gcodeState !== "PREPARE")
      state.stage = idleStage(state, profile);
    return;
  }
  state.stage = state.pauseStage ?? (state.change !== null ? STAGES.filamentChange : (step.stage ?? profile.idleStage));

  const share = Math.min(1, job.printed / job.seconds);
  const ahead = steps.slice(job.step + 1).reduce((sum, one) => sum + (one.seconds ?? 0), Math.max(0, job.stepLeft));
  state.percent = Math.min(99, Math.floor(share * 100));
  state.layer = step.seconds === null ? Math.min(job.layers, 1 + Math.floor(share * job.layers)) : 0;
  state.remainingMinutes = Math.ceil((ahead + (job.seconds - job.printed) / speedFactor(state)) / 60);
}

function idleStage(state: MachineState, profile: PrinterProfile): number {
  if (state.change === null) return profile.idleStage;
  return state.change.to === null ? STAGES.unloading : STAGES.loading;
}

function speedFactor(state: MachineState): number {
  return (SPEEDS[state.speedLevel - 1]?.percent ?? 100) / 100;
}

function takeSlot(state: MachineState, job: RunningJob, index: number): void {
  const to = job.slots[index];
  if (to === undefined) return;
  job.slotIndex = index;
  heatFor(state, to);
  const extruder = extruderOf(state, to);
  const loaded = state.extruders[extruder]?.loaded;
  if (loaded?.unit === to.unit && loaded.slot === to.slot) state.activeExtruder = extruder;
  else state.change = { extruder, to, left: FILAMENT_CHANGE_SECONDS };
}

function heatFor(state: MachineState, ref: SlotRef): void {
  const spool = spoolAt(state, ref) ?? state.external;
  const wanted = extruderOf(state, ref);
  state.extruders.forEach((extruder, index) => {
    // The nozzle that waits for its turn keeps warm but does not ooze.
    if (index === wanted) extruder.target = spool.nozzle[1];
    else if (extruder.target > 0) extruder.target = 140;
  });
}
