/** The files on the server. Print time and layers are what a test wants them to be. */
import { createHash } from "node:crypto";
import type { JsonObject } from "../json";

export interface StoredFile {
  /** Below the storage's root, with `/`. */
  readonly path: string;
  readonly origin: "local" | "sdcard";
  readonly bytes: Buffer;
  /** Epoch s. */
  readonly date: number;
  /** Who uploaded it. */
  readonly owner: string;
  /** Printer seconds. */
  readonly seconds: number;
  readonly layers: number;
  prints: { success: number; failure: number };
}

export interface FileInput {
  readonly path: string;
  readonly bytes: Buffer;
  readonly date: number;
  readonly owner: string;
  readonly seconds?: number;
  readonly layers?: number;
  readonly origin?: "local" | "sdcard";
}

const SECONDS_PER_LINE = 0.1;
const SHORTEST_SECONDS = 60;
const MARK = /^;LAYER(?::|_CHANGE)/gm;

export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

export class FileShelf {
  private readonly files = new Map<string, StoredFile>();

  /** Without a time of its own a file takes a tenth of a second a line; layers are counted by the slicer's marks. */
  put(input: FileInput): StoredFile {
    const text = input.bytes.toString("latin1");
    const file: StoredFile = {
      origin: "local",
      seconds: Math.max(SHORTEST_SECONDS, text.split("\n").length * SECONDS_PER_LINE),
      layers: Math.max(1, text.match(MARK)?.length ?? 1),
      prints: { success: 0, failure: 0 },
      ...input,
    };
    this.files.set(`${file.origin}/${file.path}`, file);
    return file;
  }

  get(origin: string, path: string): StoredFile | undefined {
    return this.files.get(`${origin}/${path}`);
  }

  remove(file: StoredFile): void {
    this.files.delete(`${file.origin}/${file.path}`);
  }

  list(origin?: string): StoredFile[] {
    return [...this.files.values()].filter((file) => origin === undefined || file.origin === origin);
  }
}

/** `job.file`; all null where nothing is selected. */
export function encodeJobFile(file: StoredFile | null): JsonObject {
  if (file === null) return { name: null, path: null, display: null, origin: null, size: null, date: null };
  const name = nameOf(file.path);
  return { name, path: file.path, display: name, origin: file.origin, size: file.bytes.length, date: file.date };
}

/** `refs` of a file; `base` = the server's address as the client called it. */
export function encodeRefs(base: string, origin: string, path: string): JsonObject {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return {
    resource: `${base}/api/files/${origin}/${encoded}`,
    ...(origin === "local" ? { download: `${base}/downloads/files/local/${encoded}` } : {}),
  };
}

/** An entry of the file lists. */
export function encodeFile(base: string, file: StoredFile): JsonObject {
  const name = nameOf(file.path);
  return {
    name,
    display: name,
    path: file.path,
    origin: file.origin,
    type: "machinecode",
    typePath: ["machinecode", "gcode"],
    date: file.date,
    size: file.bytes.length,
    hash: createHash("sha1").update(file.bytes).digest("hex"),
    user: file.owner,
    ...(file.prints.success + file.prints.failure > 0 ? { prints: { ...file.prints } } : {}),
    refs: encodeRefs(base, file.origin, file.path),
  };
}
