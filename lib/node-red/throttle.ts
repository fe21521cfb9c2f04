/**
 * Runs something at most once an interval: at once when the last run is long enough ago, else at the
 * end of the interval, so that the last request is never lost. Owns one timer.
 */
export class Throttle {
  private timer: NodeJS.Timeout | null = null;
  private nextAt = 0;

  constructor(private readonly run: () => void) {}

  /** Asks for a run; `intervalMs` 0 runs at once. */
  ask(intervalMs: number): void {
    if (this.timer !== null) return;
    const wait = this.nextAt - Date.now();
    // A wait longer than the interval can only mean that the clock was set back.
    if (wait <= 0 || wait > intervalMs) {
      this.nextAt = Date.now() + intervalMs;
      this.run();
      return;
    }
    this.timer = setTimeout(() => {
      this.timer = null;
      this.nextAt = Date.now() + intervalMs;
      this.run();
    }, wait);
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
