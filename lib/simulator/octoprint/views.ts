/** How the machine's state is worded in REST answers and in `current` of the push socket. */
import type { JsonObject } from "../json";
import { encodeJobFile } from "./files";
import { reading } from "./heaters";
import { encodeDone, encodeProgress, heightOf, NO_PROGRESS } from "./job";
import type { OctoprintMachine } from "./machine";
import type { TemperaturePoint } from "./temperatures";
import { flagsOf, PHASES } from "./states";

export function encodeState({ phase, lastError }: OctoprintMachine): JsonObject {
  return { text: PHASES[phase].text, flags: flagsOf(phase), error: lastError.error };
}

export function encodeJob({ job, done, file }: OctoprintMachine): JsonObject {
  const user = job?.user ?? done?.user ?? file?.owner ?? null;
  const times = { estimatedPrintTime: null, averagePrintTime: null, lastPrintTime: null, filament: null };
  return { file: encodeJobFile(file), ...times, user };
}

export function encodeMachineProgress({ job, done }: OctoprintMachine): JsonObject {
  if (job !== null) return encodeProgress(job);
  return done === null ? NO_PROGRESS : encodeDone(done);
}

/** `temperature` of the REST interface. */
export function encodeTemperatures({ heaters }: OctoprintMachine): JsonObject {
  return Object.fromEntries(
    [...heaters].map(([name, { actual, target }]) => [name, { actual: reading(actual), target, offset: 0 }]),
  );
}

/** `current` without what differs from listener to listener; `points` are the temperatures to tell. */
export function encodeCurrent(machine: OctoprintMachine, points: readonly TemperaturePoint[], now: number): JsonObject {
  return {
    state: encodeState(machine),
    job: encodeJob(machine),
    currentZ: machine.job === null ? null : heightOf(machine.job),
    progress: encodeMachineProgress(machine),
    offsets: {},
    resends: { count: 0, transmitted: 0, ratio: 0 },
    serverTime: now / 1000,
    temps: points.map(({ values }) => values),
    busyFiles: machine.busy && machine.file !== null ? [{ origin: machine.file.origin, path: machine.file.path }] : [],
    markings: [],
    logs: [],
    messages: [],
  };
}
