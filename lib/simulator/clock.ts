/** A machine that slept does not make up for the night. */
const LONGEST_STEP_MS = 2000;

/** Makes printer time of real time, step by step. */
export class Clock {
  private timer: NodeJS.Timeout | null = null;
  private lastTickAt = 0;

  /**
   * @param scale printer seconds in a real second; with 0 time stands still
   * @param tick what that much printer time brings; `now` is real time in ms, counted from any moment
   */
  constructor(
    private readonly scale: number,
    private readonly everyMs: number,
    private readonly tick: (printerSeconds: number, now: number) => void,
  ) {}

  start(): void {
    this.stop();
    if (this.scale === 0) return;
    this.lastTickAt = performance.now();
    this.timer = setInterval(() => {
      const now = performance.now();
      const passed = Math.min(LONGEST_STEP_MS, now - this.lastTickAt);
      this.lastTickAt = now;
      this.tick((passed / 1000) * this.scale, now);
    }, this.everyMs);
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }
}
