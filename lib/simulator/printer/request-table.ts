/**
 * The commands that a simulated printer understands, one row each, and the answers it gives.
 * Source: Bambu protocol notes, commands and report envelope. The waits and the refusals in a wrong state are simplified:
 * the notes say that a printer answers, not in which words.
 */
import { runGcode } from "./gcode";
import * as controls from "./machine/controls";
import { spoolAt } from "./machine/state";
import { clamp, type JsonObject, readNumber, readText } from "../json";
import type { SlotRef, Spool } from "./machine/spools";
import { slotFromTray } from "./machine/spools";
import type { CancelOrder, PrinterMachine } from "./machine/machine";
import { isThere, readOrder } from "./print-request";

export type Outcome =
  | { readonly kind: "done"; readonly extra?: JsonObject }
  | { readonly kind: "refused"; readonly reason: string }
  /** The frame is dropped, as the firmware does with what it can not read. */
  | { readonly kind: "ignored" }
  | { readonly kind: "push-all" }
  | { readonly kind: "pushing"; readonly on: boolean };

export interface RequestContext {
  readonly machine: PrinterMachine;
  readonly accessCode: string;
  readonly cancelOrder: CancelOrder;
  readonly modules: readonly JsonObject[];
  /** What is on the card, by path from `/`. */
  readonly files: ReadonlyMap<string, unknown>;
  /** Epoch seconds of the wall clock. */
  readonly now: number;
}

type Body = Readonly<Record<string, unknown>>;

interface RequestRow {
  /** A frame without these members is dropped. */
  readonly needs?: readonly string[];
  /** Only firmware with direct controls knows it. */
  readonly newer?: true;
  run(context: RequestContext, body: Body): Outcome;
}

const DONE: Outcome = { kind: "done" };
const refuse = (reason: string): Outcome => ({ kind: "refused", reason });
const doneIf = (worked: boolean, reason: string): Outcome => (worked ? DONE : refuse(reason));
const withNumber = (value: unknown, use: (number: number) => void): Outcome => {
  const number = readNumber(value);
  if (number === null) return refuse("invalid parameter");
  use(number);
  return DONE;
};

/** The spool a command names by `ams_id` and `slot_id`, or by the older `target` / `tray_id` count. */
function readSlot(body: Body, count: unknown): SlotRef | null {
  const unit = readNumber(body["ams_id"]);
  const slot = readNumber(body["slot_id"]);
  if (unit !== null && slot !== null) return unit >= 254 ? { unit, slot: 0 } : { unit, slot };
  const tray = readNumber(count);
  return tray === null ? null : slotFromTray(tray);
}

function changeFilament({ machine }: RequestContext, body: Body): Outcome {
  const target = readNumber(body["target"]);
  if (target === null) return { kind: "ignored" };
  const extruder = readNumber(body["extruder_id"]) ?? machine.state.activeExtruder;
  const to = target === 255 ? null : readSlot(body, target);
  if (to === null && target !== 255) return refuse("invalid slot");
  return doneIf(machine.changeFilament(to, extruder), "filament can not be changed now");
}

function describeSpool({ machine }: RequestContext, body: Body): Outcome {
  const ref = readSlot(body, body["tray_id"]);
  const old = ref === null ? null : spoolAt(machine.state, ref);
  if (ref === null || old === null) return refuse("invalid slot");
  const color = readText(body["tray_color"]);
  const low = readNumber(body["nozzle_temp_min"]) ?? old.nozzle[0];
  const high = readNumber(body["nozzle_temp_max"]) ?? old.nozzle[2];
  const spool: Spool = {
    ...old,
    type: readText(body["tray_type"])?.slice(0, 16) ?? old.type,
    filamentId: readText(body["tray_info_idx"])?.slice(0, 16) ?? old.filamentId,
    color: color !== null && /^[0-9A-Fa-f]{8}$/.test(color) ? color.toUpperCase() : old.color,
    nozzle: [clamp(low, 0, 350), clamp((low + high) / 2, 0, 350), clamp(high, 0, 350)],
  };
  controls.placeSpool(machine.state, ref, spool);
  return DONE;
}

function setLight({ machine }: RequestContext, body: Body): Outcome {
  const node = readText(body["led_node"]) ?? "";
  const mode = readText(body["led_mode"]) ?? "";
  if (!["on", "off", "flashing"].includes(mode)) return refuse("invalid led_mode");
  // The light under the bed is obeyed but never reported.
  if (node === "heatbed_light") return DONE;
  if (!machine.state.lights.has(node)) return refuse("invalid led_node");
  machine.state.lights.set(node, mode);
  return DONE;
}

const startPrint: RequestRow["run"] = ({ machine, files, now }, body) => {
  const order = readOrder(body);
  if (order === null) return refuse("invalid parameter");
  if (!isThere(body, files)) return refuse("file not found");
  return doneIf(machine.startPrint(order, now), "printer is busy");
};

const clearError: RequestRow["run"] = ({ machine }) => {
  machine.clearError();
  return DONE;
};

const switchCamera =
  (member: "recording" | "timelapse"): RequestRow["run"] =>
  ({ machine }, body) => {
    const control = readText(body["control"]);
    if (control !== "enable" && control !== "disable") return refuse("invalid control");
    machine.state[member] = control === "enable";
    return DONE;
  };

/** Accepted and without an effect that a report would show. */
const accept: RequestRow["run"] = () => DONE;

