import assert from "node:assert/strict";
import { createHash, scryptSync } from "node:crypto";
import { createAttempts, nameOfAddress } from "../../../lib/auth/login/attempts";
import { createHasher, formatPasswordHash, type Hasher, parsePasswordHash } from "../../../lib/auth/login/passwords";
import type { AuthResult, Mqtt3AuthData } from "../../../lib/auth/provider";
import { parseUsers, storedRow } from "../../../lib/auth/login/users";
import { createUsers, indexAttributes } from "../../../lib/auth/login/users-directory";
import { isPrintgateError } from "../../../lib/errors";

/** A hash that costs nothing: what is tested here is who gets in, not how long it takes. */
const CHEAP = { ln: 4, r: 1, p: 1 };
const cheapHash = (password: string, salt = "0123456789abcdef"): string => {
  const key = scryptSync(password, salt, 32, { N: 16, r: 1, p: 1 });
  return formatPasswordHash({ ...CHEAP, salt: Buffer.from(salt), key });
};
const login = (more: Partial<Mqtt3AuthData> = {}): Mqtt3AuthData => ({
  version: "3",
  isMQIsdp: false,
  remoteAddr: "192.0.2.1",
  remotePort: 1,
  channelId: "",
  ...more,
});
const byPassword = (username: string, password: string) => login({ username, password: Buffer.from(password) });
const usersOf = (list: unknown, hasher = createHasher({ cost: CHEAP })) =>
  createUsers({ rows: parseUsers(list).rows, hasher });
const codeOf = (result: AuthResult): string => (result.result === "ok" ? "ok" : result.code);

describe("password hashes", () => {
  it("a hash made elsewhere with the parameters in its string is understood", async () => {
    // RFC 7914, section 12: N=16384, r=8, p=1.
    const unpadded = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");
    const key =
      "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2" +
      "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887";
    const phc = `$scrypt$ln=14,r=8,p=1$${unpadded(Buffer.from("SodiumChloride"))}$${unpadded(Buffer.from(key, "hex"))}`;
    const hash = parsePasswordHash(phc);
    assert.ok(hash);
    assert.equal(formatPasswordHash(hash), phc);
    const hasher = createHasher();
    assert.equal(await hasher.matches(Buffer.from("pleaseletmein"), hash), true);
    assert.equal(await hasher.matches(Buffer.from("Pleaseletmein"), hash), false);
  });

  it("a new hash has the stated cost and its own salt, and survives its string", async () => {
    const hasher = createHasher({ cost: CHEAP });
    const [one, two] = await Promise.all([hasher.hash(Buffer.from("x")), hasher.hash(Buffer.from("x"))]);
    const phc = formatPasswordHash(one);
    assert.match(phc, /^\$scrypt\$ln=4,r=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.notEqual(phc, formatPasswordHash(two));
    assert.deepEqual(parsePasswordHash(phc), one);
  });

  it("every cost that OWASP recommends is bearable", () => {
    for (const cost of ["ln=17,r=8,p=1", "ln=16,r=8,p=2", "ln=15,r=8,p=3", "ln=14,r=8,p=5", "ln=13,r=8,p=10"])
      assert.ok(parsePasswordHash(`$scrypt$${cost}$MDEyMzQ1Njc4OWFiY2RlZg$${"A".repeat(43)}`), cost);
  });

  it("a malformed, a weak and a ruinous hash are none", () => {
    const good = cheapHash("x");
    assert.ok(parsePasswordHash(good));
    for (const bad of [
      "",
      "x",
      `${good} `,
      `${good}\n`,
      good.replace("scrypt", "argon2id"),
      good.replace("ln=4", "ln=0"),
      good.replace("r=1", "r=0"),
      good.replace("ln=4", "ln=25"),
      good.replace("ln=4,r=1", "ln=16,r=512"),
      good.replace("p=1", "p=9999").replace("ln=4", "ln=14"),
      good.replace(/\$[^$]*$/, "$AAAA"),
      good.replace(/\$[^$]*(\$[^$]*)$/, "$$AAAA$1"),
      good.replace(/\$[^$]*(\$[^$]*)$/, "$$$1"),
    ])
      assert.equal(parsePasswordHash(bad), undefined, bad);
  });

  it("few hashes run at once, and a flood is turned away instead of piling up", async () => {
    const hasher = createHasher({ cost: CHEAP, slots: 1, waiting: 3 });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => hasher.hash(Buffer.from("x"))));
    assert.equal(outcomes.filter((one) => one.status === "fulfilled").length, 4);
    for (const one of outcomes)
      if (one.status === "rejected") assert.ok(isPrintgateError(one.reason, "provider-failed"));
    await hasher.hash(Buffer.from("afterwards it works again"));
  });
});

