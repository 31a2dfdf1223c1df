// What every test answers.
import type { Distribution } from "../distributions/index.ts";

/** A test's statistic, and how likely one as extreme is when nothing is going on. */
export interface TestResult {
  readonly statistic: number;
  readonly pValue: number;
}

/** Which way a difference counts: either, or the first being less or greater than the second. */
export type Alternative = "two-sided" | "less" | "greater";

export const TWO_SIDED: Alternative = "two-sided";

/** The p value of a statistic with a distribution that is symmetric about 0. */
export function symmetricPValue(distribution: Distribution, statistic: number, alternative: Alternative): number {
  if (alternative === "less") return distribution.cdf(statistic);
  if (alternative === "greater") return distribution.survival(statistic);
  return Math.min(1, 2 * distribution.survival(Math.abs(statistic)));
}
