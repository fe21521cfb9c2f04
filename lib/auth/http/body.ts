/** The body of a request, whole and bounded, whether it is still a stream or somebody parsed it already. */
import { parseJson } from "../wire-json";

/** What a server has of a body. */
export interface BodySource {
  /** What a parser in front made of it; undefined = nobody read the stream yet. Bytes and text count as not parsed. */
  readonly parsed: unknown;
  readonly stream: AsyncIterable<Uint8Array | string>;
  /** The header, where there is one. */
  readonly contentLength: string | undefined;
}

export type Body =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "refused"; readonly status: 400 | 408 | 413; readonly reason: string };

export interface BodyLimits {
  readonly bytes: number;
  readonly ms: number;
}

const tooLarge = (limit: number): Body => ({
  kind: "refused",
  status: 413,
  reason: `the body is larger than ${limit} bytes`,
});

/** The bytes of a stream, or undefined as soon as there are more than the limit. */
async function collect(stream: BodySource["stream"], limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Not `for await`: leaving that loop destroys the stream and takes the socket off a request that is still to be answered.
  const iterator = stream[Symbol.asyncIterator]();
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    const bytes = Buffer.from(next.value as Uint8Array);
    size += bytes.length;
    if (size > limit) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function readStream(stream: BodySource["stream"], limits: BodyLimits): Promise<Body> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Body>((resolve) => {
    timer = setTimeout(() => {
      resolve({ kind: "refused", status: 408, reason: "the body did not arrive in time" });
    }, limits.ms);
  });
  const arrived = collect(stream, limits.bytes).then(
    (bytes): Body => (bytes === undefined ? tooLarge(limits.bytes) : jsonOf(bytes)),
    (): Body => ({ kind: "refused", status: 400, reason: "the body broke off" }),
  );
  try {
    return await Promise.race([arrived, late]);
  } finally {
    clearTimeout(timer);
  }
}

function jsonOf(bytes: Uint8Array | string): Body {
  const json = parseJson(bytes);
  return json.kind === "read"
    ? { kind: "json", value: json.value }
    : { kind: "refused", status: 400, reason: "the body is not JSON" };
}

/** Whether the body is refused by its announced length, unread. */
export function announcesTooMuch({ contentLength }: BodySource, limits: BodyLimits): boolean {
  return Number(contentLength ?? 0) > limits.bytes;
}

/** The body as JSON. Never rejects, and never waits longer than it may. */
export async function readJsonBody(source: BodySource, limits: BodyLimits): Promise<Body> {
  const { parsed } = source;
  if (announcesTooMuch(source, limits)) return tooLarge(limits.bytes);
  if (parsed === undefined) return readStream(source.stream, limits);
  if (typeof parsed === "string" || parsed instanceof Uint8Array)
    return Buffer.byteLength(parsed) > limits.bytes ? tooLarge(limits.bytes) : jsonOf(parsed);
  // A body sent in chunks tells no length: what it became does.
  const size = sizeOf(parsed);
  if (size === undefined) return { kind: "refused", status: 400, reason: "the body is nested too deeply" };
  return size > limits.bytes ? tooLarge(limits.bytes) : { kind: "json", value: parsed };
}

/** Bytes of a value as JSON; undefined where it is nested deeper than can be told. */
function sizeOf(value: unknown): number | undefined {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    return undefined;
  }
}
