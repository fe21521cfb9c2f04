/**
 * Protobuf's JSON mapping, as far as BifroMQ's auth messages need it: a message is a table of
 * fields in the order of their numbers, and one table serves both directions.
 *
 * Reading is strict about types and silent about unknown fields, as a protobuf parser that ignores
 * unknown fields is: `null` is "not set", an enum comes as name or number, bytes in either base64
 * alphabet with or without padding, a 32-bit number also as decimal text. Two members of a oneof,
 * an unknown enum value or a wrong type make the whole message malformed.
 */
import { PrintgateError, isPrintgateError } from "../errors";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** What came of reading something from outside. */
export type Reading<T> =
  { readonly kind: "read"; readonly value: T } | { readonly kind: "malformed"; readonly reason: string };

/** One field: how it is read, written, and what it is worth when it is not there. */
export interface Field<T> {
  /** Throws a `bad-frame` PrintgateError that names the place; only `readMessage` lets it out of here as a value. */
  read(json: unknown, place: string): T;
  /** Undefined = the field is left out. */
  write(value: T): Json | undefined;
  readonly absent: T;
}

type Shape = Readonly<Record<string, Field<unknown>>>;
type OptionalNames<V> = { [K in keyof V]-?: undefined extends V[K] ? K : never }[keyof V];
type Flatten<V> = { [K in keyof V]: V[K] };
/** The value of a message: fields that may be absent are optional properties. */
export type MessageOf<S extends Shape> = ValueOf<{ [K in keyof S]: S[K] extends Field<infer T> ? T : never }>;
type ValueOf<V> = Flatten<
  { readonly [K in Exclude<keyof V, OptionalNames<V>>]: V[K] } & {
    readonly [K in OptionalNames<V>]?: Exclude<V[K], undefined>;
  }
>;

const malformed = (place: string, wanted: string): PrintgateError =>
  new PrintgateError("bad-frame", `${place} is not ${wanted}`);

const isObject = (json: unknown): json is Record<string, unknown> =>
  typeof json === "object" && json !== null && !Array.isArray(json) && !(json instanceof Uint8Array);

function readText(json: unknown, place: string): string {
  if (typeof json !== "string") throw malformed(place, "a string");
  return json;
}

const BASE64 = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)(={0,2})$/;

