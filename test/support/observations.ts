import { NO_WORD } from "../../lib/printer/firmware";
import type { Observation, Signals } from "../../lib/printer/link";
import { type Alert, type Job, type PrinterStatus, UNKNOWN_STATUS } from "../../lib/printer/status";

/** A job as a printer would report it; the difference is given. */
export function aJob(difference: Partial<Job> = {}): Job {
  return {
    id: "4711",
    name: "bracket",
    file: "bracket.gcode.3mf",
    origin: "local",
    progress: 0,
    layer: 0,
    totalLayers: 100,
    remainingSeconds: 3600,
    startedAt: null,
    endsAt: null,
    ...difference,
  };
}

export function anAlert(code: string): Alert {
  return { source: "hms", code, severity: "serious", module: "mainboard", url: `https://example.org/${code}` };
}

/** What is seen of a printer: all unknown but for the difference. */
export function seen(
  difference: Partial<PrinterStatus> & { signals?: Partial<Signals>; complete?: boolean; model?: string | null } = {},
): Observation {
  const { signals, complete = true, model = "P1S", ...status } = difference;
  return {
    status: { ...UNKNOWN_STATUS, ...status },
    signals: { cancelled: false, runout: false, ...signals },
    model,
    complete,
    firmware: NO_WORD,
    raw: () => ({ gcode_state: status.state }),
  };
}
