// Figures as evidence keeps them, and the names of those that single out a class or slice.
import type { Interval } from "@slipway/core/stats";
import type { MeasuredValue } from "#registry";
import { type Metric, type ResampledInterval, UNDEFINED_REASONS } from "../quality/index.ts";

/** Intervals of resampled figures, by their names. */
export interface Intervals {
  readonly interval: (name: string, level: number) => ResampledInterval;
}

export interface Found {
  readonly interval: Interval | null;
  readonly method: string;
}

/** @param level confidence of the interval */
export function measured(
  metric: Metric,
  { interval, method }: Found,
  count: number,
  level: number,
  unit = "1",
): MeasuredValue {
  if (metric.value === null) {
    return { value: null, reason: UNDEFINED_REASONS[metric.reason], unit, interval: null, method, count };
  }
  const ends = interval === null ? null : { lower: interval.lower, upper: interval.upper, level };
  return { value: metric.value, reason: null, unit, interval: ends, method, count };
}

/** "mean over classes; BCa bootstrap, 2000 resamples" */
export function methodOf(what: string, how: string): string {
  return `${what}; ${how}`;
}
