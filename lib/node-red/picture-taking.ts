import { PrintgateError } from "../errors";
import type { Follower, View } from "./follow";
import { Patience } from "./patience";

export interface Picture {
  readonly jpeg: Buffer;
  /** The printer as it was known when the picture had come. */
  readonly view: View;
}

/** What a printer says of its camera is in its first report, which follows at once when it is connected. */
const FIRST_REPORT_MS = 3000;

/**
 * Takes pictures for one node. Whoever asks before the printer is connected, right after a deploy, waits for it: the time
 * limit is for all of it. Owns its timers; `close` ends whatever is under way.
 */
export class PictureTaking {
  private readonly waits = new Set<Patience>();
  private readonly underWay = new Set<AbortController>();

  constructor(private readonly follower: Pick<Follower<"printer-camera">, "view" | "demand">) {}

  /**
   * @param taking called when the printer is there and the camera is asked
   * @throws PrintgateError in the words of the red ring; `offline`, `timeout`, and what kept the camera from giving a picture
   */
  async take(timeoutMs: number, taking: () => void): Promise<Picture> {
    const { follower } = this;
    const abort = new AbortController();
    this.underWay.add(abort);
    try {
      const endsAt = performance.now() + timeoutMs;
      const left = (): number => Math.max(0, endsAt - performance.now());
      await this.wait(left(), () => !isOnItsWay(follower.view(), left()));
      const isOver = (): boolean => abort.signal.aborted || !isAboutToSpeak(follower.view());
      await this.wait(Math.min(left(), FIRST_REPORT_MS), isOver);
      if (abort.signal.aborted)
        throw new PrintgateError("camera-failed", "the node was closed before the picture came");
      const { linkState, takePicture } = follower.demand();
      if (linkState.kind !== "live") throw whyNot(linkState, timeoutMs);
      taking();
      const jpeg = await takePicture({ timeoutMs: left(), signal: abort.signal });
      return { jpeg, view: follower.demand() };
    } finally {
      this.underWay.delete(abort);
    }
  }

  /** Something was heard of the printer: who waits looks again. */
  stir(): void {
    for (const patience of this.waits) patience.stir();
  }

  close(): void {
    for (const abort of this.underWay) abort.abort();
    for (const patience of this.waits) patience.close();
  }

  private async wait(forMs: number, holds: () => boolean): Promise<void> {
    const patience = new Patience(forMs);
    this.waits.add(patience);
    await patience.until(holds);
    patience.close();
    this.waits.delete(patience);
  }
}

/** Not connected, and that may change within the time. */
function isOnItsWay(view: View | null, leftMs: number): boolean {
  if (view === null) return false;
  const { linkState } = view;
  if (linkState.kind === "waiting") return linkState.retryInMs === null || linkState.retryInMs < leftMs;
  return linkState.kind === "connecting" || linkState.kind === "closed";
}

function isAboutToSpeak(view: View | null): boolean {
  return view !== null && view.linkState.kind === "live" && !view.complete;
}

function whyNot(linkState: View["linkState"], timeoutMs: number): PrintgateError {
  if (linkState.kind === "stopped") return linkState.reason;
  const reason = linkState.kind === "waiting" ? linkState.reason : linkState.kind === "connecting" && linkState.after;
  if (reason) {
    const words = `there is no connection to the printer: ${reason.message}`;
    return new PrintgateError("offline", words, { cause: reason });
  }
  return new PrintgateError("timeout", `there was no connection to the printer within ${timeoutMs / 1000} s`);
}
