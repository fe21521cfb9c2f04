import { catalogueOf } from "../../lib/bambu/catalogue";
import { PrinterReports } from "../../lib/bambu/frames";
import type { Fields } from "../../lib/bambu/values";
import type { CloudWord, FirmwareReport, FirmwareWord } from "../../lib/printer/firmware";
import { decide } from "../../lib/printer/firmware-decision";
import { frame, fullReport, version } from "./reports";

/** What a printer with these modules and this `upgrade_state` says; null = it never says it. */
export function wordOf(
  modules: Readonly<Record<string, string>> | Fields[] | null,
  upgrade: Fields | null,
): FirmwareWord {
  const reports = new PrinterReports({ serial: "01P00A000000001" });
  const list = Array.isArray(modules)
    ? modules
    : Object.entries(modules ?? {}).map(([name, sw_ver]): Fields => ({ name, sw_ver }));
  if (modules !== null) reports.accept(frame({ info: version("P1S", list) }), 0);
  const report = fullReport("P1S");
  delete report["upgrade_state"];
  delete report["force_upgrade"];
  const body = upgrade === null ? report : { ...report, upgrade_state: upgrade };
  const [accepted] = reports.accept(frame({ print: body }), 1);
  if (accepted?.kind !== "report") throw new Error("this is no report");
  return accepted.observation.firmware;
}

/** The newer shape of an offer, of the P1 and A1. */
export const inList = (offers: Readonly<Record<string, string>>): Fields => ({
  new_version_state: 1,
  new_ver_list: Object.entries(offers).map(([name, new_ver]) => ({ name, cur_ver: "", new_ver, new_release_type: 0 })),
});

/** The other shape, of the X1, H2 and P2S. */
export const inStrings = (offers: Readonly<Record<string, string>>): Fields => ({
  new_version_state: 1,
  ota_new_version_number: "",
  ams_new_version_number: "",
  ahb_new_version_number: "",
  ...Object.fromEntries(Object.entries(offers).map(([name, version]) => [`${name}_new_version_number`, version])),
});

export const NOTHING_NEWER: Fields = { new_version_state: 2, new_ver_list: [] };
export const NOT_YET: Fields = { new_version_state: 0 };

/** An entry of the cloud's catalogue, "01.09.01.00" or "01.10.00.00 beta". */
export function entryOf(text: string, difference: Fields = {}): Fields {
  const [number = "", status = "release"] = text.split(" ");
  return {
    version: number,
    status,
    force_update: false,
    url: "https://example.org/ota",
    description: "",
    ...difference,
  };
}

/** What the cloud lists for a printer. */
export function listing(printer: readonly string[], ams: Readonly<Record<string, readonly string[]>> = {}): Fields {
  return {
    dev_id: "01P00A000000001",
    version: "01.08.02.00",
    firmware: printer.map((text) => entryOf(text)),
    ams: Object.entries(ams).map(([id, list]) => ({ ams_id: id, firmware: list.map((text) => entryOf(text)) })),
  };
}

export type Cloud = Fields | Exclude<CloudWord["kind"], "listed" | "failed"> | Error;

/** What a firmware-check would say, from the printer's and the cloud's own words. */
export function answerTo(facts: {
  readonly word: FirmwareWord;
  readonly cloud: Cloud;
  readonly channel: "release" | "beta";
  readonly online?: boolean;
}): FirmwareReport {
  const { word, channel, online = true } = facts;
  return decide({ word, online, cloud: cloudWordOf(facts.cloud, channel, word), betaOptIn: channel === "beta", at: 0 });
}

function cloudWordOf(cloud: Cloud, channel: "release" | "beta", word: FirmwareWord): CloudWord {
  if (typeof cloud === "string") return { kind: cloud };
  if (cloud instanceof Error) return { kind: "failed", reason: cloud.message };
  const moduleNames = word.modules.map(({ name }) => name);
  return { kind: "listed", catalogue: catalogueOf(cloud, { channel, moduleNames }) };
}
