// A load test's result as data that is kept and as text that is read.
import { columns, count, duration, size } from "../text.ts";
import { distributionText } from "./distribution-text.ts";
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

/** The report as people read it. */
export function reportText(report: LoadReport): string {
  const { plan, latency } = report;
  const offeredText =
    plan.mode.kind === "open"
      ? `open loop, ${count(plan.mode.ratePerSecond)} requests/s (${plan.mode.arrivals}), ${connections(plan.mode.connections)}`
      : `closed loop, ${connections(plan.mode.concurrency)}`;
  const failed = Object.values(report.failures).reduce((sum, value) => sum + value, 0);
  const lines = [
    plan.url,
    `${offeredText}, ${duration(report.measuredMs)} after ${duration(plan.warmUpMs)} of warm-up`,
    "",
    ...columns([
      ["answered", `${count(report.answered)} of ${count(report.offered)}`, `${count(report.goodputPerSecond)}/s`],
      ["failed", count(failed), ""],
      ...Object.entries(report.failures).map(([code, times]) => [`  ${code}`, count(times), ""]),
      ["sizes", `${size(report.requestBytes)} out`, `${size(report.responseBytes)} back`],
    ]),
  ];
  if (latency !== null) {
    lines.push("", ...columns(percentileRows(latency), "lr"), "", ...distributionText(report.distribution));
  }
  if (isGeneratorLate(report)) {
    lines.push(
      "",
      `The generator itself was late by ${duration(report.lag!.p50Ms)} at the median: it was short of CPU, so these latencies are too high.`,
    );
  }
  if (report.wasInterrupted) lines.push("", "Interrupted: these are the figures up to then.");
  return lines.join("\n");
}

function percentileRows(latency: LatencySummary): string[][] {
  return [
    ["latency mean", duration(latency.meanMs)],
    ["p50", duration(latency.p50Ms)],
    ["p90", duration(latency.p90Ms)],
    ["p95", duration(latency.p95Ms)],
    ["p99", duration(latency.p99Ms)],
    ["p99.9", duration(latency.p999Ms)],
    ["max", duration(latency.maxMs)],
  ];
}

/** Whether the generator, not the server, is what these figures measure. */
export function isGeneratorLate(report: Pick<LoadReport, "lag" | "latency">): boolean {
  return report.lag !== null && report.latency !== null && report.lag.p50Ms > LAG_SHARE * report.latency.p50Ms;
}

function connections(number: number): string {
  return `${count(number)} connection${number === 1 ? "" : "s"}`;
}
