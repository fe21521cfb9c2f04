import { ENDS_AT_SLACK_MS, type Job, type PrinterState, type Stage } from "../printer/status";
import type { Ending, Heard, Task } from "./heard";
import { fieldsOf, integerIn, isoOf, numberIn, textOf, type Fields } from "./values";
import { ACTIVE_STATES, STAGE_PRINTING, STAGES, STAGES_IDLE, STATES } from "./vocabulary";

/** What printers write where there is nothing to say. */
const NO_NAME: ReadonlySet<string> = new Set(["-1"]);
const NO_ID: ReadonlySet<string> = new Set(["0", "-1"]);
const ORIGINS: ReadonlyMap<unknown, Job["origin"]> = new Map([
  ["cloud", "cloud"],
  ["local", "local"],
]);

const YEAR_MINUTES = 366 * 24 * 60;
/** Seconds; a start before or after it is a printer whose clock is not set. */
const YEAR_2100 = 4_102_444_800;

export function decodeState({ report }: Heard): PrinterState {
  return STATES.get(report.gcode_state) ?? "unknown";
}

/** `stg_cur` wins over the newer `stage._id`. Stage 0 of a printer that prints nothing is a boot glitch. */
export function decodeStage({ report }: Heard): Stage {
  const id = stageIdOf(report);
  if (id === null) return { id: null, name: null };
  if (STAGES_IDLE.has(id) || (id === STAGE_PRINTING && report.print_type === "idle")) return { id, name: "idle" };
  return { id, name: STAGES[id] ?? "unknown" };
}

export function stageIdOf(report: Readonly<Fields>): number | null {
  return wholeNumber(report.stg_cur) ?? wholeNumber(fieldsOf(report.stage)._id);
}

export function decodeTask({ report }: Heard): Task {
  const startedAt = numberIn(report.gcode_start_time, 1, YEAR_2100);
  return {
    id: idOf(report.task_id) ?? idOf(report.subtask_id),
    name: textOf(report.subtask_name, NO_NAME),
    file: fileOf(report.gcode_file),
    origin: ORIGINS.get(report.print_type) ?? null,
    startedAt: startedAt === null ? null : isoOf(startedAt * 1000),
  };
}

/** null where there is nothing on, and nothing left of what was on. */
export function decodeJob(heard: Heard): Job | null {
  const { report, at } = heard;
  const { id, name, file, origin, startedAt } = heard.parts.task;
  const { state } = heard.parts;
  const active = ACTIVE_STATES.has(state);
  if (state === "idle" || (!active && id === null && name === null && file === null)) return null;
  const remainingSeconds = secondsOf(report.mc_remaining_time) ?? secondsOf(report.remain_time);
  const layers = fieldsOf(report["3D"]);
  return {
    id,
    name,
    file,
    origin,
    progress: numberIn(report.mc_percent, 0, 100),
    layer: countOf(report.layer_num) ?? countOf(layers.layer_num),
    // 0 is what the firmware writes between two jobs, not a number of layers.
    totalLayers: (countOf(report.total_layer_num) ?? countOf(layers.total_layer_num)) || null,
    remainingSeconds,
    startedAt,
    endsAt: active && remainingSeconds ? endOf(at + remainingSeconds * 1000, heard.ending) : null,
  };
}

/** True where the end that was told is no longer where this job will end: a pause moves it without a word. */
export function endHasMoved(job: Job | null, { at, ending }: Heard): boolean {
  if (ending === null || job === null) return false;
  return Math.abs(at + (job.remainingSeconds ?? 0) * 1000 - ending.ms) > ENDS_AT_SLACK_MS;
}

/** What to remember of the job's end. */
export function endingOf(job: Job | null, told: Ending | null): Ending | null {
  const text = job?.endsAt ?? null;
  if (text === null || text === told?.text) return text === null ? null : told;
  return { ms: Date.parse(text), text };
}

function endOf(ms: number, told: Ending | null): string | null {
  return told !== null && Math.abs(ms - told.ms) <= ENDS_AT_SLACK_MS ? told.text : isoOf(ms);
}

function idOf(value: unknown): string | null {
  return textOf(typeof value === "number" ? String(value) : value, NO_ID);
}

/** The file's own name: some models give its place on a ramdisk. */
function fileOf(value: unknown): string | null {
  const path = textOf(value, NO_NAME);
  return path === null ? null : textOf(path.slice(path.lastIndexOf("/") + 1));
}

function secondsOf(minutes: unknown): number | null {
  const number = numberIn(minutes, 0, YEAR_MINUTES);
  return number === null ? null : number * 60;
}

function countOf(value: unknown): number | null {
  return integerIn(value, 0, 10_000_000);
}

function wholeNumber(value: unknown): number | null {
  return integerIn(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}
