// The binomial distribution: successes in a number of trials.
import { probability, whole } from "../arguments.ts";
import { incompleteBeta } from "../special/incomplete-beta.ts";
import { logBinomialTerm } from "../special/log-gamma.ts";
import { ALL_ABOVE, ALL_BELOW, swapped, type Tails } from "../special/tails.ts";
import { type Distribution, distributionFrom, leastWhole } from "./distribution.ts";
import { normalDistribution } from "./normal.ts";

/** The binomial distribution of successes in `trials` (up to 1e12) that each succeed with probability `success`. */
export function binomialDistribution(trials: number, success: number): Distribution {
  whole("The number of trials", trials, 0, 1e12);
  probability("The probability of success", success);
  const failure = 1 - success;
  /** P(X ≤ k) = I_(1−p)(n − k, k + 1) (DLMF 8.17.5). */
  function tails(x: number): Tails {
    if (x < 0) return ALL_ABOVE;
    if (x >= trials) return ALL_BELOW;
    const k = Math.floor(x);
    if (success === 0) return ALL_BELOW;
    if (success === 1) return ALL_ABOVE;
    return swapped(incompleteBeta(k + 1, trials - k, success, failure));
  }
  function inverse(tail: "lower" | "upper", p: number): number {
    const reached =
      tail === "lower"
        ? (k: number) => Math.exp(tails(k).logLower) >= p
        : (k: number) => Math.exp(tails(k).logUpper) <= p;
    const z = normalDistribution().quantile(tail === "lower" ? p : 1 - p);
    const guess = trials * success + z * Math.sqrt(trials * success * failure);
    return leastWhole(reached, Number.isFinite(guess) ? guess : trials * success, trials);
  }
  return distributionFrom({ tails, inverse, logDensity: (x) => binomialLogProbability(x, trials, success, failure) });
}

/**
 * log of the probability of exactly k successes in n trials, k and n whole; −Infinity where it is impossible. Success and
 * failure are both taken, so that neither loses digits as 1 minus the other.
 */
export function binomialLogProbability(k: number, n: number, success: number, failure: number): number {
  if (!Number.isInteger(k) || k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  if (success === 0 || failure === 0) return k === (success === 0 ? 0 : n) ? 0 : Number.NEGATIVE_INFINITY;
  if (k === 0) return n * (success < 0.5 ? Math.log1p(-success) : Math.log(failure));
  if (k === n) return n * (failure < 0.5 ? Math.log1p(-failure) : Math.log(success));
  return logBinomialTerm(k, n - k, success, failure);
}
