/**
 * What we ask of a printer, as frames for `device/<serial>/request`. A frame is one section with a
 * command and a sequence id (Bambu protocol: a frame without one is silently discarded).
 */
import { PrintgateError } from "../errors";
import type { Fields } from "./values";

/** One request to a printer: a section, a command and its fields. The sequence id comes when it is said. */
export interface Request {
  readonly section: "print" | "system" | "info" | "pushing";
  readonly command: string;
  readonly fields: Readonly<Fields>;
}

const REQUESTS = {
  /** Answered by `info.module[]`. */
  getVersion: { section: "info", command: "get_version", fields: {} },
  /** Answered by a full `print.push_status`, with a sequence id of its own. Costly for P1 and A1. */
  pushAll: { section: "pushing", command: "pushall", fields: { version: 1, push_target: 1 } },
  /** Makes a printer that fell silent report again. */
  startPushing: { section: "pushing", command: "start", fields: {} },
} as const satisfies Record<string, Request>;

export type RequestName = keyof typeof REQUESTS;

export function requestFrame(name: RequestName, sequenceId: string): string {
  return frameOf(REQUESTS[name], sequenceId);
}

export function frameOf({ section, command, fields }: Request, sequenceId: string): string {
  return JSON.stringify({ [section]: { sequence_id: sequenceId, command, ...fields } });
}

export function print(command: string, fields: Readonly<Fields>): Request {
  return { section: "print", command, fields };
}

export function unable(words: string): never {
  throw new PrintgateError("not-supported", words);
}

const FIRST_ID = 20_000;
const LAST_ID = 29_999;

/**
 * Sequence ids as the maker's own programs use them: decimal strings inside 20000..29999. The
 * beginning is random, since some firmware refuses an id that it saw before our restart; higher
 * numbers can hang the AMS.
 */
export function sequenceIds(random: () => number = Math.random): () => string {
  let next = FIRST_ID + Math.floor(random() * (LAST_ID - FIRST_ID + 1));
  return () => {
    const id = String(next);
    next = next >= LAST_ID ? FIRST_ID : next + 1;
    return id;
  };
}
