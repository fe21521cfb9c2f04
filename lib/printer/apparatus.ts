import type { EventMemory, PrinterEvent } from "./events";
import type { Observation } from "./link";
import type { Alert, Filament, Slot } from "./status";

/**
 * The part of the event rules that has nothing to do with jobs: filament, door, alerts. Each looks
 * at one thing, remembers its last known value, and notes the edge.
 */

export type Note = Pick<PrinterEvent, "event"> & Partial<Pick<PrinterEvent, "alert" | "value" | "reason">>;

interface Noticed {
  /** What to remember; null when nothing changed. */
  readonly change: Partial<EventMemory> | null;
  readonly notes: readonly Note[];
}

const NOTHING: Noticed = { change: null, notes: [] };

/** What changed on the printer around the job. */
export function apparatus(memory: EventMemory, seen: Observation): Noticed {
  const found = LOOKS.map((look) => look(memory, seen)).filter((noticed) => noticed !== NOTHING);
  if (found.length === 0) return NOTHING;
  const change = Object.assign({}, ...found.map((noticed) => noticed.change)) as Partial<EventMemory>;
  return { change, notes: found.flatMap((noticed) => noticed.notes) };
}

const LOOKS: readonly ((memory: EventMemory, seen: Observation) => Noticed)[] = [runout, loaded, door, alerts];

function runout(memory: EventMemory, { signals, status }: Observation): Noticed {
  if (signals.runout === memory.runout) return NOTHING;
  const notes: Note[] = signals.runout ? [{ event: "filament.runout", reason: status.stage.name }] : [];
  return { change: { runout: signals.runout }, notes };
}

/** Another filament than the last one: between two, printers report that none is loaded, which is no change. */
function loaded(memory: EventMemory, { status }: Observation): Noticed {
  const { active } = status.filament;
  if (active === null) return NOTHING;
  const key = active.external ? `external/${active.nozzle}` : `${active.unit ?? "?"}/${active.slot ?? "?"}`;
  if (key === memory.filament) return NOTHING;
  const value = { ...active, ...materialOf(status.filament) };
  return { change: { filament: key }, notes: memory.filament === null ? [] : [{ event: "filament.changed", value }] };
}

function door(memory: EventMemory, { status }: Observation): Noticed {
  if (status.door === null || status.door === memory.door) return NOTHING;
  const event = status.door === "open" ? "door.opened" : "door.closed";
  return { change: { door: status.door }, notes: memory.door === null ? [] : [{ event }] };
}

/** The set difference by code: printers repeat their whole list, in any order. */
function alerts(memory: EventMemory, { status }: Observation): Noticed {
  const [old, now] = [memory.alerts, status.alerts];
  if (now === old || (now.length === 0 && old.length === 0)) return NOTHING;
  const isMissingIn = (list: readonly Alert[]) => (alert: Alert) =>
    !list.some((other) => other.source === alert.source && other.code === alert.code);
  const raised = now.filter(isMissingIn(old)).map((alert): Note => ({ event: "alert.raised", alert }));
  const cleared = old.filter(isMissingIn(now)).map((alert): Note => ({ event: "alert.cleared", alert }));
  return { change: { alerts: now }, notes: [...raised, ...cleared] };
}

function materialOf(filament: Filament): Pick<Slot, "type" | "color"> {
  const { active } = filament;
  if (active === null) return { type: null, color: null };
  const slots = active.external ? filament.external : filament.units.find((unit) => unit.id === active.unit)?.slots;
  const slot = active.external
    ? (slots?.[active.nozzle] ?? slots?.[0])
    : slots?.find((entry) => entry.slot === active.slot);
  return { type: slot?.type ?? null, color: slot?.color ?? null };
}