/** Strict base64 of either alphabet: no white space, padding absent or right. Undefined = it is not. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  const padding = BASE64.exec(text)?.[1]?.length;
  if (padding === undefined) return undefined;
  const digits = text.length - padding;
  if (digits % 4 === 1 || (padding > 0 && text.length % 4 !== 0)) return undefined;
  return Buffer.from(text, "base64");
}

/** Bytes stand as base64 on the wire; a flow may hand over a Buffer instead. */
function readBytes(json: unknown, place: string): Uint8Array {
  if (json instanceof Uint8Array) return json;
  const bytes = typeof json === "string" ? bytesOfBase64(json) : undefined;
  if (bytes === undefined) throw malformed(place, "base64");
  return bytes;
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

/** A plain string: absent is "", and "" is not written. */
export const text: Field<string> = {
  read: readText,
  write: (value) => (value === "" ? undefined : value),
  absent: "",
};

/** A proto3 `optional string`: written when set, be it to "". */
export const optionalText: Field<string | undefined> = { read: readText, write: (value) => value, absent: undefined };

export const bytes: Field<Uint8Array> = {
  read: readBytes,
  write: (value) => (value.length === 0 ? undefined : base64(value)),
  absent: new Uint8Array(),
};

export const optionalBytes: Field<Uint8Array | undefined> = {
  read: readBytes,
  write: (value) => (value === undefined ? undefined : base64(value)),
  absent: undefined,
};

export const bool: Field<boolean> = {
  read(json, place) {
    if (typeof json !== "boolean") throw malformed(place, "true or false");
    return json;
  },
  write: (value) => (value ? true : undefined),
  absent: false,
};

export const uint32: Field<number> = {
  read(json, place) {
    const value = typeof json === "string" && /^\d{1,10}$/.test(json) ? Number(json) : json;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
      throw malformed(place, "a whole number of 32 bits");
    return value;
  },
  write: (value) => (value === 0 ? undefined : value),
  absent: 0,
};

/** An enum, its names in the order of their numbers. `zero` says whether the first one, the default, is written. */
export function oneNameOf<N extends string>(names: readonly [N, ...N[]], zero: "written" | "omitted"): Field<N> {
  return {
    read(json, place) {
      const name = typeof json === "number" ? names[json] : names.find((known) => known === json);
      if (name === undefined) throw malformed(place, `one of ${names.join(", ")}`);
      return name;
    },
    write: (value) => (value === names[0] && zero === "omitted" ? undefined : value),
    absent: names[0],
  };
}

export const textMap: Field<Readonly<Record<string, string>>> = {
  read(json, place) {
    if (!isObject(json)) throw malformed(place, "an object of strings");
    // fromEntries defines properties: a key `__proto__` stays a key.
    return Object.fromEntries(
      Object.entries(json).map(([key, value]) => [key, readText(value, `${place}.${key}`)] as const),
    );
  },
  write: (value) => (Object.keys(value).length === 0 ? undefined : value),
  absent: Object.freeze({}),
};

export function listOf<T>(item: Field<T>): Field<readonly T[]> {
  return {
    read(json, place) {
      if (!Array.isArray(json)) throw malformed(place, "a list");
      return json.map((entry, index) => item.read(entry, `${place}[${index}]`));
    },
    write: (value) => (value.length === 0 ? undefined : value.map((entry) => item.write(entry) ?? {})),
    absent: [],
  };
}

/** A message, its fields by JSON name in the order of their numbers. */
export function message<S extends Shape>(shape: S): Field<MessageOf<S> | undefined> {
  const rows = Object.entries(shape);
  return {
    read(json, place) {
      if (!isObject(json)) throw malformed(place, "an object");
      const value: Record<string, unknown> = {};
      for (const [name, field] of rows) {
        const raw = Object.hasOwn(json, name) ? json[name] : undefined;
        const read = raw === undefined || raw === null ? field.absent : field.read(raw, `${place}.${name}`);
        if (read !== undefined) value[name] = read;
      }
      return value as MessageOf<S>;
    },
    write(value) {
      if (value === undefined) return undefined;
      const given = value as Readonly<Record<string, unknown>>;
      const out: Record<string, Json> = {};
      for (const [name, field] of rows) {
        const written = field.write(given[name] ?? field.absent);
        if (written !== undefined) out[name] = written;
      }
      return out;
    },
    absent: undefined,
  };
}

/** Reads a whole message; never throws. `what` names it in the reason. */
export function readMessage<T>(field: Field<T>, json: unknown, what: string): Reading<Exclude<T, undefined>> {
  try {
    return { kind: "read", value: field.read(json, what) as Exclude<T, undefined> };
  } catch (error) {
    if (isPrintgateError(error, "bad-frame")) return { kind: "malformed", reason: error.message };
    throw error;
  }
}

/** Exactly one member of a oneof is set: its name. */
export function memberOf<T extends object>(value: T, what: string): Reading<keyof T & string> {
  const set = Object.keys(value) as (keyof T & string)[];
  const [only] = set;
  if (only === undefined) return { kind: "malformed", reason: `${what} is of no known kind` };
  if (set.length > 1) return { kind: "malformed", reason: `${what} is ${set.join(" and ")} at once` };
  return { kind: "read", value: only };
}

/** JSON text or UTF-8 bytes as a value. A byte order mark or invalid UTF-8 is malformed, as JSON wants it. */
export function parseJson(input: string | Uint8Array): Reading<unknown> {
  try {
    const decoded =
      typeof input === "string" ? input : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(input);
    return { kind: "read", value: JSON.parse(decoded) as unknown };
  } catch {
    return { kind: "malformed", reason: "not JSON" };
  }
}

/**
 * JSON text in the layout of protobuf's Java printer, which is what the demo plugin sends: two
 * spaces a level, one field a line, the entries of a list one behind the other.
 */
export function printJson(json: Json, indent = ""): string {
  if (Array.isArray(json)) return `[${json.map((entry: Json) => printJson(entry, indent)).join(", ")}]`;
  // Java's JSON writer escapes the two line separators as well.
  if (typeof json !== "object" || json === null)
    return JSON.stringify(json).replace(/[\u2028\u2029]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16)}`);
  const inner = `${indent}  `;
  const fields = Object.entries(json).map(
    ([name, value]: [string, Json]) => `${inner}${JSON.stringify(name)}: ${printJson(value, inner)}`,
  );
  return fields.length === 0 ? `{\n${indent}}` : `{\n${fields.join(",\n")}\n${indent}}`;
}
