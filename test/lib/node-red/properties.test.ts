import assert from "node:assert/strict";
import { EVENT_NAMES } from "../../../lib/printer/events";
import {
  applies,
  type NodeType,
  problemInEditor,
  PROPERTIES,
  readProperties,
  rowsOf,
} from "../../../lib/node-red/properties";

const TYPES = Object.keys(PROPERTIES) as NodeType[];
const lan = { connection: "lan", serial: "01p00a000000001", host: "192.0.2.10" };

describe("properties of the nodes", () => {
  it("gives every property its default when a node says nothing", () => {
    for (const type of TYPES) {
      const { values } = readProperties(type, {});
      for (const [key, row] of Object.entries(rowsOf(type)))
        assert.deepEqual(values[key as keyof typeof values], row.default, `${type}.${key}`);
    }
  });

  it("has the defaults of the contract", () => {
    const { port, tls, model, timeScale, staleAfter } = readProperties("printer-config", lan).values;
    assert.deepEqual(
      { port, tls, model, timeScale, staleAfter },
      { port: 8883, tls: "pin", model: "P1S", timeScale: 60, staleAfter: 60 },
    );
    assert.equal(readProperties("printer-status", { printer: "c" }).values.minInterval, 1);
  });

  it("reads numbers and booleans that came through environment variables as text", () => {
    const status = { printer: " c1 ", emit: "interval", interval: " 5 ", includeRaw: "false" };
    assert.deepEqual(readProperties("printer-status", status).values, {
      ...{ name: "", printer: "c1", emit: "interval" },
      ...{ interval: 5, minInterval: 1, includeRaw: false },
    });
    assert.equal(readProperties("printer-status", { ...status, includeRaw: "TRUE" }).values.includeRaw, true);
  });

  it("writes a serial in upper case", () => {
    assert.equal(readProperties("printer-config", lan).values.serial, "01P00A000000001");
  });

  it("names the environment variable that is not set", () => {
    assert.deepEqual(readProperties("printer-config", { ...lan, host: "${PRINTER_HOST}" }).problems, [
      "environment variable PRINTER_HOST is not set",
    ]);
    assert.deepEqual(readProperties("printer-event", { printer: "c", events: ["${WHAT}"] }).problems, [
      "environment variable WHAT is not set",
    ]);
  });

  it("says what is wrong with a value in its words", () => {
    const wrong: [NodeType, Record<string, unknown>, string][] = [
      ["printer-config", { ...lan, serial: "" }, "no serial"],
      ["printer-config", { ...lan, serial: "a/b" }, "serial must not hold /, +, # or spaces"],
      ["printer-config", { ...lan, host: "http://printer" }, "host is no host name or address"],
      ["printer-config", { ...lan, port: "99999" }, "port must be a whole number from 1 to 65535"],
      ["printer-config", { ...lan, port: "8883.5" }, "port must be a whole number from 1 to 65535"],
      ["printer-config", { ...lan, tls: "maybe" }, 'tls "maybe" is unknown'],
      ["printer-config", { ...lan, tls: "verify" }, "no CA file"],
      [
        "printer-config",
        { ...lan, fingerprint: "abc" },
        "fingerprint is no SHA-256 fingerprint (64 hexadecimal digits)",
      ],
      ["printer-config", { connection: "relay" }, 'connection "relay" is not supported by this version'],
      ["printer-config", { connection: "cloud", serial: "s" }, "no account selected"],
      ["printer-config", { connection: "octoprint", serial: "s" }, "no address of OctoPrint"],
      ["printer-config", { connection: "octoprint", url: "http://octopi.local" }, "no serial"],
      [
        "printer-config",
        { connection: "octoprint", serial: "s", url: "octopi.local" },
        "url must begin with http:// or https://, without query",
      ],
      [
        "printer-config",
        { connection: "octoprint", serial: "s", url: "http://octopi.local", appId: "a:b" },
        "appId must not hold colons or spaces",
      ],
      ["printer-config", { connection: "auto", account: "a" }, "no serial"],
      ["printer-account", { apiUrl: "ftp://x" }, "apiUrl must begin with http:// or https://, without query"],
      ["printer-account", { mqttUrl: "https://x" }, "mqttUrl must be mqtts:// or mqtt:// with host and port"],
      ["printer-config", { connection: "carrier pigeon" }, 'connection "carrier pigeon" is unknown'],
      ["printer-status", {}, "no printer selected"],
      ["printer-status", { printer: "c", includeRaw: "perhaps" }, "includeRaw must be true or false"],
      ["printer-status", { printer: "c", minInterval: -1 }, "minInterval must be a number from 0 to 86400"],
      ["printer-event", { printer: "c", events: ["print.exploded"] }, 'events: "print.exploded" is unknown'],
    ];
    for (const [type, def, words] of wrong) assert.equal(readProperties(type, def).problems[0], words);
  });

  it("does not judge what does not matter for the chosen connection", () => {
    const def = { connection: "simulated", host: "${NOT_SET}", port: "none", tls: "verify" };
    assert.deepEqual(readProperties("printer-config", def).problems, []);
    assert.equal(
      applies("printer-config", "ca", (key) => ({ connection: "simulated", tls: "verify" })[key]),
      false,
    );
  });

  it("asks for no certificate where the address has no encryption", () => {
    const matters = (values: Record<string, string>) => applies("printer-config", "tls", (key) => values[key]);
    assert.equal(matters({ connection: "octoprint", url: "HTTP://octopi.local" }), false);
    assert.equal(matters({ connection: "octoprint", url: "https://octopi.local" }), true);
    assert.equal(matters({ connection: "octoprint", url: "${ADDRESS}" }), true);
    assert.equal(matters({ connection: "lan", url: "http://left.over" }), true, "an address that counts no more");
    const def = { connection: "octoprint", serial: "s", url: "http://octopi.local", fingerprint: "abc" };
    assert.deepEqual(readProperties("printer-config", def).problems, []);
  });

  it("never throws on values of a wrong type", () => {
    for (const type of TYPES) {
      for (const value of [null, undefined, {}, [], [{}], Number.NaN, () => 1, Symbol("x"), "\0"]) {
        const def = Object.fromEntries(Object.keys(rowsOf(type)).map((key) => [key, value]));
        assert.ok(Array.isArray(readProperties(type, def).problems));
      }
    }
  });

  it("accepts a variable in every field of a dialog", () => {
    for (const type of TYPES) {
      for (const key of Object.keys(rowsOf(type))) {
        for (const variable of ["${ANY}", "${with.dots}"]) {
          assert.equal(
            problemInEditor(type, key, variable, () => "lan"),
            null,
            `${type}.${key}`,
          );
        }
      }
    }
    assert.equal(
      problemInEditor("printer-config", "port", "no", () => "lan"),
      "port must be a whole number from 1 to 65535",
    );
  });

  it("knows the events that the printer model can tell, and takes the names that later releases add", () => {
    const row = PROPERTIES["printer-event"].events;
    assert.deepEqual([...row.choices], [...EVENT_NAMES]);
    const events = "print.finished, account.expired";
    assert.deepEqual(readProperties("printer-event", { printer: "c", events }).values.events, [
      "print.finished",
      "account.expired",
    ]);
  });
});
