import { isIPv4, isIPv6 } from "node:net";

/** Network addresses: ranges as rules write them, addresses as brokers write them. */

/** 32 or 128 bits of an address. An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is its IPv4 address. */
export interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

/** Every address whose leading bits are the prefix. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly prefix: bigint;
  /** How many trailing bits are free. */
  readonly free: bigint;
}

const WIDTH = { 4: 32, 6: 128 } as const;
const MAPPED = 0xffffn;

function ipv4Bits(text: string): bigint {
  return text.split(".").reduce((bits, part) => (bits << 8n) | BigInt(Number(part)), 0n);
}

function ipv6Bits(text: string): bigint {
  // An IPv4 address at the end stands for two groups.
  const tail = /[\d.]+\.[\d.]+$/.exec(text)?.[0];
  const low = tail === undefined ? 0n : ipv4Bits(tail);
  const words =
    tail === undefined
      ? text
      : `${text.slice(0, -tail.length)}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  const [left = "", right] = words.split("::");
  const groupsOf = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const head = groupsOf(left);
  const end = right === undefined ? [] : groupsOf(right);
  const middle = Array.from({ length: 8 - head.length - end.length }, () => "0");
  return [...head, ...middle, ...end].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function parseIp(text: string): Address | null {
  if (isIPv4(text)) return { family: 4, bits: ipv4Bits(text) };
  if (!isIPv6(text) || text.includes("%")) return null;
  const bits = ipv6Bits(text);
  return bits >> 32n === MAPPED ? { family: 4, bits: bits & 0xffffffffn } : { family: 6, bits };
}

/** A single address or a range in CIDR notation, IPv4 or IPv6; null if it is neither. */
export function parseRange(text: string): AddressRange | null {
  const [ip = "", length, more] = text.split("/");
  const address = parseIp(ip);
  if (address === null || more !== undefined) return null;
  if (length === undefined) return { family: address.family, prefix: address.bits, free: 0n };
  if (!/^(?:0|[1-9]\d{0,2})$/.test(length)) return null;
  // A prefix of a mapped address counts the 96 bits that mark it as one.
  const mapped = address.family === 4 && ip.includes(":");
  const kept = Number(length) - (mapped ? 96 : 0);
  if (kept < 0 || kept > WIDTH[address.family]) return null;
  const free = BigInt(WIDTH[address.family] - kept);
  return { family: address.family, prefix: address.bits >> free, free };
}

/**
 * The address in what a broker calls the client's address: `192.0.2.1`, `192.0.2.1:51234`, `[2001:db8::1]:51234`,
 * and Java's `/192.0.2.1:51234`, `name/192.0.2.1:51234`, `/2001:db8:0:0:0:0:0:1:51234`; also `::ffff:192.0.2.1:51234`,
 * which a broker gets that joins what Node.js tells. Null if there is none.
 */
export function parseClientAddress(text: string): Address | null {
  const host = text.slice(text.lastIndexOf("/") + 1);
  if (host.length > LONGEST) return null;
  const inBrackets = /^\[([^\]]*)\](?::\d+)?$/.exec(host)?.[1];
  if (inBrackets !== undefined) return parseIp(inBrackets.replace(ZONE, ""));
  // Behind a zone, behind the dots of IPv4 and behind all eight groups (Java before 14) a number is the port.
  const port = /^(?:.*%[^:]*|.*\d\.\d+|(?:[\da-f]+:){7}[\da-f]+)(:\d+)$/i.exec(host)?.[1] ?? "";
  return parseIp(host.slice(0, host.length - port.length).replace(ZONE, ""));
}

/** Eight groups, a zone and a port have room in it; what an attacker makes longer is not even looked at. */
const LONGEST = 128;

/** The interface that an IPv6 address is of. */
const ZONE = /(?<=:.*)%[^:]*$/;

export function isInRange(address: Address, { family, prefix, free }: AddressRange): boolean {
  return address.family === family && address.bits >> free === prefix;
}
