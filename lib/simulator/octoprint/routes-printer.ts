/** The printer and its job: what it does, and what it can be told. */
import { isObject, type JsonObject } from "../json";
import { answer, type Answer, type Call, DONE, NOT_OPERATIONAL, refusal, type Route } from "./answers";
import { PHASES } from "./states";
import { encodeJob, encodeMachineProgress, encodeState, encodeTemperatures } from "./views";

const BAUDRATES = [250000, 230400, 115200, 57600, 38400, 19200, 9600];
const NO_CHAMBER = refusal(409, "Printer does not have a heated chamber");
const MISSING = refusal(400, "Mandatory parameters missing");

function connection({ core }: Call): JsonObject {
  const { port, phase } = core.machine;
  return {
    current: {
      state: port === null ? "Closed" : PHASES[phase].text,
      port,
      baudrate: port === null ? null : 115200,
      printerProfile: "_default",
    },
    options: {
      ports: [...core.ports],
      baudrates: BAUDRATES,
      printerProfiles: [{ id: "_default", name: "Default" }],
      portPreference: core.ports[0] ?? null,
      baudratePreference: 115200,
      printerProfilePreference: "_default",
    },
  };
}

function postConnection({ core, body }: Call): Answer {
  switch (body["command"]) {
    case "connect": {
      const { port = "AUTO", baudrate = 0, printerProfile = "_default" } = body;
      if (port !== "AUTO" && !(typeof port === "string" && core.ports.includes(port)))
        return refusal(400, "port is invalid");
      if (baudrate !== 0 && !(typeof baudrate === "number" && BAUDRATES.includes(baudrate)))
        return refusal(400, "baudrate is invalid");
      if (printerProfile !== "_default") return refusal(400, "printerProfile is invalid");
      core.machine.connect(port === "AUTO" ? (core.ports[0] ?? "AUTO") : port);
      return DONE;
    }
    case "disconnect":
      core.machine.disconnect();
      return DONE;
    case "fake_ack":
    case "repair":
      return DONE;
    default:
      return refusal(400, "command is invalid");
  }
}

function printer({ core, query }: Call): Answer {
  const { machine } = core;
  if (!machine.operational) return NOT_OPERATIONAL;
  const excluded = (query.get("exclude") ?? "").split(",");
  const all: JsonObject = {
    temperature: encodeTemperatures(machine),
    sd: { ready: true },
    state: encodeState(machine),
  };
  return answer(Object.fromEntries(Object.entries(all).filter(([name]) => !excluded.includes(name))));
}

/** Lines for the terminal: one, several, or a named script (of which there is none). */
function postCommand({ core, body }: Call): Answer {
  const { command, commands, script } = body;
  if (command === undefined && commands === undefined && script === undefined)
    return refusal(400, "Need one of 'command', 'commands' or 'script'");
  if (commands !== undefined && !(Array.isArray(commands) && commands.every((one) => typeof one === "string")))
    return refusal(400, "commands is invalid");
  if (command !== undefined && typeof command !== "string") return refusal(400, "command is invalid");
  if (!core.machine.operational) return NOT_OPERATIONAL;
  for (const line of commands ?? (command === undefined ? [] : [command])) core.machine.gcode(line);
  return DONE;
}

function postTool({ core, body }: Call): Answer {
  if (!core.machine.operational) return NOT_OPERATIONAL;
  if (body["command"] !== "target")
    return ["select", "offset", "extrude", "flowrate"].includes(String(body["command"]))
      ? DONE
      : refusal(400, "command is invalid");
  const { targets } = body;
  if (!isObject(targets)) return MISSING;
  const wanted = Object.entries(targets);
  if (wanted.some(([name]) => !/^tool\d+$/.test(name))) return refusal(400, "targets contains invalid tool");
  if (wanted.some(([, value]) => typeof value !== "number")) return refusal(400, "targets contains invalid value");
  // A tool that the printer does not have is taken all the same, as the real server does.
  for (const [name, value] of wanted) core.machine.setTarget(name, Number(value));
  return DONE;
}

const postTarget =
  (heater: "bed" | "chamber") =>
  ({ core, body }: Call): Answer => {
    if (heater === "chamber" && !core.machine.heaters.has(heater)) return NO_CHAMBER;
    if (!core.machine.operational) return NOT_OPERATIONAL;
    if (body["command"] !== "target") return refusal(400, "command is invalid");
    const { target } = body;
    if (target === undefined) return MISSING;
    if (typeof target !== "number") return refusal(400, "target is invalid");
    core.machine.setTarget(heater, target);
    return DONE;
  };

