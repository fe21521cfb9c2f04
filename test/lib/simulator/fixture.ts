import {
  startVirtualPrinter,
  type VirtualPrinter,
  type VirtualPrinterOptions,
} from "../../../lib/simulator/printer/virtual-printer";
import { RawClient } from "../../support/raw-client";
import { until as waitUntil } from "../../support/wait";

export const CODE = "40302010";
export const SERIAL = "01P00A000000001";

/** Waits until it is so. */
export const until = (isSo: () => boolean): Promise<void> => waitUntil(String(isSo), isSo);

/** Starts printers and clients for one test and puts them away afterwards. */
export class Bench {
  private readonly printers: VirtualPrinter[] = [];
  private readonly clients: RawClient[] = [];

  /** A printer whose time stands still unless the test moves it. */
  async printer(options: Partial<VirtualPrinterOptions> = {}): Promise<VirtualPrinter> {
    const printer = await startVirtualPrinter({
      model: "P1S",
      serial: SERIAL,
      accessCode: CODE,
      timeScale: 0,
      ...options,
    });
    this.printers.push(printer);
    return printer;
  }

  async client(printer: VirtualPrinter, options: Parameters<typeof RawClient.open>[2] = {}): Promise<RawClient> {
    const client = await RawClient.open(printer, CODE, options);
    this.clients.push(client);
    return client;
  }

  /** A printer and a client that has heard its whole state. */
  async pair(options: Partial<VirtualPrinterOptions> = {}): Promise<{ printer: VirtualPrinter; client: RawClient }> {
    const printer = await this.printer(options);
    const client = await this.client(printer);
    await client.pushAll();
    return { printer, client };
  }

  async clear(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.close()));
    await Promise.all(this.printers.splice(0).map((printer) => printer.close()));
  }
}
