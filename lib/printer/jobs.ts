import type { EventMemory } from "./events";
import type { Job } from "./status";

/** Which job is which, and how far it was: the questions behind the event rules. */

/** Both carry the maker's id of a run, and the ids differ. */
export function otherId(a: Job | null, b: Job | null): boolean {
  return a?.id != null && b?.id != null && a.id !== b.id;
}

/** Known to be two different jobs. The first mark that both carry decides; without one they count as the same. */
export function otherJob(a: Job | null, b: Job | null): boolean {
  if (b === null) return false;
  if (a === null) return true;
  for (const mark of ["id", "startedAt", "name", "file"] as const) {
    if (a[mark] !== null && b[mark] !== null) return a[mark] !== b[mark];
  }
  return false;
}

/** The ten per cent that was last passed. */
export const tenOf = (progress: number | null): number => Math.floor((progress ?? 0) / 10) * 10;

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
