import { PrintgateError } from "../errors";
import type { Trust } from "./tls";

/** What the ways to a camera share: a picture is a JPEG, whole, and no larger than any camera's. */

export interface CameraPlace {
  readonly host: string;
  /** Of the JPEG stream. */
  readonly port: number;
  /** 322 on every printer; another one where a relay or a test stands in between. */
  readonly rtspsPort?: number | undefined;
  readonly serial: string;
  readonly accessCode: string;
  readonly trust: Trust;
}

export interface PictureOptions {
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** Bytes; real pictures have up to 300 KB. */
export const LARGEST_PICTURE = 8 * 1024 * 1024;

/** The bytes, if they begin and end as a JPEG does; else null. */
export function jpegIn(bytes: Buffer): Buffer | null {
  if (bytes.length < 4 || bytes.length > LARGEST_PICTURE) return null;
  const whole = bytes.readUInt16BE(0) === 0xffd8 && bytes.readUInt16BE(bytes.length - 2) === 0xffd9;
  return whole ? bytes : null;
}

export function tooLate(): PrintgateError {
  return new PrintgateError("camera-failed", "no picture came in time");
}
