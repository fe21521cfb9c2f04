import { PrintgateError } from "../errors";
import type { Command, CommandName } from "../printer/commands";
import type { CommandReply } from "../printer/link";
import type { Reply } from "./client";
import { own, textOf } from "./wire";

/** A command as OctoPrint's REST API wants it. */
export interface Order {
  readonly path: string;
  readonly json: object;
  /**
   * What 204 is worth: OctoPrint has taken the command, the printer has not. `unanswered` where the printer's state will
   * show what came of it, `done` where nothing ever will.
   */
  readonly accepted: "done" | "unanswered";
}

/** What the order depends on besides the command. */
export interface Circumstances {
  readonly nozzles: number;
}

type Row<N extends CommandName> = (command: Extract<Command, { name: N }>, now: Circumstances) => Order | null;
type Rows = { readonly [N in CommandName]?: Row<N> };

const job = (json: object): Order => ({ path: "api/job", json, accepted: "unanswered" });
const gcode = (commands: readonly string[]): Order => ({
  path: "api/printer/command",
  json: { commands },
  accepted: "done",
});
const target = (heater: "bed" | "chamber", celsius: number): Order => ({
  path: `api/printer/${heater}`,
  json: { command: "target", target: celsius },
  accepted: "unanswered",
});

/** Command -> order; null where only this form of the command can not be done. What is missing, OctoPrint has no word for. */
const ROWS: Rows = {
  // Without an action it would toggle.
  pause: () => job({ command: "pause", action: "pause" }),
  resume: () => job({ command: "pause", action: "resume" }),
  stop: () => job({ command: "cancel" }),
  "bed-temperature": ({ target: celsius }) => target("bed", celsius),
  "chamber-temperature": ({ target: celsius }) => target("chamber", celsius),
  "nozzle-temperature": ({ target: celsius, nozzle }, { nozzles }) => {
    // Which of several is in use only the printer knows: M104 without a tool is for that one.
    if (nozzle === null && nozzles > 1) return gcode([`M104 S${celsius}`]);
    // OctoPrint would hand it on all the same.
    if (nozzle !== null && nozzles > 0 && nozzle >= nozzles) return null;
    const targets = { [`tool${nozzle ?? 0}`]: celsius };
    return { path: "api/printer/tool", json: { command: "target", targets }, accepted: "unanswered" };
  },
  fan: ({ fan, percent }) => (fan === "part" ? gcode([`M106 S${Math.round((percent / 100) * 255)}`]) : null),
  gcode: ({ lines }) => gcode(linesOf(lines)),
  home: () => ({ path: "api/printer/printhead", json: { command: "home", axes: ["x", "y", "z"] }, accepted: "done" }),
};

/**
 * The order for a command; printing and refreshing are more than one request and not here.
 * @throws PrintgateError `not-supported`
 */
export function orderFor(command: Command, now: Circumstances): Order {
  const row = ROWS[command.name] as ((command: Command, now: Circumstances) => Order | null) | undefined;
  const order = row?.(command, now) ?? null;
  if (order === null) throw new PrintgateError("not-supported", `"${command.name}" is not supported by this printer`);
  return order;
}

function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Answers by which OctoPrint refuses a command, as opposed to those by which it can not be used at all. */
export const REFUSALS = [400, 404, 409, 415] as const;

/** What a refusal means for a command, where OctoPrint itself does not say more than its number. */
const CONFLICTS: Readonly<Partial<Record<CommandName, string>>> = {
  pause: "there is no print that could be paused",
  resume: "there is no paused print",
  stop: "there is no print that could be stopped",
  print: "the printer is busy, or not connected",
};

/** OctoPrint's answer as the printer's word on the command. */
export function replyTo(command: CommandName, { status, body }: Reply, accepted: Order["accepted"]): CommandReply {
  if (status < 300) return { kind: accepted };
  const said = textOf(own(body, "error"))?.slice(0, 200) ?? null;
  if (status === 400 && said !== null && /csrf/i.test(said)) {
    const reason = "OctoPrint does not let us do this: the API key is wrong, or its user has no permission";
    return { kind: "refused", code: 403, reason };
  }
  const conflict = status === 409 ? (CONFLICTS[command] ?? "the printer is not connected to OctoPrint") : null;
  // OctoPrint itself speaks of an address that was typed wrong.
  const missing = status === 404 ? "OctoPrint knows no such file" : null;
  return { kind: "refused", code: status, reason: missing ?? said ?? conflict ?? "OctoPrint refused the command" };
}