function postPrinthead({ core, body }: Call): Answer {
  if (!core.machine.operational || core.machine.printing)
    return refusal(409, "Printer is not operational or currently printing");
  const { command, axes } = body;
  if (command !== "home")
    return command === "jog" || command === "feedrate" ? DONE : refusal(400, "command is invalid");
  if (!Array.isArray(axes)) return MISSING;
  if (!axes.every((axis) => ["x", "y", "z"].includes(String(axis).toLowerCase())))
    return refusal(400, "axis is invalid");
  core.emit("Home", null);
  return DONE;
}

/** How a job command goes; the refusals are the server's. */
const JOB_COMMANDS: Readonly<Record<string, (call: Call) => Answer>> = {
  start: ({ core, user }) => {
    if (core.machine.busy) return refusal(409, "Printer already has an active print job, did you mean 'restart'?");
    core.machine.start(user?.name ?? "_api");
    return DONE;
  },
  restart: ({ core, user }) =>
    core.machine.restart(user?.name ?? "_api")
      ? DONE
      : refusal(409, "Printer does not have an active print job or is not paused"),
  cancel: ({ core }) => {
    if (!core.machine.busy)
      return refusal(409, "Printer is neither printing nor paused, 'cancel' command cannot be performed");
    core.machine.cancel();
    return DONE;
  },
  pause: ({ core, body }) => {
    const { machine } = core;
    if (!machine.busy)
      return refusal(409, "Printer is neither printing nor paused, 'pause' command cannot be performed");
    const { action = "toggle" } = body;
    if (action !== "pause" && action !== "resume" && action !== "toggle") return refusal(400, "Unknown action");
    // What does not fit, a pause of a paused job say, is taken and does nothing.
    if (action === "resume" || (action === "toggle" && machine.phase === "paused")) machine.resume();
    else machine.pause();
    return DONE;
  },
};

function postJob(call: Call): Answer {
  const { command } = call.body;
  const run = typeof command === "string" && Object.hasOwn(JOB_COMMANDS, command) ? JOB_COMMANDS[command] : undefined;
  if (run === undefined) return refusal(400, "command is invalid");
  return call.core.machine.operational ? run(call) : NOT_OPERATIONAL;
}

function getJob({ core }: Call): Answer {
  const { machine } = core;
  const { error } = machine.lastError;
  return answer({
    job: encodeJob(machine),
    progress: encodeMachineProgress(machine),
    state: PHASES[machine.phase].text,
    ...(error === "" ? {} : { error }),
  });
}

/** `{tool0: ..}` of the part, 409 where the printer is off. */
const getHeaters =
  (wanted: (name: string) => boolean) =>
  ({ core }: Call): Answer => {
    if (!core.machine.operational) return NOT_OPERATIONAL;
    return answer(
      Object.fromEntries(Object.entries(encodeTemperatures(core.machine)).filter(([name]) => wanted(name))),
    );
  };

export const PRINTER_ROUTES: readonly Route[] = [
  { method: "GET", path: /^\/api\/connection$/, permission: "STATUS", run: (call) => answer(connection(call)) },
  { method: "POST", path: /^\/api\/connection$/, permission: "CONNECTION", json: true, run: postConnection },
  { method: "GET", path: /^\/api\/printer$/, permission: "STATUS", run: printer },
  {
    method: "GET",
    path: /^\/api\/printer\/error$/,
    permission: "STATUS",
    run: ({ core }) => answer({ ...core.machine.lastError }),
  },
  { method: "POST", path: /^\/api\/printer\/command$/, permission: "CONTROL", json: true, run: postCommand },
  {
    method: "GET",
    path: /^\/api\/printer\/tool$/,
    permission: "STATUS",
    run: getHeaters((name) => name.startsWith("tool")),
  },
  { method: "POST", path: /^\/api\/printer\/tool$/, permission: "CONTROL", json: true, run: postTool },
  { method: "GET", path: /^\/api\/printer\/bed$/, permission: "STATUS", run: getHeaters((name) => name === "bed") },
  { method: "POST", path: /^\/api\/printer\/bed$/, permission: "CONTROL", json: true, run: postTarget("bed") },
  {
    method: "GET",
    path: /^\/api\/printer\/chamber$/,
    permission: "STATUS",
    run: (call) =>
      call.core.machine.heaters.has("chamber") ? getHeaters((name) => name === "chamber")(call) : NO_CHAMBER,
  },
  { method: "POST", path: /^\/api\/printer\/chamber$/, permission: "CONTROL", json: true, run: postTarget("chamber") },
  { method: "POST", path: /^\/api\/printer\/printhead$/, permission: "CONTROL", json: true, run: postPrinthead },
  { method: "GET", path: /^\/api\/job$/, permission: "STATUS", run: getJob },
  { method: "POST", path: /^\/api\/job$/, permission: "PRINT", json: true, run: postJob },
];
