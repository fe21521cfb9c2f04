/** Files: lists, uploads, selecting and printing. */
import { answer, type Answer, type Call, DONE, FORBIDDEN, NOT_FOUND, refusal, type Route } from "./answers";
import { may } from "./access";
import { encodeFile, encodeRefs, nameOf, type StoredFile } from "./files";
import { isTrue, readForm, textOf } from "./multipart";

const FREE_BYTES = 8_000_000_000;
const PRINTABLE = /\.(?:gcode|gco|g)$/i;

/** Selects, and starts where that is wanted. */
function take({ core, user }: Call, file: StoredFile, print: boolean): void {
  const name = user?.name ?? "_api";
  core.machine.select(file, name);
  if (print) core.machine.start(name);
}

function list({ core, base }: Call, origin?: string): Answer {
  const files = core.files.list(origin).map((file) => encodeFile(base, file));
  return answer({ files, free: FREE_BYTES, total: FREE_BYTES * 2 });
}

function upload(call: Call): Answer {
  const { core, user, params, headers, bytes, base } = call;
  const origin = params[0] ?? "";
  const parts = readForm(headers["content-type"] ?? "", bytes) ?? [];
  const sent = parts.find(({ name, filename }) => name === "file" && filename !== null);
  if (sent === undefined) return refusal(400, "No file to upload and no folder to create");
  const name = nameOf((sent.filename ?? "").replaceAll("\\", "/"));
  if (!PRINTABLE.test(name)) return refusal(415, "Could not upload file, invalid type");
  const select = isTrue(textOf(parts, "select"));
  const print = isTrue(textOf(parts, "print"));
  if ((select && !may(user, "FILES_SELECT")) || (print && !may(user, "PRINT"))) return FORBIDDEN;
  const folder = (textOf(parts, "path") ?? "").replace(/^\/+|\/+$/g, "");
  const path = folder === "" ? name : `${folder}/${name}`;
  const { machine } = core;
  if (machine.busy && machine.file?.path === path)
    return refusal(409, "Trying to overwrite file that is currently being printed");
  const file = core.files.put({
    path,
    bytes: sent.bytes,
    date: Math.floor(core.now() / 1000),
    owner: user?.name ?? "_api",
  });
  core.emit("FileAdded", { storage: "local", path, name, type: ["machinecode", "gcode"], operation: "add" });
  core.emit("UpdatedFiles", { type: "printables" });
  // While the printer is busy or off the file is only kept.
  const can = machine.operational && !machine.busy;
  const effective = { select: can && (select || print), print: can && print };
  if (effective.select) take(call, file, effective.print);
  core.emit("Upload", {
    name,
    path,
    target: origin,
    select,
    print,
    effective_select: effective.select,
    effective_print: effective.print,
  });
  const refs = encodeRefs(base, "local", path);
  const resource = typeof refs["resource"] === "string" ? refs["resource"] : base;
  return {
    status: 201,
    headers: { location: resource },
    body: {
      done: true,
      effectiveSelect: effective.select,
      effectivePrint: effective.print,
      files: { local: { name, path, origin: "local", refs } },
    },
  };
}

function postFile(call: Call): Answer {
  const { core, user, params, body } = call;
  const file = core.files.get(params[0] ?? "", params[1] ?? "");
  if (file === undefined) return NOT_FOUND;
  if (body["command"] !== "select") return refusal(400, "command is invalid");
  const print = body["print"] === true || isTrue(String(body["print"]));
  if (print && !may(user, "PRINT")) return FORBIDDEN;
  const { machine } = core;
  if (!machine.operational || machine.busy)
    return refusal(409, "Printer is already printing, cannot select a new file");
  take(call, file, print);
  return DONE;
}

function deleteFile({ core, params }: Call): Answer {
  const file = core.files.get(params[0] ?? "", params[1] ?? "");
  if (file === undefined) return NOT_FOUND;
  if (core.machine.busy && core.machine.file === file)
    return refusal(409, "Trying to delete a file that is currently in use");
  core.files.remove(file);
  core.emit("UpdatedFiles", { type: "printables" });
  return DONE;
}

export const FILE_ROUTES: readonly Route[] = [
  { method: "GET", path: /^\/api\/files$/, permission: "FILES_LIST", run: (call) => list(call) },
  {
    method: "GET",
    path: /^\/api\/files\/(local|sdcard)$/,
    permission: "FILES_LIST",
    run: (call) => list(call, call.params[0]),
  },
  { method: "POST", path: /^\/api\/files\/(local|sdcard)$/, permission: "FILES_UPLOAD", run: upload },
  {
    method: "GET",
    path: /^\/api\/files\/(local|sdcard)\/(.+)$/,
    permission: "FILES_LIST",
    run: ({ core, params, base }) => {
      const file = core.files.get(params[0] ?? "", params[1] ?? "");
      return file === undefined ? NOT_FOUND : answer(encodeFile(base, file));
    },
  },
  {
    method: "POST",
    path: /^\/api\/files\/(local|sdcard)\/(.+)$/,
    permission: "FILES_SELECT",
    json: true,
    run: postFile,
  },
  { method: "DELETE", path: /^\/api\/files\/(local|sdcard)\/(.+)$/, permission: "FILES_DELETE", run: deleteFile },
];
