// A load test's result as people read it.
import { isGeneratorLate, type LatencySummary, type LoadReport } from "#load";
import { columns, count, duration, size } from "../text.ts";
import { distributionText } from "./distribution-text.ts";

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

function connections(number: number): string {
  return `${count(number)} connection${number === 1 ? "" : "s"}`;
}
