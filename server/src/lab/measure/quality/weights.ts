// What weights do to intervals: how many rows of equal weight would tell as much.
import { type Interval, wilsonShareInterval } from "@slipway/core/stats";

/** Sums over weights of some rows. */
export interface WeightSums {
  weight: number;
  squares: number;
  rows: number;
}

/** Sums by a group of each row, [groups]; rows of weight 0 count for nothing. */
export function weightSums(groupOf: ArrayLike<number>, weights: Float64Array, groups: number): readonly WeightSums[] {
  const sums = Array.from({ length: groups }, (): WeightSums => ({ weight: 0, squares: 0, rows: 0 }));
  weights.forEach((weight, row) => {
    if (weight > 0) addWeight(sums[groupOf[row]!]!, weight);
  });
  return sums;
}

export function addWeight(sums: WeightSums, weight: number): void {
  sums.weight += weight;
  sums.squares += weight * weight;
  sums.rows += 1;
}

/** (Σ w)² / Σ w² (L. Kish, Survey Sampling, 1965); the rows themselves where all weigh the same. */
export function effectiveRows({ weight, squares, rows }: WeightSums): number {
  const effective = weight ** 2 / squares;
  return Math.abs(effective - rows) < 1e-9 * rows ? rows : effective;
}

/** Whether all rows of a weight above 0 weigh the same, so that they may be counted. */
export function areEven(weights: Float64Array): boolean {
  const first = weights.find((weight) => weight > 0) ?? 0;
  return weights.every((weight) => weight === 0 || weight === first);
}

export interface ShareInterval {
  readonly interval: Interval;
  readonly method: "Wilson" | "Wilson, effective rows";
}

/** The interval for a weighted share of rows; null where there are none. */
export function shareInterval(share: number | null, sums: WeightSums, confidence: number): ShareInterval | null {
  if (share === null || sums.rows === 0) return null;
  const rows = effectiveRows(sums);
  return {
    interval: wilsonShareInterval(Math.min(1, share), rows, confidence),
    method: rows === sums.rows ? "Wilson" : "Wilson, effective rows",
  };
}
