import type { PrintOrder } from "../printer/commands";
import { trayOf } from "./filament-frames";
import type { Known } from "./frames";
import { print, type Request } from "./requests";

/** What starts a file that is on the printer. Source: Bambu protocol notes, commands (`project_file`, `gcode_file`). */

/** As the printer counts, for a filament that is fed from outside. */
const EXTERNAL_TRAY = 254;
const EXTERNAL_UNIT = 255;

/** A package of plates by `project_file`, bare G-code by `gcode_file`. */
export function printFrame(order: PrintOrder, known: Known): Request {
  const path = order.file.replace(/^\/+/, "");
  if (!/\.3mf$/i.test(path)) return print("gcode_file", { param: path });
  const flag = flagsOf(known);
  return print("project_file", {
    param: `Metadata/plate_${order.plate}.gcode`,
    ...{ project_id: "0", profile_id: "0", task_id: "0", subtask_id: "0" },
    subtask_name: nameOf(path),
    file: path,
    url: urlOf(path, known),
    md5: "",
    bed_type: "auto",
    bed_leveling: flag(order.bedLeveling),
    flow_cali: flag(order.flowCalibration),
    vibration_cali: flag(order.vibrationCalibration),
    layer_inspect: flag(false),
    timelapse: flag(order.timelapse),
    use_ams: flag(order.useAms),
    ams_mapping: order.ams.map((slot) => (slot === null ? EXTERNAL_TRAY : trayOf(slot))),
    ams_mapping2: order.ams.map((slot) =>
      slot === null ? { ams_id: EXTERNAL_UNIT, slot_id: 0 } : { ams_id: slot.unit, slot_id: slot.slot },
    ),
  });
}

/** Newer models read their storage through their own file server, the older ones where the card is mounted. */
function urlOf(path: string, { model }: Known): string {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return model.directControls === true ? `ftp:///${encoded}` : `file:///sdcard/${encoded}`;
}

/** Firmware of the H2 family wants its switches as numbers. */
function flagsOf({ model }: Known): (on: boolean) => boolean | number {
  return model.series.startsWith("h2") ? Number : (on) => on;
}

function nameOf(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  return file.replace(/(\.gcode)?\.3mf$/i, "");
}
