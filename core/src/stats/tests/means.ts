// Tests on means.
import { finite, paired, positive, sample } from "../arguments.ts";
import { tDistribution } from "../distributions/index.ts";
import { mean, variance } from "../intervals/index.ts";
import { type Alternative, symmetricPValue, type TestResult, TWO_SIDED } from "./result.ts";

/**
 * Whether two samples have the same mean, by Welch's t test, which does not ask for equal variances.
 * Source: B. L. Welch, Biometrika 34 (1947).
 * @returns t of first − second, with Satterthwaite's degrees of freedom
 * @throws RangeError for fewer than two values, or where none of either sample differ
 */
export function welchTest(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  alternative: Alternative = TWO_SIDED,
): TestResult & { readonly degrees: number } {
  const [countA, countB] = [sample("The first sample", a, 2).length, sample("The second sample", b, 2).length];
  const [errorA, errorB] = [variance(a) / countA, variance(b) / countB];
  const squared = positive("The variance of the difference", errorA + errorB);
  const statistic = (mean(a) - mean(b)) / Math.sqrt(squared);
  // As shares of the sum, so that squares of small variances do not vanish.
  const [shareA, shareB] = [errorA / squared, errorB / squared];
  const degrees = 1 / (shareA ** 2 / (countA - 1) + shareB ** 2 / (countB - 1));
  return { statistic, pValue: symmetricPValue(tDistribution(degrees), statistic, alternative), degrees };
}

/**
 * Whether paired differences have the mean 0, by Student's t test.
 * @returns t of first − second
 */
export function pairedTTest(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  alternative: Alternative = TWO_SIDED,
): TestResult & { readonly degrees: number } {
  sample("The first sample", first, 2);
  paired("The first sample", first, "the second", sample("The second sample", second));
  const differences = Float64Array.from(first, (value, index) => value - second[index]!);
  const error = positive("The standard error of the differences", Math.sqrt(variance(differences) / first.length));
  const statistic = finite("t", mean(differences) / error);
  const degrees = first.length - 1;
  return { statistic, pValue: symmetricPValue(tDistribution(degrees), statistic, alternative), degrees };
}
