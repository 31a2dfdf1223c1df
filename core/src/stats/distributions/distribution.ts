// What every distribution can be asked, and how the answers follow from three functions each of them supplies.
import { finite, probability } from "../arguments.ts";
import type { Tails } from "../special/tails.ts";

/**
 * A probability distribution on the real line. Relative errors are under 1e-9 everywhere that the answer is a normal
 * double, in both tails; the logarithms go on below it.
 */
export interface Distribution {
  /** P(X ≤ x). */
  cdf(x: number): number;
  /** P(X > x), not computed as 1 − cdf. */
  survival(x: number): number;
  logCdf(x: number): number;
  logSurvival(x: number): number;
  /** The density at x; of a discrete distribution the probability of x. */
  density(x: number): number;
  logDensity(x: number): number;
  /**
   * The least x with cdf(x) ≥ p.
   * @throws RangeError when p is not from 0 to 1
   */
  quantile(p: number): number;
  /** The least x with survival(x) ≤ q: `quantile(1 − q)` without losing the digits of a small q. */
  inverseSurvival(q: number): number;
}

export type Tail = "lower" | "upper";

/** What a distribution is made of. */
export interface Parts {
  readonly tails: (x: number) => Tails;
  readonly logDensity: (x: number) => number;
  /** Where the tail has the probability p. */
  readonly inverse: (tail: Tail, p: number) => number;
}

export function distributionFrom({ tails, logDensity, inverse }: Parts): Distribution {
  return {
    cdf: (x) => Math.exp(tails(number(x)).logLower),
    survival: (x) => Math.exp(tails(number(x)).logUpper),
    logCdf: (x) => tails(number(x)).logLower,
    logSurvival: (x) => tails(number(x)).logUpper,
    density: (x) => Math.exp(logDensity(number(x))),
    logDensity: (x) => logDensity(number(x)),
    quantile: (p) => inverse("lower", probability("The probability", p)),
    inverseSurvival: (q) => inverse("upper", probability("The probability", q)),
  };
}

function number(x: number): number {
  if (Number.isNaN(x)) finite("The place asked about", x);
  return x;
}

/** Which tail to solve for, and its logarithm: the smaller of the two, in which no digits are lost. */
export function smallerTail(tail: Tail, p: number): readonly [keyof Tails, number] {
  const isLower = (tail === "lower") === p <= 0.5;
  return [isLower ? "logLower" : "logUpper", p <= 0.5 ? Math.log(p) : Math.log1p(-p)];
}

/**
 * The inverse of a discrete distribution on whole numbers from 0 to `highest`: the least k at which `reached` holds, found
 * by doubling steps from `guess` and halving. Equals what the definition says, also where a tail is exactly p.
 */
export function leastWhole(reached: (k: number) => boolean, guess: number, highest: number): number {
  let low = -1; // not reached
  let high = highest; // reached
  let k = Math.min(highest, Math.max(0, Math.floor(guess)));
  let step = 1;
  while (high - low > 1) {
    if (reached(k)) high = k;
    else low = k;
    if (high === highest && k === low) k = Math.min(highest - 1, low + step);
    else if (low === -1 && k === high) k = Math.max(0, high - step);
    else k = low + Math.floor((high - low) / 2);
    step *= 2;
    if (k <= low || k >= high) k = low + Math.floor((high - low) / 2);
  }
  return high;
}
