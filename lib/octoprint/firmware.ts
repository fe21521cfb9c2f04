import { type FirmwareWord, WHOLE } from "../printer/firmware";
import { fieldsOf, own, textOf, type Fields } from "./wire";

/**
 * What a printer's firmware calls itself (the answer to M115, which OctoPrint pushes as the event FirmwareData), and what
 * OctoPrint says about updates of itself. Nobody in this picture knows whether there is newer printer firmware.
 */

export interface PrinterFirmware {
  /** As the printer writes it, without a version; null for one that we do not know. */
  readonly family: string | null;
  /** null where no release is named: development builds, and families that we can not read. */
  readonly version: string | null;
  /** MACHINE_TYPE, what the maker calls the printer. */
  readonly machine: string | null;
}

interface Family {
  readonly family: string;
  /** Matches FIRMWARE_NAME. */
  readonly name: RegExp;
  /** Where the release stands: inside the name, or in FIRMWARE_VERSION. */
  readonly release: { readonly in: "name" | "version"; readonly pattern: RegExp };
}

/** A release, which a date, a branch (`2.0.x`) or a commit is not. */
const RELEASE = /^v?(\d+(?:\.\d+)+(?:[-+]\d+)?)(?![\w.]|[-+ ]?(?:alpha|beta|rc|dev|pre|bugfix|nightly))/i;

/** By firmware family, the first whose name fits: Prusa's is based on Marlin and says so. */
const FAMILIES: readonly Family[] = [
  inName("Prusa-Firmware-Buddy", /^Prusa-Firmware-Buddy\s+/i),
  inName("Prusa-Firmware", /^Prusa-Firmware\s+/i),
  inName("Marlin", /^(?:Virtual )?Marlin\s+/i),
  inName("Repetier", /^Repetier[_ ]+/i),
  inVersion("RepRapFirmware", /^RepRapFirmware\b/i),
  inVersion("Klipper", /^Klipper\b/i),
  inVersion("Smoothieware", /^Smoothieware\b/i),
];

function inName(family: string, name: RegExp): Family {
  return { family, name, release: { in: "name", pattern: name } };
}

function inVersion(family: string, name: RegExp): Family {
  return { family, name, release: { in: "version", pattern: /^/ } };
}

/** Reads the payload of FirmwareData: `{ name, data: { FIRMWARE_NAME, FIRMWARE_VERSION?, MACHINE_TYPE?, ... } }`. */
export function readFirmware(payload: Fields): PrinterFirmware {
  const data = fieldsOf(own(payload, "data"));
  const name = textOf(own(data, "FIRMWARE_NAME")) ?? textOf(own(payload, "name")) ?? "";
  const machine = textOf(own(data, "MACHINE_TYPE"));
  const row = FAMILIES.find((family) => family.name.test(name));
  if (row === undefined) return { family: null, version: null, machine };
  const stated = row.release.in === "name" ? name : (textOf(own(data, "FIRMWARE_VERSION")) ?? "");
  const version = RELEASE.exec(stated.replace(row.release.pattern, ""))?.[1] ?? null;
  return { family: row.family, version, machine };
}

/** OctoPrint's own version, and what its plugin for updates says. */
export interface ServerVersions {
  readonly installed: string | null;
  /** `unknown` where the plugin is absent, may not be asked, or can not tell itself. */
  readonly says: "offered" | "none" | "unknown";
  readonly offered: string | null;
  readonly updating: boolean;
}

/** The name of OctoPrint itself in a list of modules. */
export const SERVER_MODULE = "octoprint";

/** Reads the answer of `/plugin/softwareupdate/check`; `installed` as `/api/version` said it. */
export function readUpdateCheck(answer: unknown, installed: string | null): ServerVersions {
  const check = fieldsOf(answer);
  const entry = fieldsOf(own(fieldsOf(own(check, "information")), SERVER_MODULE));
  const versions = fieldsOf(own(entry, "information"));
  const versionOf = (side: string): string | null => {
    const stated = fieldsOf(own(versions, side));
    return textOf(own(stated, "value")) ?? textOf(own(stated, "name"));
  };
  const newer = own(entry, "updateAvailable");
  // Without the internet there is no error: it names no version, and says that there is nothing newer.
  const remote = versionOf("remote");
  const failed = textOf(own(entry, "error")) !== null || own(entry, "online") === false || !/\d/.test(remote ?? "");
  const offered = newer === true ? remote : null;
  return {
    installed: installed ?? versionOf("local"),
    says: offered !== null ? "offered" : newer === false && !failed ? "none" : "unknown",
    offered,
    updating: own(check, "status") === "inProgress",
  };
}

/**
 * The word of both. What OctoPrint says of itself says nothing about the printer's firmware: of that nobody speaks, so that
 * all together is never "up to date".
 */
export function firmwareWord(printer: PrinterFirmware | null, server: ServerVersions): FirmwareWord {
  return {
    says: server.says,
    modules: [
      { name: WHOLE, installed: printer?.version ?? null, offered: null, silent: true },
      { name: SERVER_MODULE, installed: server.installed, offered: server.offered },
    ],
    force: null,
    updating: server.updating,
  };
}
