// Comparing how long two things take, from timings taken in turn: each pair shares the machine's mood, which the ratio cancels.
// Whatever stays with one of the two for as long as it is loaded does not cancel, and no number of pairs shows it; what is
// compared over sessions is loaded anew in each.
import { paired, positive, sample } from "./arguments.ts";
import {
  DEFAULT_CONFIDENCE,
  type Interval,
  meanInterval,
  median,
  quantileInterval,
  variance,
} from "./intervals/index.ts";
import type { Random } from "./random/index.ts";
import { percentileInterval } from "./resampling/index.ts";
import { pairedTTest, signTest, type TestResult } from "./tests/index.ts";

export interface PairedTimings extends TestResult {
  /** The median of second / first over the pairs: 1.1 where the second mostly takes a tenth longer. */
  readonly ratio: Interval & { readonly coverage: number };
}

/**
 * How much longer the second takes than the first, from interleaved timings: the median of the pairs' ratios with its exact
 * interval by order statistics, and the exact sign test of whether it is 1. Both say the same: the test rejects at 0.05 just
 * where the interval of 0.95 leaves out 1, but for ratios that are 1 exactly, of which the interval makes more.
 *
 * Nothing is asked of the distribution of times but that pairs are independent given what they share. It is a comparison of
 * these two as they are loaded now: of two models, compare sessions (`compareSessions`). Take each pair
 * close together, in an order drawn for each, or what runs second has the warmer cache. Wrong at most one time in twenty, by
 * simulation as well (docs/statistics.md).
 * @param first times in any unit, all above 0; second[i] was taken next to first[i]
 */
export function comparePairedTimings(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  confidence = DEFAULT_CONFIDENCE,
): PairedTimings {
  checkTimes(first, second);
  const ratios = Float64Array.from(first, (time, index) => second[index]! / time);
  // On the times themselves and not the ratios, whose rounding could hide a difference.
  const { statistic, pValue } = signTest(second, first);
  return { ratio: quantileInterval(ratios, 0.5, confidence), statistic, pValue };
}

export interface SessionComparison extends TestResult {
  /** The geometric mean of second / first over sessions: 1.1 where the second takes a tenth longer. */
  readonly ratio: Interval;
}

/**
 * How much longer the second takes than the first, from one figure each for every session, such as the session's median. In
 * each session both are loaded anew and measured in turn, so that sessions differ by all that a load leaves to chance: where a
 * process's memory lies, which core it has. Two loads of one model may differ by a tenth for as long as they live
 * (docs/latency.md), and thousands of pairs of timings would only make that look certain.
 *
 * Student's t test and interval of the ratios' logarithms. Where there is no difference the two are exchangeable and so the
 * logarithms symmetric about 0; among symmetric distributions with longer tails than the normal one, the test is wrong less
 * often than it says (Y. Benjamini, "Is the t test really conservative when the parent distribution is long-tailed?", JASA 78
 * (1983)).
 * @param first figures in any unit, all above 0; second[i] is of the same session. At least two
 */
export function compareSessions(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  confidence = DEFAULT_CONFIDENCE,
): SessionComparison {
  checkTimes(first, second);
  const logRatios = Float64Array.from(first, (time, index) => Math.log(second[index]! / time));
  const { estimate, lower, upper } = meanInterval(logRatios, confidence);
  const ratio = { estimate: Math.exp(estimate), lower: Math.exp(lower), upper: Math.exp(upper) };
  // Times that do not vary at all, as simulated ones may not, leave nothing to chance.
  if (variance(logRatios) === 0) return { ratio, statistic: 0, pValue: estimate === 0 ? 1 : 0 };
  const { statistic, pValue } = pairedTTest(logRatios, new Float64Array(logRatios.length));
  return { ratio, statistic, pValue };
}

/**
 * The ratio second / first of the medians, with a bootstrap interval over pairs. Answers another question than
 * `comparePairedTimings`: how the two usual times compare, and not how a usual pair does.
 */
export function medianRatioInterval(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  options: { readonly random: Random; readonly resamples?: number },
  confidence = DEFAULT_CONFIDENCE,
): Interval {
  checkTimes(first, second);
  const [drawnFirst, drawnSecond] = [new Float64Array(first.length), new Float64Array(first.length)];
  return percentileInterval(
    {
      ...options,
      count: first.length,
      statistic(indices) {
        for (let place = 0; place < indices.length; place++) {
          drawnFirst[place] = first[indices[place]!]!;
          drawnSecond[place] = second[indices[place]!]!;
        }
        return median(drawnSecond) / median(drawnFirst);
      },
    },
    confidence,
  );
}

function checkTimes(first: ArrayLike<number>, second: ArrayLike<number>): void {
  paired("The first timings", sample("The first timings", first), "the second", sample("The second timings", second));
  for (let index = 0; index < first.length; index++) {
    positive("A time", first[index]!);
    positive("A time", second[index]!);
  }
}
