// What an interval is: two ends around an estimate, and how often the method covers the truth.
import { between0And1 } from "../arguments.ts";
import { normalDistribution } from "../distributions/index.ts";

/** An estimate with the ends of its confidence interval, both sides alike unless said otherwise. */
export interface Interval {
  readonly estimate: number;
  readonly lower: number;
  readonly upper: number;
}

/** How sure an interval shall be, of 1; 0.95 where nothing is said. */
export const DEFAULT_CONFIDENCE = 0.95;

/** What each tail may miss. */
export const tailProbability = (confidence: number): number => (1 - between0And1("The confidence", confidence)) / 2;

/** The normal quantile that a two-sided interval of this confidence reaches to: 1.96 for 0.95. */
export const normalReach = (confidence: number): number =>
  normalDistribution().inverseSurvival(tailProbability(confidence));
