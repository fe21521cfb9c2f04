/** Waits until the condition holds; fails with what was waited for. A busy machine may take its time: patience costs nothing. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 50_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * How long it took in ms of this process's own time: none passes while a busy machine gives it no turn. For limits from
 * above; from below real time is as good.
 */
export async function ownTime(work: () => Promise<unknown>): Promise<number> {
  const tickMs = 10;
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), tickMs);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return ticks * tickMs;
}
