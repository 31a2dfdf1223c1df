// The bootstrap: intervals for any statistic, by computing it again on cases drawn from the sample.
import { sample, whole } from "../arguments.ts";
import { normalDistribution } from "../distributions/index.ts";
import { DEFAULT_CONFIDENCE, type Interval, mean, sortedQuantile } from "../intervals/index.ts";
import { tailProbability } from "../intervals/interval.ts";
import { belowWord } from "../random/draws.ts";
import type { Random } from "../random/index.ts";

/** A statistic of the cases with these indices, which may repeat. The array is used again: it is not to be kept. */
export type IndexedStatistic = (indices: Uint32Array) => number;

export interface BootstrapOptions {
  /** How many cases there are. A case may be a value, a pair of paired samples, or a row. */
  readonly count: number;
  readonly statistic: IndexedStatistic;
  readonly random: Random;
  /** How many times to resample; 2 000 where nothing is said. */
  readonly resamples?: number;
  /** The stratum of each case: each is resampled within itself, so its size stays. Two samples are two strata. */
  readonly strata?: ArrayLike<number | string>;
}

/** The statistic on the sample, and on each resample in ascending order. */
export interface Bootstrapped {
  readonly estimate: number;
  readonly replicates: Float64Array;
}

const DEFAULT_RESAMPLES = 2000;

/**
 * Computes the statistic on resamples drawn with replacement. Source: B. Efron and R. J. Tibshirani, An Introduction to the
 * Bootstrap (1993).
 * @throws RangeError when the statistic is not a number on some resample: it must be defined on all
 */
export function bootstrap(options: BootstrapOptions): Bootstrapped {
  const { count, statistic, random, resamples = DEFAULT_RESAMPLES } = options;
  whole("The number of cases", count, 1, 2 ** 32 - 1);
  whole("The number of resamples", resamples, 1);
  const strata = strataOf(options);
  const indices = Uint32Array.from({ length: count }, (_none, index) => index);
  const estimate = defined(statistic(indices), "the sample");
  const replicates = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    let place = 0;
    for (const members of strata) {
      for (let member = 0; member < members.length; member++) {
        indices[place++] = members[belowWord(random, members.length)]!;
      }
    }
    replicates[resample] = defined(statistic(indices), "a resample");
  }
  return { estimate, replicates: replicates.sort() };
}

/** The interval between quantiles of the replicates (Efron 1979): simple, and off by the statistic's bias and skewness. */
export function percentileInterval(options: BootstrapOptions, confidence = DEFAULT_CONFIDENCE): Interval {
  const tail = tailProbability(confidence);
  const { estimate, replicates } = bootstrap(options);
  return { estimate, lower: sortedQuantile(replicates, tail), upper: sortedQuantile(replicates, 1 - tail) };
}

/**
 * The bias-corrected and accelerated interval: the percentile interval moved by what the replicates say of bias, and leaving
 * out one case at a time says of skewness. Source: B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987). For
 * smooth statistics; a median's jackknife says little, so there prefer `quantileInterval`. Calls the statistic once more for
 * each case.
 */
export function bcaInterval(options: BootstrapOptions, confidence = DEFAULT_CONFIDENCE): Interval {
  return bcaFrom(bootstrap(options), acceleration(options), confidence);
}

/** The bias-corrected and accelerated ends for replicates in ascending order. */
export function bcaFrom({ estimate, replicates }: Bootstrapped, accelerated: number, confidence: number): Interval {
  const tail = tailProbability(confidence);
  if (replicates[0] === replicates.at(-1)) return { estimate, lower: replicates[0]!, upper: replicates[0]! };
  const normal = normalDistribution();
  const below = countBelow(replicates, estimate, false) + countBelow(replicates, estimate, true);
  // Where the estimate lies outside all replicates, as far as that many of them can tell.
  const least = 0.5 / replicates.length;
  const bias = normal.quantile(Math.min(1 - least, Math.max(least, below / (2 * replicates.length))));
  const end = (z: number): number => {
    const moved = bias + z;
    return sortedQuantile(replicates, normal.cdf(bias + moved / (1 - accelerated * moved)));
  };
  const reach = normal.inverseSurvival(tail);
  return { estimate, lower: end(-reach), upper: end(reach) };
}

