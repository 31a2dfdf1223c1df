// The Poisson distribution: events in a stretch of time or space.
import { whole } from "../arguments.ts";
import { incompleteGamma } from "../special/incomplete-gamma.ts";
import { logPoissonTerm } from "../special/log-gamma.ts";
import { ALL_ABOVE, ALL_BELOW, swapped, type Tails } from "../special/tails.ts";
import { type Distribution, distributionFrom, leastWhole } from "./distribution.ts";
import { normalDistribution } from "./normal.ts";

/** The Poisson distribution with this mean, from 0 to 1e12. */
export function poissonDistribution(mean: number): Distribution {
  if (!(mean >= 0 && mean <= 1e12)) throw new RangeError(`The mean is ${mean}; give a number from 0 to 1e12.`);
  /** P(X ≤ k) = Q(k + 1, mean) (DLMF 8.4.10). */
  function tails(x: number): Tails {
    if (x < 0) return ALL_ABOVE;
    if (x === Number.POSITIVE_INFINITY || mean === 0) return ALL_BELOW;
    return swapped(incompleteGamma(Math.floor(x) + 1, mean));
  }
  function inverse(tail: "lower" | "upper", p: number): number {
    if (p === (tail === "lower" ? 1 : 0) && mean > 0) return Number.POSITIVE_INFINITY;
    const reached =
      tail === "lower"
        ? (k: number) => Math.exp(tails(k).logLower) >= p
        : (k: number) => Math.exp(tails(k).logUpper) <= p;
    const z = normalDistribution().quantile(tail === "lower" ? p : 1 - p);
    const guess = mean + z * Math.sqrt(mean);
    return leastWhole(reached, Number.isFinite(guess) ? guess : mean, Number.MAX_SAFE_INTEGER - 1);
  }
  return distributionFrom({
    tails,
    inverse,
    logDensity: (x) => {
      if (!Number.isInteger(x) || x < 0) return Number.NEGATIVE_INFINITY;
      if (x === 0) return -mean;
      return mean === 0 ? Number.NEGATIVE_INFINITY : logPoissonTerm(whole("The count", x), mean);
    },
  });
}
