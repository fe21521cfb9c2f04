/**
 * What we ask of a printer, as frames for `device/<serial>/request`. A frame is one section with a
 * command and a sequence id (Bambu protocol: a frame without one is silently discarded).
 */

const REQUESTS = {
  /** Answered by `info.module[]`. */
  getVersion: { section: "info", fields: { command: "get_version" } },
  /** Answered by a full `print.push_status`, with a sequence id of its own. Costly for P1 and A1. */
  pushAll: { section: "pushing", fields: { command: "pushall", version: 1, push_target: 1 } },
  /** Makes a printer that fell silent report again. */
  startPushing: { section: "pushing", fields: { command: "start" } },
} as const;

export type RequestName = keyof typeof REQUESTS;

export function requestFrame(name: RequestName, sequenceId: string): string {
  const { section, fields } = REQUESTS[name];
  return JSON.stringify({ [section]: { sequence_id: sequenceId, ...fields } });
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
