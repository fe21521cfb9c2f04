import { type Continuity, type EventMemory, NO_MEMORY, type PrinterEvent } from "../../lib/printer/events";
import type { Observation } from "../../lib/printer/link";
import { ENDING_WAIT_MS, expire, step } from "../../lib/printer/rules";
import type { PrinterState } from "../../lib/printer/status";
import { aJob, seen } from "./observations";

/** A printer's story: each call is one report a second after the last one. */
export class Story {
  memory: EventMemory = NO_MEMORY;
  at = Date.UTC(2026, 0, 1);
  events: PrinterEvent[] = [];
  private next: Continuity = "start";

  report(observation: Observation, afterMs = 1000): this {
    this.at += afterMs;
    const { memory, events } = step(this.memory, observation, this.at, this.next);
    this.memory = memory;
    this.events.push(...events);
    this.next = "live";
    return this;
  }

  /** The wait for the cancel word is over. */
  waitOver(): this {
    this.at += ENDING_WAIT_MS;
    const { memory, events } = expire(this.memory, this.at);
    this.memory = memory;
    this.events.push(...events);
    return this;
  }

  gap(): this {
    this.next = "gap";
    return this;
  }

  /** What is on disk comes back as it was. */
  restart(): this {
    this.memory = JSON.parse(JSON.stringify(this.memory)) as EventMemory;
    this.next = "start";
    return this;
  }

  names(): string[] {
    return this.events.map((event) => event.event + (event.recovered ? " (recovered)" : ""));
  }

  forget(): this {
    this.events = [];
    return this;
  }
}

/** What is seen of a printer in this state. */
export const inState = (state: PrinterState, job = aJob()) => seen({ state, job: state === "idle" ? null : job });

/** A printer that has come to the state by itself, with nothing left to tell. */
export function settledIn(state: PrinterState): Story {
  const story = new Story();
  if (state === "unknown") return story.report(inState("unknown"));
  story.report(inState("idle"));
  if (state === "idle") return story;
  story.report(inState("printing", aJob({ progress: 5, layer: 1 })));
  if (state === "printing") return story.forget();
  if (state === "preparing" || state === "paused")
    return story.report(inState(state, aJob({ progress: 5, layer: 1 }))).forget();
  if (state === "finished") return story.report(inState("finished", aJob({ progress: 5, layer: 1 }))).forget();
  const signals = { cancelled: state === "cancelled" };
  return story
    .report(seen({ state: "failed", job: aJob(), signals }))
    .waitOver()
    .forget();
}
