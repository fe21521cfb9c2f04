/** Waits for something to come about, but only until a moment that is the same for all who wait. Owns one timer. */
export class Patience {
  private readonly waiting = new Set<() => void>();
  private readonly timer: NodeJS.Timeout;
  private over = false;

  constructor(untilMs: number) {
    this.timer = setTimeout(() => {
      this.end();
    }, untilMs);
  }

  /** Something happened: whoever waits looks again. */
  stir(): void {
    for (const look of [...this.waiting]) look();
  }

  /** Resolves when this holds, or when the time is over or the patience closed. Never rejects. */
  until(holds: () => boolean): Promise<void> {
    if (this.over || holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.over && !holds()) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
    });
  }

  close(): void {
    clearTimeout(this.timer);
    this.end();
  }

  private end(): void {
    this.over = true;
    this.stir();
  }
}
