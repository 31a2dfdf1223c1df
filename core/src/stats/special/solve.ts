// One root finder for every inverse: Newton's steps on the logarithm of a tail, kept inside a bracket.
import { assert } from "#base";

/** A function to bring to 0, and its derivative there. */
export interface Slope {
  readonly value: number;
  readonly derivative: number;
}

/** Beyond these logarithms of a coordinate, exp is 0 or infinite. */
const LOWEST = -745.2;
const HIGHEST = 709.8;
const EPSILON = 2 ** -52;

/**
 * Where an increasing function is 0: Newton's steps, halving the bracket whenever a step would leave it (Numerical
 * Recipes, 3rd edition, 9.4, `rtsafe`, with a bracket that is found from the start). The function is that of a logarithmic
 * coordinate, so the answer is exact to about one part in 1e15 of what it is the logarithm of.
 * @param start a guess
 * @returns −Infinity or Infinity where the root is beyond what a double can hold
 */
export function solveIncreasing(at: (u: number) => Slope, start: number): number {
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  let step = 1;
  let u = Math.min(HIGHEST, Math.max(LOWEST, start));
  for (let round = 0; round < 500; round++) {
    const { value, derivative } = at(u);
    if (value === 0) return u;
    if (value < 0) low = u;
    else high = u;
    if (low >= HIGHEST) return Number.POSITIVE_INFINITY;
    if (high <= LOWEST) return Number.NEGATIVE_INFINITY;
    const newton = u - value / derivative;
    const reach = EPSILON * Math.max(1, Math.abs(u));
    if (Math.abs(newton - u) <= reach || high - low <= reach) return newton > low && newton < high ? newton : u;
    if (newton > low && newton < high && Math.abs(newton - u) <= 64) {
      u = newton;
    } else if (low > Number.NEGATIVE_INFINITY && high < Number.POSITIVE_INFINITY) {
      u = low + (high - low) / 2;
    } else {
      u = value < 0 ? u + step : u - step;
      step *= 2;
    }
    u = Math.min(HIGHEST, Math.max(LOWEST, u));
  }
  assert(false, `No root was found from ${start}.`);
}
