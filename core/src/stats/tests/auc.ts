// The area under the ROC curve with its variance, and the comparison of two on the same cases: DeLong's method.
import { paired, sample } from "../arguments.ts";
import { normalDistribution } from "../distributions/index.ts";
import { DEFAULT_CONFIDENCE, type Interval, mean } from "../intervals/index.ts";
import { normalReach, tailProbability } from "../intervals/interval.ts";
import { midranks } from "./ranks.ts";
import { symmetricPValue, type TestResult, TWO_SIDED } from "./result.ts";

/** For each positive and each negative case, the share of the other kind that the scores put on the right side of it. */
interface Placements {
  readonly positive: Float64Array;
  readonly negative: Float64Array;
  readonly auc: number;
}

/**
 * The area under the ROC curve with DeLong's variance, and the normal interval of its logit: the plain one misses far too often
 * near 1. The area is the probability that a positive case scores above a negative one, a tie counting ½. Where all scores
 * are on the right side there is no variance, and the other end is exact instead: so many disjoint pairs would all be right
 * with the area to that power.
 *
 * Sources: E. R. DeLong and others, Biometrics 44 (1988); in O(n log n) by midranks, X. Sun and W. Xu, IEEE Signal Processing
 * Letters 21 (2014); the logit, G. Qin and L. Hotilovac, Statistical Methods in Medical Research 17 (2008).
 * @param labels truthy for positive cases, as many as scores; at least two of each kind
 */
export function aucInterval(
  scores: ArrayLike<number>,
  labels: ArrayLike<number | boolean>,
  confidence = DEFAULT_CONFIDENCE,
): Interval & { readonly variance: number } {
  const { positive, negative, auc } = placements(scores, labels);
  const variance = covariance(positive, positive) / positive.length + covariance(negative, negative) / negative.length;
  if (auc === 0 || auc === 1) {
    const reach = tailProbability(confidence) ** (1 / Math.min(positive.length, negative.length));
    return { estimate: auc, lower: auc === 1 ? reach : 0, upper: auc === 1 ? 1 : 1 - reach, variance };
  }
  const logit = Math.log(auc / (1 - auc));
  const spread = (normalReach(confidence) * Math.sqrt(variance)) / (auc * (1 - auc));
  const end = (value: number): number => 1 / (1 + Math.exp(-value));
  return { estimate: auc, lower: end(logit - spread), upper: end(logit + spread), variance };
}

/**
 * Whether two scores of the same cases have the same area under the ROC curve, and the interval of the difference
 * first − second. Sources as of `aucInterval`.
 * @returns z; 0 with p = 1 where both order the cases alike, so that nothing can vary
 */
export function compareAucs(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  labels: ArrayLike<number | boolean>,
  confidence = DEFAULT_CONFIDENCE,
): TestResult & { readonly difference: Interval; readonly variance: number } {
  const [a, b] = [placements(first, labels), placements(second, labels)];
  const varianceOf = (x: Float64Array, y: Float64Array): number => {
    const differences = x.map((value, index) => value - y[index]!);
    return covariance(differences, differences) / differences.length;
  };
  const variance = varianceOf(a.positive, b.positive) + varianceOf(a.negative, b.negative);
  const estimate = a.auc - b.auc;
  const error = Math.sqrt(variance);
  const statistic = error === 0 ? 0 : estimate / error;
  const spread = normalReach(confidence) * error;
  return {
    statistic,
    pValue: symmetricPValue(normalDistribution(), statistic, TWO_SIDED),
    difference: { estimate, lower: estimate - spread, upper: estimate + spread },
    variance,
  };
}

/** A case's rank among all, less its rank among its own kind, counts the other kind below it. */
function placements(scores: ArrayLike<number>, labels: ArrayLike<number | boolean>): Placements {
  paired("The scores", sample("The scores", scores), "the labels", labels);
  const kinds: readonly [number[], number[]] = [[], []];
  for (let index = 0; index < scores.length; index++) kinds[labels[index] ? 1 : 0].push(index);
  const [negatives, positives] = kinds;
  if (positives.length < 2 || negatives.length < 2) {
    throw new RangeError(
      `There are ${positives.length} positive and ${negatives.length} negative cases; the area's variance needs at least two of each.`,
    );
  }
  const all = midranks(scores).ranks;
  const below = (cases: readonly number[]): Float64Array => {
    const own = midranks(cases.map((index) => scores[index]!)).ranks;
    return Float64Array.from(cases, (index, place) => all[index]! - own[place]!);
  };
  const positive = below(positives).map((count) => count / negatives.length);
  const negative = below(negatives).map((count) => 1 - count / positives.length);
  return { positive, negative, auc: mean(positive) };
}

function covariance(x: Float64Array, y: Float64Array): number {
  const [centreX, centreY] = [mean(x), mean(y)];
  return x.reduce((sum, value, index) => sum + (value - centreX) * (y[index]! - centreY), 0) / (x.length - 1);
}
