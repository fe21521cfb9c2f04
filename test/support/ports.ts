import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * A port that is free now, for programs that can not choose one and tell it, and for those that come back to theirs.
 * Below the range out of which the system serves everybody who asks for any: it stays free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if (await isFree(port)) return port;
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once("error", () => {
        resolve(false);
      })
      .listen(port, "127.0.0.1", () => {
        server.close(() => {
          resolve(true);
        });
      });
  });
