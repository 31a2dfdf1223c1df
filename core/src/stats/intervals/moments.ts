// Sums over samples, computed so that they do not lose digits.

/** The mean, by compensated summation (Neumaier 1974). */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  let lost = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return (sum + lost) / values.length;
}

/** The variance with n − 1, in two passes with the correction for the rounded mean (Chan, Golub and LeVeque 1983). */
export function variance(values: ArrayLike<number>): number {
  const centre = mean(values);
  let squares = 0;
  let rest = 0;
  for (let index = 0; index < values.length; index++) {
    const difference = values[index]! - centre;
    squares += difference * difference;
    rest += difference;
  }
  return (squares - (rest * rest) / values.length) / (values.length - 1);
}

/**
 * The quantile of values in ascending order, between neighbours by straight lines: type 7 of Hyndman and Fan, The American
 * Statistician 50 (1996), which NumPy and R use where nothing is said.
 */
export function sortedQuantile(sorted: ArrayLike<number>, p: number): number {
  const place = (sorted.length - 1) * p;
  const below = Math.floor(place);
  const lower = sorted[below]!;
  const upper = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return lower + (place - below) * (upper - lower);
}

/** The values in ascending order, as a copy. */
export const ascending = (values: ArrayLike<number>): Float64Array => Float64Array.from(values).sort();

/** The middle value, or the mean of the two middle ones. */
export const median = (values: ArrayLike<number>): number => sortedQuantile(ascending(values), 0.5);
