// Made-up traffic for the fixture: every number is a function of the second it belongs to, so that asking twice answers
// the same.
import type { LiveView, TrafficView } from "slipway/client";

/** A number from 0 to 1 that looks random and depends on its inputs alone. */
export function noise(...seeds: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const seed of seeds) {
    state = Math.imul(state ^ Math.trunc(seed), 0x85ebca6b);
    state ^= state >>> 13;
    state = Math.imul(state, 0xc2b2ae35) ^ (state >>> 16);
  }
  return (state >>> 0) / 2 ** 32;
}

export interface Load {
  readonly endpoint: string;
  readonly version: string;
  /** Requests a second, about. */
  readonly rate: number;
  /** Median of a run, milliseconds. */
  readonly inferMs: number;
  readonly maxRows: number;
  readonly residentBytes: number;
  /** Codes and how often a second they come, about. */
  readonly failures: Readonly<Record<string, number>>;
}

const percentiles = (p50: number, spread: number) => ({
  p50,
  p90: p50 * (1 + 0.6 * spread),
  p99: p50 * (1 + 1.9 * spread),
  max: p50 * (1 + 3.2 * spread),
});

function trafficOf(load: Load, second: number, index: number): TrafficView {
  const random = (salt: number): number => noise(second, index, salt);
  const wave = 1 + 0.35 * Math.sin(second / 9 + index) + 0.2 * (random(1) - 0.5);
  const answered = Math.round(load.rate * wave);
  const busy = Math.min(1, (answered * load.inferMs) / 1000);
  const codes: Record<string, number> = answered === 0 ? {} : { OK: answered };
  let failures = 0;
  let refused = 0;
  for (const [i, [code, often]] of Object.entries(load.failures).entries()) {
    const count = Math.floor(often + random(10 + i));
    if (count === 0) continue;
    codes[code] = count;
    if (code === "QUEUE_FULL") refused += count;
    else failures += count;
  }
  const meanRows = Math.min(load.maxRows, 1 + busy * load.maxRows * 0.4);
  const batches = answered / meanRows;
  const byRows: Record<string, number> = {};
  for (let rows = 1; rows <= load.maxRows; rows *= 2) {
    const share = Math.exp(-((Math.log2(rows) - Math.log2(meanRows)) ** 2));
    const runs = Math.round(batches * share * 0.6);
    if (runs > 0) byRows[String(rows)] = runs;
  }
  const infer = load.inferMs * (0.9 + 0.2 * random(2));
  const spread = 0.4 + 0.6 * random(3);
  const queue = 0.02 + busy * infer * 0.3;
  const wait = 0.05 + busy * infer * 0.7;
  return {
    endpoint: load.endpoint,
    version: load.version,
    requestsPerSecond: answered,
    rowsPerSecond: answered,
    failuresPerSecond: failures,
    refusedPerSecond: refused,
    codes,
    stages:
      answered === 0
        ? null
        : {
            total: percentiles(queue + wait + infer + 0.12, spread),
            queue: percentiles(queue, spread),
            wait: percentiles(wait, spread * 1.4),
            input: percentiles(0.04, spread),
            infer: percentiles(infer, spread * 0.6),
            output: percentiles(0.03, spread),
          },
    batches: answered === 0 ? null : { meanRows, byRows },
    queued: Math.floor(busy * 3 * random(4)),
    inFlight: answered === 0 ? 0 : 1 + Math.floor(busy * 8 * random(5)),
    residentBytes: load.residentBytes === 0 ? null : load.residentBytes + Math.round(2e6 * random(6)),
  };
}

/** The seconds up to `nowMs`, oldest first. */
export function liveSeconds(loads: readonly Load[], nowMs: number, seconds: number): LiveView[] {
  const last = Math.floor(nowMs / 1000);
  return Array.from({ length: seconds }, (_, i) => {
    const second = last - seconds + 1 + i;
    return { at: second * 1000, windowMs: 1000, endpoints: loads.map((load, index) => trafficOf(load, second, index)) };
  });
}