describe("the list of users", () => {
  it("a bad user refuses only itself, with a reason that holds no secret", () => {
    const fingerprint = "AB:".repeat(31) + "CD";
    const { rows, refused } = parseUsers([
      { username: "anna", passwordHash: cheapHash("x"), tenantId: "t", userId: "u1", attrs: { roles: "admin" } },
      { username: "bert", password: "hunter2", passwordHash: cheapHash("hunter2"), tenantId: "t" },
      { username: "carl", passwordHash: "hunter2", tenantId: "t" },
      { username: "dora", tenantId: "t" },
      { username: "emil", password: "hunter2", attrs: { level: 3 } },
      { username: "fred", passwrd: "hunter2" },
      { username: 7, password: "hunter2" },
      { password: "hunter2", userId: "x" },
      { username: "anna", password: "hunter2" },
      null,
      "hunter2",
      ["hunter2"],
      { username: "gina", certFingerprint: "hunter2" },
      { certFingerprint: fingerprint, userId: "machine" },
      { certFingerprint: fingerprint.toLowerCase().replaceAll(":", ""), userId: "other" },
      { username: "zoe", password: "plain" },
    ]);
    assert.deepEqual(
      rows.map((row) => row.username ?? row.identity.userId),
      ["anna", "machine", "zoe"],
    );
    assert.deepEqual(rows[0]?.identity, { tenantId: "t", userId: "u1", attrs: { roles: "admin" } });
    assert.deepEqual(rows[2]?.identity, { tenantId: "default", userId: "zoe", attrs: {} });
    assert.deepEqual(
      refused.map(({ index, name }) => [index, name]),
      [
        [1, "bert"],
        [2, "carl"],
        [3, "dora"],
        [4, "emil"],
        [5, "fred"],
        [6, null],
        [7, null],
        [8, "anna"],
        [9, null],
        [10, null],
        [11, null],
        [12, "gina"],
        [14, null],
      ],
    );
    assert.ok(!JSON.stringify(refused).includes("hunter2"));
  });

  it("JSON text is read as well, and what is no list refuses as a whole", () => {
    assert.equal(parseUsers('[{"username":"a","password":"b"}]').rows.length, 1);
    for (const none of [undefined, null, "", "  ", "[]", []]) {
      const { rows, refused } = parseUsers(none);
      assert.deepEqual([rows.length, refused.length], [0, 0]);
    }
    for (const broken of ["[{", '{"username":"a"}', {}, 5]) {
      const { rows, refused } = parseUsers(broken);
      assert.deepEqual([rows.length, refused.map(({ index }) => index)], [0, [null]]);
    }
  });
});

describe("a user's row", () => {
  const { rows } = parseUsers([
    { username: "anna", password: "hunter2", tenantId: "t", userId: "u1", attrs: { roles: "admin" } },
    { username: "bert", passwordHash: cheapHash("hunter2"), certFingerprint: "AA".repeat(32) },
  ]);

  it("is written down with a hash instead of a password, and read back as the same user", async () => {
    const stored = await Promise.all(rows.map((row) => storedRow(row, createHasher({ cost: CHEAP }))));
    assert.ok(!JSON.stringify(stored).includes("hunter2"));
    const users = usersOf(JSON.stringify(stored));
    const result = await users.login(byPassword("anna", "hunter2"));
    assert.deepEqual(result, { result: "ok", identity: rows[0]?.identity });
    assert.deepEqual(parseUsers(stored).rows[1], rows[1]);
  });
});

