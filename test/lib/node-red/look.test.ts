import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ErrorCode, PrintgateError } from "../../../lib/errors";
import { accountRemark } from "../../../lib/node-red/accounts/remark";
import { lookOf } from "../../../lib/node-red/look";
import type { LinkState } from "../../../lib/printer/link";
import { PRINTER_STATES, type PrinterStatus, UNKNOWN_STATUS } from "../../../lib/printer/status";
import { job } from "../../support/flows";

const file = join(__dirname, "..", "..", "..", "nodes", "locales", "en-US", "printer-config.json");
const texts = JSON.parse(readFileSync(file, "utf8")) as Record<string, Record<string, Record<string, string>>>;
const catalogue = texts["printer-config"] ?? {};

/** As Node-RED looks texts up: with `__name__` for parameters. A missing text fails the test. */
function words(key: string, parameters: Record<string, string | number> = {}): string {
  const [group = "", name = ""] = key.split(".");
  const text = catalogue[group]?.[name];
  assert.ok(text !== undefined, `no text for ${key}`);
  return text.replace(/__(\w+)__/g, (_all, parameter: string) => String(parameters[parameter]));
}

/** A code that is missing here does not compile, so that none can be without a text. */
const EVERY_CODE: Record<ErrorCode, true> = {
  "config-invalid": true,
  "config-conflict": true,
  unreachable: true,
  "access-refused": true,
  "wrong-serial": true,
  "certificate-changed": true,
  "certificate-untrusted": true,
  "link-lost": true,
  silent: true,
  "bad-frame": true,
  store: true,
  timeout: true,
  "provider-failed": true,
  "account-expired": true,
  "account-refused": true,
  blocked: true,
  "request-invalid": true,
  "bad-answer": true,
  "signed-out": true,
  offline: true,
  "not-supported": true,
  "command-refused": true,
  "wrong-state": true,
  "message-invalid": true,
  "upload-failed": true,
  "camera-failed": true,
  unexpected: true,
};

const live: LinkState = { kind: "live" };
const show = (difference: Partial<PrinterStatus>, link: LinkState = live) => {
  const { fill, shape, text } = lookOf({ ...UNKNOWN_STATUS, online: true, ...difference }, link, words) as any;
  return `${fill} ${shape} ${text}`;
};

describe("look of a node that follows a printer", () => {
  it("shows each state in its colour", () => {
    assert.equal(show({ state: "printing", job: job(42.9) }), "green dot printing 42 %");
    assert.equal(show({ state: "paused", job: job(42) }), "yellow dot paused at 42 %");
    assert.equal(show({ state: "preparing", job: job(0) }), "blue dot preparing");
    assert.equal(show({ state: "idle" }), "grey dot idle");
    assert.equal(show({ state: "failed" }), "red dot failed");
  });

  it("has a text for every state, short enough for the canvas, with and without progress", () => {
    for (const state of PRINTER_STATES) {
      for (const status of [{ state }, { state, job: job(100) }]) assert.ok(show(status).length <= 32);
    }
  });

  it("shows a printer that went away, and one that has not spoken yet", () => {
    assert.equal(show({ online: false, lastSeen: null }), "yellow ring waiting for a report");
    assert.equal(show({ online: false, lastSeen: "2026-01-01T00:00:00.000Z" }), "grey ring offline");
  });

  it("shows why there is no connection, whatever the error", () => {
    for (const code of Object.keys(EVERY_CODE) as ErrorCode[]) {
      const reason = new PrintgateError(code, "a long sentence");
      assert.equal(show({}, { kind: "stopped", reason }), `red ring ${catalogue["trouble"]?.[code] ?? ""}`);
      assert.equal(
        show({}, { kind: "waiting", reason, retryInMs: 1 }),
        `red ring ${catalogue["trouble"]?.[code] ?? ""}`,
      );
    }
  });

  it("shows that it connects, and goes on showing why it did not while it tries again", () => {
    assert.equal(show({}, { kind: "connecting", after: null }), "yellow ring connecting");
    const after = new PrintgateError("unreachable", "a long sentence");
    assert.equal(show({}, { kind: "connecting", after }), "red ring unreachable");
  });

  it("shows a remark in yellow beside what a connected printer does, and not beside trouble", () => {
    const look = (link: LinkState) =>
      lookOf({ ...UNKNOWN_STATUS, online: true, state: "idle" }, link, words, "a remark");
    assert.deepEqual(look(live), { fill: "yellow", shape: "dot", text: "idle, a remark" });
    const reason = new PrintgateError("account-expired", "a long sentence");
    assert.deepEqual(look({ kind: "stopped", reason }), { fill: "red", shape: "ring", text: "sign in again" });
    assert.equal(look({ kind: "connecting", after: null }).text, "connecting");
  });

  it("remarks when a sign-in ends within two weeks, has ended, or is missing", () => {
    const who = { uid: null, account: null, name: null };
    const day = 24 * 3600_000;
    const remark = (days: number | null) =>
      accountRemark({ kind: "signed-in", who, until: days === null ? null : days * day }, words, 0);
    assert.deepEqual([remark(null), remark(90), remark(14.1)], [null, null, null]);
    assert.equal(remark(14), "sign-in ends in 14 days");
    assert.equal(remark(2.5), "sign-in ends in 3 days");
    assert.deepEqual([remark(1), remark(0.1), remark(-1)], Array(3).fill("sign-in ends in a day"));
    assert.equal(accountRemark({ kind: "expired", who }, words, 0), "sign in again");
    assert.equal(accountRemark({ kind: "signed-out" }, words, 0), "nobody is signed in");
  });
});
