// A load test as a trial of an objective: which of its percentiles the objective is about, and what went wrong.
import { SlipwayError } from "@slipway/core/base";
import type { Objective, Trial } from "./find.ts";
import type { LatencySummary } from "./latencies.ts";
import { isGeneratorLate, type LoadReport } from "./report.ts";

/** The percentiles an objective may be about: their quantile, and where a summary has them. */
export const PERCENTILES = {
  p50: [0.5, "p50Ms"],
  p90: [0.9, "p90Ms"],
  p95: [0.95, "p95Ms"],
  p99: [0.99, "p99Ms"],
  p999: [0.999, "p999Ms"],
} as const satisfies Record<string, readonly [number, keyof LatencySummary]>;

/**
 * What a load test says of an objective.
 * @throws SlipwayError USAGE when its quantile is none of `PERCENTILES`
 */
export function trialFrom(report: LoadReport, objective: Objective): Trial {
  const found = Object.values(PERCENTILES).find(([quantile]) => quantile === objective.quantile);
  if (found === undefined)
    throw new SlipwayError(
      "USAGE",
      `An objective is about p50, p90, p95, p99 or p99.9; this one has the quantile ${objective.quantile}.`,
    );
  const [, key] = found;
  const { mode, durationMs } = report.plan;
  const isOpen = mode.kind === "open";
  return {
    ratePerSecond: isOpen ? mode.ratePerSecond : report.goodputPerSecond,
    offeredPerSecond: isOpen ? (report.offered * 1000) / durationMs : report.goodputPerSecond,
    latencyMs: report.latency?.[key] ?? null,
    goodputPerSecond: report.goodputPerSecond,
    measuredMs: report.measuredMs,
    failures: Object.values(report.failures).reduce((sum, times) => sum + times, 0),
    isGeneratorLate: isGeneratorLate(report),
  };
}
