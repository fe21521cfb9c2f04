/** Reads a `multipart/form-data` body. Source: RFC 7578. */

export interface FormPart {
  readonly name: string;
  /** Of a file. */
  readonly filename: string | null;
  readonly bytes: Buffer;
}

const BOUNDARY = /^multipart\/form-data\s*;.*\bboundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i;
const parameter = (header: string, name: string): string | null =>
  new RegExp(`[;\\s]${name}="([^"]*)"`, "i").exec(header)?.[1] ?? null;

/** null where the body is no such form. */
export function readForm(contentType: string, body: Buffer): FormPart[] | null {
  const match = BOUNDARY.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) return null;
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: FormPart[] = [];
  let at = body.indexOf(delimiter);
  while (at >= 0) {
    const begin = at + delimiter.length;
    // Two dashes after the delimiter: that was the last part.
    if (body.subarray(begin, begin + 2).toString("latin1") === "--") return parts;
    const end = body.indexOf(delimiter, begin);
    if (end < 0) return null;
    const split = body.indexOf("\r\n\r\n", begin);
    if (split < 0 || split > end) return null;
    const disposition = /^content-disposition:(.*)$/im.exec(body.toString("utf8", begin, split))?.[1] ?? "";
    const name = parameter(disposition, "name");
    if (name === null) return null;
    const bytes = Buffer.from(body.subarray(split + 4, Math.max(split + 4, end - 2)));
    parts.push({ name, filename: parameter(disposition, "filename"), bytes });
    at = end;
  }
  return null;
}

export function textOf(parts: readonly FormPart[], name: string): string | null {
  const part = parts.find((one) => one.name === name);
  return part === undefined ? null : part.bytes.toString("utf8");
}

/** The words that OctoPrint takes for true. */
export const isTrue = (text: string | null): boolean => ["true", "yes", "y", "1"].includes((text ?? "").toLowerCase());
