import { PrintgateError } from "../errors";
import type { Link } from "./link";

export interface PictureWish {
  readonly timeoutMs: number;
  /** Aborted when this one does not wait any more. */
  readonly signal: AbortSignal;
}

const UNWANTED = "nobody waits for the picture any more";

/** A picture that is on its way, and who waits for it. */
interface Take {
  readonly picture: Promise<Buffer>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * The camera of one printer. It serves few clients at a time, so that everybody who asks while a picture is on its way
 * gets that one; when nobody waits any more it is called off.
 */
export class Pictures {
  private current: Take | null = null;

  constructor(private readonly link: Link) {}

  /**
   * One JPEG, the caller's own copy.
   * @throws PrintgateError `timeout`, `not-supported`, `offline`, `camera-failed` and what kept the camera from being reached
   */
  async take({ timeoutMs, signal }: PictureWish): Promise<Buffer> {
    if (signal.aborted) throw new PrintgateError("camera-failed", UNWANTED);
    const take = this.current ?? this.begin();
    take.waiting += 1;
    let release: () => void = () => undefined;
    const given = new Promise<never>((_resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new PrintgateError("timeout", "the camera gave no picture in time"));
      }, timeoutMs);
      const giveUp = (): void => {
        reject(new PrintgateError("camera-failed", UNWANTED));
      };
      signal.addEventListener("abort", giveUp);
      release = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", giveUp);
      };
    });
    try {
      return Buffer.from(await Promise.race([take.picture, given]));
    } finally {
      release();
      take.waiting -= 1;
      if (take.waiting === 0) this.end(take);
    }
  }

  /** The connection closes: nobody will get a picture any more. */
  close(): void {
    this.current?.abort.abort();
    this.current = null;
  }

  private begin(): Take {
    const { link } = this;
    const abort = new AbortController();
    const ask = async (): Promise<Buffer> => {
      if (!link.snapshot) throw new PrintgateError("not-supported", "there is no camera that could be asked");
      return link.snapshot({ signal: abort.signal });
    };
    const take: Take = { picture: ask(), abort, waiting: 0 };
    // Whoever waits hears of it; after a timeout nobody does.
    take.picture.catch(() => undefined);
    this.current = take;
    return take;
  }

  private end(take: Take): void {
    if (this.current === take) this.current = null;
    take.abort.abort();
  }
}
