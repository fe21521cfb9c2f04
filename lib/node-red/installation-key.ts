import { randomBytes } from "node:crypto";
import { constants, promises as fs } from "node:fs";
import { dirname } from "node:path";
import { PrintgateError, toError } from "../errors";
import { asideOf } from "./store";

/**
 * The key that encrypts what is secret in the package's own files. It belongs to the installation: a file that is
 * copied elsewhere says nothing there. Whoever can read the whole user directory can read the secrets, too, as with
 * Node-RED's own credentials.
 */
export interface InstallationKey {
  /** 32 bytes, made at the first call of the first process. @throws PrintgateError `store` */
  read(): Promise<Buffer>;
}

const BYTES = 32;

/** For a Node-RED without a user directory: a key that lives as long as the process. */
export function memoryKey(): InstallationKey {
  const key = randomBytes(BYTES);
  return { read: () => Promise.resolve(key) };
}

/** The key in a file (0600), base64. `warn` gets a sentence when the file is none and a new one takes its place. */
export function fileKey(path: string, warn: (message: string) => void): InstallationKey {
  let known: Promise<Buffer> | null = null;
  return {
    read: () => {
      const reading = known ?? (known = readOrMake(path, warn));
      // What failed once may work later: a full disk, a folder that is not mounted yet.
      reading.catch(() => (known = null));
      return reading;
    },
  };
}

async function readOrMake(path: string, warn: (message: string) => void): Promise<Buffer> {
  try {
    const found = await readKey(path, warn);
    if (found) return found;
    await fs.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await make(path);
    // Another process may have been quicker: what counts is what stands there now.
    const made = await readKey(path, warn);
    if (made) return made;
    throw new Error("it does not hold what was written");
  } catch (thrown) {
    const why = (thrown as NodeJS.ErrnoException).code ?? toError(thrown).message;
    const words = `the key file ${path} can not be used (${why}); give Node-RED the right to read and write it`;
    throw new PrintgateError("store", words, { cause: thrown });
  }
}

/** null when there is none, or what was there is no key and has been set aside. */
async function readKey(path: string, warn: (message: string) => void): Promise<Buffer | null> {
  const text = await fs.readFile(path, "utf8").catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw thrown;
  });
  if (text === null) return null;
  const key = Buffer.from(text.trim(), "base64");
  if (key.length === BYTES) return key;
  const aside = asideOf(path);
  await fs.rename(path, aside);
  warn(`${path} is no key; it was set aside as ${aside} and a new one is made: sign in to your accounts again`);
  return null;
}

/** The whole key or none is at the path at every moment, and the first process to put one there wins. */
async function make(path: string): Promise<void> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.draft`;
  try {
    const file = await fs.open(draft, "wx", 0o600);
    try {
      await file.writeFile(`${randomBytes(BYTES).toString("base64")}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(draft, path);
  } finally {
    await fs.rm(draft, { force: true });
  }
}

/** File systems that know no hard links get a copy, which fails as well where there is a file already. */
async function place(draft: string, path: string): Promise<void> {
  const taken = (thrown: unknown): boolean => (thrown as NodeJS.ErrnoException).code === "EEXIST";
  try {
    await fs.link(draft, path);
  } catch (thrown) {
    if (taken(thrown)) return;
    await fs.copyFile(draft, path, constants.COPYFILE_EXCL).catch((second: unknown) => {
      if (!taken(second)) throw second;
    });
  }
}
