import type { Sightings } from "../../bambu/discovery";
import type { Link } from "../../printer/link";
import type { Accounts } from "../accounts/accounts";
import type { Pins } from "./pins";
import type { PrinterSettings } from "../settings";

/** How long to listen for printers: they announce themselves every five seconds or so. */
export const LISTEN_SECONDS = 6;

/** What "Test connection" tells. */
export interface Finding {
  readonly model: string | null;
  readonly firmware: string | null;
  /** Of the certificate, where it was looked at. */
  readonly fingerprint: string | null;
  /** What is not as it should be although there is a connection; null = nothing. */
  readonly remark: string | null;
}

/** What links share. */
export interface Surroundings {
  readonly pins: Pins;
  /** Printers that announce themselves: by it a printer is found again when its address changes. */
  readonly sightings: Sightings;
  readonly accounts: Accounts;
}

/** A kind of connection: how its link is made, and how it is tried out from the dialog. */
export interface Way {
  link(settings: PrinterSettings, around: Surroundings): Link;
  /** Connects once, asks who is there and leaves. @throws PrintgateError in words that name the trouble */
  tryOut(settings: PrinterSettings, around: Surroundings): Promise<Finding>;
}
