/** What lies in the feeders of a simulated printer. Invented spools; filament ids as the Bambu protocol notes spell them. */
import { AMS_KINDS, type AmsKind, type AmsProfile } from "./profiles";

export interface Spool {
  /** "" = a spool nobody has described. */
  readonly type: string;
  readonly brand: string;
  readonly filamentId: string;
  /** RRGGBBAA */
  readonly color: string;
  /** With a chip: the printer knows how much is left. */
  readonly chip: boolean;
  /** %, -1 without a chip. */
  readonly remain: number;
  /** Nozzle °C: lowest, used, highest. */
  readonly nozzle: readonly [number, number, number];
  /** °C */
  readonly bed: number;
}

export interface AmsUnit {
  readonly profile: AmsProfile;
  /** null = no spool. */
  readonly slots: (Spool | null)[];
  /** 1..5, higher is drier. */
  readonly humidity: number;
  /** % */
  readonly humidityPercent: number;
  /** °C; 0 where the unit has no sensor. */
  temperature: number;
  dryingSeconds: number;
  /** °C, while drying. */
  dryingTarget: number;
  dryingFilament: string;
}

/** A place filament comes from; `unit` 255 is the external spool of the right or only extruder, 254 the left one's. */
export interface SlotRef {
  readonly unit: number;
  readonly slot: number;
}

const PLA = { type: "PLA", nozzle: [190, 220, 240], bed: 55 } as const;
const PETG = { type: "PETG", nozzle: [230, 255, 270], bed: 70 } as const;

const WHITE_PLA: Spool = { ...PLA, brand: "PLA Basic", filamentId: "GFA00", color: "F4F4EEFF", chip: true, remain: 82 };
const RED_PLA: Spool = { ...PLA, brand: "PLA Matte", filamentId: "GFA01", color: "B3262EFF", chip: true, remain: 64 };
const GREEN_PETG: Spool = { ...PETG, brand: "PETG HF", filamentId: "GFG02", color: "2F8F4EFF", chip: true, remain: 47 };
const GREY_PLA: Spool = { ...PLA, brand: "", filamentId: "GFL99", color: "7A7F85FF", chip: false, remain: -1 };
const UNDESCRIBED: Spool = { ...PLA, type: "", brand: "", filamentId: "", color: "00000000", chip: false, remain: -1 };
const FILLING: Record<AmsKind, readonly (Spool | null)[]> = {
  ams: [WHITE_PLA, RED_PLA, GREY_PLA, null],
  lite: [RED_PLA, WHITE_PLA, null, UNDESCRIBED],
  pro: [WHITE_PLA, RED_PLA, GREY_PLA, null],
  ht: [GREEN_PETG],
};

export const EXTERNAL_SPOOL: Spool = GREY_PLA;

export function fillUnit(profile: AmsProfile): AmsUnit {
  return {
    profile,
    slots: [...FILLING[profile.kind]],
    humidity: profile.kind === "ht" ? 0 : 4,
    humidityPercent: 24,
    temperature: profile.kind === "lite" ? 0 : 24.5,
    dryingSeconds: 0,
    dryingTarget: 0,
    dryingFilament: "",
  };
}

/** How `tray_now` and `target` count a slot: ams * 4 + slot, an AMS HT by its own id, 254 for an outside spool. */
export function trayNumber({ unit, slot }: SlotRef): number {
  if (unit === 254 || unit === 255) return 254;
  return unit >= 128 ? unit : unit * 4 + slot;
}

/** The inverse for a single-nozzle printer; null for 255 (nothing) and for numbers that no slot has. */
export function slotFromTray(tray: number): SlotRef | null {
  if (tray === 254) return { unit: 255, slot: 0 };
  if (tray >= 128 && tray < 254) return { unit: tray, slot: 0 };
  return Number.isInteger(tray) && tray >= 0 && tray < 16 ? { unit: tray >> 2, slot: tray & 3 } : null;
}

/** `print_error` of filament that ran out: module of the feeder, its number, 8011. */
export function runoutCode(from: SlotRef, units: readonly AmsUnit[]): number {
  const unit = units.find((one) => one.profile.id === from.unit);
  if (unit === undefined) return 0x07ff8011;
  const index = from.unit >= 128 ? from.unit - 128 : from.unit;
  return ((AMS_KINDS[unit.profile.kind].fault << 24) | (index << 16) | 0x8011) >>> 0;
}
