import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** The network between us and a printer: it can be cut, and it can stand still without anybody noticing. */
export class LanProxy {
  port = 0;
  private state: "open" | "refusing" | "stalled" = "open";
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private readonly server = createServer((near) => {
    this.serve(near);
  });

  constructor(private readonly target: number) {}

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Every connection ends, new ones are taken as before. */
  cut(): void {
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
  }

  /** Every connection ends, and new ones too. */
  refuse(): void {
    this.state = "refusing";
    this.cut();
  }

  /** Nothing gets through in either direction; it is kept, and arrives late. */
  stall(): void {
    this.state = "stalled";
    for (const pair of this.pairs) for (const socket of pair) socket.pause();
  }

  restore(): void {
    this.state = "open";
    for (const pair of this.pairs) for (const socket of pair) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(near: Socket): void {
    near.on("error", () => undefined);
    if (this.state === "refusing") {
      near.destroy();
      return;
    }
    const far = connect(this.target, "127.0.0.1");
    far.on("error", () => undefined);
    const pair = [near, far] as const;
    this.pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (bytes) => to.write(bytes));
      from.on("close", () => {
        this.pairs.delete(pair);
        to.destroy();
      });
      if (this.state === "stalled") from.pause();
    }
  }
}
