// What load tests at one rate say of an objective, and when enough of them were made. Each test ("window") is short and has
// arrivals of its own, so windows are nearly independent where the requests within one are not: a queue that builds up makes
// neighbours late together, and a machine's disturbances last. The decision is therefore about windows: what share of them
// meets the objective is what an operator sees, try by try.
import { assert } from "@slipway/core/base";
import { type Interval, mean, median, quantileInterval, tDistribution, variance } from "@slipway/core/stats";
import { isGeneratorLate, isMet, type LoadOutcome, type Objective, type Trial, trialFrom } from "#load";

/** What one load test showed. */
export interface Window extends Trial {
  readonly offered: number;
  readonly p50Ms: number | null;
  /** Share of one core's time the generator's thread was at work. */
  readonly generatorShare: number;
}

/** @throws SlipwayError USAGE for a quantile that load tests don't tell */
export function windowFrom({ report, busyShare }: LoadOutcome, objective: Objective): Window {
  return {
    ...trialFrom(report, objective),
    offered: report.offered,
    p50Ms: report.latency?.p50Ms ?? null,
    generatorShare: busyShare,
    isGeneratorLate: isGeneratorLate(report),
  };
}

/** A rate whose windows meet the objective this often is to be accepted … */
export const GOOD_SHARE = 0.98;
/** … and one whose windows do so only this often is not. */
export const BAD_SHARE = 0.8;
/** How often a bad rate may be accepted. */
export const MOST_FALSE_MET = 0.1;
/** How often a good rate may be turned down. */
export const MOST_FALSE_MISSED = 0.05;

export type Decision = "met" | "missed" | "open";

/**
 * Wald's sequential probability ratio test on windows: goes on only as long as it has to, and errs about as often as said
 * above (A. Wald, "Sequential Tests of Statistical Hypotheses", Annals of Mathematical Statistics 16 (1945), 117–186).
 * @param met whether each window met the objective, in the order they were measured
 */
export function decide(met: readonly boolean[]): Decision {
  let evidence = 0;
  for (const one of met) {
    evidence += one ? PER_MET : PER_MISSED;
    if (evidence >= ACCEPT_AT) return "met";
    if (evidence <= REJECT_AT) return "missed";
  }
  return "open";
}

const PER_MET = Math.log(GOOD_SHARE / BAD_SHARE);
const PER_MISSED = Math.log((1 - GOOD_SHARE) / (1 - BAD_SHARE));
const ACCEPT_AT = Math.log((1 - MOST_FALSE_MISSED) / MOST_FALSE_MET);
const REJECT_AT = Math.log(MOST_FALSE_MISSED / (1 - MOST_FALSE_MET));

/** Windows it takes where all meet the objective. */
export const LEAST_WINDOWS = Math.ceil(ACCEPT_AT / PER_MET);

/** How sure a bound on the next observation is. */
export const BOUND_LEVEL = 0.9;

/**
 * Where the next of several like positive observations lies, at most (or at least) so sure: a one-sided prediction bound on
 * the logarithms, taken as normal with unknown mean and variance (G. J. Hahn and W. Q. Meeker, Statistical Intervals, 1991,
 * section 4.6).
 * @param side which end it is: nothing above, or nothing below
 * @returns null of fewer than three observations or of one that is not positive
 */
export function nextBound(values: readonly number[], side: "upper" | "lower", level = BOUND_LEVEL): number | null {
  const n = values.length;
  if (n < 3 || values.some((value) => value <= 0)) return null;
  const logarithms = values.map(Math.log);
  const reach = tDistribution(n - 1).quantile(level) * Math.sqrt(variance(logarithms) * (1 + 1 / n));
  return Math.exp(mean(logarithms) + (side === "upper" ? reach : -reach));
}

/** Several windows at one rate, in a few numbers. */
export interface WindowsSummary {
  /** Requests a second that were offered; null for one client that waits for its answers. */
  readonly ratePerSecond: number | null;
  readonly windows: number;
  readonly met: number;
  readonly requests: number;
  readonly failed: number;
  /** Median over windows of the objective's quantile; null where a window had no answer. */
  readonly latencyMs: number | null;
  /** Where that median lies, by order statistics, at 95 %; null where there are too few windows for both ends. */
  readonly interval: { readonly lower: number; readonly upper: number } | null;
  /** The next window stays below this, at `BOUND_LEVEL`; null where there are too few. */
  readonly nextMs: number | null;
  /** The worst window's. */
  readonly worstMs: number | null;
  /** Median over windows of the median latency. */
  readonly p50Ms: number | null;
  /** The generator was short of CPU in most windows: latencies are too high. */
  readonly isGeneratorLate: boolean;
  /** The busiest window's share of one core's time that the generator was at work. */
  readonly generatorShare: number;
}

/** Sums windows at one rate up. */
export function summaryOf(
  windows: readonly Window[],
  objective: Objective,
  ratePerSecond: number | null,
): WindowsSummary {
  assert(windows.length > 0, "A summary of no windows was asked for. This is a bug.");
  const latencies = windows.map(({ latencyMs }) => latencyMs).filter((ms) => ms !== null);
  const isWhole = latencies.length === windows.length;
  const medians = windows.map(({ p50Ms }) => p50Ms).filter((ms) => ms !== null);
  return {
    ratePerSecond,
    windows: windows.length,
    met: windows.filter((one) => isMet(one, objective)).length,
    requests: sum(windows, ({ offered }) => offered),
    failed: sum(windows, ({ failures }) => failures),
    latencyMs: isWhole ? median(latencies) : null,
    interval: isWhole ? finite(quantileInterval(latencies, 0.5)) : null,
    nextMs: isWhole ? nextBound(latencies, "upper") : null,
    worstMs: isWhole ? Math.max(...latencies) : null,
    p50Ms: medians.length === 0 ? null : median(medians),
    isGeneratorLate: windows.filter((one) => one.isGeneratorLate).length * 2 > windows.length,
    generatorShare: Math.max(...windows.map(({ generatorShare }) => generatorShare)),
  };
}

function finite({ lower, upper }: Interval): WindowsSummary["interval"] {
  return Number.isFinite(lower) && Number.isFinite(upper) ? { lower, upper } : null;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
