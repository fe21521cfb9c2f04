import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { Editor } from "../support/editor";
import { type FlowNode, RealNodeRed } from "../support/real-node-red";
import { tool } from "../support/tools";
import { until } from "../support/wait";

const PACKAGE = encodeURIComponent("@printgate/node-red-printers");
const PASSWORD = "typed into a browser";

/** A person with a browser and a policy: rules, what is wrong with them, trying, users. */
describe("the policy dialog in the editor", function () {
  let folder: string;
  let nodeRed: RealNodeRed;
  let editor: Editor;
  let page: Page;
  const answers: string[] = [];

  before(async function () {
    const executablePath = tool(this, "chromium", "chromium-browser", "google-chrome");
    folder = await mkdtemp(join(tmpdir(), "printgate-auth-editor-"));
    nodeRed = await RealNodeRed.withPackage();
    await nodeRed.start();
    const example = encodeURIComponent("Guests may pause but not heat");
    await nodeRed.deploy(await nodeRed.get<FlowNode[]>(`library/examples/flows/${PACKAGE}/${example}`));
    editor = await Editor.open({ executablePath, folder, url: nodeRed.url, height: 1400 });
    page = editor.page;
    page.on("response", (response) => {
      if (response.url().includes("/printgate/policies/"))
        void response.text().then(
          (text) => answers.push(text),
          () => undefined,
        );
    });
  });

  after(async () => {
    // Optional: a run without Chromium was skipped before any of these were there.
    await (editor as Editor | undefined)?.close();
    await (nodeRed as RealNodeRed | undefined)?.remove();
    if ((folder as string | undefined) !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const open = async (): Promise<void> => {
    await editor.openNode(page.locator("g.red-ui-flow-node-group", { hasText: "may they?" }));
    await editor.openConfig("#node-input-lookup-policy, #node-input-btn-policy-edit");
    await page.locator("#printgate-rules li").first().waitFor();
  };
  const rules = () => page.locator("#printgate-rules > li");
  const text = async (selector: string) => (await page.locator(selector).first().textContent()) ?? "";

  it("shows the rules in their order, with nothing wrong about them", async () => {
    await open();
    assert.equal(await rules().count(), 3);
    assert.equal(await rules().first().locator("select").first().inputValue(), "allow");
    assert.equal(await rules().nth(1).locator("select").first().inputValue(), "deny");
    assert.match(await rules().first().locator("textarea").first().inputValue(), /^printers\/#$/);
    assert.match(await rules().first().locator("textarea").nth(1).inputValue(), /^role: staff$/);
    if (process.env["PRINTGATE_PICTURE"] !== undefined)
      await page.locator(".red-ui-tray").last().screenshot({ path: process.env["PRINTGATE_PICTURE"] });
  });

  it("says at the rule what is wrong with it, and nothing any more when it is mended", async () => {
    const topics = rules().nth(1).locator("textarea").first();
    const before = await topics.inputValue();
    await topics.fill("printers/#/x");
    const problem = rules().nth(1).locator(".printgate-problem");
    await until("the problem", async () => ((await problem.textContent()) ?? "").includes("printers/#/x"));
    await topics.fill(before);
    await until("that it is gone", async () => (await problem.textContent()) === "");
  });

  it("tries the rules of the dialog, deployed or not, and tells which one decided", async () => {
    await page.locator("#printgate-try-client").fill("userId: gus\nroles: guest");
    await page.locator("#printgate-try-topic").fill("printers/x/commands/pause");
    await page.locator("#printgate-try-dialog").click();
    await until("the grant", async () => (await text("#printgate-try-result")).startsWith("granted"));
    assert.equal(await page.locator("#printgate-rules > li .printgate-decides").count(), 1);
    await rules().nth(2).locator("select").first().selectOption("deny");
    await page.locator("#printgate-try-dialog").click();
    await until("the denial", async () => (await text("#printgate-try-result")).startsWith("denied"));
    await page.locator("#printgate-try-deployed").click();
    await until("what is deployed", async () => (await text("#printgate-try-result")).startsWith("granted"));
  });

  it("takes the list out as JSON and in again", async () => {
    await page.locator("#printgate-rules-export").click();
    const json = await page.locator("#printgate-rules-json").inputValue();
    const list = JSON.parse(json) as { effect: string; who?: object }[];
    assert.deepEqual(list[0]?.who, { role: "staff" }, "what nobody touched is as it was written");
    assert.deepEqual(
      list.map(({ effect }) => effect),
      ["allow", "deny", "deny"],
    );
    await page.locator("#printgate-rules-json").fill(JSON.stringify([list[0], { ...list[2], effect: "allow" }]));
    await page.locator("#printgate-rules-import").click();
    assert.equal(await rules().count(), 2);
  });

  it("adds a user and never sees the password again", async () => {
    await page.locator("#printgate-user-name").fill("amy");
    await page.locator("#printgate-user-password").fill(PASSWORD);
    await page.locator("#printgate-user-attrs").fill("roles: guest");
    await page.locator("#printgate-user-save").click();
    await until("the new user", async () => (await text("#printgate-users tbody")).includes("amy"));
    assert.equal(await page.locator("#printgate-user-password").inputValue(), "");
    assert.ok(!answers.join().includes(PASSWORD));
    assert.ok(!answers.join().includes("$scrypt"));
  });

  it("what was changed is deployed", async () => {
    await editor.leaveAll("ok");
    await editor.deploy();
    const flows = await nodeRed.get<FlowNode[]>("flows");
    const policy = flows.find(({ type }) => type === "auth-policy");
    assert.deepEqual(
      (policy?.["rules"] as { effect: string; note: string }[]).map(({ effect, note }) => [effect, note]),
      [
        ["allow", "staff may do everything"],
        ["allow", "guests may pause"],
      ],
    );
    assert.ok(!JSON.stringify(flows).includes("scrypt"));
  });

  it("the help of each node reads as help", async () => {
    for (const type of ["auth-policy", "auth-gate", "auth-login", "auth-request", "auth-response", "auth-server"]) {
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