describe("a directory of users", () => {
  const list = [
    { username: "anna", passwordHash: cheapHash("secret"), tenantId: "t", userId: "u1", attrs: { roles: "admin" } },
    { username: "bert", password: "other", tenantId: "t", userId: "u2" },
  ];
  const anna: AuthResult = { result: "ok", identity: { tenantId: "t", userId: "u1", attrs: { roles: "admin" } } };

  it("the right password logs in, hashed or plain, the first time and again", async () => {
    const users = usersOf(list);
    assert.deepEqual(await users.login(byPassword("anna", "secret")), anna);
    assert.deepEqual(await users.login(byPassword("anna", "secret")), anna);
    assert.equal(codeOf(await users.login(byPassword("bert", "other"))), "ok");
    assert.equal(codeOf(await users.login(byPassword("anna", "Secret"))), "BadPass");
    assert.equal(codeOf(await users.login(byPassword("anna", "secret "))), "BadPass");
    assert.equal(codeOf(await users.login(byPassword("Anna", "secret"))), "BadPass");
  });

  it("an unknown user and a bad password get the same answer for the same work", async () => {
    const real = createHasher({ cost: CHEAP });
    const work: string[] = [];
    const counting: Hasher = {
      hash: (password) => real.hash(password),
      matches: (password, hash) => {
        work.push(`${hash.ln},${hash.r},${hash.p}`);
        return real.matches(password, hash);
      },
    };
    const users = usersOf(list, counting);
    const bad = await users.login(byPassword("anna", "wrong"));
    const unknown = await users.login(byPassword("nobody", "wrong"));
    const inherited = await users.login(byPassword("__proto__", "wrong"));
    assert.deepEqual(unknown, bad);
    assert.deepEqual(inherited, bad);
    assert.deepEqual(work, ["4,1,1", "4,1,1", "4,1,1"]);
    // The password of another user, under an unknown name whose decoy that user's hash may be.
    for (const name of ["x1", "x2", "x3", "x4"])
      assert.equal(codeOf(await users.login(byPassword(name, "secret"))), "BadPass");
    assert.equal(codeOf(await usersOf([], counting).login(byPassword("nobody", ""))), "BadPass");
    assert.equal(work.length, 8);
  });

  it("an unknown user costs what the users of the list cost, not what new hashes do", async () => {
    const work: number[] = [];
    const real = createHasher({ cost: CHEAP });
    const counting: Hasher = {
      hash: (password) => real.hash(password),
      matches: (password, hash) => {
        work.push(hash.ln);
        return real.matches(password, hash);
      },
    };
    const salt = "0123456789abcdef";
    const key = scryptSync("secret", salt, 32, { N: 32, r: 1, p: 1 });
    const passwordHash = formatPasswordHash({ ln: 5, r: 1, p: 1, salt: Buffer.from(salt), key });
    const users = usersOf([{ username: "anna", passwordHash }], counting);
    for (const name of ["anna", "nobody", "somebody"]) await users.login(byPassword(name, "wrong"));
    assert.deepEqual(work, [5, 5, 5]);
  });

  it("a password that matched once is not a password for anybody else", async () => {
    const users = usersOf(list);
    await users.login(byPassword("anna", "secret"));
    assert.equal(codeOf(await users.login(byPassword("bert", "secret"))), "BadPass");
  });

  it("a login without user name or password is not tried", async () => {
    const users = usersOf(list);
    for (const data of [login(), login({ username: "anna" }), login({ password: Buffer.from("secret") })])
      assert.equal(codeOf(await users.login(data)), "NotAuthorized");
  });

  it("a certificate logs in the user who has its fingerprint, under no other name", async () => {
    const cert = Buffer.from("a certificate's DER");
    const certFingerprint = createHash("sha256").update(cert).digest("hex").toUpperCase();
    const users = usersOf([
      ...list,
      { username: "mill", certFingerprint, userId: "mill" },
      { certFingerprint: "00".repeat(32), userId: "other" },
    ]);
    const nameOf = (result: AuthResult) => (result.result === "ok" ? result.identity.userId : result.code);
    assert.equal(nameOf(await users.login(login({ cert }))), "mill");
    assert.equal(nameOf(await users.login(login({ cert, username: "mill" }))), "mill");
    assert.equal(nameOf(await users.login({ ...byPassword("mill", "no password of his"), cert })), "mill");
    assert.equal(nameOf(await users.login(login({ cert, username: "anna" }))), "NotAuthorized");
    assert.equal(nameOf(await users.login({ ...byPassword("anna", "secret"), cert })), "u1");
    assert.equal(nameOf(await users.login({ ...byPassword("anna", "wrong"), cert })), "BadPass");
    assert.equal(nameOf(await users.login(login({ cert: Buffer.from("another") }))), "NotAuthorized");
    assert.equal(nameOf(await users.login(byPassword("mill", ""))), "BadPass");
  });

  it("a user may be added while it runs, a name only once", async () => {
    const users = usersOf(list);
    const [row] = parseUsers([{ username: "new", passwordHash: cheapHash("pw"), tenantId: "t" }]).rows;
    assert.ok(row);
    assert.equal(users.add(row), true);
    assert.equal(users.add(row), false);
    assert.equal(codeOf(await users.login(byPassword("new", "pw"))), "ok");
    assert.equal(users.identities().length, 3);
  });

  it("attributes are found by tenant and user, unless two users disagree about them", () => {
    const find = indexAttributes([
      { tenantId: "t", userId: "u", attrs: { a: "1", b: "2" } },
      { tenantId: "t", userId: "u", attrs: { b: "2", a: "1" } },
      { tenantId: "t", userId: "v", attrs: { a: "1" } },
      { tenantId: "t", userId: "v", attrs: {} },
      { tenantId: "t", userId: "v", attrs: { a: "1" } },
      { tenantId: 't","u', userId: "", attrs: {} },
    ]);
    assert.deepEqual(find("t", "u"), { a: "1", b: "2" });
    assert.equal(find("t", "v"), undefined);
    assert.equal(find("t", "w"), undefined);
    assert.equal(find("other", "u"), undefined);
  });
});

