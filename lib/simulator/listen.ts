/** Opening a port, with a sentence for those that can not be had. */
import type { Server } from "node:net";
import { PrintgateError, toError } from "../errors";

const NOT_TO_BE_HAD: ReadonlySet<string | undefined> = new Set(["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"]);

/**
 * The port that was opened; 0 asks for any free one. `who` begins the sentence of an error.
 * @throws PrintgateError `config-invalid` when the port can not be had
 */
export function listen(server: Server, who: string, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (thrown: NodeJS.ErrnoException): void => {
      const message = `${who} can not listen on ${host} port ${port}: ${thrown.message}.`;
      const taken = NOT_TO_BE_HAD.has(thrown.code);
      reject(taken ? new PrintgateError("config-invalid", message, { cause: thrown }) : toError(thrown));
    };
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
