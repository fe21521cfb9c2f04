import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { runInNewContext } from "node:vm";
import { isPrintgateError, PrintgateError } from "../../../lib/errors";
import { readCommand } from "../../../lib/printer/command-reading";
import { COMMAND_NAMES, type CommandName, isCommandName, PLAIN_COMMANDS } from "../../../lib/printer/commands";
import { PROPERTIES } from "../../../lib/node-red/properties";

const data = Buffer.from("G28\n");
const zip = Buffer.from("PK\x03\x04 and so on");
const held = (bytes: Buffer) => ({ kind: "buffer", data: bytes });
const order = {
  content: null,
  plate: 1,
  ams: [],
  useAms: false,
  bedLeveling: true,
  flowCalibration: false,
  vibrationCalibration: false,
  timelapse: false,
};

const GOOD: [CommandName, unknown, object][] = [
  ["speed", "silent", { level: 1 }],
  ["speed", " Sport ", { level: 3 }],
  ["speed", "4", { level: 4 }],
  ["speed", 2, { level: 2 }],
  ["light", "on", { node: "chamber", mode: "on" }],
  ["light", " OFF", { node: "chamber", mode: "off" }],
  ["light", false, { node: "chamber", mode: "off" }],
  ["light", { node: "work", mode: "flashing" }, { node: "work", mode: "flashing" }],
  ["bed-temperature", "60", { target: 60 }],
  ["bed-temperature", { target: 60.4 }, { target: 60 }],
  ["chamber-temperature", 0, { target: 0 }],
  ["nozzle-temperature", 220, { target: 220, nozzle: null }],
  ["nozzle-temperature", { target: "220", nozzle: "1" }, { target: 220, nozzle: 1 }],
  ["fan", { fan: "aux", percent: "50" }, { fan: "aux", percent: 50 }],
  ["gcode", " M106 P1 S0\r\nG4 S1 \n", { lines: "M106 P1 S0\nG4 S1" }],
  ["skip-objects", [17, "21", 17], { ids: [17, 21] }],
  ["skip-objects", { ids: [3] }, { ids: [3] }],
  ["ams-load", { slot: 2 }, { unit: 0, slot: 2, external: false }],
  ["ams-load", { external: true }, { unit: null, slot: 0, external: true }],
  ["ams-dry", { unit: 128, temperature: 65, hours: 8 }, { unit: 128, on: true, temperature: 65, hours: 8 }],
  ["ams-dry", { on: false }, { unit: 0, on: false, temperature: null, hours: null }],
  [
    "ams-set",
    { unit: 1, slot: 3, type: "PETG", color: "#00ff7f" },
    {
      ...{ unit: 1, slot: 3, external: false, type: "PETG", color: "#00FF7FFF" },
      ...{ filamentId: null, nozzleMin: null, nozzleMax: null },
    },
  ],
  ["print", "cache/bracket.gcode.3mf", { order: { ...order, file: "cache/bracket.gcode.3mf" } }],
  [
    "print",
    { file: "a.3mf", plate: "2", ams: [{ unit: 0, slot: 1 }, null], bedLeveling: false },
    {
      order: { ...order, file: "a.3mf", plate: 2, ams: [{ unit: 0, slot: 1 }, null], useAms: true, bedLeveling: false },
    },
  ],
  ["print", { file: "a.gcode", content: data }, { order: { ...order, file: "a.gcode", content: held(data) } }],
  ["print", { file: data, name: "a.gcode" }, { order: { ...order, file: "a.gcode", content: held(data) } }],
  ["print", data, { order: { ...order, file: "printgate.gcode", content: held(data) } }],
  ["print", { content: data }, { order: { ...order, file: "printgate.gcode", content: held(data) } }],
  ["print", { file: zip, plate: 2 }, { order: { ...order, file: "printgate.3mf", plate: 2, content: held(zip) } }],
  [
    "print",
    { file: "/home/amy/a.3mf" },
    { order: { ...order, file: "a.3mf", content: { kind: "path", path: "/home/amy/a.3mf" } } },
  ],
  [
    "print",
    { path: "out/a.3mf", name: "b.3mf" },
    { order: { ...order, file: "b.3mf", content: { kind: "path", path: "out/a.3mf" } } },
  ],
  ["rename", " Bench two ", { to: "Bench two" }],
];

const getter = Object.defineProperty({}, "fan", { get: () => "part", enumerable: true });

