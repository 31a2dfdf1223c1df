// The live seconds of one endpoint as columns to plot and tabulate.
import type { LiveView, TrafficView } from "../api.ts";

/** In the order a request goes through them; their sum is about the total. */
export const STAGES = ["queue", "wait", "input", "infer", "output"] as const;
export type Stage = (typeof STAGES)[number];
export type Percentile = "p50" | "p90" | "p99" | "max";
export const PERCENTILES = ["p50", "p90", "p99", "max"] as const satisfies readonly Percentile[];

/** What each stage is, for people. */
export const STAGE_TEXT = {
  total: "From arrival to answer",
  queue: "Waiting at the front",
  wait: "Waiting in the runner for its batch",
  input: "Preparing the batch's inputs",
  infer: "The model's run",
  output: "Taking the outputs apart",
} as const satisfies Record<Stage | "total", string>;

/** One second of one endpoint; a gap, where the server was not asked or did not answer, has no traffic. */
export interface Second {
  /** Seconds before the newest, 0 or less. */
  readonly x: number;
  readonly at: number;
  readonly traffic: TrafficView | null;
}

/** Seconds without an entry after which a line is broken. */
const GAP_SECONDS = 2.5;

/**
 * The seconds of an endpoint, oldest first. While it switches versions two are loaded: rates and levels add up, and
 * latencies, which don't, are those of the one that answers more.
 */
export function secondsOf(live: readonly LiveView[], endpoint: string): readonly Second[] {
  const newest = live.at(-1)?.at ?? 0;
  const seconds: Second[] = [];
  for (const { at, endpoints } of live) {
    const x = (at - newest) / 1000;
    const before = seconds.at(-1);
    if (before !== undefined && x - before.x > GAP_SECONDS)
      seconds.push({ x: (x + before.x) / 2, at: (at + before.at) / 2, traffic: null });
    const parts = endpoints.filter((traffic) => traffic.endpoint === endpoint);
    seconds.push({ x, at, traffic: parts.reduce<TrafficView | null>(sumOf, null) });
  }
  return seconds;
}

function sumOf(a: TrafficView | null, b: TrafficView): TrafficView {
  if (a === null) return b;
  const busier = a.requestsPerSecond >= b.requestsPerSecond ? a : b;
  return {
    endpoint: a.endpoint,
    version: busier.version,
    requestsPerSecond: a.requestsPerSecond + b.requestsPerSecond,
    rowsPerSecond: a.rowsPerSecond + b.rowsPerSecond,
    failuresPerSecond: a.failuresPerSecond + b.failuresPerSecond,
    refusedPerSecond: a.refusedPerSecond + b.refusedPerSecond,
    codes: addCounts(a.codes, b.codes),
    stages: busier.stages,
    batches: busier.batches,
    queued: a.queued + b.queued,
    inFlight: a.inFlight + b.inFlight,
    residentBytes:
      a.residentBytes === null && b.residentBytes === null ? null : (a.residentBytes ?? 0) + (b.residentBytes ?? 0),
  };
}

export function addCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}

/**
 * Time outside the stages, milliseconds: reading and writing the protocol, preparing records. Percentiles do not add up,
 * so this is about what is missing to the total; null without an answer.
 */
export function otherMs({ stages }: TrafficView, percentile: Percentile): number | null {
  if (stages === null) return null;
  return Math.max(0, stages.total[percentile] - STAGES.reduce((sum, stage) => sum + stages[stage][percentile], 0));
}

/** What the seconds say together. */
export interface Minute {
  /** Endings by code; OK for answers. */
  readonly codes: Readonly<Record<string, number>>;
  readonly answered: number;
  /** Ended in an error after they were admitted, or were refused. */
  readonly unanswered: number;
  /** Runs by their number of rows. */
  readonly batchRows: Readonly<Record<string, number>>;
  /** The latest second in which something was answered. */
  readonly latest: TrafficView | null;
}

export function minuteOf(seconds: readonly Second[]): Minute {
  let codes: Record<string, number> = {};
  let batchRows: Record<string, number> = {};
  let latest: TrafficView | null = null;
  for (const { traffic } of seconds) {
    if (traffic === null) continue;
    codes = addCounts(codes, traffic.codes);
    batchRows = addCounts(batchRows, traffic.batches?.byRows ?? {});
    if (traffic.stages !== null) latest = traffic;
  }
  const all = Object.values(codes).reduce((sum, count) => sum + count, 0);
  const answered = codes["OK"] ?? 0;
  return { codes, answered, unanswered: all - answered, batchRows, latest };
}

export interface BatchBucket {
  /** `1`, `2`, `3–4`, … */
  readonly label: string;
  readonly runs: number;
}

/** Runs by number of rows, in buckets that double, up to the largest the deployment allows or was seen. */
export function batchBuckets(batchRows: Readonly<Record<string, number>>, maxRows: number): readonly BatchBucket[] {
  const rows = Object.keys(batchRows).map(Number);
  const most = Math.max(maxRows, ...rows, 1);
  const buckets: BatchBucket[] = [];
  for (let low = 1, high = 1; low <= most; low = high + 1, high *= 2) {
    const last = Math.min(high, most);
    let runs = 0;
    for (const size of rows) if (size >= low && size <= high) runs += batchRows[String(size)] ?? 0;
    buckets.push({ label: low === last ? String(low) : `${low}–${last}`, runs });
  }
  return buckets;
}
