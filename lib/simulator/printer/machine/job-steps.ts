/** The course of a print, step by step. Stage numbers as the Bambu protocol notes list them. */
import type { GcodeState } from "./state";
import type { PrinterProfile } from "./profiles";

export const STAGES = {
  printing: 0,
  bedLeveling: 1,
  bedPreheat: 2,
  filamentChange: 4,
  pausedRunout: 6,
  heatingHotend: 7,
  scanBed: 9,
  firstLayerScan: 10,
  homing: 13,
  cleanNozzle: 14,
  pausedByUser: 16,
  unloading: 22,
  loading: 24,
} as const;

export interface JobStep {
  readonly state: Extract<GcodeState, "PREPARE" | "RUNNING">;
  /** null = the model's idle stage. */
  readonly stage: number | null;
  /** Printer seconds; null = as long as the printing takes. */
  readonly seconds: number | null;
  /** What is switched on when the step begins. */
  readonly heat?: "bed" | "nozzle";
  /** Filament is brought in if it is not there yet. */
  readonly load?: true;
  /** Only models with the lidar. */
  readonly lidar?: true;
}

/** Before the first layer: about four minutes. The file comes first, the nozzle is heated last so that it does not ooze. */
const JOB_STEPS: readonly JobStep[] = [
  { state: "PREPARE", stage: null, seconds: 10 },
  { state: "PREPARE", stage: STAGES.homing, seconds: 20 },
  { state: "PREPARE", stage: STAGES.bedPreheat, seconds: 80, heat: "bed" },
  { state: "PREPARE", stage: STAGES.bedLeveling, seconds: 60 },
  { state: "RUNNING", stage: STAGES.heatingHotend, seconds: 40, heat: "nozzle" },
  { state: "RUNNING", stage: STAGES.cleanNozzle, seconds: 25, load: true },
  { state: "RUNNING", stage: STAGES.scanBed, seconds: 25, lidar: true },
  { state: "RUNNING", stage: STAGES.printing, seconds: null },
];

export const FILE_STEP_SECONDS = 10;
export const FILAMENT_CHANGE_SECONDS = 45;

/** How fast a job is worked off, by speed level 1..4. */
export const SPEEDS: readonly { readonly percent: number }[] = [50, 100, 124, 166].map((percent) => ({ percent }));

const WITHOUT_LIDAR = JOB_STEPS.filter((step) => step.lidar !== true);

export function jobSteps(profile: PrinterProfile): readonly JobStep[] {
  return profile.lidar ? JOB_STEPS : WITHOUT_LIDAR;
}
