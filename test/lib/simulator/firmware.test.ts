import assert from "node:assert/strict";
import { isPrintgateError } from "../../../lib/errors";
import type { VirtualPrinter } from "../../../lib/simulator/printer/virtual-printer";
import type { RawClient } from "../../support/raw-client";
import { ANNA, ask, BERT, CloudBench } from "./cloud/fixture";
import { Bench, SERIAL } from "./fixture";

const bench = new Bench();
const clouds = new CloudBench();

/** `upgrade_state` of a report that is asked for now. */
async function upgrade(client: RawClient): Promise<Record<string, any>> {
  await client.settle();
  return (await client.pushAll())["upgrade_state"];
}

async function modules(client: RawClient): Promise<Map<string, Record<string, any>>> {
  const { module } = await client.ask("info", "get_version");
  return new Map(module.map((row: Record<string, any>) => [row["name"], row]));
}

/** The module's installed version, read anew. */
async function installed(client: RawClient, name: string): Promise<unknown> {
  return (await modules(client)).get(name)?.["sw_ver"];
}

/** Connects anew after the restart that ends an update. */
async function afterRestart(printer: VirtualPrinter, client: RawClient): Promise<RawClient> {
  const closed = client.closed();
  printer.advance(10);
  await closed;
  return bench.client(printer);
}

afterEach(async () => {
  await bench.clear();
  await clouds.clear();
});

describe("firmware offered to a virtual printer", () => {
  it("stands as a list on P1 and A1, the printer and each feeder by name", async () => {
    const { printer, client } = await bench.pair();
    printer.offerFirmware({ version: "01.09.01.00", ams: [{ module: "ams/0", version: "00.00.06.75" }] });
    const said = await upgrade(client);
    assert.deepEqual([said["new_version_state"], said["dis_state"], said["force_upgrade"]], [1, 1, false]);
    const rows = said["new_ver_list"].map((row: any) => [row.name, row.cur_ver, row.new_ver]);
    assert.deepEqual(rows, [
      ["ota", "01.08.02.00", "01.09.01.00"],
      ["ams/0", "00.00.06.49", "00.00.06.75"],
    ]);
    assert.equal(await installed(client, "ota"), "01.08.02.00");
  });

  it("stands as texts on the other models, and module by module on the newest", async () => {
    const { printer, client } = await bench.pair({ model: "H2D", serial: "09400A000000001" });
    printer.offerFirmware({
      version: "01.03.00.00",
      force: true,
      ams: [{ module: "n3s/128", version: "03.00.22.10" }],
    });
    const said = await upgrade(client);
    assert.deepEqual([said["ota_new_version_number"], said["ams_new_version_number"]], ["01.03.00.00", "03.00.22.10"]);
    assert.deepEqual([said["new_version_state"], said["force_upgrade"], "new_ver_list" in said], [1, true, false]);
    const rows = await modules(client);
    assert.deepEqual(
      ["ota", "n3f/0", "n3s/128"].map((name) => rows.get(name)?.["sw_new_ver"]),
      ["01.03.00.00", undefined, "03.00.22.10"],
    );
  });

  it("can be for a feeder alone: the printer's own version is then not in the list", async () => {
    const { printer, client } = await bench.pair();
    printer.offerFirmware({ ams: [{ module: "ams/0", version: "00.00.06.75" }] });
    const { new_version_state: news, new_ver_list: list } = await upgrade(client);
    assert.deepEqual([news, list.map((row: any) => row.name)], [1, ["ams/0"]]);
  });

  it("is reported unasked, as a change", async () => {
    const { printer, client } = await bench.pair();
    const told = client.wait(({ print }) => print?.["upgrade_state"] !== undefined);
    printer.offerFirmware({ version: "01.09.01.00" });
    const { msg, upgrade_state: said } = (await told)["print"]!;
    assert.deepEqual([msg, said.new_version_state], [1, 1]);
  });

  it("is gone when it is withdrawn, though some firmware keeps naming the version", async () => {
    for (const [model, text] of [
      ["P1S", undefined],
      ["X1C", "09.09.00.00"],
    ]) {
      const { printer, client } = await bench.pair({ model: String(model) });
      printer.offerFirmware({ version: "09.09.00.00" });
      printer.withdrawFirmware();
      const said = await upgrade(client);
      assert.deepEqual([said["new_version_state"], said["ota_new_version_number"]], [2, text]);
      assert.equal(printer.firmware.offer, null);
      await bench.clear();
    }
  });

  it("is not known for a minute after power-up", async () => {
    const { printer } = await bench.pair({ firmware: { offer: { version: "01.09.01.00" } } });
    await printer.powerCycle();
    const client = await bench.client(printer);
    const early = await upgrade(client);
    assert.deepEqual([early["new_version_state"], early["new_ver_list"]], [0, []]);
    printer.advance(61);
    assert.equal((await upgrade(client))["new_version_state"], 1);
  });

  it("can be there from the start, on other firmware than the model's", async () => {
    const firmware = { installed: "01.07.00.00", offer: { version: "01.08.02.00" } };
    const { printer, client } = await bench.pair({ firmware });
    assert.equal(await installed(client, "ota"), "01.07.00.00");
    assert.equal((await upgrade(client))["new_ver_list"][0].cur_ver, "01.07.00.00");
    assert.deepEqual(printer.firmware, {
      ...firmware,
      modules: [{ name: "ams/0", version: "00.00.06.49" }],
      updating: false,
    });
  });

  it("must name a version, and feeders that are there", async () => {
    const printer = await bench.printer();
    const wrong = (error: unknown): boolean => isPrintgateError(error, "config-invalid");
    for (const offer of [{}, { version: "" }, { ams: [] }, { ams: [{ module: "n3f/7", version: "1.0.0.0" }] }])
      assert.throws(() => {
        printer.offerFirmware(offer);
      }, wrong);
    assert.equal(printer.firmware.offer, null);
  });
});

