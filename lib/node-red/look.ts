import type { NodeStatus } from "node-red";
import type { PrintgateError } from "../errors";
import type { LinkState } from "../printer/link";
import type { PrinterState, PrinterStatus } from "../printer/status";

/** Looks a text up in the catalogue of printer-config: `status.printing` with `{ progress: 42 }`. */
export type Words = (key: string, parameters?: Record<string, string | number>) => string;

type Look = Appearance & { readonly text: string };
type Appearance = Required<Pick<NodeStatus, "fill" | "shape">>;

/** How a state looks, and whether the progress of the job says something in it. */
const STATES: Record<PrinterState, Appearance & { readonly progress: boolean }> = {
  idle: { fill: "grey", shape: "dot", progress: false },
  preparing: { fill: "blue", shape: "dot", progress: false },
  printing: { fill: "green", shape: "dot", progress: true },
  paused: { fill: "yellow", shape: "dot", progress: true },
  finished: { fill: "green", shape: "ring", progress: false },
  failed: { fill: "red", shape: "dot", progress: false },
  cancelled: { fill: "grey", shape: "dot", progress: false },
  unknown: { fill: "grey", shape: "ring", progress: false },
};

/**
 * What a node that follows a printer shows below itself. Short: the canvas has room for some twenty characters.
 * @param remark what the user should know beside it, in words: it turns a connected node yellow
 */
export function lookOf(status: PrinterStatus, link: LinkState, words: Words, remark: string | null = null): NodeStatus {
  const look = plainLook(status, link, words);
  if (remark === null || link.kind !== "live") return look;
  return { ...look, fill: "yellow", text: `${look.text}, ${remark}` };
}

function plainLook(status: PrinterStatus, link: LinkState, words: Words): Look {
  switch (link.kind) {
    case "waiting":
    case "stopped":
      return troubleLook(link.reason, words);
    case "connecting":
      // A reason that came and went with each attempt could hardly be read.
      return link.after === null ? connectingLook(words) : troubleLook(link.after, words);
    case "closed":
      return connectingLook(words);
    case "live":
      return status.online ? stateLook(status, words) : silentLook(status, words);
  }
}

function troubleLook({ code }: PrintgateError, words: Words): Look {
  return { fill: "red", shape: "ring", text: words(`trouble.${code}`) };
}

function connectingLook(words: Words): Look {
  return { fill: "yellow", shape: "ring", text: words("status.connecting") };
}

function stateLook({ state, job }: PrinterStatus, words: Words): Look {
  const { fill, shape, progress } = STATES[state];
  const percent = progress ? (job?.progress ?? null) : null;
  const text =
    percent === null ? words(`status.${state}`) : words(`status.${state}-progress`, { progress: Math.floor(percent) });
  return { fill, shape, text };
}

/** Connected, yet no report: either none has come so far, or none comes any more. */
function silentLook({ lastSeen }: PrinterStatus, words: Words): Look {
  return lastSeen === null
    ? { fill: "yellow", shape: "ring", text: words("status.no-report") }
    : { fill: "grey", shape: "ring", text: words("status.offline") };
}
