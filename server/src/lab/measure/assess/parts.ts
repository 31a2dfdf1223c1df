// Sums of some rows, from which their mean, its interval and its variance follow, however they are weighted.
import { type Interval, normalDistribution, tDistribution } from "@slipway/core/stats";
import { addWeight, effectiveRows, shareInterval, type WeightSums } from "../quality/index.ts";

/** Sums of some rows, mergeable by adding. */
export interface Part extends WeightSums {
  sum: number;
  /** Σ w² x and Σ w² x²: for the variance of the mean. */
  squaresTimes: number;
  squaresTimesSquared: number;
  hits: number;
}

export interface Estimate extends Interval {
  readonly method: string;
  /** Variance of the estimate and its degrees of freedom. */
  readonly variance: number;
  readonly degrees: number;
}

export function emptyPart(): Part {
  return { weight: 0, squares: 0, rows: 0, sum: 0, squaresTimes: 0, squaresTimesSquared: 0, hits: 0 };
}

export function addRow(part: Part, value: number, weight: number): void {
  addWeight(part, weight);
  part.sum += weight * value;
  part.squaresTimes += weight * weight * value;
  part.squaresTimesSquared += weight * weight * value * value;
  if (value === 1) part.hits++;
}

export function less(all: Part, part: Part): Part {
  const difference = (key: keyof Part) => all[key] - part[key];
  return {
    weight: difference("weight"),
    squares: difference("squares"),
    rows: difference("rows"),
    sum: difference("sum"),
    squaresTimes: difference("squaresTimes"),
    squaresTimesSquared: difference("squaresTimesSquared"),
    hits: difference("hits"),
  };
}

/** Of shares Wilson's interval; of other means Student's, from the linearised variance of a ratio of sums. */
export function meanOf(part: Part, isShare: boolean, level: number): Estimate {
  const estimate = part.weight > 0 ? part.sum / part.weight : 0;
  const rows = part.rows === 0 ? 0 : effectiveRows(part);
  const squared = part.squaresTimesSquared - 2 * estimate * part.squaresTimes + estimate * estimate * part.squares;
  const correction = rows > 1 ? rows / (rows - 1) : 1;
  const variance = part.weight > 0 ? Math.max(0, (squared / part.weight ** 2) * correction) : 0;
  const degrees = Math.max(1, rows - 1);
  const share = isShare ? shareInterval(estimate, part, level) : null;
  if (share !== null) return { ...share.interval, method: share.method, variance, degrees };
  const reach = tDistribution(degrees).quantile((1 + level) / 2) * Math.sqrt(variance);
  return { estimate, lower: estimate - reach, upper: estimate + reach, method: "Student's t", variance, degrees };
}

/** Two-sided, of an estimate with this variance being 0 in truth; where nothing varies, as good as certain. */
export function studentPValue(estimate: number, squared: number, degrees: number): number {
  if (squared === 0) return estimate === 0 ? 1 : 2 * normalDistribution().survival(38);
  return Math.min(1, 2 * tDistribution(degrees).survival(Math.abs(estimate) / Math.sqrt(squared)));
}
