import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CONFIG_TYPES, type NodeType, PROPERTIES, rowsOf } from "../../lib/node-red/properties";
import { makeEvent, NO_MEMORY } from "../../lib/printer/events";
import { NO_WORD } from "../../lib/printer/firmware";
import { decide } from "../../lib/printer/firmware-decision";
import { UNKNOWN_STATUS } from "../../lib/printer/status";

const nodes = join(__dirname, "..", "..", "nodes");
const TYPES = Object.keys(PROPERTIES) as NodeType[];
const form = (type: NodeType): string => readFileSync(join(nodes, `${type}.html`), "utf8");
const help = (type: NodeType): string => form(type).split("data-help-name")[1] ?? "";

const prefixOf = (type: NodeType): string => (CONFIG_TYPES.includes(type) ? "node-config-input-" : "node-input-");

function catalogue(type: NodeType): unknown {
  return JSON.parse(readFileSync(join(nodes, "locales", "en-US", `${type}.json`), "utf8"));
}

function textOf(type: NodeType, key: string): unknown {
  return key
    .split(".")
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], catalogue(type));
}

/** All keys of a catalogue, dotted. */
function keysOf(part: unknown, path = ""): string[] {
  if (typeof part !== "object" || part === null) return [path];
  return Object.entries(part).flatMap(([name, inner]) => keysOf(inner, path === "" ? name : `${path}.${name}`));
}

/** The sources that may look up texts of a node type. */
function sources(): string {
  const editor = readdirSync(join(nodes, "editor")).map((file) => join(nodes, "editor", file));
  const own = readdirSync(nodes)
    .filter((file) => /\.(ts|html)$/.test(file))
    .map((file) => join(nodes, file));
  const look = join(nodes, "..", "lib", "node-red", "look.ts");
  return [...editor, ...own, look].map((file) => readFileSync(file, "utf8")).join("\n");
}

/** Keys that are put together at run time, by what they begin with. */
const COMPOSED = [
  "printer-config.call.",
  "auth-policy.call.",
  "printer-config.status.",
  "printer-config.trouble.",
  "printer-config.remark.",
  "printer-account.call.",
  "printer-account.state.",
  "printer-account.code.",
  "printer-account.progress.",
  "printer-account.missing.",
  "printer-event.subject.",
  "printer-event.event.",
  "printer-command.status.",
  "printer-camera.status.",
];

