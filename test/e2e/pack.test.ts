import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startVirtualPrinter, type VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import { EXAMPLES } from "../support/examples";
import { type FlowNode, RealNodeRed } from "../support/real-node-red";
import { until } from "../support/wait";

const SERIAL = "01P00A000000001";
const CODE = "e2e-access-code";

interface Told {
  event: string;
  recovered: boolean;
  job: { name: string | null } | null;
}

/** What a user gets: the tarball in a user directory of a real Node-RED, the shipped examples, one printer. */
describe("the published package in a real Node-RED", function () {
  let folder: string;
  let nodeRed: RealNodeRed;
  let printer: VirtualPrinter;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "printgate-e2e-"));
    nodeRed = await RealNodeRed.withPackage();
    printer = await startVirtualPrinter({
      model: "P1S",
      serial: SERIAL,
      accessCode: CODE,
      timeScale: 0,
      reportIntervalMs: 100,
    });
    await nodeRed.start();
  });

  after(async () => {
    await nodeRed.remove();
    await printer.close();
    await rm(folder, { recursive: true });
  });

  const events = async (): Promise<Told[]> => {
    const lines = (await readFile(join(folder, "events.log"), "utf8").catch(() => "")).split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Told);
  };
  const print = async () =>
    (await events()).map(
      ({ event, recovered, job }) => `${event}${recovered ? " (recovered)" : ""} ${job?.name ?? "-"}`,
    );
  const told = (line: string) => until(`the event "${line}"`, async () => (await print()).includes(line));

  /** A shipped example, with its printer changed from simulated to ours: what a user does in the dialog. */
  async function example(name: string): Promise<FlowNode[]> {
    const id = encodeURIComponent("@printgate/node-red-printers");
    const flow = await nodeRed.get<FlowNode[]>(`library/examples/flows/${id}/${encodeURIComponent(name)}`);
    return flow.map((node) => {
      if (node.type !== "printer-config") return node;
      const lan = {
        connection: "lan",
        host: "127.0.0.1",
        port: String(printer.port),
        serial: SERIAL,
        staleAfter: "60",
      };
      return { ...node, ...lan, credentials: { accessCode: CODE } };
    });
  }

  /** The flow of the test: an example's printer, all its events written to a file. */
  async function recording(): Promise<FlowNode[]> {
    const flow = await example("Print finished, notify");
    const config = flow.find((node) => node.type === "printer-config");
    assert.ok(config);
    const file = join(folder, "events.log");
    return [
      ...flow,
      { id: "e2e-tab", type: "tab", label: "recording" },
      {
        id: "e2e-event",
        z: "e2e-tab",
        type: "printer-event",
        name: "",
        printer: config.id,
        events: [],
        x: 1,
        y: 1,
        wires: [["e2e-file"]],
      },
      {
        ...{ id: "e2e-file", z: "e2e-tab", type: "file", name: "", filename: file, filenameType: "str" },
        ...{ appendNewline: true, createDir: false, overwriteFile: "false", encoding: "none", x: 1, y: 1, wires: [[]] },
      },
    ];
  }

  /** Printer time passes in small steps, as it does: a state is reported before the next one comes. */
  async function pass(what: string, holds: () => boolean): Promise<void> {
    await until(what, () => {
      if (!holds()) printer.advance(10);
      return holds();
    });
  }

  it("loads every node without an error, with icons, texts and examples", async () => {
    const sets = await nodeRed.get<{ module: string; types: string[]; enabled: boolean; err?: string }[]>("nodes");
    const ours = sets.filter((set) => set.module === "@printgate/node-red-printers");
    const types = [
      ...["auth-gate", "auth-login", "auth-policy", "auth-request", "auth-response", "auth-server", "firmware-check"],
      ...["printer-account", "printer-camera", "printer-command", "printer-config", "printer-event", "printer-status"],
    ];
    assert.deepEqual(ours.flatMap((set) => set.types).sort(), types);
    assert.ok(ours.every((set) => set.enabled && set.err === undefined));
    const icons = await nodeRed.get<Record<string, string[]>>("icons");
    assert.ok((icons["@printgate/node-red-printers"] ?? []).some((icon) => icon.startsWith("printgate-")));
    for (const set of types) {
      const texts = await nodeRed.get<Record<string, unknown>>(`locales/@printgate/node-red-printers/${set}?lng=en-US`);
      assert.ok(Object.keys(texts).length > 0, set);
    }
    for (const name of EXAMPLES) assert.ok((await example(name)).length > 2, name);
  });

  it("deploys every shipped example as it is", async () => {
    for (const name of EXAMPLES) {
      const id = encodeURIComponent("@printgate/node-red-printers");
      await nodeRed.deploy(await nodeRed.get<FlowNode[]>(`library/examples/flows/${id}/${encodeURIComponent(name)}`));
    }
    assert.doesNotMatch(nodeRed.log, /\[(error|red)\]|unknown|Waiting for missing types/);
  });

  it("tells the whole story of a printer, each event once", async () => {
    await nodeRed.deploy(await recording());
    await told("printer.online -");

    printer.startPrint({ name: "bracket", layers: 20, minutes: 10, taskId: "1001" });
    await told("print.started bracket");
    await pass("the first print runs", () => printer.state === "RUNNING");
    printer.pause();
    await told("print.paused bracket");
    printer.resume();
    await told("print.resumed bracket");
    printer.cancel();
    await pass("the cancel is through", () => printer.state === "FAILED");
    await told("print.cancelled bracket");

    printer.startPrint({ name: "knob", layers: 20, minutes: 10, taskId: "1002" });
    await told("print.started knob");
    await pass("the second print runs", () => printer.state === "RUNNING");
    printer.fail();
    await told("print.failed knob");
    printer.clearAlerts();

    printer.startPrint({ name: "clip", layers: 20, minutes: 10, taskId: "1003" });
    await told("print.started clip");
    await pass("the third print is done", () => printer.state === "FINISH");
    await told("print.finished clip");

    printer.startPrint({ name: "hook", layers: 20, minutes: 10, taskId: "1004" });
    await told("print.started hook");
    await nodeRed.stop();
    await pass("the fourth print is done", () => printer.state === "FINISH");
    await nodeRed.start();
    await told("print.finished (recovered) hook");

    printer.startPrint({ name: "label", layers: 20, minutes: 10, taskId: "1005" });
    await told("print.started label");
    await pass("the fifth print runs", () => printer.state === "RUNNING");
    await printer.powerCycle();
    await told("print.failed (recovered) label");

    printer.startPrint({ name: "stand", layers: 20, minutes: 10, taskId: "1006" });
    await told("print.started stand");
    for (let drop = 0; drop < 5; drop++) {
      const connects = printer.connects;
      printer.dropLinks();
      await until("it is back", () => printer.connects > connects && printer.clients === 1);
    }
    await pass("the sixth print is done", () => printer.state === "FINISH");
    await until("its ending", async () => (await print()).some((line) => /print.finished.* stand/.test(line)));

    const endings = (await print()).filter((line) => !/progress|first-layer|filament|alert|printer\./.test(line));
    assert.deepEqual(endings, [
      "print.started bracket",
      "print.paused bracket",
      "print.resumed bracket",
      "print.cancelled bracket",
      "print.started knob",
      "print.failed knob",
      "print.started clip",
      "print.finished clip",
      "print.started hook",
      "print.finished (recovered) hook",
      "print.started label",
      "print.failed (recovered) label",
      "print.started stand",
      "print.finished stand",
    ]);
  });

  it("an ending that falls between two lives of Node-RED, the first killed, is told once", async () => {
    printer.startPrint({ name: "killed", layers: 20, minutes: 10, taskId: "1007" });
    await told("print.started killed");
    await nodeRed.stop("SIGKILL");
    await pass("the print is done", () => printer.state === "FINISH");
    await nodeRed.start();
    await told("print.finished (recovered) killed");
    await nodeRed.stop("SIGKILL");
    const online = async () => (await print()).filter((line) => line.startsWith("printer.online")).length;
    const before = await online();
    await nodeRed.start();
    await until("the printer is online again", async () => (await online()) > before);
    const endings = (await print()).filter((line) => /print.finished.* killed/.test(line));
    assert.deepEqual(endings, ["print.finished (recovered) killed"]);
  });

  it("says the access code nowhere, and leaves the process alive", async () => {
    assert.ok(nodeRed.running);
    assert.ok(!nodeRed.log.includes(CODE));
    assert.ok(!(await readFile(join(folder, "events.log"), "utf8")).includes(CODE));
    assert.ok(!(await readFile(join(nodeRed.userDir, "flows.json"), "utf8")).includes(CODE));
    assert.doesNotMatch(nodeRed.log, /uncaught|unhandled/i);
  });
});
