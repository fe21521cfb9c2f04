import { constants, mkdirSync, promises as fs, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PrintgateError, toError } from "../errors";

/**
 * State that outlives a restart, one JSON file a document in `<userDir>/printgate/`.
 *
 * Why own files and not Node-RED's context storage: context lives in memory unless the user configured
 * otherwise, and its file store writes every 30 s. A process killed in between would tell an ending
 * twice, or never. Here a document is on disk when `save` has resolved.
 *
 * A document is replaced in one step: written beside itself, flushed, renamed. A file that can not be
 * read as JSON is set aside as `<name>.set-aside-<time>` and never deleted. Files are 0600, folders 0700.
 */
export interface Document<T> {
  /** What was saved last; null when there is nothing usable. Never rejects. */
  load(): Promise<T | null>;
  /**
   * Resolves when the value would survive a kill of the process and a loss of power. Saves of one document run one
   * after the other.
   * @throws PrintgateError `store`, also said once in the log
   */
  save(value: T): Promise<void>;
  /**
   * Replaces the document before it returns, for the one place where a later turn of the loop is too
   * late. Survives a kill of the process, not a loss of power. Never while a `save` is under way.
   * @throws PrintgateError `store`, also said once in the log
   */
  saveNow(value: T): void;
  /** Puts away what was loaded and turned out to be useless, `why` in the log; it is never deleted. Never rejects. */
  setAside(why: string): Promise<void>;
}

export interface Store {
  /** The document of this name; `shape` refuses JSON that is not such a document. */
  document<T>(name: string, shape: (value: unknown) => value is T): Document<T>;
}

/** For a Node-RED without a user directory, as in tests: state lives as long as the process. */
export function memoryStore(): Store {
  const documents = new Map<string, unknown>();
  return {
    document: <T>(name: string, shape: (value: unknown) => value is T) => ({
      load: () => {
        const value = structuredClone(documents.get(name));
        return Promise.resolve(shape(value) ? value : null);
      },
      save: (value: T) => {
        documents.set(name, structuredClone(value));
        return Promise.resolve();
      },
      saveNow: (value: T) => {
        documents.set(name, structuredClone(value));
      },
      setAside: () => {
        documents.delete(name);
        return Promise.resolve();
      },
    }),
  };
}

/** The store below a folder, which is made when something is saved. `warn` gets one sentence a kind of trouble. */
export function fileStore(folder: string, warn: (message: string) => void): Store {
  /** Kind of trouble -> the file it was said about; forgotten once that file can be written again. */
  const said = new Map<string, string>();
  const queues = new Map<string, Promise<unknown>>();

  /** One after the other per file: two writers of one file would overtake each other. */
  const inTurn = <R>(path: string, work: () => Promise<R>): Promise<R> => {
    const turn = (queues.get(path) ?? Promise.resolve()).then(work, work);
    queues.set(path, turn);
    const leave = (): void => {
      if (queues.get(path) === turn) queues.delete(path);
    };
    turn.then(leave, leave);
    return turn;
  };

  const failed = (doing: string, path: string, thrown: unknown): PrintgateError => {
    const code = (thrown as NodeJS.ErrnoException).code ?? toError(thrown).message;
    const error = new PrintgateError("store", `${path} can not be ${doing} (${code})`, { cause: thrown });
    const kind = `${doing} ${code}`;
    if (!said.has(kind)) warn(`${error.message}; printer state may be lost at a restart`);
    said.set(kind, path);
    return error;
  };

  const setAside = async (path: string, why: string): Promise<void> => {
    const aside = asideOf(path);
    await fs.rename(path, aside);
    warn(`${path} ${why}; it was set aside as ${aside}`);
  };

  const load = async <T>(path: string, shape: (value: unknown) => value is T): Promise<T | null> => {
    try {
      const value = parsed(await fs.readFile(path, "utf8"));
      if (shape(value)) return value;
      await setAside(path, "is not a document that this version of the package can use");
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") failed("read", path, thrown);
    }
    return null;
  };

  const save = async (path: string, text: string): Promise<void> => {
    try {
      await fs.mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await replace(path, text);
      for (const [kind, troubled] of said) if (troubled === path) said.delete(kind);
    } catch (thrown) {
      throw failed("written", path, thrown);
    }
  };

  return {
    document: (name, shape) => {
      const path = join(folder, `${name}.json`);
      return {
        load: () => inTurn(path, () => load(path, shape)),
        save: (value) => {
          // Taken now: the caller's object may change while earlier saves run.
          const text = JSON.stringify(value);
          return inTurn(path, () => save(path, text));
        },
        saveNow: (value) => {
          try {
            replaceNow(path, JSON.stringify(value));
          } catch (thrown) {
            throw failed("written", path, thrown);
          }
        },
        setAside: (why) =>
          inTurn(path, () => setAside(path, why)).catch((thrown: unknown) => {
            if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") failed("set aside", path, thrown);
          }),
      };
    },
  };
}

/** Where a file goes that can not be used. */
export function asideOf(path: string): string {
  return `${path}.set-aside-${new Date().toISOString().replace(/[:.]/g, "-")}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A second Node-RED on the same user directory must not rename what this one has half written. */
const draftOf = (path: string): string => `${path}.${process.pid}.draft`;

/** The file has either its old or its new content at every moment. */
async function replace(path: string, text: string): Promise<void> {
  const draft = draftOf(path);
  try {
    // O_TRUNC without O_EXCL: the draft of a killed process is overwritten.
    const file = await fs.open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(draft, path);
  } catch (thrown) {
    await fs.rm(draft, { force: true }).catch(() => undefined);
    throw thrown;
  }
  await flushFolder(dirname(path));
}

function replaceNow(path: string, text: string): void {
  const draft = draftOf(path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

/** The rename itself is only on disk when its folder is; some file systems can not flush a folder. */
async function flushFolder(path: string): Promise<void> {
  const folder = await fs.open(path, "r").catch(() => null);
  if (!folder) return;
  await folder.sync().catch(() => undefined);
  await folder.close();
}

/** A name that is safe as a file name on every system, different for different ids. */
export function fileNameOf(id: string): string {
  return encodeURIComponent(id).replace(/[.*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
