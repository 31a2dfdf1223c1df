// A plan as `slipway plan` makes it, for tests of what is done with one.
import type { Plan } from "./plan-document.ts";
import { optionsFor } from "./options.ts";
import { ASSUMPTIONS } from "./planner.ts";
import { EXAMPLE_PRICES } from "./prices.ts";
import { fitScaling } from "./scaling.ts";
import type { WindowsSummary } from "./windows.ts";

export const SUMMARY: WindowsSummary = {
  ratePerSecond: 500,
  windows: 12,
  met: 12,
  requests: 30_000,
  failed: 0,
  latencyMs: 8.2,
  interval: { lower: 7.1, upper: 9.9 },
  nextMs: 11.5,
  worstMs: 12.3,
  p50Ms: 1.4,
  isGeneratorLate: false,
  generatorShare: 0.3,
};

/** One machine fits 500 requests a second within 20 ms. */
export function planOf(more: Partial<Plan> = {}): Plan {
  const scaling = fitScaling([
    { threads: 1, perSecond: 900 },
    { threads: 2, perSecond: 1500 },
  ])!;
  const { currency, source, asOf, isExample } = EXAMPLE_PRICES;
  const reserve = { headroom: 0.25, imbalance: ASSUMPTIONS.imbalance };
  return {
    schema: 1,
    model: { title: "digits@1", hash: "a".repeat(64) },
    asked: { quantile: 0.99, latencyMs: 20, ratePerSecond: 500, rowsPerRequest: 1 },
    outcome: "fits",
    why: ["500/s met p99 of at most 20 ms in 12 of 12 windows."],
    settings: { runtime: { instances: 2, intraOpThreads: 1, maxBatchRows: 16 }, server: { fronts: 1 } },
    threadsText: "2 runners × 1 thread, batches of up to 16 rows without a delay, 1 front",
    replicas: 1,
    ratePerReplica: 500,
    limit: { ratePerSecond: 1000, missedAtRate: 1120, tests: 11, isGeneratorLimited: false },
    headroom: { share: 0.25, variation: 0.14, windows: 11 },
    confirmation: SUMMARY,
    attempts: [{ replicas: 1, decision: "met", isAccepted: true, summary: SUMMARY }],
    lone: { ...SUMMARY, ratePerSecond: null, windows: 3, met: 3, latencyMs: 1.9, nextMs: null, interval: null },
    race: { candidates: 4, isChanged: true, ratio: 1.6, wins: 8, pairs: 8 },
    scaling: { ...scaling, points: [...scaling.points] },
    options: optionsFor(EXAMPLE_PRICES, { cores: 2, capacity: 1000, scaling }, 500, reserve, ASSUMPTIONS, 1),
    prices: { currency, source, asOf, isExample },
    assumptions: ASSUMPTIONS,
    load: { connections: 64, payload: null, isBinary: false, seed: 1, requestBytes: 700, windowMs: 5000 },
    machine: { fingerprint: "0123456789abcdef", name: "here", facts: { cpu: "A Processor", cores: 2, memoryGiB: 8 } },
    code: { slipway: "1.2.3", node: "24.0.0", backend: "engine 1" },
    tookMs: 170_000,
    notes: ["The load came from this machine."],
    ...more,
  };
}
