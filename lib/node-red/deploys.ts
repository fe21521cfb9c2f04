import type { EventEmitter } from "node:events";

/** Flows that stopped and do not start again (a node type is missing, say) must not hold up what was left running. */
const RESTART_MS = 5000;

/**
 * Knows when Node-RED exchanges flows. What nodes share is settled when that is over, so that a redeployed node finds
 * it as it was, and once for all nodes that come or go together outside a deploy.
 */
export class Deploys {
  private exchanging = false;
  private fallback: NodeJS.Timeout | null = null;
  private settling: NodeJS.Immediate | null = null;

  constructor(
    private readonly settle: () => void,
    private readonly restartMs = RESTART_MS,
  ) {}

  /** Between the stopping of flows and their start: a node may be missing only for that moment. */
  get underWay(): boolean {
    return this.exchanging;
  }

  /** Follows Node-RED: `flows:started` ends a start and every kind of deploy. The answer stops that. */
  follow(events: EventEmitter): () => void {
    const begin = (): void => {
      this.begin();
    };
    const end = (): void => {
      this.end();
    };
    const steps: Record<string, () => void> = {
      "flows:stopping": begin,
      "flows:stopped": () => {
        this.begin();
        this.fallback = setTimeout(end, this.restartMs).unref();
      },
      "flows:starting": begin,
      "flows:started": end,
    };
    for (const [event, step] of Object.entries(steps)) events.on(event, step);
    return () => {
      for (const [event, step] of Object.entries(steps)) events.off(event, step);
      this.forgetFallback();
    };
  }

  /** A node came or went: outside a deploy that is settled in the next turn. */
  changed(): void {
    if (this.exchanging) return;
    this.settling ??= setImmediate(() => {
      this.settling = null;
      if (!this.exchanging) this.settle();
    });
  }

  private begin(): void {
    this.forgetFallback();
    this.exchanging = true;
  }

  private end(): void {
    this.forgetFallback();
    this.exchanging = false;
    this.settle();
  }

  private forgetFallback(): void {
    if (this.fallback !== null) clearTimeout(this.fallback);
    this.fallback = null;
  }
}
