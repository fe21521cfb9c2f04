import { type EventMemory, type EventName, makeEvent, type PrinterEvent, shownState } from "./events";
import type { Offer } from "./firmware";
import type { Notice } from "./link";
import { isNewer, numbersOf } from "./versions";

/**
 * Events beside the story of the jobs: whether the printer can be heard, what is on offer for it, what somebody else
 * has to say. None of them moves a state.
 */

/** What was remembered and what is to be told, as the rules give it. */
interface Aside {
  readonly memory: EventMemory;
  readonly events: readonly PrinterEvent[];
  readonly save: boolean;
}

function nothing(memory: EventMemory): Aside {
  return { memory, events: [], save: false };
}

function aside(event: EventName, memory: EventMemory, at: number): PrinterEvent {
  const state = shownState(memory, memory.state ?? "unknown");
  return makeEvent(event, memory, state, state, at, false);
}

/** The printer can be heard, or no longer. */
export function presence(before: EventMemory, online: boolean, at: number): Aside {
  // A printer that was never heard has not gone: nothing to tell.
  if (before.online === online || (before.online === null && !online)) return nothing(before);
  const event = aside(online ? "printer.online" : "printer.offline", before, at);
  return { memory: { ...before, online }, events: [event], save: false };
}

/** An event that no report shows. */
export function noticed(before: EventMemory, { event, reason, value }: Notice, at: number): Aside {
  return { memory: before, events: [{ ...aside(event, before, at), reason, value }], save: false };
}

/** Modules that are remembered; a printer has some thirty. */
const MOST_OFFERS = 128;

/**
 * `firmware.available`: each version of each module is told once, whoever names it and however often. That something is
 * available is no moment in time, so the first report after a start may tell it as well as any other.
 */
export function offered(before: EventMemory, found: readonly Offer[], at: number): Aside {
  const told = new Map((before.offered ?? []).map(({ name, version }) => [name, version]));
  const isNews = ({ name, latest }: Offer): boolean => {
    const known = told.get(name) ?? null;
    return numbersOf(known) === null ? known !== latest : isNewer(latest, known);
  };
  const news = found.filter(isNews);
  if (news.length === 0) return nothing(before);
  for (const { name, latest } of news) told.set(name, latest);
  const memory = { ...before, offered: [...told].slice(-MOST_OFFERS).map(([name, version]) => ({ name, version })) };
  return { memory, events: [{ ...aside("firmware.available", memory, at), value: found }], save: true };
}
