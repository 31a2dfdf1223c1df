// The interval for a quantile by order statistics: exact for any continuous distribution, such as that of latencies.
import { between0And1, sample, whole } from "../arguments.ts";
import { binomialDistribution } from "../distributions/index.ts";
import { DEFAULT_CONFIDENCE, type Interval, tailProbability } from "./interval.ts";
import { ascending, sortedQuantile } from "./moments.ts";

/** Which values in ascending order, counted from 1, bound a quantile. */
export interface QuantileRanks {
  /** 0 where there are too few values for any to be a lower bound: then it is −Infinity. */
  readonly lower: number;
  /** One more than the number of values where none is an upper bound: then it is Infinity. */
  readonly upper: number;
  /** How often these cover the quantile, exactly, if the distribution is continuous; more often if it is not. */
  readonly coverage: number;
}

/**
 * The ranks between which the p-quantile of any distribution lies with at least this confidence, each side missing it with at
 * most half the rest. The count of values below the quantile is binomial. Source: W. J. Conover, Practical Nonparametric
 * Statistics, 3rd edition (1999), 3.2; H. A. David and H. N. Nagaraja, Order Statistics (2003), 7.1.
 */
export function quantileRanks(count: number, p: number, confidence = DEFAULT_CONFIDENCE): QuantileRanks {
  whole("The number of values", count, 1);
  between0And1("The quantile's probability", p);
  const tail = tailProbability(confidence);
  const below = binomialDistribution(count, p);
  // The rank r misses from above when fewer than r values are below the quantile: P(B ≤ r − 1).
  let lower = below.quantile(tail);
  if (below.cdf(lower) <= tail) lower++;
  // The rank s misses from below when s or more are: P(B ≥ s) = P(B > s − 1).
  const upper = below.inverseSurvival(tail) + 1;
  const missed = (lower === 0 ? 0 : below.cdf(lower - 1)) + (upper > count ? 0 : below.survival(upper - 1));
  return { lower, upper, coverage: 1 - missed };
}

/**
 * The interval for the p-quantile of what the values were drawn from, with its exact coverage.
 * @param values any order
 * @returns ends that are values of the sample, or infinite where there are too few for a bound on that side
 */
export function quantileInterval(
  values: ArrayLike<number>,
  p: number,
  confidence = DEFAULT_CONFIDENCE,
): Interval & { readonly coverage: number } {
  const sorted = ascending(sample("The sample", values));
  const { lower, upper, coverage } = quantileRanks(sorted.length, p, confidence);
  return {
    estimate: sortedQuantile(sorted, p),
    lower: sorted[lower - 1] ?? Number.NEGATIVE_INFINITY,
    upper: sorted[upper - 1] ?? Number.POSITIVE_INFINITY,
    coverage,
  };
}
