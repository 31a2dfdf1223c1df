// Histograms and thinned tables for pictures: a few hundred numbers whatever the rows.

export interface Histogram {
  readonly lower: number;
  readonly upper: number;
  /** Weights by bin of equal width; the last holds its upper end too. */
  readonly counts: readonly number[];
}

/** @param isMember rows that count */
export function histogram(
  values: Float64Array,
  weights: Float64Array,
  [lower, upper]: readonly [number, number],
  bins: number,
  isMember: (row: number) => boolean = () => true,
): Histogram {
  const counts = Array.from({ length: bins }, () => 0);
  values.forEach((value, row) => {
    if (weights[row] === 0 || !isMember(row)) return;
    counts[binOf(value, lower, upper, bins)]! += weights[row]!;
  });
  return { lower, upper, counts };
}

/** Which bin of equal width a value falls into; what lies outside goes to the nearest. */
export function binOf(value: number, lower: number, upper: number, bins: number): number {
  if (upper === lower) return 0;
  return Math.max(0, Math.min(bins - 1, Math.floor(((value - lower) / (upper - lower)) * bins)));
}

/** The least and the greatest of rows with a weight; [0, 0] where there are none. */
export function rangeOf(values: Float64Array, weights: Float64Array): readonly [number, number] {
  let [lower, upper] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  values.forEach((value, row) => {
    if (weights[row] === 0) return;
    lower = Math.min(lower, value);
    upper = Math.max(upper, value);
  });
  return lower > upper ? [0, 0] : [lower, upper];
}