describe("attempts by address", () => {
  const rejected: AuthResult = { result: "rejected", code: "BadPass" };
  const ok: AuthResult = { result: "ok", identity: { tenantId: "t", userId: "u", attrs: {} } };
  const answer = (result: AuthResult) => () => Promise.resolve(result);
  const setUp = () => {
    const clock = { now: 0 };
    return { clock, attempts: createAttempts(undefined, () => clock.now) };
  };

  it("more than 100 failures in a minute ban the address for a minute, right password or not", async () => {
    const { clock, attempts } = setUp();
    for (let i = 0; i < 100; i++) {
      clock.now = i * 100;
      assert.equal(codeOf(await attempts.run("192.0.2.1", answer(rejected))), "BadPass");
    }
    assert.equal(codeOf(await attempts.run("192.0.2.1", answer(ok))), "ok");
    assert.equal(codeOf(await attempts.run("192.0.2.1", answer(rejected))), "Banned");
    let tried = false;
    const trying = () => {
      tried = true;
      return Promise.resolve(ok);
    };
    for (const spelling of ["192.0.2.1", "/192.0.2.1:5000", "::ffff:192.0.2.1"])
      assert.equal(codeOf(await attempts.run(spelling, trying)), "Banned");
    assert.equal(tried, false);
    assert.equal(codeOf(await attempts.run("192.0.2.2", answer(ok))), "ok");
    clock.now += 59_999;
    assert.equal(codeOf(await attempts.run("192.0.2.1", answer(ok))), "Banned");
    clock.now += 1;
    assert.equal(codeOf(await attempts.run("192.0.2.1", answer(ok))), "ok");
  });

  it("the minute slides: 60 failures at its end and 60 after it are too many", async () => {
    const { clock, attempts } = setUp();
    clock.now = 50_000;
    for (let i = 0; i < 60; i++) await attempts.run("192.0.2.1", answer(rejected));
    clock.now = 70_000;
    const codes: string[] = [];
    for (let i = 0; i < 60; i++) codes.push(codeOf(await attempts.run("192.0.2.1", answer(rejected))));
    assert.equal(codes.indexOf("Banned"), 40);
    const patient = setUp();
    for (let i = 0; i < 300; i++) {
      patient.clock.now = i * 601;
      assert.equal(codeOf(await patient.attempts.run("192.0.2.1", answer(rejected))), "BadPass");
    }
  });

  it("a thousand attempts at once are no way around the limit", async () => {
    const { attempts } = setUp();
    let tried = 0;
    const guess = async (): Promise<AuthResult> => {
      tried++;
      await new Promise((resolve) => setImmediate(resolve));
      return rejected;
    };
    const results = await Promise.all(Array.from({ length: 1000 }, () => attempts.run("192.0.2.1", guess)));
    assert.ok(tried <= 101, `${tried} guesses`);
    assert.ok(results.every((result) => result.result === "rejected"));
    assert.equal(codeOf(await attempts.run("192.0.2.1", answer(ok))), "Banned");
  });

  it("those who can not be tried at once wait, and of too many the last are turned away untried", async () => {
    const limits = { failures: 100, windowMs: 1000, banMs: 1000, atOnce: 1, waiting: 2, addresses: 3 };
    const attempts = createAttempts(limits, () => 0);
    let tried = 0;
    const results = await Promise.all(
      Array.from({ length: 5 }, () =>
        attempts.run("192.0.2.1", () => {
          tried++;
          return Promise.resolve(ok);
        }),
      ),
    );
    assert.deepEqual(results.map(codeOf), ["ok", "ok", "ok", "Error", "Error"]);
    assert.equal(tried, 3);
  });

  it("without an address there is no limit, and a login that breaks is not counted", async () => {
    const { attempts } = setUp();
    for (let i = 0; i < 300; i++) {
      await attempts.run(undefined, answer(rejected));
      await attempts.run("", answer(rejected));
      await assert.rejects(attempts.run("192.0.2.1", () => Promise.reject(new Error("the provider is down"))));
    }
    assert.equal(codeOf(await attempts.run(undefined, answer(rejected))), "BadPass");
    assert.equal(codeOf(await attempts.run("192.0.2.1", answer(ok))), "ok");
  });

  it("an address is remembered in few characters, however long somebody claims it to be", () => {
    const long = "x".repeat(60_000);
    const names = ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "4 3221225985", "", long, `${long}y`].map(
      nameOfAddress,
    );
    assert.ok(names.every((name) => name.length < 100));
    assert.equal(new Set(names).size, names.length - 1);
  });

  it("memory is bounded: the address that was quiet longest is forgotten", async () => {
    const clock = { now: 0 };
    const limits = { failures: 1, windowMs: 1000, banMs: 1000, atOnce: 8, waiting: 10, addresses: 3 };
    const attempts = createAttempts(limits, () => clock.now);
    const fail = async (address: string) => codeOf(await attempts.run(address, answer(rejected)));
    await fail("a");
    assert.equal(await fail("a"), "Banned");
    for (const other of ["b", "c"]) await fail(other);
    assert.equal(await fail("a"), "Banned");
    await fail("d");
    assert.equal(await fail("a"), "Banned", "it was not quiet: the others are forgotten before it");
    for (const other of ["b", "c", "d"]) await fail(other);
    assert.equal(await fail("a"), "BadPass");
  });
});