const BAD: [CommandName, unknown][] = [
  ...["fast", 0, 5, 1.5, null, undefined, "1 2", {}, [], Infinity, NaN, "0x1", true].map(
    (payload): [CommandName, unknown] => ["speed", payload],
  ),
  ...["ONE", 1, null, undefined, [], {}, { mode: "on", node: "sun" }, { mode: "on", lamp: 1 }, ["on"]].map(
    (payload): [CommandName, unknown] => ["light", payload],
  ),
  ...[-1, 141, "hot", "", null, undefined, true, [60], { target: 60, nozzle: 0 }, "1e2", " ", Buffer.from("60")].map(
    (payload): [CommandName, unknown] => ["bed-temperature", payload],
  ),
  ["nozzle-temperature", 351],
  ["nozzle-temperature", { target: 200, nozzle: 2 }],
  ["nozzle-temperature", { nozzle: 0 }],
  ["chamber-temperature", 81],
  ...[50, { fan: "part" }, { fan: "part", percent: 101 }, { fan: "constructor", percent: 1 }, getter, null].map(
    (payload): [CommandName, unknown] => ["fan", payload],
  ),
  ["fan", JSON.parse('{"fan":"part","percent":50,"__proto__":{"x":1}}')],
  ["fan", Object.create({ fan: "part", percent: 50 })],
  ...["", " \n", 5, ["G28"], "G28\0", "G28\u001b[2J", "G1 X1\n".repeat(2000), { lines: "G28" }].map(
    (payload): [CommandName, unknown] => ["gcode", payload],
  ),
  ...[[], "17", [-1], [1.5], ["a"], Array.from({ length: 65 }, (_, id) => id), [[1]], new Array(3)].map(
    (payload): [CommandName, unknown] => ["skip-objects", payload],
  ),
  ["ams-load", {}],
  ["ams-load", { slot: 16 }],
  ["ams-load", { unit: 256, slot: 0 }],
  ["ams-load", { external: true, unit: 0 }],
  ["ams-load", { external: "true", slot: 0 }],
  ["ams-dry", { unit: 0 }],
  ["ams-dry", { unit: 0, temperature: 200, hours: 4 }],
  ["ams-dry", { unit: 0, temperature: 60, hours: 0 }],
  ["ams-set", { slot: 0, type: "PLA", color: "red" }],
  ["ams-set", { slot: 0, color: "#FFFFFF" }],
  ["ams-set", { slot: 0, type: "P".repeat(17), color: "#FFFFFF" }],
  ...[
    "",
    "bracket.stl",
    "../a.3mf",
    "cache/../a.3mf",
    "a\n.3mf",
    5,
    null,
    [],
    {},
    Buffer.from("\x7fELF"),
    Buffer.from("<html>"),
  ].map((payload): [CommandName, unknown] => ["print", payload]),
  ["print", { content: Buffer.alloc(9) }],
  ["print", { file: "a.3mf", content: "text" }],
  ["print", { file: "a.3mf", content: Buffer.alloc(0) }],
  ["print", { file: "a.3mf", content: data, path: "/tmp/a.3mf" }],
  ["print", { name: "a.gcode", path: "/etc/passwd" }],
  ["print", { name: "x/a.3mf", file: data }],
  ["print", { file: "a.3mf", plate: 0 }],
  ["print", { file: "a.3mf", ams: [3] }],
  ["print", { file: "a.3mf", ams: "0" }],
  ["print", { file: "a.3mf", useAms: "yes" }],
  ...["", "x".repeat(65), 5, null, "a\nb", {}].map((payload): [CommandName, unknown] => ["rename", payload]),
];

describe("reading a command", () => {
  for (const [name, payload, expected] of GOOD) {
    it(`reads ${name} from ${JSON.stringify(payload)}`, () => {
      assert.deepEqual({ ...readCommand(name, payload) }, { name, ...expected });
    });
  }

  it("takes any payload for what its name says already", () => {
    for (const name of PLAIN_COMMANDS)
      for (const payload of [undefined, null, "", 1_700_000_000, {}, [], true])
        assert.deepEqual(readCommand(name, payload), { name });
  });

  it("refuses everything else in words that end in what the command takes and never repeat what was said", () => {
    for (const [name, payload] of BAD) {
      assert.throws(
        () => readCommand(name, payload),
        (thrown) =>
          isPrintgateError(thrown, "message-invalid") &&
          thrown.message.startsWith(`${name}: `) &&
          thrown.message.includes("It takes "),
        `${name} ${String(payload)}`,
      );
    }
    const secret = "hunter2hunter2";
    for (const name of COMMAND_NAMES) {
      for (const payload of [secret, { [secret]: secret }, [secret], { fan: secret, percent: 1 }]) {
        try {
          readCommand(name, payload);
        } catch (thrown) {
          assert.ok(thrown instanceof PrintgateError && !thrown.message.includes(secret), name);
        }
      }
    }
  });

  it("reads what a function node makes, which has prototypes of its own", () => {
    const payload: unknown = runInNewContext("({ fan: 'part', percent: 30 })");
    assert.deepEqual({ ...readCommand("fan", payload) }, { name: "fan", fan: "part", percent: 30 });
    const ids: unknown = runInNewContext("[1, 2]");
    assert.deepEqual({ ...readCommand("skip-objects", ids) }, { name: "skip-objects", ids: [1, 2] });
  });

  it("takes a stream with or without its length", () => {
    const stream = Readable.from([data]);
    const read = (bytes?: unknown) => {
      const command = readCommand("print", { file: "a.3mf", content: stream, bytes });
      return command.name === "print" ? command.order.content : null;
    };
    assert.deepEqual(read(), { kind: "stream", stream, bytes: null });
    assert.deepEqual(read(4), { kind: "stream", stream, bytes: 4 });
    assert.throws(() => read(-1));
  });

  it("knows names byte for byte, and none from a prototype", () => {
    for (const word of ["Pause", "PAUSE", "pause ", "pausе", "constructor", "__proto__", "toString", ""])
      assert.equal(isCommandName(word), false, word);
    assert.ok(COMMAND_NAMES.every(isCommandName));
  });

  it("offers in the node exactly the commands that there are", () => {
    const offered = PROPERTIES["printer-command"].command.choices.filter((choice) => choice !== "");
    assert.deepEqual([...offered].sort(), [...COMMAND_NAMES].sort());
  });
});
