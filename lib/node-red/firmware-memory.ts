import type { Document, Store } from "./store";
import { fileNameOf } from "./store";

/** What a firmware-check node keeps over restarts. */
interface FirmwareMemory {
  readonly version: 1;
  /** The gist of the answer that was sent last; null = none was. */
  readonly told: string | null;
  /** When the next check by the clock is due, epoch ms; null = none was planned. */
  readonly due: number | null;
}

const NOTHING: FirmwareMemory = { version: 1, told: null, due: null };

function isFirmwareMemory(value: unknown): value is FirmwareMemory {
  const { version, told, due } = (value ?? {}) as Partial<Record<keyof FirmwareMemory, unknown>>;
  const isDue = due === null || (typeof due === "number" && Number.isFinite(due));
  return version === 1 && (told === null || typeof told === "string") && isDue;
}

/**
 * The memory of one node. What it is told is on disk before it answers; a disk that fails must not keep the messages
 * from leaving: the store has said so then, and a restart may repeat one.
 */
export class FirmwareNotes {
  private readonly document: Document<FirmwareMemory>;
  private kept: Promise<FirmwareMemory>;

  constructor(store: Store, nodeId: string) {
    this.document = store.document(`firmware/${fileNameOf(nodeId)}`, isFirmwareMemory);
    this.kept = this.document.load().then((memory) => memory ?? NOTHING);
  }

  async due(): Promise<number | null> {
    return (await this.kept).due;
  }

  /** Notes when the next check is due. Never rejects. */
  async plan(due: number): Promise<void> {
    await this.change((memory) => ({ ...memory, due }));
  }

  /** Whether this is another answer than the last one, which it is from now on. Never rejects. */
  async isNews(gist: string): Promise<boolean> {
    const before = await this.change((memory) => (memory.told === gist ? memory : { ...memory, told: gist }));
    return before.told !== gist;
  }

  /** One change after the other; gives what was kept before. */
  private change(make: (memory: FirmwareMemory) => FirmwareMemory): Promise<FirmwareMemory> {
    const before = this.kept;
    this.kept = before.then(async (memory) => {
      const after = make(memory);
      if (after !== memory) await this.document.save(after).catch(() => undefined);
      return after;
    });
    const changed = this.kept;
    return before.then(async (memory) => {
      await changed;
      return memory;
    });
  }
}
