/** Which frames a printer sends and when: whole or changes, asked for or by itself. Pure. */
import type { JsonObject } from "../../json";
import { reportDelta } from "./delta";
import type { PrinterProfile } from "../machine/profiles";

/** The number that firmware with a constant sequence id puts into reports. */
const CONSTANT_SEQUENCE = "2021";

export class ReportStream {
  /** What the listeners know; null = nothing was told since power-up. */
  private told: JsonObject | null = null;
  private sequence = 0;

  constructor(private readonly profile: PrinterProfile) {}

  /** The answer to `pushall`. */
  whole(status: JsonObject): JsonObject {
    this.told = status;
    const msg = this.profile.fullMsg;
    return this.envelope(status, msg === null ? {} : { msg });
  }

  /**
   * What is reported unasked; null = nothing to tell. Firmware that reports changes has nothing to compare with
   * before somebody asked for the whole.
   */
  unasked(status: JsonObject): JsonObject | null {
    if (this.profile.reports === "full") return this.whole(status);
    if (this.told === null) return null;
    const changes = reportDelta(this.told, status);
    this.told = status;
    return changes === null ? null : this.envelope(changes, { msg: 1 });
  }

  private envelope(content: JsonObject, extra: JsonObject): JsonObject {
    this.sequence += 1;
    const sequence = this.profile.pushSequence === "constant" ? CONSTANT_SEQUENCE : String(this.sequence);
    return { print: { ...content, command: "push_status", ...extra, sequence_id: sequence } };
  }
}
