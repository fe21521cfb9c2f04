import type { MetricRows } from "../auth/metrics";
import type { Printer } from "../printer/printer";

/** Whether each printer reports, for a metrics page: 1 = it does. One row a printer. */
export function printerRows(printers: readonly Printer[]): MetricRows {
  return {
    name: "printgate_printer_online",
    help: "1 while the printer reports",
    rows: printers.map(({ identity: { id, name, vendor, model, link }, status }) => ({
      labels: { id, name, vendor, model: model ?? "", link: link ?? "" },
      value: status.online ? 1 : 0,
    })),
  };
}
