import { setTimeout as sleep } from "node:timers/promises";

const EVERY_MS = 1000;

/** Tells how far an upload is, at most once a second, and its end in any case: a bar that waits for it fills. */
export class UploadProgress {
  private nextAt = 0;
  /** The end, which has to wait for its second. */
  private last: Promise<void> | null = null;
  private readonly over = new AbortController();

  private readonly signal: AbortSignal;

  /** `signal` aborted = nothing is told any more. */
  constructor(
    signal: AbortSignal,
    private readonly tell: (sentBytes: number, totalBytes: number | null) => void,
  ) {
    this.signal = AbortSignal.any([signal, this.over.signal]);
  }

  /** `totalBytes` null = nobody knows. That nothing was sent yet is no progress, and must not make a short upload wait. */
  note(sentBytes: number, totalBytes: number | null): void {
    if (sentBytes === 0) return;
    const wait = this.nextAt - performance.now();
    if (wait <= 0) {
      this.nextAt = performance.now() + EVERY_MS;
      this.tell(sentBytes, totalBytes);
    } else if (sentBytes === totalBytes) {
      this.last ??= sleep(wait, undefined, { signal: this.signal }).then(
        () => {
          this.tell(sentBytes, totalBytes);
        },
        () => undefined,
      );
    }
  }

  /** Resolves when the end has been told, or was given up. */
  async told(): Promise<void> {
    await this.last;
  }

  /** Nothing is told any more. */
  close(): void {
    this.over.abort();
  }
}