describe("texts of the nodes", () => {
  for (const type of TYPES) {
    it(`${type} marks what is filled in as Node-RED wants it: two underscores on either side`, () => {
      for (const key of keysOf(catalogue(type))) assert.doesNotMatch(String(textOf(type, key)), /{{|}}/, key);
    });

    it(`${type} has a text for every key that its form names`, () => {
      const keys = [...form(type).matchAll(/data-i18n="([^"]+)"/g)]
        .flatMap(([, value = ""]) => value.split(";"))
        .map((key) => key.replace(/^\[[\w-]+\]/, ""))
        .filter((key) => !key.startsWith("node-red:"));
      assert.ok(keys.length > 0);
      for (const key of keys) assert.equal(typeof textOf(type, key), "string", key);
    });

    it(`${type} has a text for every key that its dialog looks up`, () => {
      const keys = [...sources().matchAll(/_\(\s*"([\w-]+\.[\w.-]+)"/g)].map(([, key = ""]) => key);
      for (const key of keys.filter((one) => one.startsWith(`${type}.`)))
        assert.equal(typeof textOf(type, key), "string", key);
    });

    it(`${type} has no text that nobody looks up`, () => {
      const text = sources();
      for (const key of keysOf(catalogue(type))) {
        const composed = COMPOSED.some((begin) => key.startsWith(begin));
        assert.ok(composed || text.includes(key), `${key} is not used`);
      }
    });

    it(`${type} has a field and a line of help for every property`, () => {
      const lines = help(type)
        .split("\n")
        .filter((line) => line.startsWith(": "))
        .join("\n")
        .toLowerCase();
      const label = (key: string): string => {
        const dashed = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        const text = textOf(type, `${type}.label.${dashed}`);
        return (typeof text === "string" ? text : key).split(" (")[0]?.toLowerCase() ?? key;
      };
      for (const [key, row] of Object.entries(rowsOf(type))) {
        if (row.kind === "list" || row.kind === "rows") assert.ok(form(type).includes(`id="printgate-${key}"`), key);
        else assert.ok(form(type).includes(`id="${prefixOf(type)}${key}"`), key);
        if ((key === "name" && type !== "printer-config") || row.kind === "source") continue;
        assert.ok(lines.includes(label(key)), `no help for ${key}`);
      }
    });

    it(`${type} writes its help so that the editor can show it`, () => {
      const lines = help(type).split("\n").slice(1);
      assert.deepEqual(
        lines.filter((line) => line.startsWith(" ")),
        [],
      );
      // The editor's own grammar of a definition: no second colon, and always a type.
      for (const line of lines.filter((one) => one.startsWith(":"))) assert.match(line, /^: [^:]+\([^:]+\) : [^:]+$/);
    });

    it(`${type} offers every choice in its form`, () => {
      for (const [key, row] of Object.entries(rowsOf(type))) {
        if (row.kind !== "choice") continue;
        const field = form(type)
          .split(` id="${prefixOf(type)}${key}"`)[1]
          ?.split("</select>")[0];
        const offered = [...(field ?? "").matchAll(/<option value="([^"]+)"/g)].map(([, value]) => value);
        // The empty choice is the one that a select begins with.
        assert.deepEqual(
          offered,
          row.choices.filter((choice) => choice !== ""),
          key,
        );
      }
    });

    it(`${type} labels every field and names every button`, () => {
      const html = form(type);
      for (const [, id = ""] of html.matchAll(/<(?:input(?! type="hidden")|select)[^>]* id="([^"]+)"/g))
        assert.ok(html.includes(`for="${id}"`), `no label for ${id}`);
      for (const [button] of html.matchAll(/<button[\s\S]*?<\/button>/g)) assert.match(button, /data-i18n=/);
    });

    it(`${type} takes its colours from the editor's theme`, () => {
      assert.doesNotMatch(form(type).split("<script")[0] ?? "", /#[0-9a-f]{3,8}\b(?! )|rgb\(/i);
    });
  }

  it("printer-event explains every event", () => {
    for (const event of PROPERTIES["printer-event"].events.choices) {
      assert.ok(help("printer-event").includes(`- \`${event}\` - `), event);
      assert.equal(typeof textOf("printer-event", `printer-event.event.${event.replace(".", "-")}`), "string", event);
      assert.equal(
        typeof textOf("printer-event", `printer-event.subject.${event.split(".")[0] ?? ""}`),
        "string",
        event,
      );
    }
  });

  const fields: [NodeType, object][] = [
    ["printer-status", UNKNOWN_STATUS],
    ["firmware-check", decide({ word: NO_WORD, online: false, cloud: { kind: "nobody" }, betaOptIn: false, at: 0 })],
    ["printer-event", makeEvent("print.started", NO_MEMORY, "printing", "idle", 0, false)],
  ];
  for (const [type, payload] of fields) {
    it(`${type} explains every field of its payload`, () => {
      const payloadHelp = help(type).split("#### Payload")[1] ?? "";
      for (const field of Object.keys(payload)) assert.match(payloadHelp, new RegExp(`^: ${field} \\(`, "m"), field);
    });
  }

  it("every icon that a node names exists", () => {
    for (const type of TYPES) {
      const icon = /icon: "([^"]+)"/.exec(readFileSync(join(nodes, `${type}.editor.ts`), "utf8"))?.[1];
      if (icon !== undefined) assert.ok(existsSync(join(nodes, "..", "icons", icon)), icon);
    }
  });
});
