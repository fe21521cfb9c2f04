/** What `project_file` and `gcode_file` ask for. Source: Bambu protocol notes, commands. */
import { isObject, readNumber, readText } from "../json";
import type { PrintOrder } from "./machine/state";
import { slotFromTray, type SlotRef } from "./machine/spools";

const LONGEST_NAME = 200;

/** The last part of a path or address without the endings of sliced files. */
function baseName(path: string): string {
  const last = path.split(/[/\\]/).at(-1) ?? "";
  return last.replace(/(\.gcode)?(\.3mf)?$/i, "").slice(0, LONGEST_NAME);
}

/** Filament by filament: `ams_mapping2` names unit and slot, `ams_mapping` counts trays; -1 and 255 = not used. */
function readMapping(body: Readonly<Record<string, unknown>>): SlotRef[] {
  const detailed = body["ams_mapping2"];
  if (Array.isArray(detailed))
    return detailed.slice(0, 32).flatMap((entry: unknown) => {
      const unit = isObject(entry) ? readNumber(entry["ams_id"]) : null;
      const slot = isObject(entry) ? readNumber(entry["slot_id"]) : null;
      return unit === null || slot === null || slot === 255 ? [] : [{ unit, slot }];
    });
  const plain = body["ams_mapping"];
  if (!Array.isArray(plain)) return [];
  return plain.slice(0, 32).flatMap((entry: unknown) => {
    const ref = slotFromTray(readNumber(entry) ?? -1);
    return ref === null ? [] : [ref];
  });
}

/** The order for the machine; null when it names no file. */
export function readOrder(body: Readonly<Record<string, unknown>>): PrintOrder | null {
  const param = readText(body["param"]);
  if (param === null || param === "") return null;
  const file = readText(body["file"]) ?? readText(body["url"]) ?? param;
  const name = readText(body["subtask_name"]);
  const useAms = body["use_ams"] !== false && body["use_ams"] !== 0;
  return {
    name: name !== null && name !== "" ? name.slice(0, LONGEST_NAME) : baseName(file),
    taskId: readText(body["task_id"])?.slice(0, 32) ?? "0",
    slots: useAms ? readMapping(body) : [{ unit: 255, slot: 0 }],
    // A plate inside a package is unpacked first, so the file that is printed is the machine's own.
    ...(body["command"] === "gcode_file" ? { file: param.slice(0, LONGEST_NAME) } : {}),
  };
}

/** Where prints from the cloud are kept, which is none of the file server's business. */
const CACHE = "/cache/";

/** Whether what is to be printed is there: on the card, in the cache, or to be fetched from the internet. */
export function isThere(body: Readonly<Record<string, unknown>>, files: ReadonlyMap<string, unknown>): boolean {
  const address = body["command"] === "gcode_file" ? body["param"] : (body["url"] ?? body["file"]);
  const text = readText(address) ?? "";
  if (/^https?:/i.test(text)) return true;
  const path = `/${decoded(text.replace(/^(file|ftp):\/\//i, "")).replace(/^\/+(sdcard\/+)?/, "")}`;
  return path.startsWith(CACHE) || files.has(path);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
