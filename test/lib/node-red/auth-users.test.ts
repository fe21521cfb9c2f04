import assert from "node:assert/strict";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UserRow } from "../../../lib/auth/login/users";
import { isRegisteredUsers, type RegisteredUser, UserBook } from "../../../lib/node-red/auth/users";
import { type Document, fileStore } from "../../../lib/node-red/store";

const row = (username: string): UserRow => ({
  username,
  password: { plain: "correct horse" },
  identity: { tenantId: "default", userId: username, attrs: {} },
});

/** Keeps what it is given; refuses the saves whose numbers are named. */
class Disk implements Pick<Document<readonly RegisteredUser[]>, "load" | "save"> {
  kept: readonly RegisteredUser[] = [];
  private saves = 0;

  constructor(private readonly refused: readonly number[] = []) {}

  load = () => Promise.resolve(this.kept);

  save = (value: readonly RegisteredUser[]) => {
    this.saves += 1;
    if (this.refused.includes(this.saves)) return Promise.reject(new Error("no space left"));
    this.kept = value;
    return Promise.resolve();
  };

  saveNow = (value: readonly RegisteredUser[]) => {
    this.kept = value;
  };
}

describe("registered users", () => {
  it("a file with a row that is none is set aside, and nothing rejects", async () => {
    const folder = await mkdtemp(join(tmpdir(), "printgate-users-"));
    try {
      await mkdir(join(folder, "users"));
      await writeFile(join(folder, "users/p.json"), '[{"username":"amy","row":null}]');
      const warnings: string[] = [];
      const document = fileStore(folder, (message) => warnings.push(message)).document("users/p", isRegisteredUsers);
      const book = new UserBook([], document);
      await book.ready;
      assert.deepEqual(book.registrations, []);
      assert.equal(warnings.length, 1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("two registrations at once are both kept", async () => {
    const disk = new Disk();
    const book = new UserBook([], disk);
    assert.deepEqual(await Promise.all([book.register(row("amy")), book.register(row("bob"))]), [true, true]);
    assert.deepEqual(disk.kept.map(({ username }) => username).sort(), ["amy", "bob"]);
  });

  it("a save that fails loses only its own registration", async () => {
    const disk = new Disk([1]);
    const book = new UserBook([], disk);
    const results = await Promise.allSettled([book.register(row("amy")), book.register(row("bob"))]);
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assert.equal(disk.kept.length, 1);
    assert.deepEqual(book.registrations, disk.kept);
  });
});