/**
 * The two-sided p value for the truth being `value` that agrees with `bcaFrom`: the level at which an end of the interval
 * reaches it. Where all replicates lie on one side it is as small as so many of them can tell, and not 0.
 */
export function bcaPValue({ estimate, replicates }: Bootstrapped, accelerated: number, value: number): number {
  const count = replicates.length;
  if (replicates[0] === replicates.at(-1)) return replicates[0] === value && estimate === value ? 1 : 2 / (count + 1);
  const normal = normalDistribution();
  const shareBelow = (bound: number): number => {
    const below = countBelow(replicates, bound, false) + countBelow(replicates, bound, true);
    const least = 0.5 / count;
    return Math.min(1 - least, Math.max(least, below / (2 * count)));
  };
  const bias = normal.quantile(shareBelow(estimate));
  // The place of an end, bias + z' / (1 − a z') with z' = bias + z, solved for z.
  const distance = normal.quantile(shareBelow(value)) - bias;
  const z = distance / (1 + accelerated * distance) - bias;
  return Math.min(1, Math.max(2 / (count + 1), 2 * normal.survival(Math.abs(z))));
}

/**
 * The acceleration from how much each case moves the statistic, in any unit: a sixth of their skewness. Source: Efron and
 * Tibshirani (1993), 14.3 and 22.5, where they are the empirical influence components.
 */
export function accelerationFrom(influences: ArrayLike<number>): number {
  let [squares, cubes] = [0, 0];
  for (let index = 0; index < influences.length; index++) {
    const influence = influences[index]!;
    squares += influence ** 2;
    cubes += influence ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/**
 * Efron's acceleration from jackknife values; with strata, the generalisation to several samples of Efron and Tibshirani
 * (1993), 14.3 and (22.36): 0 where the statistic does not depend on single cases.
 */
export function acceleration(options: BootstrapOptions): number {
  const { count, statistic } = options;
  let cubes = 0;
  let squares = 0;
  const left = new Uint32Array(Math.max(0, count - 1));
  for (const members of strataOf(options)) {
    const size = members.length;
    if (size < 2) continue;
    const values = Array.from(members, (out) => {
      for (let index = 0; index < count - 1; index++) left[index] = index < out ? index : index + 1;
      return defined(statistic(left), "the sample without one case");
    });
    const centre = mean(values);
    for (const value of values) {
      const influence = ((size - 1) * (centre - value)) / size;
      cubes += influence ** 3;
      squares += influence ** 2;
    }
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/** The indices of each stratum's cases, strata in order of appearance. */
function strataOf({ count, strata }: BootstrapOptions): readonly Uint32Array[] {
  if (strata === undefined) return [Uint32Array.from({ length: count }, (_none, index) => index)];
  if (strata.length !== count) {
    throw new RangeError(`There are ${count} cases and strata for ${strata.length}; name the stratum of each case.`);
  }
  const members = new Map<number | string, number[]>();
  for (let index = 0; index < count; index++) {
    const stratum = members.get(strata[index]!);
    if (stratum === undefined) members.set(strata[index]!, [index]);
    else stratum.push(index);
  }
  return [...members.values()].map((indices) => Uint32Array.from(indices));
}

/** How many of the ascending values are below `bound`, or also equal to it. */
function countBelow(sorted: Float64Array, bound: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < bound || (orEqual && sorted[middle] === bound)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function defined(value: number, where: string): number {
  if (!Number.isFinite(value)) {
    throw new RangeError(`The statistic is ${value} on ${where}; use strata, or a statistic that is a number on all.`);
  }
  return value;
}

/** A statistic of values as one of indices into a sample. */
export function statisticOf(
  values: ArrayLike<number>,
  statistic: (values: Float64Array) => number,
): { readonly count: number; readonly statistic: IndexedStatistic } {
  const kept = Float64Array.from(sample("The sample", values));
  const drawn = new Float64Array(kept.length);
  return {
    count: kept.length,
    statistic(indices) {
      for (let place = 0; place < indices.length; place++) drawn[place] = kept[indices[place]!]!;
      return statistic(drawn.subarray(0, indices.length));
    },
  };
}
