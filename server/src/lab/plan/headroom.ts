// How much of a limit is kept free. A machine that others share, or whose clock changes, does not do in one window what it
// did in another; how far windows of the same load lie apart says how low the next one may come out.
import { mean, variance } from "@slipway/core/stats";
import { nextBound } from "./windows.ts";

export interface Headroom {
  /** Of the limit, the share that is not planned with. */
  readonly share: number;
  /** Standard deviation of the logarithm of the windows' throughput; 0 where there are fewer than two. */
  readonly variation: number;
  readonly windows: number;
}

/** Less is never kept free: a search for a limit has a resolution of its own, and a queue near its limit is never calm. */
export const LEAST_HEADROOM = 0.15;
/** More would have a plan use next to nothing; such a machine is no place to measure on, and the confirmation says so. */
export const MOST_HEADROOM = 0.7;
/** The next window is to come out below what is planned with at most once in twenty. */
const LEVEL = 0.95;

/** @param throughputs of windows with the same load, all the server can do, over the time of the search */
export function headroomFrom(throughputs: readonly number[]): Headroom {
  const lowest = nextBound(throughputs, "lower", LEVEL);
  if (lowest === null) return { share: MOST_HEADROOM, variation: 0, windows: throughputs.length };
  const logarithms = throughputs.map(Math.log);
  const typical = Math.exp(mean(logarithms));
  return {
    share: Math.min(MOST_HEADROOM, Math.max(LEAST_HEADROOM, 1 - lowest / typical)),
    variation: Math.sqrt(variance(logarithms)),
    windows: throughputs.length,
  };
}
