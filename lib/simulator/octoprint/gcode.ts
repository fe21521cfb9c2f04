/** The few G-codes that the machine behind OctoPrint understands; it takes any others and does nothing. */

export type GcodeAct =
  | { readonly kind: "heat"; readonly heater: string; readonly target: number }
  | { readonly kind: "firmware" }
  | { readonly kind: "stop" };

const LINE = /^\s*([GM]\d{1,4})\b([^;]*)/i;
const HEATERS: Readonly<Record<string, string>> = {
  M104: "tool",
  M109: "tool",
  M140: "bed",
  M190: "bed",
  M141: "chamber",
  M191: "chamber",
};

function word(rest: string, letter: string): number | null {
  const text = new RegExp(`(?:^|\\s)${letter}\\s*(-?\\d+(?:\\.\\d+)?)`, "i").exec(rest)?.[1];
  return text === undefined ? null : Number(text);
}

/** What a line asks for; null where that is nothing this machine shows. */
export function readGcode(line: string): GcodeAct | null {
  const match = LINE.exec(line);
  const code = (match?.[1] ?? "").toUpperCase();
  const rest = match?.[2] ?? "";
  if (code === "M115") return { kind: "firmware" };
  if (code === "M112") return { kind: "stop" };
  const heater = HEATERS[code];
  const target = word(rest, "S") ?? word(rest, "R");
  if (heater === undefined || target === null) return null;
  return { kind: "heat", heater: heater === "tool" ? `tool${word(rest, "T") ?? 0}` : heater, target };
}
