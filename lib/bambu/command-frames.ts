import type { Command, CommandOf } from "../printer/commands";
import { changeFilament, describeSpool, dry, unload } from "./filament-frames";
import type { Known } from "./frames";
import { printFrame } from "./print-frames";
import { print, type Request, unable } from "./requests";
import type { Fields } from "./values";

/** Commands of a Bambu printer. A new name belongs to the account and is no request to the printer. */
export type BambuCommand = Exclude<Command, { readonly name: "rename" }>;

type Frames = { readonly [N in BambuCommand["name"]]: (command: CommandOf<N>, known: Known) => Request };

const LIGHT_NODES = { chamber: "chamber_light", chamber2: "chamber_light2", work: "work_light" } as const;
/** `P` of M106 and `fan_index` alike. */
const FAN_NUMBERS = { part: 1, aux: 2, chamber: 3, aux2: 10 } as const;
const FULL_PWM = 255;

/**
 * How each command is asked for. Source: Bambu protocol notes, commands. Temperatures and fans go by commands of their
 * own to models whose firmware has them (`directControls`), by G-code to all others.
 */
const FRAMES: Frames = {
  pause: () => print("pause", { param: "" }),
  resume: () => print("resume", { param: "" }),
  stop: () => print("stop", { param: "" }),
  speed: ({ level }) => print("print_speed", { param: String(level) }),
  // A frame that lacks one of the times is dropped without a word.
  light: ({ node, mode }) => ({
    section: "system",
    command: "ledctrl",
    fields: {
      led_node: LIGHT_NODES[node],
      led_mode: mode,
      ...{ led_on_time: 500, led_off_time: 500, loop_times: 1, interval_time: 1000 },
    },
  }),
  "bed-temperature": ({ target }, known) =>
    isDirect(known) ? print("set_bed_temp", { temp: target }) : gcode(`M140 S${target}`),
  "nozzle-temperature": ({ target, nozzle }, known) => {
    const index = nozzleIndexOf(nozzle, known);
    return isDirect(known)
      ? print("set_nozzle_temp", { extruder_index: index, target_temp: target })
      : gcode(`M104 S${target}`);
  },
  "chamber-temperature": ({ target }, known) => {
    if (known.model.chamberHeater === false) unable("this printer has no chamber heater");
    return isDirect(known) ? print("set_ctt", { ctt_val: target }) : gcode(`M141 S${target}`);
  },
  fan: ({ fan, percent }, known) => {
    if (known.model.airFans === false && fan !== "part") unable(`this printer has no ${fan} fan`);
    const speed = Math.round((percent * FULL_PWM) / 100);
    const number = FAN_NUMBERS[fan];
    return isDirect(known) ? print("set_fan", { fan_index: number, speed }) : gcode(`M106 P${number} S${speed}`);
  },
  gcode: ({ lines }) => gcode(lines),
  home: () => gcode("G28"),
  "skip-objects": ({ ids }) => print("skip_objects", { obj_list: ids }),
  "ams-load": changeFilament,
  "ams-unload": (_command, known) => unload(known),
  "ams-dry": dry,
  "ams-set": describeSpool,
  print: ({ order }, known) => printFrame(order, known),
  // Firmware that takes signed commands only still lets an error be acknowledged like on its screen.
  "clear-error": (_command, { report, status }) => {
    const error = errorNumberOf(report);
    return status.control.allowed === false
      ? {
          section: "system",
          command: "uiop",
          fields: { name: "print_error", action: "close", source: 1, type: "dialog", err: hexOf(error) },
        }
      : print("clean_print_error", { subtask_id: textOf(report.subtask_id), print_error: error });
  },
  // Reports come by themselves and are asked for beside this; that the printer answers is what counts.
  refresh: () => ({ section: "info", command: "get_version", fields: {} }),
};

/**
 * The request that asks a printer of this kind, in this state, for the command.
 * @throws PrintgateError `not-supported` when the model lacks what it takes, `message-invalid` when the command says too little
 */
export function requestOf(command: BambuCommand, known: Known): Request {
  // Each row takes the command of its own name, which the compiler can not see through an index.
  const make = FRAMES[command.name] as (command: BambuCommand, known: Known) => Request;
  return make(command, known);
}

function gcode(lines: string): Request {
  return print("gcode_line", { param: `${lines}\n` });
}

function isDirect({ model }: Known): boolean {
  return model.directControls === true;
}

/** Null asks for the nozzle in use. */
function nozzleIndexOf(nozzle: number | null, { model, status }: Known): number {
  const { nozzles } = status.temperatures;
  if (nozzle === null) return nozzles.find(({ active }) => active === true)?.index ?? 0;
  const count = model.nozzles ?? Math.max(1, nozzles.length);
  return nozzle < count ? nozzle : unable(`this printer has no nozzle ${nozzle}`);
}

function errorNumberOf(report: Readonly<Fields>): number {
  return typeof report.print_error === "number" ? report.print_error : 0;
}

function hexOf(error: number): string {
  return (error >>> 0).toString(16).toUpperCase().padStart(8, "0");
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "0";
}
