import { type EventMemory, type EventName, makeEvent, type Outcome, type PrinterEvent, withStart } from "./events";
import type { Alert, Job, PrinterState } from "./status";

const EVENT_OF: Record<Outcome, EventName> = {
  finished: "print.finished",
  failed: "print.failed",
  cancelled: "print.cancelled",
};

/** The one place where an ending becomes an event, so that no job can have two. */
export function conclude(
  before: EventMemory,
  outcome: Outcome,
  known: {
    job: Job | null;
    at: number;
    alert?: Alert | null;
    reason?: string | null;
    from?: PrinterState;
    recovered?: boolean;
  },
): { memory: EventMemory; events: PrinterEvent[]; save: true } {
  const { job, at, alert = null, reason = null } = known;
  const from = known.from ?? before.ending?.from ?? before.state ?? "unknown";
  const recovered = known.recovered ?? before.ending?.recovered ?? false;
  const memory: EventMemory = { ...before, ending: null, cancelled: false, told: { job, outcome } };
  const event = { ...makeEvent(EVENT_OF[outcome], memory, outcome, from, at, recovered), alert, reason };
  return { memory, events: [{ ...event, job: withStart(job, before) }], save: true };
}

/** What a job most likely failed of: what stopped it, rather than what the printer may have complained about for days. */
export function faultIn(alerts: readonly Alert[]): Alert | null {
  return alerts.find(({ source }) => source === "print-error") ?? alerts[0] ?? null;
}
