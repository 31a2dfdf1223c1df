// What the bursts of one point say: percentiles with intervals, the mean and where it goes, the distribution, the course.
import { type GroupedQuantile, groupedQuantileInterval, mean, meanInterval, median } from "@slipway/core/stats";
import { Latencies, type LatencyBand } from "#load";
import type { MeasuredValue } from "#registry";
import { type Burst, longestOf, type StageSums } from "./target.ts";

export const CONFIDENCE = 0.95;
const BANDS = 40;

/** A percentile; an end is null where there are too few requests for any. */
export interface Percentile {
  readonly estimate: number;
  readonly lower: number | null;
  readonly upper: number | null;
  /** As how many independent requests those measured bound it. */
  readonly effectiveCount: number;
}

export interface PointSummary {
  /** Requests that were answered. */
  readonly count: number;
  readonly p50: Percentile;
  readonly p90: Percentile;
  readonly p99: Percentile;
  readonly mean: { readonly estimate: number; readonly lower: number; readonly upper: number };
  readonly maxMs: number;
  /** Of the mean: in the runner by stage, and outside of it; null where only the outside is seen. */
  readonly stages: (StageSums & { readonly outsideMs: number }) | null;
  readonly histogram: readonly LatencyBand[];
  /** The median of each round, in order. */
  readonly roundMediansMs: readonly number[];
}

/** @param loads the bursts of each load, in order; at least two loads */
export function summaryOf(loads: readonly (readonly Burst[])[]): PointSummary {
  const groups = loads.map((bursts) => bursts.flatMap(({ latenciesMs }) => latenciesMs));
  const all = groups.flat();
  const distribution = new Latencies();
  for (const ms of all) distribution.observe(ms);
  return {
    count: answeredOf(loads.flat()),
    p50: percentile(groups, 0.5),
    p90: percentile(groups, 0.9),
    p99: percentile(groups, 0.99),
    mean: meanOf(groups, all),
    maxMs: longestOf(loads.flat().map(({ longestMs }) => longestMs)),
    stages: stagesOf(loads.flat(), all),
    histogram: distribution.bands(BANDS),
    roundMediansMs: loads.flat().map(({ latenciesMs }) => median(latenciesMs)),
  };
}

function answeredOf(bursts: readonly Burst[]): number {
  return bursts.reduce((sum, { answered }) => sum + answered, 0);
}

/** Rows answered a second, over loads, with Student's interval. @param batch rows of each request */
export function rateOf(loads: readonly (readonly Burst[])[], batch: number): PointSummary["mean"] {
  const rates = loads.map((bursts) => {
    const elapsedMs = bursts.reduce((sum, burst) => sum + burst.elapsedMs, 0);
    return (answeredOf(bursts) * batch * 1000) / elapsedMs;
  });
  const { estimate, lower, upper } = meanInterval(rates, CONFIDENCE);
  return { estimate, lower: Math.max(0, lower), upper };
}

export function percentile(groups: readonly (readonly number[])[], p: number): Percentile {
  const found: GroupedQuantile = groupedQuantileInterval(groups, p, CONFIDENCE);
  return {
    estimate: found.estimate,
    lower: Number.isFinite(found.lower) ? found.lower : null,
    upper: Number.isFinite(found.upper) ? found.upper : null,
    effectiveCount: found.effectiveCount,
  };
}

/** Student's interval over the loads' means, around the mean of all. */
function meanOf(groups: readonly (readonly number[])[], all: readonly number[]): PointSummary["mean"] {
  const estimate = mean(all);
  const between = meanInterval(groups.map(mean), CONFIDENCE);
  const reach = (between.upper - between.lower) / 2;
  return { estimate, lower: Math.max(0, estimate - reach), upper: estimate + reach };
}

function stagesOf(bursts: readonly Burst[], all: readonly number[]): PointSummary["stages"] {
  const answered = answeredOf(bursts);
  const sums = { queueMs: 0, inputMs: 0, inferMs: 0, outputMs: 0 };
  for (const { stages } of bursts) {
    if (stages === null) return null;
    for (const stage of Object.keys(sums) as (keyof StageSums)[]) sums[stage] += stages[stage] / answered;
  }
  const inside = sums.queueMs + sums.inputMs + sums.inferMs + sums.outputMs;
  return { ...sums, outsideMs: Math.max(0, mean(all) - inside) };
}

/** A percentile as evidence: with an interval where it has both ends. */
export function percentileValue(found: Percentile, count: number, loads: number): MeasuredValue {
  const { estimate, lower, upper, effectiveCount } = found;
  const worth = `${Math.floor(effectiveCount)} of ${count} independent`;
  return {
    value: estimate,
    reason: null,
    unit: "ms",
    interval: lower === null || upper === null ? null : { lower, upper, level: CONFIDENCE },
    method:
      lower === null || upper === null
        ? `quantile; too few requests to bound it (${loads} loads, worth ${worth})`
        : `quantile, order statistics over ${loads} loads (worth ${worth})`,
    count,
  };
}
