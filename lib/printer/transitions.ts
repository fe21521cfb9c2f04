import type { KnownState } from "./events";

/** What a change of state means for the job: the table that the event rules walk by. */

export type Transition = "stay" | "begin" | "work" | "pause" | "resume" | "end" | "surface";

/**
 * Row: the state before; column: the state now. `surface` = an ending shows up although no job was
 * seen, `stay` can hide one only where reports were missed.
 */
export const TRANSITIONS: Record<KnownState, Record<KnownState, Transition>> = {
  idle: {
    idle: "stay",
    preparing: "begin",
    printing: "begin",
    paused: "begin",
    finished: "surface",
    failed: "surface",
  },
  preparing: { idle: "end", preparing: "work", printing: "work", paused: "pause", finished: "end", failed: "end" },
  printing: { idle: "end", preparing: "work", printing: "work", paused: "pause", finished: "end", failed: "end" },
  paused: { idle: "end", preparing: "resume", printing: "resume", paused: "work", finished: "end", failed: "end" },
  finished: {
    idle: "stay",
    preparing: "begin",
    printing: "begin",
    paused: "begin",
    finished: "stay",
    failed: "surface",
  },
  failed: { idle: "stay", preparing: "begin", printing: "begin", paused: "begin", finished: "surface", failed: "stay" },
};
