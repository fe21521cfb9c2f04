import type { Continuity, Ending, EventMemory, KnownState } from "./events";
import { ENDS_AT_SLACK_MS, type Job } from "./status";

/** Which job is which, and how far it was: the questions behind the event rules. */

/** Known to be two different jobs. The first mark that both carry decides; without one they count as the same. */
export function otherJob(a: Job | null, b: Job | null): boolean {
  if (b === null) return false;
  if (a === null) return true;
  for (const mark of ["id", "startedAt", "name", "file"] as const) {
    if (a[mark] !== null && b[mark] !== null) return a[mark] !== b[mark];
  }
  return false;
}

/**
 * The printer was heard again with a job that is not the one we knew. A known id that had its ending before is a leftover:
 * the job's own had not arrived yet.
 */
export function isReplaced({ job: known, told }: EventMemory, job: Job | null): boolean {
  return (known?.id == null || known.id !== told?.job?.id) && otherJob(known, job);
}

/** Less than this may be a correction of the same job's figures. */
const FAR_BACK = 10;

/**
 * The same file runs once more, where neither id nor beginning can tell: a job never goes back, to its preparations or to
 * far smaller figures.
 */
export function runsAgain(memory: EventMemory, state: KnownState, job: Job | null): boolean {
  const known = memory.job;
  if (known === null || job === null) return false;
  if ((["id", "startedAt"] as const).some((mark) => known[mark] !== null && known[mark] === job[mark])) return false;
  if (state === "preparing") return memory.state === "printing" || memory.state === "paused";
  return (progressOf(memory) ?? 0) - (job.progress ?? Infinity) >= FAR_BACK;
}

/** Another id than before, and less done than before. */
export function startedOver(memory: EventMemory, job: Job | null): boolean {
  const known = memory.job;
  if (known?.id == null || job?.id == null || known.id === job.id) return false;
  return (job.progress ?? Infinity) < (progressOf(memory) ?? 0);
}

/**
 * The job whose ending was seen is printing after all: the state had flapped. A new job prepares first. Where
 * reports were missed the same name says nothing, it takes the same id.
 */
export function goesOn({ from, job: ended }: Ending, state: KnownState, job: Job | null, live: boolean): boolean {
  if (!UNDER_WAY.has(from) || !UNDER_WAY.has(state) || state === "preparing") return false;
  return live ? !otherJob(ended, job) : ended?.id != null && ended.id === job?.id;
}

const UNDER_WAY: ReadonlySet<KnownState> = new Set(["preparing", "printing", "paused"]);

/** The ten per cent that was last passed. */
export const tenOf = (progress: number | null): number => Math.floor((progress ?? 0) / 10) * 10;

/**
 * Which of the figures that a job shows as it begins are still the last job's: printers show those until the new ones
 * arrive. A beginning that was heard, and a job that prepares, show nothing else yet. A print that was found shows its
 * own, where they are neither the ones that were last seen nor those of a job that is done.
 */
export function leftoverOf(
  memory: EventMemory,
  { state, job, continuity }: { readonly state: KnownState; readonly job: Job | null; readonly continuity: Continuity },
): EventMemory["leftover"] {
  const { progress = null, layer = null } = job ?? {};
  const last = memory.job;
  // What a start found is the baseline, whosever it is.
  const mayBeOthers = continuity === "gap" && UNDER_WAY.has(memory.state ?? "idle");
  if (continuity === "live" || state === "preparing" || progress === 100 || mayBeOthers) return { progress, layer };
  return {
    progress: progress === last?.progress ? progress : null,
    layer: layer === last?.layer ? layer : null,
  };
}

/** The job's own progress: null while the printer still shows the last job's. */
export function progressOf(memory: EventMemory): number | null {
  const progress = memory.job?.progress ?? null;
  return progress === memory.leftover.progress ? null : progress;
}

/** More time has passed since the job was last seen than it had left. A paused job does not end by itself. */
export function timeWasUp(memory: EventMemory, at: number): boolean {
  const left = memory.job?.remainingSeconds ?? 0;
  return left > 0 && memory.state === "printing" && at - memory.at >= left * 1000;
}

/**
 * The job with the end that was shown before, while it is the same job and the new end is within a minute of it. Each way
 * to a printer reckons it from its own reports, so that it would jump at every switch.
 */
export function withSteadyEnd(job: Job | null, shown: Job | null): Job | null {
  if (job?.endsAt == null || shown?.endsAt == null || job.endsAt === shown.endsAt || otherJob(shown, job)) return job;
  const moved = Math.abs(Date.parse(job.endsAt) - Date.parse(shown.endsAt));
  return moved <= ENDS_AT_SLACK_MS ? { ...job, endsAt: shown.endsAt } : job;
}
