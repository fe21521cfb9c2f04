/**
 * What every printer is, whatever its make. The shapes here are the public face of the nodes
 * (`msg.payload` of printer-status and `msg.printer`), so a change here is a change for users.
 * Absent knowledge is `null`, never an invented zero.
 */

/** How reports reach us at the moment. */
export type LinkName = "lan" | "cloud" | "octoprint" | "simulated" | "relay";

/** `msg.printer`: who a message is about. */
export interface PrinterIdentity {
  /** The serial (Bambu, upper case) or any id without `/`, `+`, `#` and spaces. */
  readonly id: string;
  readonly name: string;
  readonly vendor: "bambu" | "octoprint" | "other";
  /** Marketing name such as "P1S" or "A1 mini"; null until the printer has said it. */
  readonly model: string | null;
  readonly link: LinkName | null;
}

export const PRINTER_STATES = [
  "idle",
  "preparing",
  "printing",
  "paused",
  "finished",
  "failed",
  "cancelled",
  "unknown",
] as const;
export type PrinterState = (typeof PRINTER_STATES)[number];

/** What the printer is doing inside its state, for example bed leveling while preparing. */
export interface Stage {
  readonly id: number | null;
  readonly name: string | null;
}

/** By how much the end of a job must move before it is told anew: printers count in minutes. */
export const ENDS_AT_SLACK_MS = 60_000;

export interface Job {
  /** The maker's id of this run; null for a print that never had one (a LAN print, say). */
  readonly id: string | null;
  readonly name: string | null;
  readonly file: string | null;
  readonly origin: "cloud" | "local" | null;
  /** 0..100 % */
  readonly progress: number | null;
  readonly layer: number | null;
  readonly totalLayers: number | null;
  readonly remainingSeconds: number | null;
  /** ISO 8601 */
  readonly startedAt: string | null;
  /** ISO 8601; stays as it is until it moves by more than a minute. */
  readonly endsAt: string | null;
}

/** °C */
export interface Heater {
  readonly actual: number | null;
  readonly target: number | null;
}

export interface Nozzle extends Heater {
  /** 0 = the only or the right nozzle, 1 = the left one. */
  readonly index: number;
  /** True for the nozzle in use; null when the printer has not said which one that is. */
  readonly active: boolean | null;
  /** mm */
  readonly diameter: number | null;
  readonly type: string | null;
}

export interface Temperatures {
  readonly nozzles: readonly Nozzle[];
  readonly bed: Heater;
  /** null where the model has no sensor. */
  readonly chamber: Heater | null;
}

/** % of full speed; null where the model has no such fan. */
export interface Fans {
  readonly part: number | null;
  readonly aux: number | null;
  readonly aux2: number | null;
  readonly chamber: number | null;
  readonly heatbreak: number | null;
}

export type LightMode = "on" | "off" | "flashing";

export interface Lights {
  readonly chamber: LightMode | null;
  readonly chamber2: LightMode | null;
  readonly work: LightMode | null;
}

export interface Speed {
  readonly level: 1 | 2 | 3 | 4;
  readonly name: "silent" | "standard" | "sport" | "ludicrous";
  readonly percent: number | null;
}

export interface Slot {
  /** From 0. */
  readonly slot: number;
  readonly state: "loaded" | "empty" | "unknown";
  /** Material, for example "PLA". */
  readonly type: string | null;
  /** #RRGGBBAA */
  readonly color: string | null;
  readonly remainingPercent: number | null;
  /** The maker's filament id, for example GFA00. */
  readonly filamentId: string | null;
  readonly name: string | null;
}

export interface FilamentUnit {
  /** 0..3 for a standard unit, 128.. for an AMS HT. */
  readonly id: number;
  readonly model: "ams" | "ams-lite" | "ams-2-pro" | "ams-ht" | "unknown";
  /** 1..5 as the printer says it; a higher number is drier. */
  readonly humidityLevel: number | null;
  readonly humidityPercent: number | null;
  /** °C */
  readonly temperature: number | null;
  readonly dryingMinutesLeft: number | null;
  readonly slots: readonly Slot[];
}

export interface ActiveFilament {
  readonly unit: number | null;
  readonly slot: number | null;
  readonly external: boolean;
  readonly nozzle: number;
}

export interface Filament {
  readonly active: ActiveFilament | null;
  readonly units: readonly FilamentUnit[];
  readonly external: readonly Slot[];
}

export interface Alert {
  readonly source: "hms" | "print-error";
  /** `0300_0100_0001_0007` (hms) or `0700_8006` (print-error). */
  readonly code: string;
  readonly severity: "fatal" | "serious" | "common" | "info" | "unknown";
  readonly module: string;
  readonly url: string;
}

export interface Firmware {
  readonly installed: string | null;
  readonly modules: readonly { readonly name: string; readonly installed: string | null }[];
}

export interface PrinterStatus {
  /** A report arrived within `staleAfter` on a live link. */
  readonly online: boolean;
  /** ISO 8601 */
  readonly lastSeen: string | null;
  readonly state: PrinterState;
  readonly stage: Stage;
  readonly job: Job | null;
  readonly temperatures: Temperatures;
  readonly fans: Fans;
  readonly lights: Lights;
  readonly speed: Speed | null;
  readonly filament: Filament;
  readonly alerts: readonly Alert[];
  readonly firmware: Firmware;
  readonly network: { readonly ip: string | null; readonly wifiSignalDbm: number | null };
  readonly door: "open" | "closed" | null;
  readonly storage: "ok" | "missing" | "error" | null;
  /** false where the firmware demands signed commands. */
  readonly control: { readonly allowed: boolean | null; readonly reason: string | null };
}

/** What is known of a printer that has not said anything yet. */
export const UNKNOWN_STATUS: PrinterStatus = {
  online: false,
  lastSeen: null,
  state: "unknown",
  stage: { id: null, name: null },
  job: null,
  temperatures: {
    nozzles: [],
    bed: { actual: null, target: null },
    chamber: null,
  },
  fans: { part: null, aux: null, aux2: null, chamber: null, heatbreak: null },
  lights: { chamber: null, chamber2: null, work: null },
  speed: null,
  filament: { active: null, units: [], external: [] },
  alerts: [],
  firmware: { installed: null, modules: [] },
  network: { ip: null, wifiSignalDbm: null },
  door: null,
  storage: null,
  control: { allowed: null, reason: null },
};

/** `printers/<id>/status`, `printers/<id>/events/<event>`, `printers/<id>/firmware`, ..: one rule language covers them all. */
export const topicOf = {
  status: (id: string): string => `printers/${id}/status`,
  event: (id: string, event: string): string => `printers/${id}/events/${event}`,
  command: (id: string, command: string): string => `printers/${id}/commands/${command}`,
  firmware: (id: string): string => `printers/${id}/firmware`,
  camera: (id: string): string => `printers/${id}/camera`,
};

/** True for ids that can stand as one level of a topic. */
export function isPrinterId(id: string): boolean {
  return id !== "" && !/[/+#\s\0]/.test(id);
}

/**
 * The top-level keys in which two statuses differ in value. `lastSeen` moves with every report and
 * is no change. Decoders share the parts that did not change, so most comparisons end at identity.
 */
export function changedKeys(before: PrinterStatus, after: PrinterStatus): (keyof PrinterStatus)[] {
  const keys = Object.keys(after) as (keyof PrinterStatus)[];
  return keys.filter((key) => key !== "lastSeen" && !sameValue(before[key], after[key]));
}

/** Deep equality of plain JSON values. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length || Array.isArray(a) !== Array.isArray(b)) return false;
  return keys.every((key) => sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}
