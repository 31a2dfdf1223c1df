// A load test's result as data that is kept: what was asked for, and what came of it.
import type { LoadResult } from "./generator.ts";
import { type LatencyBand, type LatencySummary, PERCENTILE_ERROR } from "./latencies.ts";

/** What was asked of the generator, for whoever reads the numbers later. */
export interface LoadPlan {
  readonly url: string;
  readonly mode:
    | {
        readonly kind: "open";
        readonly ratePerSecond: number;
        readonly arrivals: "constant" | "poisson";
        readonly connections: number;
      }
    | { readonly kind: "closed"; readonly concurrency: number };
  readonly seed: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
}

export interface LoadReport {
  readonly plan: LoadPlan;
  readonly measuredMs: number;
  readonly offered: number;
  readonly answered: number;
  /** Answers of status 2xx a second. */
  readonly goodputPerSecond: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** From when a request was due. Percentiles are at most `percentileError` off, as a fraction. */
  readonly latency: LatencySummary | null;
  readonly percentileError: number;
  readonly service: LatencySummary | null;
  readonly lag: LatencySummary | null;
  readonly distribution: readonly LatencyBand[];
  readonly wasInterrupted: boolean;
}

const BANDS = 18;
/** From this share of the latency's median on, the generator's own lateness is worth a warning. */
const LAG_SHARE = 0.2;

export function reportFrom(plan: LoadPlan, result: LoadResult): LoadReport {
  return {
    plan,
    measuredMs: result.measuredMs,
    offered: result.offered,
    answered: result.answered,
    goodputPerSecond: result.measuredMs > 0 ? (result.answered * 1000) / result.measuredMs : 0,
    failures: result.failures,
    requestBytes: result.requestBytes,
    responseBytes: result.responseBytes,
    latency: result.latency.summary(),
    percentileError: PERCENTILE_ERROR,
    service: result.service,
    lag: result.lag,
    distribution: result.latency.bands(BANDS),
    wasInterrupted: result.wasInterrupted,
  };
}

/** Whether the generator, not the server, is what these figures measure. */
export function isGeneratorLate(report: Pick<LoadReport, "lag" | "latency">): boolean {
  return report.lag !== null && report.latency !== null && report.lag.p50Ms > LAG_SHARE * report.latency.p50Ms;
}
