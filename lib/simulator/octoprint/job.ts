/** A print as OctoPrint sees it: a file that is being sent, and how it words that. */
import type { Json, JsonObject } from "../json";
import { nameOf, type StoredFile } from "./files";

export interface RunningJob {
  readonly file: StoredFile;
  /** Who started it. */
  readonly user: string;
  /** Printer seconds that were printed, pauses not counted. */
  printed: number;
  /** Printer seconds since it began. */
  elapsed: number;
}

/** Printer seconds from which OctoPrint dares to guess the rest. */
const GUESS_FROM = 0.03;
const LAYER_MM = 0.2;

export const shareOf = (job: RunningJob): number => Math.min(1, job.printed / job.file.seconds);
export const layerOf = (job: RunningJob): number =>
  Math.min(job.file.layers, 1 + Math.floor(shareOf(job) * job.file.layers));
/** mm */
export const heightOf = (job: RunningJob): number => Math.round(layerOf(job) * LAYER_MM * 100) / 100;

export const NO_PROGRESS: JsonObject = {
  completion: null,
  filepos: null,
  printTime: null,
  printTimeLeft: null,
  printTimeLeftOrigin: null,
};

/** `progress` of a running job. `completion` is 0..100; the time left is unknown at first. */
export function encodeProgress(job: RunningJob): JsonObject {
  const share = shareOf(job);
  return {
    completion: share * 100,
    filepos: Math.floor(share * job.file.bytes.length),
    printTime: Math.floor(job.elapsed),
    printTimeLeft: share < GUESS_FROM ? null : Math.ceil(job.file.seconds - job.printed),
    printTimeLeftOrigin: "linear",
  };
}

/** `progress` of a job that was printed to its end. */
export function encodeDone(job: RunningJob): JsonObject {
  return {
    completion: 100,
    filepos: job.file.bytes.length,
    printTime: Math.floor(job.elapsed),
    printTimeLeft: 0,
    printTimeLeftOrigin: null,
  };
}

/** What every event of a job says of its file. */
export function encodeFileOf({ file }: { readonly file: StoredFile }): JsonObject {
  const { path, origin, bytes, owner } = file;
  return { name: nameOf(path), path, origin, size: bytes.length, owner };
}

const NOWHERE: Json = { e: null, f: null, z: null, x: null, y: null, t: null };

/** PrintPaused, PrintCancelled: where it was. `progress` is whole percents. */
export function encodePlace(job: RunningJob): JsonObject {
  const share = shareOf(job);
  return {
    ...encodeFileOf(job),
    position: NOWHERE,
    fileposition: Math.floor(share * job.file.bytes.length),
    progress: Math.floor(share * 100),
    user: job.user,
  };
}

/** PrintFailed of a job that nobody cancelled; its `progress` is 0..1, unlike everywhere else. */
export function encodeFailure(job: RunningJob, error: string): JsonObject {
  return { ...encodeFileOf(job), time: job.elapsed, reason: "error", error, progress: shareOf(job) };
}
