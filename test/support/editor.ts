import { join } from "node:path";
import { type BrowserContext, chromium, type Locator, type Page } from "playwright-core";
import { until } from "./wait";

/** Nothing but the page: no start screen, no updates, no calls home. */
const QUIET = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
/** A busy machine takes its time; whoever waits so long waits in vain. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 1000;

/**
 * Node-RED's editor in a browser. Its dialogs lie one on the other and slide in and out on timers; what is pressed
 * meanwhile is lost without a trace. So they are opened and closed here only: from rest, until the next one rests.
 */
export class Editor {
  /** What the scripts of the page complained of. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly browser: BrowserContext,
    readonly page: Page,
  ) {
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
  }

  static async open(options: {
    /** The browser's program. */
    readonly executablePath: string;
    /** Where the browser may keep its files. */
    readonly folder: string;
    readonly url: string;
    readonly height?: number;
  }): Promise<Editor> {
    const { executablePath, folder, url, height = 900 } = options;
    const viewport = { width: 1400, height };
    const launch = { executablePath, headless: true, args: QUIET, viewport, timeout: PATIENCE_MS };
    const browser = await chromium.launchPersistentContext(join(folder, "browser"), launch);
    const editor = new Editor(browser, browser.pages()[0] ?? (await browser.newPage()));
    await editor.load(url);
    return editor;
  }

  close(): Promise<void> {
    return this.browser.close();
  }

  /** Opens the dialog of a node of the flow. */
  openNode(node: Locator): Promise<void> {
    return this.opens(() => node.first().dblclick());
  }

  /** Opens the dialog of a configuration node with that button of the dialog on top. */
  openConfig(button: string): Promise<void> {
    return this.opens(() => this.page.locator(button).first().click());
  }

  /** Leaves the dialog on top by that button; what it lay on is at rest then. */
  async leave(how: "ok" | "cancel"): Promise<void> {
    const from = await this.rest();
    const button = this.page.locator(`#node-dialog-${how}, #node-config-dialog-${how}`);
    await this.turns(from, from - 1, () => button.click());
  }

  /** Leaves every dialog, the one on top first. */
  async leaveAll(how: "ok" | "cancel"): Promise<void> {
    for (let left = await this.rest(); left > 0; left--) await this.leave(how);
  }

  /** Presses "Deploy"; afterwards the editor takes clicks again. */
  async deploy(): Promise<void> {
    await Promise.all([
      this.page.waitForResponse((answer) => answer.url().endsWith("/flows") && answer.request().method() === "POST"),
      this.page.locator("#red-ui-header-button-deploy").click(),
    ]);
    await this.page.locator("#red-ui-header-shade").waitFor({ state: "hidden" });
  }

  /** Opens a dialog by whatever is done for it. */
  async opens(act: () => Promise<unknown>): Promise<void> {
    const from = await this.rest();
    await this.turns(from, from + 1, act);
    // The editor puts the focus into a new dialog a moment after that lies still.
    await until("the focus is in the dialog", () =>
      this.page.evaluate(() => document.activeElement?.closest(".red-ui-tray") != null),
    );
  }

  private async load(url: string): Promise<void> {
    await this.page.goto(url);
    await this.page.locator("#red-ui-workspace-chart").waitFor();
    await this.page.locator('.red-ui-palette-node[data-palette-type="printer-status"]').waitFor();
    await this.page.locator("#red-ui-loading-progress").waitFor({ state: "hidden" });
    await this.page.evaluate(() => {
      (window as unknown as { jQuery: JQueryStatic }).jQuery.fx.off = true;
    });
    await this.page.addStyleTag({ content: ".red-ui-tray { transition: none !important; }" });
  }

  /** How many dialogs lie one on the other, of which the page has the topmost only; null while one is on its way. */
  private depth(): Promise<number | null> {
    return this.page.evaluate(() => {
      const trays = [...document.querySelectorAll<HTMLElement>(".red-ui-tray")];
      if (trays.length > 1 || trays.some(({ style }) => style.right !== "0px")) return null;
      return trays[0]?.querySelectorAll(".red-ui-tray-breadcrumbs > li").length ?? 0;
    });
  }

  private async rest(): Promise<number> {
    await until("no dialog moves", async () => (await this.depth()) !== null, PATIENCE_MS);
    return (await this.depth()) ?? 0;
  }

  /**
   * Does something until that many dialogs lie there. A press that is heard sets a dialog in motion at once: while they
   * still lie as before, it was not heard, and can be repeated.
   */
  private async turns(from: number, to: number, act: () => Promise<unknown>): Promise<void> {
    let again = 0;
    await until(
      `${to} dialogs lie there instead of ${from}`,
      async () => {
        const depth = await this.depth();
        if (depth === from && Date.now() > again) {
          await act();
          again = Date.now() + AGAIN_MS;
        }
        return depth === to;
      },
      PATIENCE_MS,
    );
  }
}