describe("an update of a virtual printer", () => {
  it("goes through its steps, restarts the printer and leaves the new version", async () => {
    const { printer, client } = await bench.pair();
    printer.offerFirmware({ version: "01.09.01.00", ams: [{ module: "ams/0", version: "00.00.06.75" }] });
    const reply = await client.ask("upgrade", "upgrade_confirm", { src_id: 1 });
    assert.equal(reply["result"], "success");
    assert.equal(printer.firmware.updating, true);
    printer.advance(33);
    const half = await upgrade(client);
    assert.deepEqual(
      [half["status"], half["progress"], half["dis_state"], half["module"], half["new_version_state"]],
      ["DOWNLOADING", "50", 2, "ota", 1],
    );
    for (const seconds of [35, 21, 3]) {
      printer.advance(seconds);
      await client.settle();
    }
    const fresh = await afterRestart(printer, client);
    const statuses = client.reports.flatMap((report) => report["upgrade_state"]?.status ?? []);
    const steps = ["UPGRADE_REQUEST", "DOWNLOADING", "PRE_FLASH_START", "PRE_FLASH_SUCCESS", "UPGRADE_SUCCESS"];
    assert.deepEqual(
      [...new Set(statuses)].filter((status) => status !== ""),
      steps,
    );
    const after = await upgrade(fresh);
    assert.deepEqual(
      [after["status"], after["progress"], after["dis_state"], after["new_version_state"]],
      ["UPGRADE_SUCCESS", "100", 3, 0],
    );
    printer.advance(61);
    assert.equal((await upgrade(fresh))["new_version_state"], 2);
    assert.equal(await installed(fresh, "ota"), "01.09.01.00");
    assert.equal(await installed(fresh, "ams/0"), "00.00.06.75");
  });

  it("of a feeder alone leaves everybody connected", async () => {
    const { printer, client } = await bench.pair();
    printer.offerFirmware({ ams: [{ module: "ams/0", version: "00.00.06.75" }] });
    printer.startUpdate();
    printer.advance(120);
    assert.equal(await installed(client, "ams/0"), "00.00.06.75");
    assert.equal((await upgrade(client))["new_version_state"], 2);
    assert.equal(printer.connects, 1);
  });

  it("does not begin without an offer or while a job is on, and no job begins meanwhile", async () => {
    const { printer, client } = await bench.pair();
    const confirm = () => client.ask("upgrade", "upgrade_confirm", { src_id: 1 });
    assert.deepEqual([(await confirm())["result"], printer.firmware.updating], ["fail", false]);
    printer.offerFirmware({ version: "01.09.01.00" });
    printer.startPrint();
    assert.deepEqual([(await confirm())["reason"], printer.firmware.updating], ["printing", false]);
    printer.finish();
    printer.startUpdate();
    printer.startPrint({ name: "Too early" });
    assert.equal(printer.state, "FINISH");
    assert.equal((await confirm())["result"], "fail");
  });

  it("is lost with the power", async () => {
    const { printer } = await bench.pair();
    printer.offerFirmware({ version: "01.09.01.00" });
    printer.startUpdate();
    printer.advance(30);
    await printer.powerCycle();
    printer.advance(300);
    const { installed: version, offer, updating } = printer.firmware;
    assert.deepEqual([version, offer?.version, updating], ["01.08.02.00", "01.09.01.00", false]);
  });
});

describe("firmware in the catalogue of the simulated cloud", () => {
  const OFFER = {
    version: "01.09.01.00",
    notes: "Quieter fans.",
    force: true,
    ams: [{ module: "ams/0", version: "00.00.06.75" }],
  };

  async function catalogue(account: string, offer: Parameters<VirtualPrinter["offerFirmware"]>[0]) {
    const cloud = await clouds.cloud();
    const { printer, client } = await bench.pair();
    cloud.attach(printer, { user: account });
    printer.offerFirmware(offer);
    const path = `/v1/iot-service/api/user/device/version?dev_id=${SERIAL}`;
    const { json } = await ask(cloud, "GET", path, { token: cloud.token(account) });
    return { row: json.devices[0], printer, client };
  }

  it("is what the printer and its feeders have and are offered", async () => {
    const { row } = await catalogue(ANNA.account, OFFER);
    assert.equal(row.version, "01.08.02.00");
    assert.deepEqual(
      row.firmware.map((one: any) => [one.version, one.status, one.force_update, one.description]),
      [
        ["01.09.01.00", "release", true, "Quieter fans."],
        ["01.08.02.00", "release", false, ""],
      ],
    );
    const [unit] = row.ams;
    assert.deepEqual([unit.ams_id, unit.firmware.map((one: any) => one.version)], [0, ["00.00.06.75", "00.00.06.49"]]);
  });

  it("lists beta firmware for everybody, while the printer only hears of it when its account opted in", async () => {
    for (const [account, news] of [
      [ANNA.account, 2],
      [BERT.account, 1],
    ] as const) {
      const { row, printer, client } = await catalogue(account, { ...OFFER, beta: true });
      assert.deepEqual([row.firmware[0].status, row.ams[0].firmware[0].status], ["beta", "beta"]);
      assert.equal((await upgrade(client))["new_version_state"], news);
      printer.startUpdate();
      assert.equal(printer.firmware.updating, news === 1);
      await bench.clear();
    }
  });
});
