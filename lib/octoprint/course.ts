import type { Outcome } from "../printer/events";
import type { Doing, Layers, Progress, Task } from "./picture";
import { NO_LAYERS } from "./picture";

/**
 * How a print goes: OctoPrint forgets an ending at once (its flags say "operational" again) while the events name it, so
 * the last one is kept here until the next job. Pure: what was known + what is said = what is known.
 */

/** A print as it was last seen. */
export interface Figures extends Progress, Layers {
  readonly task: Task | null;
}

export interface Course {
  /** A print is on; by an event it is so before the flags say it. */
  readonly underWay: boolean;
  /** It began by an event, no picture has shown it yet: OctoPrint holds pictures back, events never. */
  readonly announced: boolean;
  /** It ended by an event, no picture has shown the printer at rest yet: the script after a print may take its time. */
  readonly echoing: boolean;
  /** It is being given up. */
  readonly cancelling: boolean;
  /** OctoPrint gives it up because the printer's firmware reported an error: nobody has cancelled it. */
  readonly broken: boolean;
  /** The print that is on, or the last one. */
  readonly figures: Figures;
  /** How the last print ended; null while one is on, and where nothing is known. */
  readonly outcome: Outcome | null;
}

const NO_FIGURES: Figures = { task: null, percent: null, remainingSeconds: null, ...NO_LAYERS };

export const NO_COURSE: Course = {
  underWay: false,
  announced: false,
  echoing: false,
  cancelling: false,
  broken: false,
  figures: NO_FIGURES,
  outcome: null,
};

/** What a picture shows besides what the printer is doing. */
export interface Shown extends Progress {
  readonly task: Task | null;
}

/**
 * A picture was seen.
 * @param told events are heard as well, and name each ending; without them an ending has to be made out from pictures
 */
export function seePicture(course: Course, doing: Doing, shown: Shown, told: boolean): Course {
  if (doing.phase === "off") return course.underWay ? ended(course, "failed") : calm(course);
  const isSame = shown.task !== null && shown.task.file === course.figures.task?.file;
  if (doing.phase !== "ready") {
    // What was said of the print before its end; a print that begins anew is announced.
    if (told && course.echoing && isSame) return course;
    const { layer, totalLayers } = course.underWay ? course.figures : NO_LAYERS;
    return {
      underWay: true,
      announced: false,
      echoing: false,
      cancelling: (course.underWay && course.cancelling) || doing.cancelling,
      broken: course.underWay && course.broken,
      figures: { ...shown, layer, totalLayers },
      outcome: null,
    };
  }
  const isDone = shown.percent === 100 && shown.task !== null;
  if (course.underWay) {
    // What was said before the print began.
    if (told && course.announced) return course;
    if (isDone) return ended(course, "finished");
    if (course.cancelling) return ended(course, "cancelled");
    // Ready before the end, without an error and with the file still selected: somebody gave the print up. A server that
    // was restarted has no file selected.
    if (!told && isSame) return ended(course, "cancelled");
    return { ...course, underWay: false, announced: false };
  }
  if (course.outcome !== null) return isSame ? calm(course) : NO_COURSE;
  return isDone ? ended({ ...course, figures: { ...NO_FIGURES, ...shown } }, "finished") : course;
}

/** An event about a job, as far as it matters. */
export interface JobEvent {
  readonly name: string;
  /** The file that it names. */
  readonly task: Task | null;
  /** Of a failure: `cancelled` or `error`. */
  readonly reason: string | null;
  /** What the printer's firmware complained of, where that is why the job ends. */
  readonly firmwareError: string | null;
}

/** An event about a job was heard. */
export function hearEvent(before: Course, { name, task, reason, firmwareError }: JobEvent): Course {
  const course = before.underWay && firmwareError !== null ? { ...before, broken: true } : before;
  switch (name) {
    case "PrintStarted":
      return { ...NO_COURSE, underWay: true, announced: true, figures: { ...NO_FIGURES, task } };
    case "PrintCancelling":
      return course.underWay ? { ...course, cancelling: true } : course;
    case "PrintDone":
      return echo(course, ended(course, "finished"));
    case "PrintCancelled":
      return echo(course, ended(course, "cancelled"));
    // Follows PrintCancelled, too: then it is the same ending once more.
    case "PrintFailed":
      return echo(course, ended(course, reason === "cancelled" || course.cancelling ? "cancelled" : "failed"));
    default:
      return course;
  }
}

/** Layers were pushed by a plugin. */
export function hearLayers(course: Course, layers: Layers): Course {
  if (!course.underWay) return course;
  const { figures } = course;
  // A message may bring one of the two.
  const layer = layers.layer ?? figures.layer;
  return { ...course, figures: { ...figures, layer, totalLayers: layers.totalLayers ?? figures.totalLayers } };
}

/** The connection is gone: what a print did meanwhile is for whoever remembers more than we do. */
export function unheard(course: Course): Course {
  return course.underWay ? NO_COURSE : calm(course);
}

const echo = (before: Course, after: Course): Course => (after === before ? before : { ...after, echoing: true });
const calm = (course: Course): Course => (course.echoing ? { ...course, echoing: false } : course);

/** An ending counts once; the first word for it holds. */
function ended(course: Course, word: Outcome): Course {
  if (course.outcome !== null) return course;
  const outcome = word === "cancelled" && course.broken ? "failed" : word;
  const { figures } = course;
  const done: Partial<Figures> = outcome === "finished" ? { percent: 100, remainingSeconds: 0 } : {};
  return { ...NO_COURSE, figures: { ...figures, ...done }, outcome };
}
