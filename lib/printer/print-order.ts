import type { PrintContent, PrintOrder } from "./commands";
import { flagOf, indexIn, isPlainObject, type Members, membersOf, textOf, wrong } from "./payloads";

const MEMBERS = [
  "file",
  "name",
  "content",
  "path",
  "bytes",
  "plate",
  "ams",
  "useAms",
  "bedLeveling",
  "flowCalibration",
  "vibrationCalibration",
  "timelapse",
] as const;

const PLATE = { least: 1, most: 99 };
const MOST_FILAMENTS = 32;
const LONGEST_PATH = 1024;
const MOST_BYTES = 0x1_0000_0000;

/**
 * What a `print` command wants. A text, or `file` without content, is the name of a file that is on the printer;
 * `content` (a Buffer or a stream), a Buffer as `file`, or a `path` (also an absolute one as `file`) of the machine
 * that Node-RED runs on is uploaded first, under `name` or the name of that file. A Buffer without a name gets one by
 * what it holds; it may also be the whole payload.
 * @throws PrintgateError message-invalid
 */
export function readOrder(payload: unknown): PrintOrder {
  const members = membersOf(isFile(payload) ? { file: payload } : payload, MEMBERS);
  const content = contentOf(members);
  const file = content === null ? textOf(members["file"], "file", LONGEST_PATH) : uploadNameOf(members, content);
  // Of the machine's own files too: what is no print must not leave it under the name of one.
  for (const name of [file, ...(content?.kind === "path" ? [content.path] : [])])
    if (!/\.(3mf|gcode|gco|g)$/i.test(name)) wrong("file must end in .3mf or .gcode");
  if (file.split(/[/\\]/).includes("..")) wrong("file must not lead upwards");
  const ams = slotsOf(members["ams"]);
  return {
    file,
    content,
    plate: indexIn(members["plate"] ?? 1, "plate", PLATE),
    ams,
    useAms: flagOf(
      members["useAms"],
      "useAms",
      ams.some((slot) => slot !== null),
    ),
    bedLeveling: flagOf(members["bedLeveling"], "bedLeveling", true),
    flowCalibration: flagOf(members["flowCalibration"], "flowCalibration", false),
    vibrationCalibration: flagOf(members["vibrationCalibration"], "vibrationCalibration", false),
    timelapse: flagOf(members["timelapse"], "timelapse", false),
  };
}

function contentOf({ file, content, path, bytes }: Members): PrintContent | null {
  const given = [content, path, isAbsolute(file) || Buffer.isBuffer(file) ? file : undefined].filter(
    (value) => value !== undefined && value !== null,
  );
  if (given.length > 1) return wrong("only one of a content, a path and a file of this machine can be printed");
  const [source] = given;
  if (source === undefined) return null;
  if (Buffer.isBuffer(source)) return source.length > 0 ? { kind: "buffer", data: source } : wrong("content is empty");
  if (isStream(source)) {
    const known =
      bytes === undefined || bytes === null ? null : indexIn(bytes, "bytes", { least: 1, most: MOST_BYTES });
    return { kind: "stream", stream: source, bytes: known };
  }
  if (source === content) return wrong("content must be a Buffer or a stream");
  return { kind: "path", path: textOf(source, "path", LONGEST_PATH) };
}

/** The name under which it goes to the printer: one name, no folders. */
function uploadNameOf({ file, name, path }: Members, content: PrintContent): string {
  const named = name ?? (Buffer.isBuffer(file) ? undefined : file) ?? path;
  if (named === undefined || named === null) return nameByContent(content) ?? wrong("what is uploaded needs a name");
  const text = textOf(named, "name", LONGEST_PATH);
  const base = content.kind === "path" || named !== name ? (text.split(/[/\\]/).at(-1) ?? "") : text;
  return /[/\\]/.test(base) ? wrong("name must not hold / or \\") : textOf(base, "name", 120);
}

/** As the first bytes say: a .3mf is a ZIP archive, G-code begins with a comment or a command. */
function nameByContent(content: PrintContent): string | null {
  if (content.kind !== "buffer") return null;
  const start = content.data.toString("latin1", 0, 512);
  if (start.startsWith("PK\x03\x04")) return "printgate.3mf";
  return /^(\xEF\xBB\xBF)?\s*(;|[GM]\d)/.test(start) ? "printgate.gcode" : null;
}

function slotsOf(value: unknown): PrintOrder["ams"] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > MOST_FILAMENTS)
    return wrong(`ams must be a list of at most ${MOST_FILAMENTS} slots`);
  return Array.from(value, (slot: unknown) => {
    if (slot === null) return null;
    const members = isPlainObject(slot)
      ? membersOf(slot, ["unit", "slot"])
      : wrong("a slot must be { unit, slot } or null");
    return {
      unit: indexIn(members["unit"] ?? 0, "unit", { least: 0, most: 255 }),
      slot: indexIn(members["slot"], "slot", { least: 0, most: 15 }),
    };
  });
}

function isFile(payload: unknown): boolean {
  return typeof payload === "string" || Buffer.isBuffer(payload);
}

function isAbsolute(file: unknown): boolean {
  return typeof file === "string" && /^(\/|[a-z]:[/\\]|\\\\)/i.test(file.trim());
}

function isStream(value: unknown): value is NodeJS.ReadableStream {
  return typeof value === "object" && value !== null && typeof (value as { pipe?: unknown }).pipe === "function";
}
