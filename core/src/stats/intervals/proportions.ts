// Intervals that compare two proportions: of independent samples, and of the same cases judged twice.
import { whole } from "../arguments.ts";
import { DEFAULT_CONFIDENCE, type Interval, normalReach } from "./interval.ts";
import { checkCounts, wilsonInterval } from "./proportion.ts";

/** How many of how many succeeded. */
export interface Counts {
  readonly successes: number;
  readonly trials: number;
}

/**
 * The difference first − second of the proportions of independent samples, by Newcombe's hybrid of two Wilson intervals.
 * Source: R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890, method 10.
 */
export function proportionDifferenceInterval(first: Counts, second: Counts, confidence = DEFAULT_CONFIDENCE): Interval {
  const a = wilsonInterval(first.successes, first.trials, confidence);
  const b = wilsonInterval(second.successes, second.trials, confidence);
  const estimate = a.estimate - b.estimate;
  return {
    estimate,
    lower: estimate - Math.hypot(a.estimate - a.lower, b.upper - b.estimate),
    upper: estimate + Math.hypot(a.upper - a.estimate, b.estimate - b.lower),
  };
}

/**
 * The ratio first / second of the proportions of independent samples, on a logarithmic scale.
 * Source: D. Katz and others, Biometrics 34 (1978) 469–474, method C. Asymptotic: for counts of at least about ten.
 * @throws RangeError when either has no success, as the logarithm then has no standard error
 */
export function proportionRatioInterval(first: Counts, second: Counts, confidence = DEFAULT_CONFIDENCE): Interval {
  checkCounts(first.successes, first.trials);
  checkCounts(second.successes, second.trials);
  if (first.successes === 0 || second.successes === 0) {
    throw new RangeError(
      `The successes are ${first.successes} and ${second.successes}; a ratio needs at least one of each. Use the difference.`,
    );
  }
  const estimate = first.successes / first.trials / (second.successes / second.trials);
  const variance = 1 / first.successes - 1 / first.trials + 1 / second.successes - 1 / second.trials;
  const factor = Math.exp(normalReach(confidence) * Math.sqrt(variance));
  return { estimate, lower: estimate / factor, upper: estimate * factor };
}

/** The same cases judged by two: how many each got right. */
export interface PairedCounts {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
}

/**
 * The difference first − second of two proportions over the same cases, such as the accuracies of two models on one test
 * set. Source: R. G. Newcombe, Statistics in Medicine 17 (1998) 2635–2650, method 10.
 */
export function pairedProportionDifferenceInterval(counts: PairedCounts, confidence = DEFAULT_CONFIDENCE): Interval {
  for (const [name, count] of Object.entries(counts)) whole(`The count "${name}"`, count as number);
  const { both, onlyFirst, onlySecond, neither } = counts;
  const cases = both + onlyFirst + onlySecond + neither;
  const a = wilsonInterval(both + onlyFirst, cases, confidence);
  const b = wilsonInterval(both + onlySecond, cases, confidence);
  const correlation = correctedCorrelation(counts, cases);
  const estimate = (onlyFirst - onlySecond) / cases;
  const spread = (mine: number, other: number): number =>
    Math.sqrt(Math.max(0, mine * mine - 2 * correlation * mine * other + other * other));
  return {
    estimate,
    lower: estimate - spread(a.estimate - a.lower, b.upper - b.estimate),
    upper: estimate + spread(a.upper - a.estimate, b.estimate - b.lower),
  };
}

/** The phi coefficient with Newcombe's continuity correction of its numerator, which only weakens a positive one. */
function correctedCorrelation({ both, onlyFirst, onlySecond, neither }: PairedCounts, cases: number): number {
  const squared = (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither);
  if (squared === 0) return 0;
  const product = both * neither - onlyFirst * onlySecond;
  const corrected = product > 0 ? Math.max(0, product - cases / 2) : product;
  return corrected / Math.sqrt(squared);
}
