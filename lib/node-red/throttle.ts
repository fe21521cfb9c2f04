/**
 * Runs something at most once an interval: at once when the last run is long enough ago, else at the
 * end of the interval, so that the last request is never lost. Owns one timer.
 */
export class Throttle {
  private timer: NodeJS.Timeout | null = null;
  private nextAt = 0;

  /** `run` answers whether it did something: what did nothing needs no pause after it. */
  constructor(private readonly run: () => boolean) {}

  /** Asks for a run; `intervalMs` 0 runs at once. */
  ask(intervalMs: number): void {
    if (this.timer !== null) return;
    const wait = this.nextAt - Date.now();
    // A wait longer than the interval can only mean that the clock was set back.
    if (wait <= 0 || wait > intervalMs) {
      this.runNow(intervalMs);
      return;
    }
    this.timer = setTimeout(() => {
      this.timer = null;
      this.runNow(intervalMs);
    }, wait);
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private runNow(intervalMs: number): void {
    if (this.run()) this.nextAt = Date.now() + intervalMs;
  }
}
