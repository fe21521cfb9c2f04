import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isPrintgateError } from "../../../lib/errors";
import { fileKey, memoryKey } from "../../../lib/node-red/installation-key";
import { readSession, sessionsIn } from "../../../lib/node-red/accounts/sessions";
import { fileStore, memoryStore } from "../../../lib/node-red/store";
import { aSession } from "../../support/sessions";

describe("sessions", () => {
  let folder: string;
  let warnings: string[];
  const warn = (message: string): number => warnings.push(message);
  const place = () => join(folder, "printgate");
  const keyPath = () => join(place(), "key");
  /** As a process that starts anew finds it. */
  const open = (accountId = "account1", cloud = "global") => {
    const key = fileKey(keyPath(), warn);
    return sessionsIn({ store: fileStore(place(), warn), key, warn }).of(accountId, cloud);
  };
  const files = async () => (await readdir(join(place(), "accounts"))).sort();
  const onlyFile = async () => join(place(), "accounts", (await files())[0] ?? "none");

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "printgate-sessions-"));
    warnings = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("are there again after a restart", async () => {
    await open().save(aSession());
    assert.deepEqual(await open().load(), aSession());
    assert.deepEqual(warnings, []);
  });

  it("are of one account and one cloud", async () => {
    await open().save(aSession({ uid: "1" }));
    await open("account1", "https://cloud.example.org").save(aSession({ uid: "2" }));
    await open("account2").save(aSession({ uid: "3" }));
    assert.equal((await open().load())?.uid, "1");
    assert.equal((await open("account1", "https://cloud.example.org").load())?.uid, "2");
    assert.equal((await open("account2").load())?.uid, "3");
    assert.equal(await open("account2", "china").load(), null);
  });

  it("say nothing to who reads the file, and nobody else may", async () => {
    await open().save(aSession());
    const text = await readFile(await onlyFile(), "utf8");
    for (const secret of ["AQA-secret", "jo@example.org", "1000001"]) assert.ok(!text.includes(secret), secret);
    assert.equal((await stat(await onlyFile())).mode & 0o777, 0o600);
    assert.equal((await stat(keyPath())).mode & 0o777, 0o600);
    assert.equal((await stat(place())).mode & 0o777, 0o700);
  });

  it("leave nothing of them behind when somebody signs out", async () => {
    await open().save(aSession());
    await open().save(null);
    assert.equal(await readFile(await onlyFile(), "utf8"), "null");
    assert.equal(await open().load(), null);
    assert.deepEqual(warnings, []);
  });

  it("are encrypted anew each time", async () => {
    await open().save(aSession());
    const first = await readFile(await onlyFile(), "utf8");
    await open().save(aSession());
    assert.notEqual(await readFile(await onlyFile(), "utf8"), first);
  });

  for (const [what, spoil] of [
    ["torn", (text: string) => text.slice(0, 40)],
    ["empty", () => ""],
    ["foreign", () => '{"token":"somebody else\'s"}'],
    [
      "changed by a bit",
      (text: string) => text.replace(/"data":"(.)/, (_all, c: string) => `"data":"${c === "A" ? "B" : "A"}`),
    ],
    ["without its tag", (text: string) => text.replace(/"tag":"[^"]*"/, '"tag":""')],
    ["with a short tag", (text: string) => text.replace(/"tag":"(.{6})[^"]*"/, '"tag":"$1"')],
  ] as const) {
    it(`that are ${what} are set aside with one sentence, and never in the way`, async () => {
      await open().save(aSession());
      const path = await onlyFile();
      const spoilt = spoil(await readFile(path, "utf8"));
      await writeFile(path, spoilt);
      assert.equal(await open().load(), null);
      assert.equal(await open().load(), null);
      assert.equal(warnings.length, 1);
      const [aside = ""] = await files();
      assert.match(aside, /set-aside/);
      assert.ok(warnings[0]?.includes(aside));
      assert.equal(await readFile(join(place(), "accounts", aside), "utf8"), spoilt);
      await open().save(aSession());
      assert.deepEqual(await open().load(), aSession());
    });
  }

  it("of another installation, or moved to another account, are set aside and ask for a new sign-in", async () => {
    await open().save(aSession());
    const first = await onlyFile();
    await open("account2").save(null);
    const second = (await files()).find((name) => name.startsWith("account2")) ?? "none";
    await copyFile(first, join(place(), "accounts", second));
    assert.equal(await open("account2").load(), null);
    await rm(keyPath());
    assert.equal(await open().load(), null);
    assert.equal(warnings.length, 2);
    for (const warning of warnings) assert.match(warning, /sign in to the account again/);
    await open().save(aSession());
    assert.deepEqual(await open().load(), aSession());
  });

  it("stay where they are while the key can not be read", async () => {
    await open().save(aSession());
    await rm(keyPath());
    await mkdir(keyPath());
    assert.equal(await open().load(), null);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /key can not be used/);
    await assert.rejects(open().save(aSession()), (thrown) => isPrintgateError(thrown, "store"));
    assert.deepEqual(
      (await files()).filter((name) => name.includes("set-aside")),
      [],
    );
  });

  it("live as long as the process where there is no user directory", async () => {
    const store = sessionsIn({ store: memoryStore(), key: memoryKey(), warn }).of("a", "global");
    await store.save(aSession());
    assert.deepEqual(await store.load(), aSession());
  });

  describe("of an earlier release", () => {
    /** Sealed as a file of that release is, whatever the shape inside. */
    const keep = async (shape: object) => {
      await open().save(aSession());
      const path = await onlyFile();
      const key = Buffer.from(await readFile(keyPath(), "utf8"), "base64");
      const iv = Buffer.alloc(12, 7);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      cipher.setAAD(Buffer.from(path.slice(place().length + 1).replace(".json", "")));
      const data = Buffer.concat([cipher.update(JSON.stringify(shape)), cipher.final()]);
      const [tag, text] = [cipher.getAuthTag(), data].map((part) => part.toString("base64"));
      await writeFile(path, JSON.stringify({ sealed: 1, iv: iv.toString("base64"), tag, data: text }));
    };

    it("load: what was not known then has its neutral value", async () => {
      const full: Record<string, unknown> = { ...aSession({ firmwareBetaOpen: true }) };
      delete full["firmwareBetaOpen"];
      await keep(full);
      assert.deepEqual(await open().load(), aSession({ firmwareBetaOpen: false }));
      await keep({ accessToken: "t" });
      assert.deepEqual(await open().load(), {
        ...{ version: 1, accessToken: "t", refreshToken: null, expiresAt: null, refreshExpiresAt: null, uid: null },
        ...{ account: null, name: null, firmwareBetaOpen: false, warned: [], expired: false, pasted: false },
      });
      assert.deepEqual(warnings, []);
    });

    it("keep what they knew", async () => {
      const session = aSession({ firmwareBetaOpen: true, warned: [14, 3], expired: true, pasted: true });
      await keep(session);
      assert.deepEqual(await open().load(), session);
    });

    it("are not taken for what they are not", () => {
      for (const shape of [
        null,
        1,
        "x",
        [],
        {},
        { accessToken: "" },
        { accessToken: 5 },
        { ...aSession(), version: 2 },
      ])
        assert.equal(readSession(shape), null);
      const odd = { ...aSession(), warned: [14, "3", null], uid: 5, expiresAt: "soon", firmwareBetaOpen: "yes" };
      assert.deepEqual(readSession(odd), aSession({ warned: [14], uid: null, expiresAt: null }));
    });
  });
});

describe("key of the installation", () => {
  let folder: string;
  let warnings: string[];
  const warn = (message: string): number => warnings.push(message);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "printgate-key-"));
    warnings = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is made once, however many ask for it at the same time", async () => {
    const path = join(folder, "printgate", "key");
    const keys = await Promise.all(Array.from({ length: 20 }, () => fileKey(path, warn).read()));
    assert.equal(new Set(keys.map((key) => key.toString("hex"))).size, 1);
    assert.equal(keys[0]?.length, 32);
    assert.deepEqual(await readdir(join(folder, "printgate")), ["key"]);
    assert.deepEqual(await fileKey(path, warn).read(), keys[0]);
  });

  it("that is none is set aside, and another made", async () => {
    const path = join(folder, "key");
    await writeFile(path, "torn");
    const key = await fileKey(path, warn).read();
    assert.equal(key.length, 32);
    assert.equal(warnings.length, 1);
    assert.equal((await readdir(folder)).filter((name) => name.startsWith("key.set-aside-")).length, 1);
    assert.deepEqual(await fileKey(path, warn).read(), key);
  });

  it("can be had later when it could not be had at first", async () => {
    const path = join(folder, "place", "key");
    await writeFile(join(folder, "place"), "a file where the folder should be");
    const key = fileKey(path, warn);
    await assert.rejects(key.read(), (thrown) => isPrintgateError(thrown, "store"));
    await rm(join(folder, "place"));
    assert.equal((await key.read()).length, 32);
  });
});
