import type { Node, NodeStatus } from "node-red";
import { Light } from "./runtime";

/** How long the end of something stays to be read. */
const SHOW_MS = 5000;

/** A status that shows the printer's state, and what the node itself is doing over it for a while. Owns one timer. */
export class TalkingLight extends Light {
  private below: NodeStatus | null = null;
  private talking = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    node: Node,
    private readonly showMs = SHOW_MS,
  ) {
    super(node);
  }

  /** The state below, which shows when nothing is said over it. */
  override set(status: NodeStatus): void {
    this.below = status;
    if (!this.talking) super.set(status);
  }

  /** Until something else is said. */
  say(status: NodeStatus): void {
    this.stopTimer();
    this.talking = true;
    super.set(status);
  }

  /** For a while; then the state below is back. */
  sayBriefly(status: NodeStatus): void {
    this.say(status);
    this.timer = setTimeout(() => {
      this.hush();
    }, this.showMs);
  }

  /** Says nothing any more: the state below is back. */
  hush(): void {
    this.stopTimer();
    this.talking = false;
    if (this.below !== null) super.set(this.below);
  }

  close(): void {
    this.stopTimer();
  }

  private stopTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
