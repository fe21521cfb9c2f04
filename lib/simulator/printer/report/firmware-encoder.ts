/** Versions and updates as a model words them. Source: Bambu protocol notes, firmware and `info.get_version`. */
import { downloaded, feederModule, type FirmwareOffer, knownOffer } from "../machine/firmware";
import type { JsonObject } from "../../json";
import type { MachineState } from "../machine/state";
import { AMS_KINDS, type PrinterProfile } from "../machine/profiles";

/** `dis_state` */
const DISPLAY = { nothing: 0, offered: 1, updating: 2, done: 3 } as const;
/** `new_version_state` */
const NEWS = { unknown: 0, offered: 1, none: 2 } as const;
/** What the numbers mean is not known. */
const RELEASE_TYPES = { cur_release_type: 0, new_release_type: 0 } as const;

/** Updates as a list: P1 and A1. */
function encodeList(state: MachineState, offer: FirmwareOffer | null): JsonObject[] {
  const { installed, feeders } = state.firmware;
  const rows = [
    ...(offer?.version === undefined ? [] : [{ name: "ota", cur_ver: installed, new_ver: offer.version }]),
    ...(offer?.ams ?? []).map(({ module, version }) => ({
      name: module,
      cur_ver: feeders.get(module) ?? "",
      new_ver: version,
    })),
  ];
  return rows.map((row) => ({ ...row, ...RELEASE_TYPES }));
}

/** Updates as texts, empty when there is none: the other models. The printer's own outlives the offer. */
function encodeTexts(state: MachineState, offer: FirmwareOffer | null): JsonObject {
  return {
    ota_new_version_number: offer === null ? state.firmware.lastOffered : (offer.version ?? ""),
    ams_new_version_number: offer?.ams?.[0]?.version ?? "",
    ahb_new_version_number: "",
    ext_new_version_number: "",
  };
}

/** How far an update is; after one the words of its end stay. */
function encodeProgress(state: MachineState, profile: PrinterProfile): JsonObject {
  const { update, updated } = state.firmware;
  const progress = String(downloaded(state.firmware));
  if (update !== null) {
    const module = update.offer.version === undefined ? "ams" : "ota";
    const message = update.phase === "DOWNLOADING" ? `${progress}%, 640KB/s` : "";
    return { status: update.phase, progress, module, message };
  }
  if (updated) return { status: "UPGRADE_SUCCESS", progress: "100", module: "ota", message: "0%, 0B/s" };
  const idle = profile.upgrade === "list" ? { status: "", progress: "", module: "" } : null;
  return { ...(idle ?? { status: "IDLE", progress: "0", module: "null" }), message: "" };
}

function displayState(state: MachineState, offer: FirmwareOffer | null): number {
  if (state.firmware.update !== null) return DISPLAY.updating;
  if (offer !== null) return DISPLAY.offered;
  return state.firmware.updated ? DISPLAY.done : DISPLAY.nothing;
}

/** `upgrade_state`. What is offered is not known for a while after power-up. */
export function encodeUpgrade(state: MachineState, profile: PrinterProfile): JsonObject {
  const offer = state.versionsKnown ? knownOffer(state.firmware) : null;
  const news = state.versionsKnown ? (offer === null ? NEWS.none : NEWS.offered) : NEWS.unknown;
  return {
    sequence_id: 0,
    consistency_request: false,
    dis_state: displayState(state, offer),
    err_code: 0,
    force_upgrade: offer?.force ?? false,
    new_version_state: news,
    ...encodeProgress(state, profile),
    ...(profile.upgrade === "list" ? { new_ver_list: encodeList(state, offer) } : encodeTexts(state, offer)),
  };
}

/**
 * The modules of `info.get_version`. The printer's serial stands in the `ota` row; the others have their own.
 * The newest firmware also says there what each module is offered.
 */
export function encodeModules(state: MachineState, profile: PrinterProfile, serial: string): JsonObject[] {
  const { firmware } = state;
  const offer = state.versionsKnown ? knownOffer(firmware) : null;
  const named = profile.productName !== null;
  const offered = (version: string | undefined): JsonObject =>
    profile.packed && version !== undefined ? { sw_new_ver: version } : {};
  const ota = {
    name: "ota",
    ...(named ? { product_name: profile.productName, visible: true } : {}),
    project_name: profile.projectName,
    sw_ver: firmware.installed,
    ...offered(offer?.version),
    hw_ver: "OTA",
    sn: serial,
    flag: 0,
  };
  const boards = profile.modules.map(({ name, hardware, firmware: version }) => ({
    name,
    ...(named ? { product_name: "", visible: false } : {}),
    project_name: profile.projectName,
    sw_ver: version,
    hw_ver: hardware,
    sn: version === "" ? "" : `${serial.slice(0, 3)}-${name}`,
    flag: 0,
  }));
  const feeders = profile.ams.map((unit, index) => {
    const { module, product } = AMS_KINDS[unit.kind];
    const name = feederModule(unit);
    return {
      name,
      ...(named ? { product_name: `${product} (${index + 1})`, visible: true } : {}),
      project_name: "",
      sw_ver: firmware.feeders.get(name) ?? "",
      ...offered(offer?.ams?.find((one) => one.module === name)?.version),
      hw_ver: "AMS08",
      sn: `SIM${module.toUpperCase()}${unit.id}`,
      flag: 0,
    };
  });
  return [ota, ...boards, ...feeders];
}
