/** Reads the frames that clients send and words the replies. Pure; nothing in a frame can make it throw. */
import { isObject, type Json, type JsonObject } from "../json";
import { type Outcome, type RequestContext, runRequest } from "./request-table";

/** A command as it came in, answered or not. */
export interface ReceivedRequest {
  readonly section: string;
  readonly command: string;
  readonly body: Record<string, unknown>;
  /** Epoch ms. */
  readonly at: number;
}

/** Refusal of unsigned commands: its number in the reply, and the alert that the printer raises. */
const UNSIGNED = {
  reason: "mqtt message verify failed",
  code: 84033543,
  alert: { attr: 0x05000500, code: 0x00010007 },
};

/** Longest text of a request that a reply repeats. */
const LONGEST_ECHO = 1024;

/** The commands in a frame; none in a frame that can not be read. */
export function readFrame(payload: Buffer, at: number): ReceivedRequest[] {
  let frame: unknown;
  try {
    frame = JSON.parse(payload.toString("utf8"));
  } catch {
    return [];
  }
  if (!isObject(frame)) return [];
  return Object.entries(frame).flatMap(([section, body]) =>
    isObject(body) && typeof body["command"] === "string" ? [{ section, command: body["command"], body, at }] : [],
  );
}

/** The plain members of a request, which a reply repeats. */
export function echo(body: Readonly<Record<string, unknown>>): JsonObject {
  const plain = Object.entries(body).filter((member): member is [string, Json] => {
    const value = member[1];
    return (
      typeof value === "boolean" ||
      typeof value === "number" ||
      (typeof value === "string" && value.length <= LONGEST_ECHO)
    );
  });
  return Object.fromEntries(plain);
}

export interface Handled {
  readonly outcome: Outcome;
  /** The frame to publish; null = silence. */
  readonly reply: JsonObject | null;
}

/** Carries a command out and words the reply. */
export function handleRequest(request: ReceivedRequest, context: RequestContext, signedCommands: boolean): Handled {
  const { section, command, body } = request;
  const sequence = body["sequence_id"];
  const silent: Handled = { outcome: { kind: "ignored" }, reply: null };
  if (typeof sequence !== "string" && typeof sequence !== "number") return silent;
  const reply = (extra: JsonObject): JsonObject => ({ [section]: { ...echo(body), ...extra } });

  if (signedCommands && section === "print") {
    context.machine.raiseAlert(UNSIGNED.alert);
    const refused = { result: "failed", reason: UNSIGNED.reason, err_code: UNSIGNED.code };
    return { outcome: { kind: "refused", reason: UNSIGNED.reason }, reply: reply(refused) };
  }
  const outcome = runRequest(context, section, command, body);
  if (outcome.kind === "refused") {
    const result = section === "camera" ? -1 : "fail";
    return { outcome, reply: reply({ result, reason: outcome.reason }) };
  }
  if (outcome.kind !== "done") return { outcome, reply: null };
  // Versions are told without a result.
  if (section === "info") return { outcome, reply: reply(outcome.extra ?? {}) };
  const word = context.machine.profile.okWord;
  const result = section === "camera" ? 0 : word;
  const newer = word === "SUCCESS" && section === "print" ? { err_code: 0, is_from_mqtt: true } : {};
  return { outcome, reply: reply({ ...outcome.extra, result, reason: word === "SUCCESS" ? word : "", ...newer }) };
}
