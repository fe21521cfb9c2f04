/** What a printer itself says about updates of its firmware. */
export interface FirmwareWord {
  /** `offered` = it names something newer, `none` = it says that there is nothing newer, `unknown` = it has not said. */
  readonly says: "offered" | "none" | "unknown";
  /** The printer's own names (`ota` = the printer as a whole, `ams/0`, `n3f/1`); null = not known, not offered. */
  readonly modules: readonly {
    readonly name: string;
    readonly installed: string | null;
    readonly offered: string | null;
  }[];
  /** The maker wants the printer to be updated before it prints again; null = not said. */
  readonly force: boolean | null;
  /** An update is being installed at this moment. */
  readonly updating: boolean;
}

/** The word of a printer that has not said anything. */
export const NO_WORD: FirmwareWord = { says: "unknown", modules: [], force: null, updating: false };
