// Round numbers for the axes of plots.

/** The smallest of 1, 2, 5 × 10ⁿ that is no smaller, so that the scale moves seldom and its labels are round. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 5]) if (value <= step * power * 1.000001) return step * power;
  return 10 * power;
}
