/** Node.js counts no further than 24.8 days; and a clock that was changed, or a machine that slept, is noticed by then. */
const LONGEST_SLEEP_MS = 3600_000;
/** So that many nodes with one interval do not all ask at once: up to this share of it, and this long. */
const JITTER_SHARE = 0.05;
const LONGEST_JITTER_MS = 15 * 60_000;
/** What is due at the start waits up to this long, for the same reason. */
const LONGEST_START_MS = 10_000;

export interface ScheduleOptions {
  readonly intervalMs: number;
  /** When the next run is due, as it was kept; null = there was none yet. Epoch ms. */
  readonly due: number | null;
  /** Never rejects, and keeps `due` before it begins. */
  run(due: number): Promise<void>;
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
  /** As `setTimeout`; only tests give another one. */
  readonly timer?: (call: () => void, ms: number) => NodeJS.Timeout;
}

/**
 * Runs something again and again, over restarts: what fell due meanwhile is run once, soon after the start, and what is
 * not due is waited for. A run that takes long holds up the next one. Owns one timer.
 */
export class Schedule {
  private timer: NodeJS.Timeout | null = null;
  private closed = false;
  private due: number;
  private readonly now: () => number;
  private readonly jitterMs: number;

  constructor(private readonly options: ScheduleOptions) {
    const { intervalMs, due, now = Date.now, random = Math.random } = options;
    this.now = now;
    this.jitterMs = random() * Math.min(intervalMs * JITTER_SHARE, LONGEST_JITTER_MS);
    const soon = now() + random() * Math.min(intervalMs * JITTER_SHARE, LONGEST_START_MS);
    // A moment further away than an interval comes from a longer one, or from a clock that was set back.
    const isKept = due !== null && due > soon;
    this.due = isKept ? Math.min(due, now() + intervalMs + this.jitterMs) : soon;
    this.sleep();
  }

  close(): void {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private sleep(): void {
    if (this.closed) return;
    const left = Math.max(0, this.due - this.now());
    const { timer = setTimeout } = this.options;
    this.timer = timer(
      () => {
        if (this.due > this.now()) this.sleep();
        else void this.runNow();
      },
      Math.min(left, LONGEST_SLEEP_MS),
    );
  }

  private async runNow(): Promise<void> {
    this.due = this.now() + this.options.intervalMs + this.jitterMs;
    await this.options.run(this.due);
    this.sleep();
  }
}
