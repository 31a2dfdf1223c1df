// The interval for a mean.
import { sample } from "../arguments.ts";
import { tDistribution } from "../distributions/index.ts";
import { DEFAULT_CONFIDENCE, type Interval, tailProbability } from "./interval.ts";
import { mean, variance } from "./moments.ts";

/**
 * Student's interval for the mean: exact for normal values, close for others where there are many. For few and skewed ones
 * use `bcaInterval`. Source: Student, Biometrika 6 (1908).
 * @throws RangeError for fewer than two values
 */
export function meanInterval(values: ArrayLike<number>, confidence = DEFAULT_CONFIDENCE): Interval {
  const count = sample("The sample", values, 2).length;
  const estimate = mean(values);
  const reach = tDistribution(count - 1).inverseSurvival(tailProbability(confidence));
  const spread = reach * Math.sqrt(variance(values) / count);
  return { estimate, lower: estimate - spread, upper: estimate + spread };
}
