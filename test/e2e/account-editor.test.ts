import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { startVirtualCloud, type VirtualCloud } from "../../lib/simulator/cloud/virtual-cloud";
import { startVirtualPrinter, type VirtualPrinter } from "../../lib/simulator/printer/virtual-printer";
import { Editor } from "../support/editor";
import { type FlowNode, RealNodeRed } from "../support/real-node-red";
import { tool } from "../support/tools";
import { until } from "../support/wait";

const SERIAL = "01P00A000000001";
const ACCESS_CODE = "e2e-access-code";
const PASSWORD = "correct-horse-battery";
const WRONG = "wrong-password-typed";
const user = (name: string, uid: number, login: "password" | "verifyCode" | "tfa") => ({
  ...{ account: `${name.toLowerCase()}@example.org`, password: PASSWORD, uid, name, login },
});
/** A token as the simulated cloud gives them: no word of it may stand anywhere in clear. */
const TOKEN = /AQA[\w-]{100,}/;

/** A person with a browser who signs in: the dialog of printer-account, the list of printers, what is left behind. */
describe("signing in to an account in the editor", function () {
  // One person's way through: each step begins where the one before ended.
  this.bail(true);
  let folder: string;
  let nodeRed: RealNodeRed;
  let cloud: VirtualCloud;
  let printer: VirtualPrinter;
  let editor: Editor;
  let page: Page;
  /** What was typed or handed out during the run. */
  const secrets = new Set<string>([PASSWORD, WRONG, ACCESS_CODE]);

  before(async function () {
    const executablePath = tool(this, "chromium", "chromium-browser", "google-chrome");
    folder = await mkdtemp(join(tmpdir(), "printgate-account-"));
    cloud = await startVirtualCloud({
      users: [user("Jo", 1000001, "password"), user("Cody", 1000002, "verifyCode"), user("Tia", 1000003, "tfa")],
    });
    printer = await startVirtualPrinter({
      ...{ model: "P1S", serial: SERIAL, accessCode: ACCESS_CODE, reportIntervalMs: 100 },
    });
    cloud.attach(printer, { user: "jo@example.org", name: "Garage" });
    nodeRed = await RealNodeRed.withPackage();
    await nodeRed.start();
    await nodeRed.deploy(flow());
    editor = await Editor.open({ executablePath, folder, url: nodeRed.url });
    page = editor.page;
    await page.locator('g[id="status1"]').waitFor();
  });

  after(async () => {
    // Optional: a run without Chromium was skipped before any of these were there.
    await (editor as Editor | undefined)?.close();
    await (nodeRed as RealNodeRed | undefined)?.remove();
    await (cloud as VirtualCloud | undefined)?.close();
    await (printer as VirtualPrinter | undefined)?.close();
    if ((folder as string | undefined) !== undefined) await rm(folder, { recursive: true, force: true });
  });

  /** Status and events of one printer; every message, status and error goes into a file. */
  function flow(): FlowNode[] {
    let y = 0;
    const place = () => ({ z: "tab1", x: 250, y: (y += 80) });
    const wires = [["all"]];
    return [
      { id: "tab1", type: "tab", label: "account" },
      {
        id: "status1",
        type: "printer-status",
        name: "",
        printer: "",
        emit: "change",
        includeRaw: true,
        ...place(),
        wires,
      },
      { id: "event1", type: "printer-event", name: "", printer: "", events: [], ...place(), wires },
      { id: "catch1", type: "catch", name: "", scope: null, uncaught: false, ...place(), wires },
      { id: "statuses", type: "status", name: "", scope: null, ...place(), wires },
      { id: "all", type: "json", name: "", property: "payload", action: "", ...place(), wires: [["file1"]] },
      {
        ...{ id: "file1", type: "file", name: "", filename: join(folder, "messages.log"), filenameType: "str" },
        ...{ appendNewline: true, createDir: false, overwriteFile: "false", encoding: "none", ...place(), wires: [[]] },
      },
    ];
  }

  const field = (name: string) => page.locator(`#printgate-sign-in-${name}`);
  const text = async (id: string) => (await page.locator(`#printgate-${id}`).textContent()) ?? "";
  const state = () => text("account-state");
  const says = (what: RegExp) => until(`the dialog says ${what}`, async () => what.test(await text("sign-in-result")));
  const isIn = (who: string) =>
    until(`${who} is signed in`, async () => (await state()).startsWith(`Signed in as ${who}`));
  const isOut = () => until("nobody is signed in", async () => (await state()) === "Nobody is signed in.");
  const focused = () => page.evaluate(() => document.activeElement?.id ?? "");
  const press = (name: string) => page.locator(`#printgate-${name}`).click();
  const enter = async (account: string, password: string) => {
    await field("account").fill(account);
    await field("password").fill(password);
    await field("password").press("Enter");
  };
  const typeCode = async (code: string) => {
    secrets.add(code);
    await until("the field of the code is ready", async () => (await focused()) === "printgate-sign-in-code");
    await page.keyboard.type(code);
    await page.keyboard.press("Enter");
  };
  const notIt = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

  it("opens from a printer that has no account yet, and says that nobody is signed in", async () => {
    await editor.openNode(page.locator('g[id="status1"]'));
    await editor.openConfig("#node-input-btn-printer-add");
    await page.locator("#node-config-input-connection").selectOption("auto");
    await press("choose");
    await until("it asks for an account", async () => (await text("device-result")) === "Choose an account first.");
    await editor.openConfig("#node-config-input-btn-account-add");
    await field("begin").waitFor();
    for (const [key, url] of Object.entries({ apiUrl: cloud.url, mqttUrl: cloud.mqttUrl })) {
      await page.locator(`#node-config-input-${key}`).fill(url);
      await page.locator(`#node-config-input-${key}`).blur();
      assert.ok(await page.locator(`#printgate-plain-${key}`).isVisible(), "it warns that nothing is encrypted");
    }
    await isOut();
  });

  it("refuses a wrong password, in words, and lets it be typed again", async () => {
    await press("sign-in-begin");
    await says(/e-mail address/);
    assert.equal(await focused(), "printgate-sign-in-account");
    await enter("jo@example.org", WRONG);
    await says(/refused this name and password/);
    assert.equal(await focused(), "printgate-sign-in-password");
    assert.equal(await field("begin").isEnabled(), true);
  });

  it("holds still while the cloud thinks", async () => {
    let lift: () => void = () => undefined;
    const thought = new Promise<void>((resolve) => (lift = resolve));
    await page.route("**/sign-in", async (route) => {
      await thought;
      await route.continue();
    });
    await enter("jo@example.org", WRONG);
    await says(/^Signing in/);
    for (const name of ["begin", "account", "password"]) assert.equal(await field(name).isDisabled(), true, name);
    lift();
    await says(/refused/);
    await page.unroute("**/sign-in");
  });

  it("signs in by the code that comes after a password: a wrong one, another one, the right one", async () => {
    await enter("cody@example.org", PASSWORD);
    await until("the step of the code", () => field("code").isVisible());
    assert.match(await text("sign-in-code-hint"), /sent a code to cody@example\.org/);
    await typeCode(notIt(cloud.lastCode("cody@example.org") ?? ""));
    await says(/code is wrong/);
    assert.equal(await focused(), "printgate-sign-in-code");
    await press("sign-in-again");
    await says(/on its way/);
    await field("code").focus();
    await field("code").fill("");
    await typeCode(cloud.lastCode("cody@example.org") ?? "");
    await isIn("Cody");
    assert.match(await state(), /, until .*20\d\d\.$/);
    await press("sign-out");
    await isOut();
  });

  it("signs in by a code alone, without a password", async () => {
    await field("account").fill("jo@example.org");
    await field("account").press("Enter");
    await until("the step of the code", () => field("code").isVisible());
    await typeCode(cloud.lastCode("jo@example.org") ?? "");
    await isIn("Jo");
    await press("sign-out");
    await isOut();
  });

  it("signs in by an authenticator, and starts over in between", async () => {
    await enter("tia@example.org", PASSWORD);
    await until("the step of the authenticator", () => field("code").isVisible());
    assert.match(await text("sign-in-code-hint"), /authenticator/);
    assert.equal(await field("again").isVisible(), false, "nobody sends such a code");
    await press("sign-in-over");
    assert.equal(await focused(), "printgate-sign-in-account");
    await enter("tia@example.org", PASSWORD);
    await until("the step again", () => field("code").isVisible());
    const code = cloud.tfaCode("tia@example.org");
    await typeCode(notIt(code));
    await says(/code is wrong|refused/);
    await field("code").fill("");
    await typeCode(code);
    await isIn("Tia");
    await press("sign-out");
    await isOut();
  });

  it("says what it means when the network's edge turns us away", async () => {
    const lift = cloud.fault({ kind: "edge-page" });
    await enter("jo@example.org", PASSWORD);
    await says(/turned us away/);
    lift();
    // A person who tries again may; only the program must not.
    await enter("jo@example.org", PASSWORD);
    await isIn("Jo");
    assert.equal(await field("password").inputValue(), "");
  });

  it("checks a pasted token", async () => {
    const token = cloud.token("jo@example.org");
    secrets.add(token);
    await page.locator("#node-config-input-accessToken").fill(`${token}x`);
    await press("token-check");
    await until("it is refused", async () => /does not accept/.test(await text("token-result")));
    await page.locator("#node-config-input-accessToken").fill(token);
    await press("token-check");
    await until("it works", async () => /It works: Jo/.test(await text("token-result")));
    await editor.leave("ok");
  });

  it("chooses the printer from the account: serial, name and access code are filled in", async () => {
    // Through the cloud alone nobody is asked for the code, and none is fetched.
    await page.locator("#node-config-input-connection").selectOption("cloud");
    await press("choose");
    await page.locator(".printgate-found-printer", { hasText: "Garage" }).click();
    await until("the serial", async () => (await text("device-result")) === "Garage: the serial is filled in.");
    assert.equal(await page.locator("#node-config-input-accessCode").inputValue(), "");
    await page.locator("#node-config-input-connection").selectOption("auto");
    await press("choose");
    await page.locator(".printgate-found-printer", { hasText: "Garage" }).click();
    await until("it is filled in", async () => /filled in/.test(await text("device-result")));
    assert.equal(await page.locator("#node-config-input-serial").inputValue(), SERIAL);
    assert.equal(await page.locator("#node-config-input-name").inputValue(), "Garage");
    const code = page.locator("#node-config-input-accessCode");
    assert.equal(await code.inputValue(), ACCESS_CODE);
    assert.equal(await code.getAttribute("type"), "password");
    await page.locator("#node-config-input-host").fill("127.0.0.1");
    await page.locator("#node-config-input-port").fill(String(printer.port));
    await press("test");
    await until("the test succeeds", async () => (await text("test-result")).includes("P1S"));
    await editor.leaveAll("ok");
  });

  it("deploys, and what was signed in before the deploy is there", async () => {
    await editor.openNode(page.locator('g[id="event1"]'));
    await page.locator("#node-input-printer").selectOption({ label: "Garage" });
    await editor.leave("ok");
    await editor.deploy();
    const messages = () => readFile(join(folder, "messages.log"), "utf8").catch(() => "");
    await until("the printer reports", async () => (await messages()).includes('"online":true'));
    printer.setAccessCode("another-access-code");
    printer.dropLinks();
    await until("the cloud takes over", () => cloud.mqtt.subscribers(SERIAL) === 1);
    printer.startPrint({ name: "from the cloud", layers: 3, minutes: 1 });
    await until("an event over the cloud", async () => (await messages()).includes("print.started"));
    await page.locator(".red-ui-flow-node-status-label", { hasText: "not encrypted" }).first().waitFor();
  });

  it("shows who is signed in when the dialog is opened again, and never a secret", async () => {
    await editor.openNode(page.locator('g[id="status1"]'));
    await editor.openConfig("#node-input-btn-printer-edit, #node-input-lookup-printer");
    assert.equal(await page.locator("#node-config-input-accessCode").inputValue(), "__PWRD__");
    await editor.openConfig("#node-config-input-btn-account-edit, #node-config-input-lookup-account");
    await isIn("Jo");
    assert.equal(await page.locator("#node-config-input-accessToken").inputValue(), "__PWRD__");
    assert.equal(await field("account").inputValue(), "");
    await editor.leaveAll("cancel");
  });

  it("leaves nobody signed in when a dialog is cancelled before its node was there", async () => {
    const logouts = () => cloud.requests.filter(({ path }) => path.endsWith("/logout")).length;
    const before = logouts();
    await editor.openNode(page.locator('g[id="event1"]'));
    await editor.openConfig("#node-input-btn-printer-add");
    await page.locator("#node-config-input-connection").selectOption("cloud");
    await editor.openConfig("#node-config-input-btn-account-add");
    await page.locator("#node-config-input-apiUrl").fill(cloud.url);
    await page.locator("#node-config-input-apiUrl").blur();
    await isOut();
    await enter("jo@example.org", PASSWORD);
    await isIn("Jo");
    await editor.leave("cancel");
    await until("it signs out", () => logouts() === before + 1);
    await editor.leaveAll("cancel");
  });

  it("the help reads as help", async () => {
    const html = await page.evaluate(() => {
      const { RED } = window as unknown as { RED: { nodes: { getNodeHelp(type: string): string } } };
      return RED.nodes.getNodeHelp("printer-account");
    });
    assert.match(html, /<h3[\s>]/);
    assert.match(html, /<dl class="message-properties">/);
    assert.doesNotMatch(html, /^\s*(###|: )/m);
  });

  it("no password, token or code is in a message, a status, an error, the log, the flows or any file", async () => {
    const flows = await nodeRed.get<FlowNode[]>("flows");
    assert.ok(flows.some(({ type }) => type === "printer-account"));
    const exported = await page.evaluate(() => {
      const { RED } = window as unknown as { RED: { nodes: { createCompleteNodeSet(options: object): unknown } } };
      return JSON.stringify(RED.nodes.createCompleteNodeSet({ credentials: false }));
    });
    const files = (await readdir(nodeRed.userDir, { recursive: true, withFileTypes: true })).filter(
      (file) => file.isFile() && !file.parentPath.includes("node_modules"),
    );
    const names = files.map((file) => file.name);
    assert.ok(names.includes("key") && names.includes("flows_cred.json"), names.join(" "));
    assert.ok(
      files.some((file) => file.parentPath.endsWith("accounts")),
      "the session is there",
    );
    const contents = files.map((file) => readFile(join(file.parentPath, file.name), "latin1"));
    const places: Record<string, string> = {
      messages: await readFile(join(folder, "messages.log"), "utf8"),
      log: nodeRed.log,
      flows: JSON.stringify(flows),
      exported,
      files: (await Promise.all(contents)).join("\n"),
      complaints: editor.complaints.join("\n"),
    };
    assert.ok((places["messages"] ?? "").length > 1000);
    for (const [place, content] of Object.entries(places)) {
      for (const secret of secrets) assert.ok(!content.includes(secret), `${secret} is in ${place}`);
      assert.doesNotMatch(content, TOKEN, place);
    }
  });

  it("no script of the page complained", () => {
    assert.deepEqual(editor.complaints, []);
  });
});
