// A served instance that is simulated, for tests: its limit, its lone client's latency and how uneven its machine is are
// known, and time passes without waiting.
import type { Candidate } from "#lab/tune";
import { type Random, seededRandom } from "#load";
import type { PlannerPorts } from "./planner.ts";
import type { Window } from "./windows.ts";

export interface SimulatedServer {
  /** Requests a second it can answer at most. */
  readonly perSecond: number;
  /** One client's high quantile of latency. */
  readonly loneMs: number;
  /** Spread of one window's speed, as the deviation of its logarithm. */
  readonly spread: number;
  /** Step of the machine's random walk a second, likewise. */
  readonly drift: number;
  /** Share of windows that something else spoils. */
  readonly bursts: number;
}

export const CALM: SimulatedServer = { perSecond: 1000, loneMs: 4, spread: 0, drift: 0, bursts: 0 };

export const SETTINGS: Candidate = {
  "runtime.instances": 1,
  "runtime.intraOpThreads": 0,
  "runtime.maxBatchRows": 32,
  "server.fronts": 1,
};

/** The ports of a simulated server, and what a window of it comes to. */
export function simulated(server: SimulatedServer, seed = 1) {
  const random = seededRandom(seed);
  let nowMs = 0;
  let walk = 0;
  const measured: { readonly ratePerSecond: number | null; readonly durationMs: number }[] = [];
  const windowAt = (ratePerSecond: number | null, durationMs: number): Window => {
    nowMs += durationMs;
    walk += server.drift * Math.sqrt(durationMs / 1000) * normal(random);
    const isSpoilt = random() < server.bursts;
    const speed = Math.exp(walk + server.spread * normal(random)) * (isSpoilt ? 0.3 : 1);
    const capacity = server.perSecond * speed;
    const rate = ratePerSecond ?? 0;
    const isOver = rate >= capacity;
    const latencyMs = isOver ? 10_000 : server.loneMs / speed / (1 - rate / capacity);
    const goodput = ratePerSecond === null ? capacity : Math.min(rate, capacity);
    measured.push({ ratePerSecond, durationMs });
    return {
      ratePerSecond: rate,
      offeredPerSecond: ratePerSecond === null ? goodput : rate,
      offered: Math.round((ratePerSecond ?? goodput) * (durationMs / 1000)),
      latencyMs,
      p50Ms: latencyMs / 3,
      goodputPerSecond: goodput,
      measuredMs: durationMs,
      failures: 0,
      isGeneratorLate: false,
      generatorShare: 0.5,
    };
  };
  const ports: PlannerPorts = {
    lone: async (_, durationMs) => windowAt(null, durationMs),
    saturated: async (_, durationMs) => windowAt(null, durationMs),
    open: async (_, ratePerSecond, durationMs) => windowAt(ratePerSecond, durationMs),
    race: async (current, budgetMs) => {
      nowMs += Math.max(0, budgetMs);
      return {
        chosen: current,
        ratePerSecond: server.perSecond / 2,
        points: [],
        outcome: { candidates: 4, isChanged: false, ratio: 1.01, wins: 4, pairs: 8 },
      };
    },
    now: () => nowMs,
  };
  return { ports, measured, windowAt, elapsedMs: () => nowMs };
}

/** Box and Muller's way from two uniform numbers to a normal one. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
