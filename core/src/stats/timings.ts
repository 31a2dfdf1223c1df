// Comparing how long two things take, from timings taken in turn: each pair shares the machine's mood, which the ratio cancels.
import { paired, positive, sample } from "./arguments.ts";
import { DEFAULT_CONFIDENCE, type Interval, median, quantileInterval } from "./intervals/index.ts";
import type { Random } from "./random/index.ts";
import { percentileInterval } from "./resampling/index.ts";
import { signTest, type TestResult } from "./tests/index.ts";

export interface PairedTimings extends TestResult {
  /** The median of second / first over the pairs: 1.1 where the second mostly takes a tenth longer. */
  readonly ratio: Interval & { readonly coverage: number };
}

/**
 * How much longer the second takes than the first, from interleaved timings: the median of the pairs' ratios with its exact
 * interval by order statistics, and the exact sign test of whether it is 1. Both say the same: the test rejects at 0.05 just
 * where the interval of 0.95 leaves out 1, but for ratios that are 1 exactly, of which the interval makes more.
 *
 * Nothing is asked of the distribution of times but that pairs are independent given what they share. Take each pair
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
