/**
 * What runs on a simulated printer and its feeders, what it is offered, and an update on its way. Pure: time comes in.
 * Source: Bambu protocol notes, firmware. How long the steps take is invented.
 */
import { PrintgateError } from "../../../errors";
import { AMS_KINDS, type PrinterProfile } from "./profiles";

export interface FirmwareOffer {
  /** For the printer itself; absent = only for feeders. */
  readonly version?: string;
  /** By the module's name in `get_version`, for example `ams/0` or `n3s/128`. */
  readonly ams?: readonly { readonly module: string; readonly version: string }[];
  /** Only for accounts that opted in to beta firmware: a printer without a cloud counts as opted in. */
  readonly beta?: boolean;
  /** The maker wants it to be installed before anything else. */
  readonly force?: boolean;
  /** Release notes; only the cloud's catalogue has them. */
  readonly notes?: string;
}

/** Steps of an update in the words of `upgrade_state.status`. */
export type UpdatePhase = "UPGRADE_REQUEST" | "DOWNLOADING" | "PRE_FLASH_START" | "PRE_FLASH_SUCCESS";

export interface FirmwareState {
  /** Of the printer itself. */
  installed: string;
  /** Of each feeder, by the module's name. */
  readonly feeders: Map<string, string>;
  offer: FirmwareOffer | null;
  /** The printer's account wants beta firmware. */
  betaOpen: boolean;
  update: { phase: UpdatePhase; left: number; readonly offer: FirmwareOffer } | null;
  /** Seconds until the printer restarts to run what was installed; null = it need not. */
  restartIn: number | null;
  /** The last update went well; firmware keeps saying so. */
  updated: boolean;
  /** A version that was offered once and that some firmware keeps in its reports when the offer is gone. */
  lastOffered: string;
}

const PHASES: readonly { readonly phase: UpdatePhase; readonly seconds: number }[] = [
  { phase: "UPGRADE_REQUEST", seconds: 3 },
  { phase: "DOWNLOADING", seconds: 60 },
  { phase: "PRE_FLASH_START", seconds: 25 },
  { phase: "PRE_FLASH_SUCCESS", seconds: 2 },
];
/** Between the word of success and the restart. */
const RESTART_SECONDS = 5;
const secondsOf = (phase: UpdatePhase): number => PHASES.find((row) => row.phase === phase)?.seconds ?? 0;

/** The name of a feeder among the modules. */
export const feederModule = ({ kind, id }: PrinterProfile["ams"][number]): string => `${AMS_KINDS[kind].module}/${id}`;

/** As it left the factory. */
export function factoryFirmware(profile: PrinterProfile): FirmwareState {
  return {
    installed: profile.firmware,
    feeders: new Map(profile.ams.map((unit) => [feederModule(unit), AMS_KINDS[unit.kind].firmware])),
    offer: null,
    betaOpen: true,
    update: null,
    restartIn: null,
    updated: false,
    lastOffered: "",
  };
}

/** @throws PrintgateError `config-invalid` for an offer of nothing, or for a feeder that is not there */
export function offerFirmware(firmware: FirmwareState, offer: FirmwareOffer): void {
  const feeders = offer.ams ?? [];
  const versions = [offer.version, ...feeders.map(({ version }) => version)];
  if (versions.every((version) => version === undefined) || versions.includes(""))
    throw new PrintgateError("config-invalid", "An offer of firmware names at least one version.");
  const stranger = feeders.find(({ module }) => !firmware.feeders.has(module));
  if (stranger !== undefined)
    throw new PrintgateError("config-invalid", `This virtual printer has no module ${stranger.module}.`);
  firmware.offer = offer;
  firmware.lastOffered = offer.version ?? "";
}

/** The version that follows: `01.08.02.00` -> `01.08.03.00`. */
export function nextVersion(version: string): string {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const [major = 0, minor = 0, patch = 0] = parts;
  const next = patch < 99 ? [major, minor, patch + 1] : [major, minor + 1, 0];
  return [...next, 0].map((part) => String(part).padStart(2, "0")).join(".");
}

/** The offer as far as the printer has heard of it. */
export function knownOffer({ offer, betaOpen }: FirmwareState): FirmwareOffer | null {
  return offer?.beta === true && !betaOpen ? null : offer;
}

/** Up to the restart that ends it. */
export const isUpdating = ({ update, restartIn }: FirmwareState): boolean => update !== null || restartIn !== null;

/** Begins to install what is offered; false when nothing is, or when that is being done. */
export function startUpdate(firmware: FirmwareState): boolean {
  const offer = knownOffer(firmware);
  if (offer === null || isUpdating(firmware)) return false;
  firmware.update = { phase: "UPGRADE_REQUEST", left: secondsOf("UPGRADE_REQUEST"), offer };
  firmware.updated = false;
  return true;
}

/** 0..100, of the download. */
export function downloaded({ update }: FirmwareState): number {
  if (update === null || update.phase === "UPGRADE_REQUEST") return 0;
  if (update.phase !== "DOWNLOADING") return 100;
  return Math.floor((1 - Math.max(0, update.left) / secondsOf("DOWNLOADING")) * 100);
}

/** Lets time pass for an update; `restart` at its end when the printer itself has new firmware. */
export function workOnUpdate(firmware: FirmwareState, seconds: number): "restart" | null {
  const { update } = firmware;
  if (firmware.restartIn !== null && (firmware.restartIn -= seconds) <= 0) {
    firmware.restartIn = null;
    return "restart";
  }
  if (update === null) return null;
  update.left -= seconds;
  if (update.left > 0) return null;
  const next = PHASES[PHASES.findIndex(({ phase }) => phase === update.phase) + 1];
  if (next !== undefined) {
    Object.assign(update, { phase: next.phase, left: next.seconds });
    return null;
  }
  const { offer } = update;
  firmware.installed = offer.version ?? firmware.installed;
  for (const { module, version } of offer.ams ?? []) firmware.feeders.set(module, version);
  // What was offered in the meantime stays.
  if (firmware.offer === offer) firmware.offer = null;
  const restartIn = offer.version === undefined ? null : RESTART_SECONDS;
  Object.assign(firmware, { update: null, updated: true, restartIn });
  return null;
}
