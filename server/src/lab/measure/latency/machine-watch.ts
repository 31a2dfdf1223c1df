// Whether the machine was fit to be measured on: the reference workload over the rounds, and what else there was to do.
import { median, quantileInterval } from "@slipway/core/stats";
import { CONFIDENCE } from "./point-summary.ts";
import type { Burst } from "./target.ts";

/** A round whose reference takes this much longer than the usual one was slow because the machine was. */
const SLOW = 1.25;
/** Of all rounds, this share may be slow before it is worth a word. */
const SLOW_SHARE = 0.1;
/** Between the two halves of the rounds, a change of the reference by this much is a drift. */
const DRIFT = 1.1;
/** From this load average for each core on, something else is at work. */
const BUSY = 0.5;

export interface MachineWatch {
  /** Median of the rounds' medians of the reference workload, in milliseconds, and its interval where there is one. */
  readonly referenceMs: { readonly estimate: number; readonly lower: number | null; readonly upper: number | null };
  readonly roundMediansMs: readonly number[];
  /** The second half's median over the first's. */
  readonly drift: number;
  /** Share of rounds in which the reference was slow. */
  readonly slowShare: number;
  readonly loadAverage: number;
  readonly cores: number;
  /** In plain words, what to think of the figures. */
  readonly warnings: readonly string[];
}

/**
 * @param reference its burst in each round, in order
 * @param loadAverage before anything was loaded
 */
export function watchOf(reference: readonly Burst[], loadAverage: number, cores: number): MachineWatch {
  const medians = reference.map(({ latenciesMs }) => median(latenciesMs));
  const { estimate, lower, upper } = quantileInterval(medians, 0.5, CONFIDENCE);
  const half = Math.floor(medians.length / 2);
  const ratio = (of: number, to: number) => (to > 0 ? of / to : 1);
  const drift = half === 0 ? 1 : ratio(median(medians.slice(-half)), median(medians.slice(0, half)));
  const slow = medians.filter((ms) => ms > SLOW * estimate).length;
  const slowShare = slow / medians.length;
  const warnings: string[] = [];
  if (loadAverage > BUSY * cores) {
    warnings.push(
      `The machine was busy before it began: a load average of ${loadAverage.toFixed(1)} on ${cores} ${cores === 1 ? "core" : "cores"}. On a quiet one everything is faster, tails most of all.`,
    );
  }
  if (slowShare > SLOW_SHARE) {
    warnings.push(
      `In ${slow} of ${medians.length} rounds the reference workload took more than ${SLOW} × its usual time: the machine had slow moments, and they are in the figures.`,
    );
  }
  if (drift > DRIFT || drift < 1 / DRIFT) {
    const change = drift > 1 ? `${percent(drift - 1)} slower` : `${percent(1 / drift - 1)} faster`;
    warnings.push(`The machine drifted: the reference workload was ${change} in the second half of the rounds.`);
  }
  return {
    referenceMs: {
      estimate,
      lower: Number.isFinite(lower) ? lower : null,
      upper: Number.isFinite(upper) ? upper : null,
    },
    roundMediansMs: medians,
    drift,
    slowShare,
    loadAverage,
    cores,
    warnings,
  };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
