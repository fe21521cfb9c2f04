import type { CommandReply } from "../printer/link";
import type { PrinterStatus } from "../printer/status";
import { hex8, integerIn, textOf, type Fields } from "./values";

/**
 * What a printer's answer to a command means. Source: Bambu protocol notes, envelope and authorization control: success
 * is often said by the mere echo; a refusal has `result` "fail" or "failed", often a `reason` and an `err_code`.
 */

/** err_codes by which firmware says that it wants signed commands. */
const UNSIGNED = { first: 84033543, last: 84033548 };
const UNSIGNED_WORDS = "verify failed";
/** The same as an alert on the printer. */
const UNSIGNED_ALERT = "0500_0500_0001_0007";
const REMEDY = "the printer takes signed commands only: switch on LAN mode and developer mode on the printer's screen";

const DONE: CommandReply = { kind: "done" };
const LONGEST_REASON = 160;

/** null where the answer says neither yes nor no. */
export function verdictOf(body: Readonly<Fields>): CommandReply | null {
  const codes = [body.err_code, body.errno].map((code) => integerIn(code, -0x8000_0000, 0xffff_ffff));
  const code = codes.find((one) => one !== null && one !== 0);
  const reason = reasonOf(body.reason);
  if (code !== undefined && code !== null) return refused(code, reason);
  const { result } = body;
  // Only the echo: then a reason, if there is one, is the answer.
  if (result === undefined || result === null || result === "") return verdictIn(reason, BAD_REASON, reason);
  if (typeof result === "boolean") return result ? DONE : refused("refused", reason);
  const number = integerIn(result, -0x8000_0000, 0xffff_ffff);
  if (number !== null) return number === 0 ? DONE : refused("refused", reason);
  return typeof result === "string" ? verdictIn(result, BAD_RESULT, reason) : null;
}

const GOOD = /^(success|ok)$/i;
const BAD_RESULT = /^(fail|err|refus|reject|den|invalid|forbid|busy)/i;
const BAD_REASON = /fail|error|refus|reject|denied|invalid|forbid|busy/i;

function verdictIn(words: string | null, bad: RegExp, reason: string | null): CommandReply | null {
  if (words === null || GOOD.test(words.trim())) return DONE;
  return bad.test(words) ? refused("refused", reason) : null;
}

/** The printer demands signatures, as its list of alerts says it. */
export function demandsSignature({ alerts }: PrinterStatus): boolean {
  return alerts.some(({ source, code }) => source === "hms" && code === UNSIGNED_ALERT);
}

export const SIGNATURE_REFUSAL: CommandReply = { kind: "refused", code: UNSIGNED.first, reason: REMEDY };

function refused(code: number | "refused", reason: string | null): CommandReply {
  if (code === "refused" && reason?.includes(UNSIGNED_WORDS) === true) return SIGNATURE_REFUSAL;
  if (typeof code === "number" && code >= UNSIGNED.first && code <= UNSIGNED.last)
    return { kind: "refused", code, reason: REMEDY };
  const said = reason === null ? "the printer refused it without a reason" : `the printer refused it: ${reason}`;
  const number = typeof code === "number" ? ` (${hex8(code).replace(/(.{4})/, "$1_")})` : "";
  return { kind: "refused", code, reason: `${said}${number}` };
}

/** The printer's own words, as far as they can stand in a line. */
function reasonOf(value: unknown): string | null {
  const text = textOf(value)?.replace(/\p{C}/gu, " ").trim() ?? "";
  return text === "" ? null : text.slice(0, LONGEST_REASON);
}
