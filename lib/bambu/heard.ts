import type { FirmwareWord } from "../printer/firmware";
import type { Signals } from "../printer/link";
import type { ActiveFilament, FilamentUnit, Job, PrinterStatus, Slot } from "../printer/status";
import type { Model } from "./models";
import type { Fields } from "./values";

/** Everything that was heard of one printer: what the decoders read. */
export interface Heard {
  /** The merged `print` section. */
  readonly report: Readonly<Fields>;
  /** The list of `info.get_version`. */
  readonly modules: readonly Readonly<Fields>[];
  readonly model: Model;
  /** When the last frame came, epoch ms. */
  readonly at: number;
  /** When the job was last said to end; null while no end is in sight. */
  readonly ending: Ending | null;
  /** What was made of it so far. */
  readonly parts: Parts;
}

export interface Ending {
  /** Epoch ms */
  readonly ms: number;
  /** The same as ISO 8601. */
  readonly text: string;
}

/** What a job is called, as opposed to how far it is. */
export type Task = Pick<Job, "id" | "name" | "file" | "origin" | "startedAt">;

/**
 * What a report says, in the printer model's terms. Cut finer than a status where something that moves all
 * the time (a job's progress, the filament in use) stands beside something that hardly ever does.
 */
export interface Parts extends Omit<PrinterStatus, "online" | "lastSeen" | "filament"> {
  readonly task: Task;
  readonly units: readonly FilamentUnit[];
  readonly external: readonly Slot[];
  readonly active: ActiveFilament | null;
  readonly signals: Signals;
  readonly firmwareWord: FirmwareWord;
}
