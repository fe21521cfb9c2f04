import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { isPrintgateError } from "../../../lib/errors";
import { fileNameOf, fileStore, memoryStore } from "../../../lib/node-red/store";

interface Count {
  readonly count: number;
}
const isCount = (value: unknown): value is Count =>
  typeof value === "object" && value !== null && typeof (value as Partial<Count>).count === "number";

describe("store", () => {
  let folder: string;
  let warnings: string[];
  const open = () => fileStore(join(folder, "printgate"), (message) => warnings.push(message));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "printgate-store-"));
    warnings = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("gives back what was saved, also to a later process", async () => {
    await open().document("events/a", isCount).save({ count: 1 });
    assert.deepEqual(await open().document("events/a", isCount).load(), { count: 1 });
  });

  it("has nothing before the first save, and says nothing about it", async () => {
    assert.equal(await open().document("events/a", isCount).load(), null);
    assert.deepEqual(warnings, []);
  });

  it("lets nobody else read what it writes", async () => {
    await open().document("events/a", isCount).save({ count: 1 });
    const path = join(folder, "printgate", "events");
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal((await stat(join(path, "a.json"))).mode & 0o777, 0o600);
  });

  it("writes one save of a document after the other, and the last one stays", async () => {
    const document = open().document("a", isCount);
    await Promise.all(Array.from({ length: 50 }, (_, count) => document.save({ count })));
    assert.deepEqual(await document.load(), { count: 49 });
    assert.deepEqual(await readdir(join(folder, "printgate")), ["a.json"]);
  });

  it("saves the value as it was when it was asked to", async () => {
    const document = open().document("a", isCount);
    const value = { count: 1 };
    const saved = document.save(value);
    value.count = 2;
    await saved;
    assert.deepEqual(await document.load(), { count: 1 });
  });

  it("overwrites the draft that a killed process left, and keeps the document before it", async () => {
    const document = open().document("a", isCount);
    await document.save({ count: 1 });
    await writeFile(join(folder, "printgate", `a.json.${process.pid}.draft`), '{"cou');
    assert.deepEqual(await open().document("a", isCount).load(), { count: 1 });
    await document.save({ count: 2 });
    assert.deepEqual(await readdir(join(folder, "printgate")), ["a.json"]);
  });

  it("two processes that save the same document at once hinder each other in nothing", async () => {
    const writer = join(__dirname, "../../support/store-writer.ts");
    const run = () =>
      promisify(execFile)(process.execPath, ["--import", "tsx", writer, join(folder, "printgate"), "200"]);
    const outputs = await Promise.all([run(), run()]);
    assert.deepEqual(
      outputs.map(({ stdout }) => stdout),
      ["", ""],
    );
    assert.equal((await open().document("a", isCount).load())?.count, 200);
  });

  for (const [what, text] of [
    ["torn", '{"count": 1'],
    ["foreign", '{"hello": "world"}'],
    ["empty", ""],
    ["of a newer release", '{"version": 2, "count": {"of": 1}}'],
  ] as const) {
    it(`sets a file that is ${what} aside, says so once and goes on`, async () => {
      const document = open().document("a", isCount);
      await document.save({ count: 1 });
      const path = join(folder, "printgate", "a.json");
      await writeFile(path, text);
      assert.equal(await document.load(), null);
      assert.equal(await document.load(), null);
      assert.equal(warnings.length, 1);
      const [aside] = await readdir(join(folder, "printgate"));
      assert.match(aside ?? "", /^a\.json\.set-aside-/);
      assert.ok(warnings[0]?.includes(aside ?? "?"));
      assert.match(warnings[0] ?? "", /is not a document that this version of the package can use; it was set aside/);
      assert.equal(await readFile(join(folder, "printgate", aside ?? ""), "utf8"), text);
      await document.save({ count: 2 });
      assert.deepEqual(await document.load(), { count: 2 });
    });
  }

  it("reports a place that can not be written once, and again only after it was well", async () => {
    await writeFile(join(folder, "printgate"), "a file where the folder should be");
    const document = open().document("events/a", isCount);
    const refused = (thrown: unknown) => isPrintgateError(thrown, "store");
    await assert.rejects(document.save({ count: 1 }), refused);
    await assert.rejects(document.save({ count: 2 }), refused);
    assert.equal(warnings.length, 1);
    await rm(join(folder, "printgate"));
    await document.save({ count: 3 });
    assert.deepEqual(await document.load(), { count: 3 });
    await rm(join(folder, "printgate"), { recursive: true });
    await writeFile(join(folder, "printgate"), "again");
    await assert.rejects(document.save({ count: 4 }), refused);
    assert.equal(warnings.length, 2);
  });

  it("never fails to load, even where nothing can be read", async () => {
    await writeFile(join(folder, "printgate"), "a file where the folder should be");
    assert.equal(await open().document("events/a", isCount).load(), null);
    assert.equal(warnings.length, 1);
  });

  it("lives in memory where there is no user directory", async () => {
    const store = memoryStore();
    await store.document("a", isCount).save({ count: 1 });
    assert.deepEqual(await store.document("a", isCount).load(), { count: 1 });
    assert.equal(await store.document("b", isCount).load(), null);
  });

  it("makes every id a file name of its own", () => {
    const ids = ["01P00A000000001", "..", "a:b", "a%3Ab", "a\\b", "*", "ü"];
    const names = ids.map(fileNameOf);
    assert.equal(new Set(names).size, ids.length);
    for (const name of names) assert.match(name, /^[\w%-]+$/);
  });
});
