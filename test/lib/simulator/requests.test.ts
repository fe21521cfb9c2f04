import assert from "node:assert/strict";
import type { VirtualPrinter } from "../../../lib/simulator/printer/virtual-printer";
import type { RawClient } from "../../support/raw-client";
import { Bench, CODE } from "./fixture";

const bench = new Bench();
const LIGHT = { led_on_time: 500, led_off_time: 500, loop_times: 1, interval_time: 1000 };

const printing = async (model = "P1S"): Promise<{ printer: VirtualPrinter; client: RawClient }> => {
  const pair = await bench.pair({ model });
  pair.printer.startPrint({ minutes: 30 });
  pair.printer.advance(8 * 60);
  return pair;
};

describe("commands to a virtual printer", () => {
  afterEach(() => bench.clear());

  it("pause, resume and stop a print; the reply repeats section, command and sequence id", async () => {
    const { printer, client } = await printing();
    const paused = await client.ask("print", "pause", { param: "" });
    assert.deepEqual([paused["command"], paused["result"], printer.state], ["pause", "success", "PAUSE"]);
    await client.ask("print", "resume", { param: "" });
    assert.equal(printer.state, "RUNNING");
    await client.ask("print", "stop", { param: "" });
    printer.advance(2);
    assert.equal(printer.state, "FAILED");
  });

  it("are refused where they make no sense", async () => {
    const { client } = await bench.pair();
    for (const command of ["pause", "resume", "stop"])
      assert.equal((await client.ask("print", command, { param: "" }))["result"], "fail", command);
    assert.equal((await client.ask("print", "skip_objects", { obj_list: [1] }))["result"], "fail");
    assert.equal(
      (await client.ask("system", "ledctrl", { led_node: "sun", led_mode: "on", ...LIGHT }))["result"],
      "fail",
    );
  });

  it("pause instead when told to resume a running print, as the firmware does", async () => {
    const { printer, client } = await printing();
    await client.ask("print", "resume", { param: "" });
    assert.equal(printer.state, "PAUSE");
  });

  it("set speed, light, temperatures, fans and camera, and the next report shows it", async () => {
    const { client } = await bench.pair();
    await client.ask("print", "print_speed", { param: "3" });
    await client.ask("system", "ledctrl", { led_node: "chamber_light", led_mode: "off", ...LIGHT });
    await client.ask("print", "gcode_line", { param: "M104 S210\nM140 S60 ; bed\nM106 P2 S255\n" });
    assert.equal((await client.ask("camera", "ipcam_record_set", { control: "enable" }))["result"], 0);
    const status = await client.pushAll();
    assert.deepEqual([status["spd_lvl"], status["spd_mag"]], [3, 124]);
    assert.deepEqual(status["lights_report"], [{ node: "chamber_light", mode: "off" }]);
    assert.deepEqual([status["nozzle_target_temper"], status["bed_target_temper"]], [210, 60]);
    assert.equal(status["big_fan1_speed"], "15");
    assert.equal(status["ipcam"].ipcam_record, "enable");
  });

  it("set temperatures directly only where the firmware knows how", async () => {
    const newer = await bench.pair({ model: "H2D" });
    const reply = await newer.client.ask("print", "set_nozzle_temp", { extruder_index: 1, target_temp: 230 });
    assert.deepEqual([reply["result"], reply["err_code"]], ["SUCCESS", 0]);
    await newer.client.ask("print", "set_bed_temp", { temp: 65 });
    await newer.client.ask("print", "set_ctt", { ctt_val: 45 });
    const { device } = await newer.client.pushAll();
    assert.equal(device.extruder.info[1].temp >>> 16, 230);
    assert.equal(device.bed_temp >>> 16, 65);
    assert.equal(device.ctc.info.temp >>> 16, 45);

    const x1 = await bench.pair({ model: "X1C" });
    assert.equal((await x1.client.ask("print", "set_bed_temp", { temp: 65 }))["result"], "fail");
    const p1 = await bench.pair();
    await p1.client.send("print", "set_bed_temp", { temp: 65 });
    await p1.client.settle();
    assert.deepEqual(
      p1.client.frames.map((frame) => Object.keys(frame)[0]),
      ["print", "info"],
    );
  });

  it("load and unload filament", async () => {
    const { printer, client } = await bench.pair();
    await client.ask("print", "ams_change_filament", {
      ams_id: 0,
      slot_id: 1,
      target: 1,
      curr_temp: 220,
      tar_temp: 220,
    });
    const busy = await client.pushAll();
    assert.deepEqual([busy["stg_cur"], busy["ams"].tray_tar, busy["ams_status"] >> 8], [24, "1", 1]);
    printer.advance(60);
    assert.equal((await client.pushAll())["ams"].tray_now, "1");
    await client.ask("print", "ams_change_filament", { target: 255, slot_id: 255, curr_temp: 220, tar_temp: 220 });
    printer.advance(60);
    const empty = await client.pushAll();
    assert.deepEqual([empty["ams"].tray_now, empty["hw_switch_state"]], ["255", 0]);
    const nothingThere = { ams_id: 0, slot_id: 3, target: 3, curr_temp: 0, tar_temp: 0 };
    assert.equal((await client.ask("print", "ams_change_filament", nothingThere))["result"], "fail");
  });

  it("describe a spool, dry filament, skip objects and clear an error", async () => {
    const { printer, client } = await printing("H2D");
    await client.ask("print", "ams_filament_setting", {
      ams_id: 0,
      slot_id: 2,
      tray_id: 2,
      tray_info_idx: "GFG99",
      tray_color: "00ff00ff",
      nozzle_temp_min: 220,
      nozzle_temp_max: 260,
      tray_type: "PETG",
    });
    await client.ask("print", "ams_filament_drying", { ams_id: 128, mode: 1, temp: 65, duration: 4, filament: "PETG" });
    await client.ask("print", "skip_objects", { obj_list: [17, 21] });
    const status = await client.pushAll();
    const [first, second] = status["ams"].ams;
    assert.deepEqual(
      [first.tray[2].tray_type, first.tray[2].tray_color, first.tray[2].nozzle_temp_max],
      ["PETG", "00FF00FF", "260"],
    );
    assert.deepEqual([first.dry_time, second.dry_time], [0, 240]);
    assert.deepEqual(status["s_obj"], [17, 21]);
    printer.fail();
    await client.ask("print", "clean_print_error", { subtask_id: "0", print_error: 0x03008008 });
    assert.equal((await client.pushAll())["print_error"], 0);
  });

  it("start a print of a file, with name, task and filament as ordered", async () => {
    const { printer, client } = await bench.pair();
    const order = {
      param: "Metadata/plate_1.gcode",
      url: "file:///sdcard/Box v2.gcode.3mf",
      task_id: "987",
      ams_mapping: [1, -1],
      use_ams: true,
    };
    assert.equal((await client.ask("print", "project_file", order))["reason"], "file not found");
    printer.doors.files.set("/Box v2.gcode.3mf", Buffer.from("PK"));
    assert.equal((await client.ask("print", "project_file", order))["result"], "success");
    assert.equal((await client.ask("print", "project_file", order))["result"], "fail");
    printer.advance(6 * 60);
    const status = await client.pushAll();
    assert.deepEqual(
      [status["subtask_name"], status["task_id"], status["print_type"], status["ams"].tray_now],
      ["Box v2", "987", "cloud", "1"],
    );
    const other = await bench.pair();
    await other.client.ask("print", "gcode_file", { param: "/cache/lid.gcode" });
    const local = await other.client.pushAll();
    assert.deepEqual(
      [local["subtask_name"], local["gcode_file"], local["print_type"]],
      ["lid", "/cache/lid.gcode", "local"],
    );
  });

  it("start a print of what is there only: on the card, in the cache, or in the internet", async () => {
    const rows: [Record<string, string>, boolean][] = [
      [{ param: "Metadata/plate_1.gcode", url: "file:///sdcard/box%20%231.3mf" }, true],
      [{ param: "Metadata/plate_1.gcode", url: "ftp:///box%20%231.3mf" }, true],
      [{ param: "Metadata/plate_1.gcode", url: "https://files.example.org/box.3mf" }, true],
      [{ param: "Metadata/plate_1.gcode", url: "ftp:///cache/box.3mf" }, true],
      [{ param: "Metadata/plate_1.gcode", url: "ftp:///other.3mf" }, false],
      [{ param: "Metadata/plate_1.gcode", url: "ftp:///%E0%A4%A" }, false],
      [{ param: "Metadata/plate_1.gcode" }, false],
    ];
    for (const [order, starts] of rows) {
      const { printer, client } = await bench.pair();
      printer.doors.files.set("/box #1.3mf", Buffer.from("PK"));
      const { result } = await client.ask("print", "project_file", order);
      assert.equal(result, starts ? "success" : "fail", JSON.stringify(order));
    }
  });

  it("without a sequence id, or without the parameter that the firmware reads, are silently dropped", async () => {
    const { printer, client } = await printing();
    await client.settle();
    const before = client.frames.length;
    await client.sendRaw('{"print":{"command":"pause","param":""}}');
    await client.send("print", "pause");
    await client.send("print", "gcode_line");
    await client.send("system", "ledctrl", { led_node: "chamber_light", led_mode: "off" });
    await client.sendRaw('{"pushing":{"command":"pushall"}}');
    await client.settle();
    assert.deepEqual([client.frames.length, printer.state], [before + 1, "RUNNING"]);
    assert.equal(printer.requests.filter(({ command }) => command === "pause").length, 2);
  });

  it("to the AMS with a sequence id beyond 31 bits get no answer", async () => {
    const { client } = await bench.pair();
    await client.sendRaw('{"print":{"command":"ams_user_setting","sequence_id":"2147483648","ams_id":-1}}');
    await client.settle();
    assert.deepEqual(
      client.frames.map((frame) => Object.keys(frame)[0]),
      ["print", "info"],
    );
  });

  it("are refused unsigned where signatures are demanded, but light, version and pushall work", async () => {
    for (const model of ["P1S", "X1C", "H2D"]) {
      const printer = await bench.printer({ model, signedCommands: true });
      const client = await bench.client(printer);
      const status = await client.pushAll();
      assert.equal((BigInt(`0x${String(status["fun"])}`) >> 29n) & 1n, 1n);
      const alert = client.wait((frame) => frame["print"]?.["hms"]?.length === 1);
      const reply = await client.ask("print", "gcode_line", { param: "M104 S200" });
      assert.deepEqual(
        [reply["command"], reply["result"], reply["reason"], reply["err_code"]],
        ["gcode_line", "failed", "mqtt message verify failed", 84033543],
      );
      assert.deepEqual((await alert)["print"]!["hms"], [{ attr: 0x05000500, code: 0x00010007 }]);
      assert.equal((await client.pushAll())["nozzle_target_temper"], 0);
      const light = await client.ask("system", "ledctrl", { led_node: "chamber_light", led_mode: "off", ...LIGHT });
      assert.match(light["result"], /^success$/i);
      assert.ok((await client.ask("info", "get_version"))["module"].length > 0);
    }
  });

  it("without signatures are allowed where bit 29 is clear", async () => {
    const { client } = await bench.pair({ model: "X1C" });
    const status = await client.pushAll();
    assert.equal((BigInt(`0x${String(status["fun"])}`) >> 29n) & 1n, 0n);
  });

  it("tell the access code to who is let in", async () => {
    const { client } = await bench.pair();
    assert.equal((await client.ask("system", "get_access_code"))["access_code"], CODE);
  });

  it("may be any bytes at all: the printer lives and answers the next one", async () => {
    const { client } = await printing("H2D");
    const values = [null, true, -1, 1e308, "", "x".repeat(5000), "9".repeat(400), [], [[[]]], {}, { id: {} }];
    const commands = [
      "pause",
      "gcode_line",
      "print_speed",
      "project_file",
      "gcode_file",
      "ams_change_filament",
      "skip_objects",
    ];
    const more = [
      "ams_filament_setting",
      "ams_filament_drying",
      "set_nozzle_temp",
      "set_fan",
      "set_airduct",
      "select_extruder",
    ];
    const members = [
      "param",
      "ams_id",
      "slot_id",
      "tray_id",
      "target",
      "obj_list",
      "ams_mapping",
      "ams_mapping2",
      "extruder_index",
    ];
    for (const value of values) {
      for (const command of [...commands, ...more, "constructor", "__proto__"]) {
        const body = Object.fromEntries(members.map((member) => [member, value]));
        await client.send("print", command, {
          ...body,
          temp: value,
          mode: value,
          speed: value,
          modeId: value,
          tray_type: value,
        });
      }
      await client.sendRaw(JSON.stringify({ print: value, system: value, "": value }));
      await client.sendRaw(JSON.stringify(value));
      await client.sendRaw(JSON.stringify({ info: { sequence_id: value, command: value } }));
    }
    const deep = `${'{"print":'.repeat(20_000)}1${"}".repeat(20_000)}`;
    for (const text of ["", "{", "null", '{"print"', deep, `[${"[".repeat(100_000)}`, '{"__proto__":{"command":"x"}}'])
      await client.sendRaw(text);
    await client.sendRaw(Buffer.from([0xff, 0xfe, 0x00, 0x7b]));
    await client.sendRaw(Buffer.alloc(1024 * 1024, "{"));
    await client.settle();
    const status = await client.pushAll();
    assert.ok(["RUNNING", "PAUSE"].includes(status["gcode_state"] as string));
    for (const number of [status["spd_lvl"], status["bed_target_temper"], status["device"].extruder.state])
      assert.ok(Number.isFinite(number));
  });
});
