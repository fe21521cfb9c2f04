import type { Job, PrinterState } from "../../lib/printer/status";
import { aJob } from "./observations";

/** Stories that a printer could live through, invented from a number: the same one gives the same story. */

export interface Frame {
  readonly state: PrinterState;
  readonly job: Job | null;
  /** The printer's word that somebody cancelled. */
  readonly cancelled: boolean;
  /** Which print of the story it is, from 1; 0 = none yet. */
  readonly print: number;
  /** That print's own figures, whatever the frame shows. */
  readonly progress: number;
  readonly layer: number;
  /** How that print has ended by now. */
  readonly ended: "finished" | "failed" | "cancelled" | null;
  readonly afterMs: number;
}

export type Dice = (sides: number) => number;

/** A small generator of numbers below `sides`. */
export function diceOf(seed: number): Dice {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % sides;
  };
}

const PERSON_MS = 6000;

/** Up to three prints of one file, with ids or, as over the LAN, without. */
export function framesOf(dice: Dice, withIds: boolean): Frame[] {
  const frames: Frame[] = [{ state: "idle", job: null, cancelled: false, ...NOBODY }];
  let shown = { progress: 100, layer: 50 };
  const prints = 1 + dice(3);
  for (let print = 1; print <= prints; print++) {
    let own = { progress: 0, layer: 0 };
    let ended: Frame["ended"] = null;
    let afterMs = PERSON_MS;
    const say = (state: PrinterState, cancelled = false): void => {
      const id = withIds ? `47${print}` : null;
      const job = state === "idle" ? null : { ...aJob({ id, ...shown, remainingSeconds: 90_000 }), endsAt: `${print}` };
      frames.push({ state, job, cancelled, print, ...own, ended, afterMs });
      afterMs = 1000;
    };
    // Some printers show the last one's figures until they print.
    if (dice(2) === 0) shown = own;
    for (let i = dice(3); i >= 0; i--) say("preparing");
    shown = own;
    say("printing");
    for (let i = 1 + dice(8); i > 0; i--) {
      own = { progress: Math.min(99, own.progress + dice(18)), layer: own.layer + dice(3) };
      shown = own;
      if (dice(6) === 0) say("unknown");
      say("printing");
      if (dice(5) === 0) say("paused");
    }
    const ending = (["finished", "failed", "cancelled"] as const)[dice(3)] ?? "failed";
    if (ending === "finished") shown = own = { progress: 100, layer: own.layer + 1 };
    const words = ending === "cancelled" ? 1 + dice(3) : 0;
    if (words === 1) say("printing", true);
    ended = ending;
    say(ending === "finished" ? ending : "failed", words === 2);
    if (words === 3) say("failed", true);
    for (let i = dice(4); i > 0; i--) say(ending === "finished" ? ending : "failed");
    for (let i = dice(3); i > 0; i--) say("idle");
  }
  return frames;
}

const NOBODY = { print: 0, progress: 0, layer: 0, ended: null, afterMs: 0 } as const;
