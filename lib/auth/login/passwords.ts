/**
 * Passwords as scrypt hashes in PHC strings, `$scrypt$ln=14,r=8,p=5$<salt>$<hash>` (base64 without
 * padding, ln = log2 of N): the parameters travel with the hash, so that they can grow.
 */
import { createHmac, randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";
import { PrintgateError } from "../../errors";

export interface ScryptCost {
  /** log2 of scrypt's N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

export interface PasswordHash extends ScryptCost {
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** One of OWASP's equal choices, the one with the least memory (16 MiB): it runs beside printers on small machines. */
const SCRYPT_COST: ScryptCost = { ln: 14, r: 8, p: 5 };

const SALT_BYTES = 16;
const KEY_BYTES = 32;
/**
 * What one comparison may cost: OWASP's dearest choice (N = 2^17, r = 8, which is 128 MiB and its blocks), and a
 * hash beyond it is refused instead of stopping the machine at each login.
 */
const MOST_MEMORY = 129 * 1024 * 1024;
const MOST_WORK = 2 ** 23;

const memoryOf = (cost: ScryptCost): number => 128 * cost.r * (2 ** cost.ln + cost.p);

const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** The parts of a PHC string; undefined when it is malformed, weak beyond use or dearer than one login may be. */
export function parsePasswordHash(phc: string): PasswordHash | undefined {
  const [, ln, r, p, salt = "", key = ""] = PHC.exec(phc) ?? [];
  const hash = {
    ln: Number(ln),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, "base64"),
    key: Buffer.from(key, "base64"),
  };
  const sound = hash.ln >= 1 && hash.r >= 1 && hash.p >= 1 && hash.salt.length >= 8;
  const whole = salt.length % 4 !== 1 && key.length % 4 !== 1 && hash.key.length >= 16 && hash.key.length <= 64;
  const bearable = memoryOf(hash) <= MOST_MEMORY && 2 ** hash.ln * hash.r * hash.p <= MOST_WORK;
  return sound && whole && bearable ? hash : undefined;
}

const unpadded = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");

/** The PHC string of a hash. */
export function formatPasswordHash({ ln, r, p, salt, key }: PasswordHash): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(key)}`;
}

function derive(password: Uint8Array, salt: Buffer, cost: ScryptCost, length: number): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** cost.ln, r: cost.r, p: cost.p, maxmem: memoryOf(cost) + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(new PrintgateError("unexpected", `A password could not be hashed: ${error.message}`));
    });
  });
}

/** Hashes and compares, a few at a time. Bytes in: what MQTT carries; text is meant as UTF-8. */
export interface Hasher {
  hash(password: Uint8Array): Promise<PasswordHash>;
  /** The same work and the same time whether it matches or not. */
  matches(password: Uint8Array, hash: PasswordHash): Promise<boolean>;
}

export interface HasherOptions {
  /** For new hashes. */
  readonly cost?: ScryptCost;
  /** Hashes computed at once. libuv has four threads, and files and names want some too. */
  readonly slots?: number;
  /** Logins that may wait for a slot; more are turned away with `provider-failed`. */
  readonly waiting?: number;
}

/** A hasher with its own slots. */
export function createHasher({ cost = SCRYPT_COST, slots = 2, waiting = 500 }: HasherOptions = {}): Hasher {
  const queue: (() => void)[] = [];
  let running = 0;

  async function inSlot<T>(work: () => Promise<T>): Promise<T> {
    if (queue.length >= waiting)
      throw new PrintgateError("provider-failed", "Too many logins wait for their turn; try again later.");
    if (running >= slots) await new Promise<void>((resolve) => queue.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      // A slot is handed on rather than freed, so that a newcomer does not overtake the queue.
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  }

  return {
    hash: (password) =>
      inSlot(async () => {
        const salt = randomBytes(SALT_BYTES);
        return { ...cost, salt, key: await derive(password, salt, cost, KEY_BYTES) };
      }),
    matches: (password, hash) =>
      inSlot(async () => timingSafeEqual(await derive(password, hash.salt, hash, hash.key.length), hash.key)),
  };
}

/**
 * A short name for a secret that only this process can compute, to compare or look up secrets of
 * any length in constant time. Never leaves memory.
 */
export function createSecretDigest(): (secret: string | Uint8Array) => Buffer {
  const key = randomBytes(32);
  return (secret) => createHmac("sha256", key).update(secret).digest();
}
