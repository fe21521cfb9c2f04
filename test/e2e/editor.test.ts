import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { startVirtualOctoprint } from "../../lib/simulator/octoprint/virtual-octoprint";
import { startVirtualPrinter, type VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import { Editor } from "../support/editor";
import { type FlowNode, RealNodeRed } from "../support/real-node-red";
import { tool } from "../support/tools";
import { until } from "../support/wait";

const SERIAL = "01P00A000000001";
const CODE = "editor-access-code";
/** A person with a browser: palette, examples, dialogs, live status. */
describe("the nodes in the editor", function () {
  let folder: string;
  let nodeRed: RealNodeRed;
  let printer: VirtualPrinter;
  let editor: Editor;
  let page: Page;

  before(async function () {
    const executablePath = tool(this, "chromium", "chromium-browser", "google-chrome");
    folder = await mkdtemp(join(tmpdir(), "printgate-editor-"));
    nodeRed = await RealNodeRed.withPackage();
    printer = await startVirtualPrinter({ model: "P1S", serial: SERIAL, accessCode: CODE, reportIntervalMs: 100 });
    await nodeRed.start();
    editor = await Editor.open({ executablePath, folder, url: nodeRed.url });
    page = editor.page;
  });

  after(async () => {
    // Optional: a run without Chromium was skipped before any of these were there.
    await (editor as Editor | undefined)?.close();
    await (nodeRed as RealNodeRed | undefined)?.remove();
    await (printer as VirtualPrinter | undefined)?.close();
    if ((folder as string | undefined) !== undefined) await rm(folder, { recursive: true, force: true });
  });

  /** All that stands under nodes at the moment. */
  const statuses = async () => (await page.locator(".red-ui-flow-node-status-label").allTextContents()).join(" | ");

  const openPrinter = async (): Promise<void> => {
    await editor.openNode(page.locator("g.red-ui-flow-node-group", { hasText: "printer status" }));
    await editor.openConfig("#node-input-lookup-printer, #node-input-btn-printer-edit");
  };

  /** The dialog of a node that may lie under another one. */
  const edit = (id: string): Promise<void> =>
    editor.opens(() =>
      page.evaluate((node) => {
        interface EditorRed {
          editor: { edit(node: unknown): void };
          nodes: { node(id: string): unknown };
        }
        const { RED } = window as unknown as { RED: EditorRed };
        RED.editor.edit(RED.nodes.node(node));
      }, id),
    );

  it("the palette has them with an icon and a first line of help", async () => {
    for (const type of ["printer-status", "printer-event", "printer-command"]) {
      const entry = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
      assert.equal(await entry.count(), 1);
      const icon = (await entry.locator(".red-ui-palette-icon").getAttribute("style")) ?? "";
      assert.match(icon, /printgate-/);
      const response = await page.request.get(`${nodeRed.url}/${/url\("?([^")]+)/.exec(icon)?.[1] ?? "missing"}`);
      assert.equal(response.status(), 200);
    }
  });

  it("an example comes from the import menu and shows live status under its nodes", async () => {
    const dialog = page.locator("#red-ui-clipboard-dialog");
    await until("the import dialog", async () => {
      await page.keyboard.press("Control+i");
      return dialog.isVisible();
    });
    await page.locator("#red-ui-clipboard-dialog-import-tabs a", { hasText: "Examples" }).click();
    const tree = page.locator("#red-ui-clipboard-dialog-import-tab-examples .red-ui-treeList-label");
    await tree.filter({ hasText: "@printgate/node-red-printers" }).first().click();
    await tree.filter({ hasText: "Status to debug" }).click();
    await page.locator("#red-ui-clipboard-dialog-ok").click();
    await page
      .locator("#red-ui-workspace-tabs li.red-ui-tab a.red-ui-tab-label", { hasText: "Status to debug" })
      .click();
    await editor.deploy();
    await until(
      "a status of the simulated printer",
      async () => /idle|preparing|printing/.test(await statuses()),
      20_000,
    );
  });

  it("a real printer takes the simulated one's place: dialog, test, deploy", async () => {
    await openPrinter();
    const serialHint = async () => (await page.locator("#node-config-input-serial").getAttribute("placeholder")) ?? "";
    await until("the serial is said to be optional", async () => /invented/.test(await serialHint()));
    await page.locator("#node-config-input-connection").selectOption("lan");
    assert.doesNotMatch(await serialHint(), /invented/);
    assert.equal(await page.locator("#node-config-input-ftpPort").inputValue(), "990", "a default that the flow lacks");
    await page.locator("#node-config-input-serial").fill(SERIAL);
    await page.locator("#node-config-input-host").fill("127.0.0.1");
    await page.locator("#node-config-input-port").fill(String(printer.port));
    await page.locator("#node-config-input-accessCode").fill("wrong-code");
    const result = page.locator("#printgate-test-result");
    await page.locator("#printgate-test").click();
    await until(
      "the refusal",
      async () => ((await result.textContent()) ?? "").includes("access code refused"),
      15_000,
    );
    await page.locator("#node-config-input-accessCode").fill(CODE);
    await page.locator("#printgate-test").click();
    await until("the success", async () => ((await result.textContent()) ?? "").includes("P1S"));
    assert.ok(!((await result.textContent()) ?? "").includes(CODE));
    await editor.leaveAll("ok");
    await editor.deploy();
    await until("the node is connected", () => printer.clients === 1);
    printer.startPrint({ name: "from the editor", layers: 20, minutes: 10 });
    await until("the live status", async () => /preparing|printing/.test(await statuses()));
    const flows = await nodeRed.get<FlowNode[]>("flows");
    assert.ok(!JSON.stringify(flows).includes(CODE));
  });

  it("takes ${ENV} in every text field and says what is wrong otherwise", async () => {
    await openPrinter();
    for (const field of ["serial", "host", "port", "staleAfter"]) {
      const input = page.locator(`#node-config-input-${field}`);
      await input.fill("a b/#");
      await input.dispatchEvent("change");
      assert.match((await input.getAttribute("class")) ?? "", /input-error/, `${field} refuses nonsense`);
      await input.fill("${PRINTER_VALUE}");
      await input.dispatchEvent("change");
      assert.doesNotMatch((await input.getAttribute("class")) ?? "", /input-error/, `${field} takes a variable`);
    }
    await editor.leaveAll("cancel");
  });

  it("marks a missing access code, and drops an answer when the form changes", async () => {
    await openPrinter();
    const code = page.locator("#node-config-input-accessCode");
    await code.fill("");
    await code.dispatchEvent("change");
    assert.match((await code.getAttribute("class")) ?? "", /input-error/);
    const result = page.locator("#printgate-test-result");
    await page.locator("#printgate-test").click();
    await until("the answer", async () => ((await result.textContent()) ?? "").includes("no access code"));
    await code.fill("anything");
    assert.equal(await result.textContent(), "");
    await code.dispatchEvent("change");
    assert.doesNotMatch((await code.getAttribute("class")) ?? "", /input-error/);
    await editor.leaveAll("cancel");
  });

  it("gets a key from OctoPrint, warns of an address without encryption, and tries the connection", async () => {
    const server = await startVirtualOctoprint({ appKeys: "unlimited" });
    try {
      await openPrinter();
      await page.locator("#node-config-input-connection").selectOption("octoprint");
      await page.locator("#node-config-input-host").waitFor({ state: "hidden" });
      await page.locator("#node-config-input-accessCode").waitFor({ state: "hidden" });
      const warning = page.locator("#printgate-plain-url");
      await page.locator("#node-config-input-url").fill("https://192.0.2.7");
      await warning.waitFor({ state: "hidden" });
      await page.locator("#node-config-input-tls").waitFor({ state: "visible" });
      await page.locator("#node-config-input-url").fill(server.url);
      await warning.waitFor({ state: "visible" });
      await page.locator("#node-config-input-tls").waitFor({ state: "hidden" });
      await page.locator("#node-config-input-serial").fill("ender");

      const button = page.locator("#printgate-request-key");
      const result = page.locator("#printgate-request-key-result");
      await button.click();
      await result.locator("a").waitFor();
      assert.match((await result.locator("a").getAttribute("href")) ?? "", /\/plugin\/appkeys\/auth\//);
      await button.click();
      assert.equal(await result.textContent(), "", "a second press gives up");
      await button.click();
      await result.locator("a").waitFor();
      await until("both requests came", () => server.waitingApps.length > 0);
      // The one that was given up is dropped by the server after a while; both are decided upon.
      while (server.decide(true));
      const key = page.locator("#node-config-input-apiKey");
      await until("the key is in the field", async () => (await key.inputValue()).length > 20);
      const value = await key.inputValue();
      assert.ok(!((await result.textContent()) ?? "").includes(value), "the key is not shown");

      await page.locator("#printgate-test").click();
      const tested = page.locator("#printgate-test-result");
      await until("the success", async () => ((await tested.textContent()) ?? "").includes("OctoPrint 1.11.8"));
      await editor.leaveAll("cancel");
    } finally {
      await server.close();
    }
  });

  it("shows a variable in place of the list of events, and the list again when it is cleared", async () => {
    const events = () =>
      page.evaluate(() => {
        const { RED } = window as unknown as { RED: { nodes: { node(id: string): { events: unknown } } } };
        return RED.nodes.node("events-by-variable").events;
      });
    await page.evaluate(() => {
      const { RED } = window as unknown as { RED: { nodes: { import(nodes: object[]): void } } };
      const place = { z: location.hash.split("/").pop(), x: 400, y: 300, wires: [[]] };
      RED.nodes.import([{ id: "events-by-variable", type: "printer-event", events: "${EVENTS}", ...place }]);
    });
    await edit("events-by-variable");
    assert.equal(await page.locator("#printgate-events-variable").inputValue(), "${EVENTS}");
    await editor.leave("ok");
    assert.equal(await events(), "${EVENTS}");
    await edit("events-by-variable");
    await page.locator("#printgate-events-variable").fill("");
    await page.locator("#printgate-events-variable").blur();
    await page.locator("#printgate-event-print-finished").check();
    await editor.leave("ok");
    assert.deepEqual(await events(), ["print.finished"]);
  });

  it("takes no change from a dialog in which nothing was changed, and opens for a node that lacks its properties", async () => {
    interface EditorRed {
      nodes: { import(nodes: object[]): void; node(id: string): { events: unknown; changed?: boolean } };
    }
    const closeUnchanged = async (id: string, values: object): Promise<{ events: unknown; changed: boolean }> => {
      await page.evaluate(
        (node) => {
          const { RED } = window as unknown as { RED: EditorRed };
          const place = { z: location.hash.split("/").pop(), x: 400, y: 360, wires: [[]] };
          RED.nodes.import([{ type: "printer-event", ...node, ...place }]);
          RED.nodes.node(node.id).changed = false;
        },
        { id, ...values },
      );
      await edit(id);
      await page.locator("#printgate-event-print-finished").waitFor();
      await editor.leave("ok");
      return page.evaluate((name) => {
        const { events, changed } = (window as unknown as { RED: EditorRed }).RED.nodes.node(name);
        return { events, changed: changed === true };
      }, id);
    };
    const events = ["print.failed", "print.finished"];
    assert.deepEqual(await closeUnchanged("in-order", { name: "", printer: "", events }), { events, changed: false });
    assert.deepEqual((await closeUnchanged("by-hand", {})).events, []);
  });

  it("the help reads as help: headings, lists, no markup left over", async () => {
    for (const type of ["printer-status", "printer-event", "printer-command", "printer-config"]) {
      const html = await page.evaluate((name) => {
        const { RED } = window as unknown as { RED: { nodes: { getNodeHelp(type: string): string } } };
        return RED.nodes.getNodeHelp(name);
      }, type);
      assert.match(html, /<h3[\s>]/, type);
      assert.match(html, /<dl class="message-properties">/, type);
      assert.doesNotMatch(html, /^\s*(###|: )/m, type);
    }
  });

  it("no script of the page complained", () => {
    assert.deepEqual(editor.complaints, []);
  });
});
