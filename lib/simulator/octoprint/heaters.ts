/** Temperatures of the machine behind OctoPrint. Invented but plausible rates; deterministic. */

export interface Heater {
  actual: number;
  target: number;
}

/** What the room has, and what OctoPrint's own virtual printer shows when it is cold. */
const AMBIENT = 21.3;

/** °C a second while heating, share of the distance to the room that is lost a second. */
const RATES: Readonly<Record<"tool" | "bed" | "chamber", { readonly up: number; readonly down: number }>> = {
  tool: { up: 4, down: 0.012 },
  bed: { up: 0.8, down: 0.003 },
  chamber: { up: 0.1, down: 0.002 },
};

/** `tool0`, `tool1` .., `bed`, and `chamber` where there is one. */
export type Heaters = Map<string, Heater>;

export function coldHeaters(tools: number, chamber: boolean): Heaters {
  const names = [
    ...Array.from({ length: tools }, (_, index) => `tool${index}`),
    "bed",
    ...(chamber ? ["chamber"] : []),
  ];
  return new Map(names.map((name) => [name, { actual: AMBIENT, target: 0 }]));
}

export function heat(heaters: Heaters, seconds: number): void {
  for (const [name, heater] of heaters) {
    const { up, down } = RATES[name === "bed" || name === "chamber" ? name : "tool"];
    const rest = Math.max(AMBIENT, heater.target);
    heater.actual =
      heater.actual < rest
        ? Math.min(rest, heater.actual + up * seconds)
        : rest + (heater.actual - rest) * Math.exp(-down * seconds);
  }
}

/** Two decimals, as the firmware reports them. */
export const reading = (celsius: number): number => Math.round(celsius * 100) / 100;