const REQUESTS: ReadonlyMap<string, RequestRow> = new Map<string, RequestRow>([
  ["pushing.pushall", { run: () => ({ kind: "push-all" }) }],
  ["pushing.start", { run: () => ({ kind: "pushing", on: true }) }],
  ["pushing.stop", { run: () => ({ kind: "pushing", on: false }) }],
  ["info.get_version", { run: ({ modules }) => ({ kind: "done", extra: { module: modules } }) }],
  ["print.pause", { needs: ["param"], run: ({ machine }) => doneIf(machine.pause(), "no print is running") }],
  // Asked to go on while it prints, the firmware pauses instead.
  [
    "print.resume",
    { needs: ["param"], run: ({ machine }) => doneIf(machine.resume() || machine.pause(), "no print is paused") },
  ],
  [
    "print.stop",
    { needs: ["param"], run: ({ machine, cancelOrder }) => doneIf(machine.cancel(cancelOrder), "there is no print") },
  ],
  [
    "print.print_speed",
    {
      needs: ["param"],
      run: ({ machine }, body) =>
        withNumber(body["param"], (level) => {
          if (Number.isInteger(level) && level >= 1 && level <= 4) machine.state.speedLevel = level;
        }),
    },
  ],
  [
    "print.gcode_line",
    { needs: ["param"], run: ({ machine }, body) => doneIf(runGcode(machine, body["param"]), "invalid G-code") },
  ],
  ["print.project_file", { needs: ["param"], run: startPrint }],
  ["print.gcode_file", { needs: ["param"], run: startPrint }],
  ["print.ams_change_filament", { run: changeFilament }],
  [
    "print.unload_filament",
    {
      run: ({ machine }) =>
        doneIf(machine.changeFilament(null, machine.state.activeExtruder), "filament can not be changed now"),
    },
  ],
  [
    "print.ams_control",
    {
      needs: ["param"],
      run: ({ machine }, body) => {
        if (body["param"] !== "resume") return DONE;
        return doneIf(machine.resume(), "nothing to resume");
      },
    },
  ],
  ["print.ams_filament_setting", { run: describeSpool }],
  ["print.ams_user_setting", { run: accept }],
  [
    "print.ams_get_rfid",
    { run: ({ machine }, body) => doneIf(readSlot(body, null) !== null && !machine.busy, "the AMS is busy") },
  ],
  [
    "print.ams_filament_drying",
    { run: ({ machine }, body) => doneIf(controls.dry(machine.state, body), "this AMS can not dry") },
  ],
  [
    "print.auto_stop_ams_dry",
    { run: ({ machine }) => doneIf(controls.stopDrying(machine.state), "nothing is drying") },
  ],
  [
    "print.skip_objects",
    { run: ({ machine }, body) => doneIf(controls.skipObjects(machine.state, body["obj_list"]), "no such object") },
  ],
  ["print.clean_print_error", { run: clearError }],
  ["system.uiop", { run: clearError }],
  ["print.print_option", { run: accept }],
  ["print.buzzer_ctrl", { run: accept }],
  [
    "print.set_bed_temp",
    {
      newer: true,
      run: ({ machine }, body) =>
        withNumber(body["temp"], (to) => {
          controls.heatBed(machine.state, to);
        }),
    },
  ],
  [
    "print.set_nozzle_temp",
    {
      newer: true,
      run: ({ machine }, body) =>
        withNumber(body["target_temp"], (to) => {
          controls.heatNozzle(machine.state, readNumber(body["extruder_index"]) ?? 0, to);
        }),
    },
  ],
  [
    "print.set_ctt",
    {
      newer: true,
      run: ({ machine }, body) =>
        withNumber(body["ctt_val"], (to) => {
          controls.heatChamber(machine.state, machine.profile, to);
        }),
    },
  ],
  [
    "print.set_fan",
    {
      newer: true,
      run: ({ machine }, body) =>
        withNumber(body["speed"], (pwm) => {
          controls.setFan(machine.state, machine.profile, readNumber(body["fan_index"]) ?? 1, pwm);
        }),
    },
  ],
  [
    "print.set_airduct",
    {
      newer: true,
      run: ({ machine }, body) =>
        withNumber(body["modeId"], (mode) => {
          machine.state.airductMode = clamp(Math.round(mode), 0, 2);
        }),
    },
  ],
  [
    "print.select_extruder",
    {
      newer: true,
      run: ({ machine }, body) =>
        doneIf(controls.selectExtruder(machine.state, body["extruder_index"]), "no such extruder"),
    },
  ],
  [
    "system.ledctrl",
    { needs: ["led_node", "led_mode", "led_on_time", "led_off_time", "loop_times", "interval_time"], run: setLight },
  ],
  ["system.get_access_code", { run: ({ accessCode }) => ({ kind: "done", extra: { access_code: accessCode } }) }],
  ["camera.ipcam_record_set", { run: switchCamera("recording") }],
  ["camera.ipcam_timelapse", { run: switchCamera("timelapse") }],
  ["xcam.xcam_control_set", { run: accept }],
  ["upgrade.get_history", { run: () => ({ kind: "done", extra: { firmware_optional: [] } }) }],
  [
    "upgrade.upgrade_confirm",
    {
      run: ({ machine }) => {
        const begun = machine.startUpdate();
        return doneIf(begun === "begun", begun === "wait" ? "printing" : "no new version");
      },
    },
  ],
]);

/** Runs a command of a section on the machine. */
export function runRequest(context: RequestContext, section: string, command: string, body: Body): Outcome {
  const { profile } = context.machine;
  const row = REQUESTS.get(`${section}.${command}`);
  if (row === undefined || (row.newer === true && !profile.directControls))
    return profile.unknownCommand === "silence" ? { kind: "ignored" } : refuse("unknown command");
  if (row.needs?.some((member) => body[member] === undefined) === true) return { kind: "ignored" };
  // The feeders hang on sequence ids beyond 31 bits.
  if (command.startsWith("ams_") && (readNumber(body["sequence_id"]) ?? 0) > 0x7fffffff) return { kind: "ignored" };
  return row.run(context, body);
}
