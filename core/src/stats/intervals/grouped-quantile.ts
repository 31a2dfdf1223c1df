// The interval for a quantile of values that come in groups, where those of a group have something in common: latencies of
// one load of a model, of one minute of a machine.
import { between0And1, finite, whole } from "../arguments.ts";
import { tDistribution } from "../distributions/index.ts";
import { DEFAULT_CONFIDENCE, type Interval, normalReach, tailProbability } from "./interval.ts";
import { ascending, sortedQuantile } from "./moments.ts";
import { quantileRanks } from "./quantile.ts";

/** A quantile of grouped values. */
export interface GroupedQuantile extends Interval {
  /** All values in all groups. */
  readonly count: number;
  /** As how many independent values they bound the quantile; `count` where groups are alike, about their number where they are all that differs. */
  readonly effectiveCount: number;
}

/**
 * The p-quantile of all values, bounded by order statistics as many values apart as the groups' differences ask for.
 *
 * The share of values at or below the estimate is a ratio over groups, whose variance is seen between them (linearised). Over
 * the variance that as many independent values would have, that says how many these are worth, less what is lost by judging
 * it from few groups; the ranks that bound a quantile of so many values are stretched to all of them. Takes nothing for
 * granted about the distribution; groups have to be independent of each other. Sources: R. S. Woodruff, "Confidence intervals
 * for medians and other position measures", JASA 47 (1952); E. L. Korn and B. I. Graubard, "Confidence intervals for
 * proportions with small expected number of positive counts estimated from survey data", Survey Methodology 24 (1998).
 * @param groups at least two, each with at least one value
 * @returns ends that are values of the sample, or infinite where there are too few for a bound on that side
 * @throws RangeError
 */
export function groupedQuantileInterval(
  groups: readonly ArrayLike<number>[],
  p: number,
  confidence = DEFAULT_CONFIDENCE,
): GroupedQuantile {
  between0And1("The quantile's probability", p);
  whole("The number of groups", groups.length, 2);
  for (const [index, group] of groups.entries()) whole(`The number of values of group ${index}`, group.length, 1);
  const all = ascending(groups.flatMap((group) => Array.from(group, (value) => finite("A value", value))));
  const count = all.length;
  const estimate = sortedQuantile(all, p);
  const effectiveCount = Math.max(1, Math.min(count, effectiveCountOf(groups, count, estimate, p, confidence)));
  const { lower, upper } = quantileRanks(Math.floor(effectiveCount), p, confidence);
  // The r-th of n values lies at r / (n + 1) of what they were drawn from, on average.
  const stretch = (count + 1) / (Math.floor(effectiveCount) + 1);
  return {
    estimate,
    lower: lower === 0 ? Number.NEGATIVE_INFINITY : all[Math.floor(lower * stretch) - 1]!,
    upper: upper > effectiveCount ? Number.POSITIVE_INFINITY : all[Math.min(count, Math.ceil(upper * stretch)) - 1]!,
    count,
    effectiveCount,
  };
}

function effectiveCountOf(
  groups: readonly ArrayLike<number>[],
  count: number,
  estimate: number,
  p: number,
  confidence: number,
): number {
  const below = groups.map((group) => Array.from(group).filter((value) => value <= estimate).length);
  const share = below.reduce((sum, one) => sum + one, 0) / count;
  const squares = groups.reduce((sum, group, index) => sum + (below[index]! - share * group.length) ** 2, 0);
  const variance = ((groups.length / (groups.length - 1)) * squares) / count ** 2;
  // Groups that are more alike than chance would have them are worth no more than chance.
  const inflation = Math.max(1, variance / ((p * (1 - p)) / count));
  const tReach = tDistribution(groups.length - 1).inverseSurvival(tailProbability(confidence));
  return (count / inflation) * (normalReach(confidence) / tReach) ** 2;
}
