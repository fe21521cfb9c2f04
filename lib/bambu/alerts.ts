import type { Signals } from "../printer/link";
import type { Alert } from "../printer/status";
import type { Heard } from "./heard";
import { stageIdOf } from "./job";
import { entriesOf, hex8, wordOf, type Fields } from "./values";
import {
  ALERT_MODULES,
  CANCEL_CODES,
  RUNOUT_CODES,
  RUNOUT_LOW_WORD,
  RUNOUT_MODULES,
  RUNOUT_OF_SLOT,
  RUNOUT_OF_UNIT,
  SEVERITIES,
  STAGE_RUNOUT,
} from "./vocabulary";

/** More than a printer has parts to fail; keeps a list of nonsense from becoming a flood. */
const MOST_ALERTS = 64;

/** One entry of the health list (`hms`), as unsigned words. */
interface HealthEntry {
  readonly attribute: number;
  readonly code: number;
}

/** What the printer complains about, each thing once. Its words for "somebody cancelled" are no complaint. */
export function decodeAlerts({ report, model }: Heard): Alert[] {
  const alerts: Alert[] = [];
  const add = (source: Alert["source"], words: string, head: number, severity: Alert["severity"]): void => {
    const code = words.replace(/(.{4})(?=.)/g, "$1_");
    if (alerts.length >= MOST_ALERTS || alerts.some((alert) => alert.source === source && alert.code === code)) return;
    const url = `https://wiki.bambulab.com/en/${model.series}/troubleshooting/hmscode/${code}`;
    alerts.push({ source, code, severity, module: ALERT_MODULES.get(head >>> 24) ?? "unknown", url });
  };
  for (const entry of healthOf(report)) {
    const { attribute, code } = entry;
    if (!echoesCancel(entry))
      add("hms", hex8(attribute) + hex8(code), attribute, SEVERITIES.get(code >>> 16) ?? "unknown");
  }
  const error = printErrorOf(report);
  if (error !== 0 && !CANCEL_CODES.has(error)) add("print-error", hex8(error), error, "unknown");
  return alerts;
}

const SIGNALS: readonly Signals[] = [
  { cancelled: false, runout: false },
  { cancelled: true, runout: false },
  { cancelled: false, runout: true },
  { cancelled: true, runout: true },
];

/** What the printer says in passing, as long as it says it. */
export function decodeSignals({ report }: Heard): Signals {
  const error = printErrorOf(report);
  const health = healthOf(report);
  const cancelled = CANCEL_CODES.has(error) || health.some(echoesCancel) || failedByCancel(report);
  const runout = stageIdOf(report) === STAGE_RUNOUT || isRunout(error) || health.some(tellsRunout);
  return SIGNALS[(cancelled ? 1 : 0) + (runout ? 2 : 0)] ?? { cancelled, runout };
}

function healthOf(report: Readonly<Fields>): HealthEntry[] {
  const entries: HealthEntry[] = [];
  for (const { attr, code } of entriesOf(report.hms)) {
    const attribute = wordOf(attr);
    const word = wordOf(code);
    if (attribute !== null && word !== null) entries.push({ attribute, code: word });
  }
  return entries;
}

/** 0 = none. */
function printErrorOf(report: Readonly<Fields>): number {
  return wordOf(report.print_error) ?? 0;
}

/** The health list repeats a cancel as 0300_xxxx_xxxx_400C: module and number around other words. */
function echoesCancel({ attribute, code }: HealthEntry): boolean {
  return CANCEL_CODES.has(((attribute & 0xffff_0000) | (code & 0xffff)) >>> 0);
}

/**
 * X1, P2S and H2 keep why a job failed, after the pulse in `print_error` is over or where there was none (seen in reports
 * of an H2C). It stands there until the next job, so that it only counts while the printer says that this one failed.
 */
function failedByCancel(report: Readonly<Fields>): boolean {
  return report.gcode_state === "FAILED" && CANCEL_CODES.has(wordOf(report.fail_reason) ?? 0);
}

function isRunout(error: number): boolean {
  return RUNOUT_CODES.has(error) || (RUNOUT_MODULES.has(error >>> 24) && (error & 0xffff) === RUNOUT_LOW_WORD);
}

function tellsRunout({ attribute, code }: HealthEntry): boolean {
  if (!RUNOUT_MODULES.has(attribute >>> 24)) return false;
  const part = attribute & 0xffff;
  if (part === RUNOUT_OF_UNIT.attribute) return code === RUNOUT_OF_UNIT.code;
  return (part & ~RUNOUT_OF_SLOT.slots) === RUNOUT_OF_SLOT.attribute && RUNOUT_OF_SLOT.codes.has(code);
}
