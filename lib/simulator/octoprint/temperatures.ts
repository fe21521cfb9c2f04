import type { JsonObject } from "../json";
import { type Heaters, reading } from "./heaters";

export interface TemperaturePoint {
  /** Counts up, so that each listener can be told what is new to it. */
  readonly number: number;
  readonly values: JsonObject;
}

const KEPT_POINTS = 300;

/** What the sensors said, the last three hundred times. */
export class TemperatureLog {
  readonly points: TemperaturePoint[] = [];
  private count = 0;

  note(values: JsonObject): void {
    this.count += 1;
    this.points.push({ number: this.count, values });
    if (this.points.length > KEPT_POINTS) this.points.shift();
  }
}

/** By heater; a chamber that is not there is told as null. */
export function measured(heaters: Heaters): JsonObject {
  const told = [...heaters].map(([name, { actual, target }]) => [name, { actual: reading(actual), target }] as const);
  const absent = heaters.has("chamber") ? {} : { chamber: { actual: null, target: null } };
  return { ...Object.fromEntries(told), ...absent };
}
