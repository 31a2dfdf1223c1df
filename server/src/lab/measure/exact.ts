// Values that are counted and not estimated: they have no interval.
import type { MeasuredValue } from "#registry";

export function exact(value: number, unit: string, method: string): MeasuredValue {
  return { value, reason: null, unit, interval: null, method, count: null };
}

/** What can't be said, and why. */
export function undefinedValue(reason: string, unit: string, method: string): MeasuredValue {
  return { value: null, reason, unit, interval: null, method, count: null };
}
