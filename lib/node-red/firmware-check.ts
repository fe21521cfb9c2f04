import { catalogueOf } from "../bambu/catalogue";
import type { BambuAccount } from "../bambu/cloud/types";
import { toError } from "../errors";
import { type CloudWord, type FirmwareReport, type ModuleReport, WHOLE } from "../printer/firmware";
import { decide, neededFromCloud } from "../printer/firmware-decision";
import type { View } from "./follow";
import type { Values } from "./properties";

export interface CheckOptions {
  readonly channel: Values<"firmware-check">["channel"];
  /** The cloud is asked whether that is needed or not, and anew; the account does so at most once a minute. */
  readonly force: boolean;
}

/**
 * Whether there is newer firmware: by the printer's own word, else by its account's cloud, which is asked only where it
 * has something to add and keeps an answer for six hours. What the cloud finds is told as an event. Never rejects: a
 * cloud that can not be asked is a reason, not an error.
 */
export async function checkFirmware(view: View, { channel, force }: CheckOptions): Promise<FirmwareReport> {
  const { firmware: word, account } = view;
  const heard = { word, online: view.status.online };
  const asked = account !== null && (force || neededFromCloud(heard) !== "nothing") ? account : null;
  // Whether the account wants beta versions is shown in any case; but it alone is no reason to ask the cloud.
  const betaOptIn = (await account?.betaOptIn({ kept: asked === null }).catch(() => false)) ?? false;
  const moduleNames = word.modules.map(({ name }) => name);
  const effective = channel === "account" ? (betaOptIn ? "beta" : "release") : channel;
  const cloud: CloudWord =
    asked === null
      ? { kind: account === null ? "nobody" : "unasked" }
      : await ask(asked, view.printer.id, { force, channel: effective, moduleNames });
  const report = decide({ ...heard, cloud, betaOptIn, at: Date.now() });
  if (report.updateAvailable === true) announce(view, report);
  return report;
}

async function ask(
  account: BambuAccount,
  serial: string,
  { force, ...terms }: Parameters<typeof catalogueOf>[1] & { readonly force: boolean },
): Promise<CloudWord> {
  try {
    const entry = await account.catalogue(serial, { force });
    return entry === null ? { kind: "unlisted" } : { kind: "listed", catalogue: catalogueOf(entry, terms) };
  } catch (thrown) {
    return { kind: "failed", reason: toError(thrown).message };
  }
}

/** What the cloud found. The printer's own offers among it were told by its reports, and are not told twice. */
function announce(view: View, { modules }: FirmwareReport): void {
  const found = modules.flatMap(({ name, installed, latest, updateAvailable }) =>
    updateAvailable === true && latest !== null ? [{ name, installed, latest }] : [],
  );
  if (found.length > 0) view.offer(found);
}

/** "37 minutes": how long a cloud is left alone gets shorter with each look at it. */
const SPOKEN_TIME = /\b(?:a|\d+) (?:second|minute|hour)s?\b/g;

/** What makes two answers different ones: not when they were given, nor who gave them, nor in which words. */
export function gistOf(report: FirmwareReport): string {
  const { updateAvailable, installed, latest, forceUpdate, modules, reason } = report;
  const newer = modules.filter((module) => module.updateAvailable === true).map((one) => [one.name, one.latest]);
  return JSON.stringify([
    updateAvailable,
    installed,
    latest,
    forceUpdate,
    newer,
    updateAvailable === null ? (reason?.replace(SPOKEN_TIME, "a while") ?? null) : null,
  ]);
}

/** "01.08.02.00 → 01.09.01.00", of the printer, else of its modules; null when there is nothing newer. */
export function stepOf({ modules, updateAvailable }: FirmwareReport): string | null {
  if (updateAvailable !== true) return null;
  const newer = modules.filter((module) => module.updateAvailable === true);
  const arrow = ({ installed, latest }: ModuleReport): string => `${installed ?? "?"} → ${latest ?? "?"}`;
  const whole = newer.find(({ name }) => name === WHOLE);
  return whole === undefined ? newer.map((module) => `${module.name} ${arrow(module)}`).join(", ") : arrow(whole);
}
