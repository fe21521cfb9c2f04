import { PrintgateError } from "../errors";
import type { LinkState } from "./link";

/**
 * Which of two ways to a printer counts: the LAN is preferred, the cloud stands in for it. Pure: what happened goes in,
 * what to do comes out.
 *
 * `lan`     the LAN counts, the cloud is closed
 * `seeking` the LAN has failed and the cloud is open; whichever brings the printer's whole state counts
 * `cloud`   the cloud counts, the LAN is listened to
 */
export type Mode = "lan" | "seeking" | "cloud";

export type Happening =
  /** A report over the LAN that can be trusted to be the printer's whole state. */
  | "lan-whole"
  /** No report over the LAN for too long. */
  | "lan-quiet"
  /** There is no connection over the LAN. */
  | "lan-lost"
  | "cloud-whole"
  | "cloud-lost";

export interface Move {
  readonly mode: Mode;
  readonly cloud?: "open" | "close";
  /** Another way counts than before: reports may have gone unheard. */
  readonly switched?: true;
}

const STAND_IN: Move = { mode: "seeking", cloud: "open" };
const BACK: Move = { mode: "lan", cloud: "close", switched: true };

const MOVES: Readonly<Record<Mode, Readonly<Partial<Record<Happening, Move>>>>> = {
  lan: { "lan-quiet": STAND_IN, "lan-lost": STAND_IN },
  seeking: { "lan-whole": BACK, "cloud-whole": { mode: "cloud", switched: true } },
  cloud: { "lan-whole": BACK, "cloud-lost": { mode: "seeking" } },
};

/** What to do about it; null = nothing. */
export function moveFor(mode: Mode, happening: Happening): Move | null {
  return MOVES[mode][happening] ?? null;
}

/** How the two ways stand. */
export interface Picture {
  readonly mode: Mode;
  readonly lan: LinkState;
  /** `closed` while it is not needed. */
  readonly cloud: LinkState;
  /** The LAN is connected, but the printer has fallen silent there. */
  readonly lanQuiet: boolean;
}

/** Over which of them a command would go. */
export function routeOf({ mode, lan, cloud, lanQuiet }: Picture): "lan" | "cloud" {
  if (mode !== "seeking") return mode;
  if (cloud.kind !== "live") return "lan";
  return lan.kind === "live" && !lanQuiet ? "lan" : "cloud";
}

/** What the outside sees: live while the way that counts is; else as much hope as either has, with the words of both. */
export function outerState(picture: Picture): LinkState {
  const { lan, cloud } = picture;
  if (picture[routeOf(picture)].kind === "live") return { kind: "live" };
  const reason = bothReasons(lan, cloud);
  if (reason === null || lan.kind === "connecting" || cloud.kind === "connecting")
    return { kind: "connecting", after: reason };
  if (lan.kind === "stopped" && cloud.kind === "stopped") return { kind: "stopped", reason };
  const retries = [lan, cloud].flatMap((state) =>
    state.kind === "waiting" && state.retryInMs !== null ? [state.retryInMs] : [],
  );
  return { kind: "waiting", reason, retryInMs: retries.length === 0 ? null : Math.min(...retries) };
}

function bothReasons(lan: LinkState, cloud: LinkState): PrintgateError | null {
  const [near, far] = [reasonOf(lan), reasonOf(cloud)];
  if (near === null || far === null) return near ?? far;
  return new PrintgateError(near.code, `${near.message}; through the cloud: ${far.message}`, { cause: near });
}

function reasonOf(state: LinkState): PrintgateError | null {
  if (state.kind === "connecting") return state.after;
  return "reason" in state ? state.reason : null;
}
