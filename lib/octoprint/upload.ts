import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { PrintgateError, toError } from "../errors";
import type { PrintContent, PrintOrder } from "../printer/commands";
import type { CommandReply, SendOptions } from "../printer/link";
import type { OctoprintClient, Reply } from "./client";
import { REFUSALS, replyTo } from "./commands";
import { fieldsOf, own, textOf } from "./wire";

/** Puts a file on OctoPrint and prints it, or prints one that is there. */

const FOLDER = "api/files/local";

/**
 * Uploads first and starts then: how long a file takes nobody knows, and the printer can be busy with something else by then.
 * @throws PrintgateError `message-invalid` for a name or file that can not be used, `upload-failed`, what the client and `leaving` throw
 */
export async function print(
  client: OctoprintClient,
  key: string,
  order: PrintOrder,
  options: SendOptions,
): Promise<CommandReply> {
  const { folders, name } = placeOf(order.file);
  const ask = { method: "POST", key, accept: REFUSALS, signal: options.signal } as const;
  let path = [...folders, name].join("/");
  if (order.content !== null) {
    const source = await open(order.content);
    // It may break before anybody reads it; whoever does then is told.
    source.stream.on("error", () => undefined);
    const { body, headers } = multipart({ path: folders.join("/") }, name, source, options);
    let reply: Reply;
    try {
      reply = await client.ask({ ...ask, path: FOLDER, stream: { body, headers }, timeoutMs: 0 });
    } catch (thrown) {
      const error = toError(thrown);
      if (!["unreachable", "link-lost", "unexpected"].includes(error.code)) throw error;
      throw new PrintgateError("upload-failed", `the file did not reach OctoPrint: ${error.message}`, { cause: error });
    } finally {
      source.stream.destroy();
      body.destroy();
    }
    if (reply.status >= 400) return replyTo("print", reply, "unanswered");
    // OctoPrint may have made another name of it.
    path = textOf(own(fieldsOf(own(fieldsOf(own(reply.body, "files")), "local")), "path")) ?? path;
    options.leaving?.();
  }
  const file = path.split("/").map(encodeURIComponent).join("/");
  const reply = await client.ask({ ...ask, path: `${FOLDER}/${file}`, json: { command: "select", print: true } });
  return replyTo("print", reply, "unanswered");
}

function placeOf(file: string): { folders: string[]; name: string } {
  const parts = file.split("/").filter((part) => part !== "");
  const name = parts.pop();
  if (name === undefined || [...parts, name].some((part) => part === "." || part === ".." || /[\p{Cc}"\\]/u.test(part)))
    throw new PrintgateError("message-invalid", `"${file.slice(0, 80)}" can not be the name of a file on OctoPrint`);
  return { folders: parts, name };
}

interface Source {
  readonly stream: Readable;
  readonly bytes: number | null;
}

async function open(content: PrintContent): Promise<Source> {
  switch (content.kind) {
    case "buffer":
      return { stream: Readable.from([content.data]), bytes: content.data.length };
    case "stream":
      return { stream: new Readable().wrap(content.stream), bytes: content.bytes };
    case "path": {
      const found = await stat(content.path).catch((cause: unknown) => {
        throw new PrintgateError("message-invalid", `the file ${content.path} can not be read`, { cause });
      });
      if (!found.isFile()) throw new PrintgateError("message-invalid", `${content.path} is no file`);
      return { stream: createReadStream(content.path), bytes: found.size };
    }
  }
}

/** A multipart/form-data body that is made while it is sent: a print can have hundreds of megabytes. */
function multipart(
  fields: Readonly<Record<string, string>>,
  name: string,
  source: Source,
  options: SendOptions,
): { body: Readable; headers: Record<string, string> } {
  const boundary = `printgate-${randomBytes(12).toString("hex")}`;
  const part = (disposition: string, more = ""): string =>
    `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n`;
  const plain = Object.entries(fields)
    .filter(([, value]) => value !== "")
    .map(([field, value]) => `${part(`name="${field}"`)}${value}\r\n`);
  const head = Buffer.from(
    `${plain.join("")}${part(`name="file"; filename="${name}"`, "Content-Type: application/octet-stream\r\n")}`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const total = source.bytes;

  async function* chunks(): AsyncGenerator<Buffer> {
    yield head;
    let sent = 0;
    for await (const chunk of source.stream) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      for (let from = 0; from < bytes.length; from += CHUNK) {
        const piece = bytes.subarray(from, from + CHUNK);
        yield piece;
        sent += piece.length;
        options.progress?.(sent, total);
      }
    }
    yield tail;
  }

  const headers: Record<string, string> = { "Content-Type": `multipart/form-data; boundary=${boundary}` };
  if (total !== null) headers["Content-Length"] = String(head.length + total + tail.length);
  return { body: Readable.from(chunks(), { objectMode: false }), headers };
}

/** Bytes between two words of progress. */
const CHUNK = 64 * 1024;
