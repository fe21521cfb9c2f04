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
}

export interface Ending {
  /** Epoch ms */
  readonly ms: number;
  /** The same as ISO 8601. */
  readonly text: string;
}
