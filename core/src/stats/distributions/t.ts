// Student's t distribution: t² / (ν + t²) has a beta distribution (DLMF 8.17; Abramowitz and Stegun 26.7.1).
import { positive } from "../arguments.ts";
import { incompleteBeta, inverseIncompleteBeta } from "../special/incomplete-beta.ts";
import { logBinomialTerm } from "../special/log-gamma.ts";
import { ALL_ABOVE, ALL_BELOW, swapped, type Tails, tailsFromUpper } from "../special/tails.ts";
import { type Distribution, distributionFrom, type Tail } from "./distribution.ts";

/** From this |t| / √ν on, the first term of the tail's expansion is all of it. */
const FAR = 1e8;

/** Student's t distribution with these degrees of freedom (up to 1e12), which need not be whole. */
export function tDistribution(degrees: number): Distribution {
  positive("The degrees of freedom", degrees);
  const half = degrees / 2;
  const root = Math.sqrt(degrees);
  const logInverse = logInverseBetaWithHalf(half);

  /** log P(|T| > root × ratio), ratio > 0. */
  function logOutside(ratio: number): number {
    if (ratio > FAR) return logInverse - Math.log(half) - degrees * Math.log(ratio);
    const squared = ratio * ratio;
    if (squared === 0) return 0;
    return incompleteBeta(0.5, half, squared / (1 + squared), 1 / (1 + squared)).logUpper;
  }
  function tails(t: number): Tails {
    if (t === Number.POSITIVE_INFINITY) return ALL_BELOW;
    if (t === Number.NEGATIVE_INFINITY) return ALL_ABOVE;
    const oneSided = tailsFromUpper(logOutside(Math.abs(t) / root) - Math.LN2);
    return t < 0 ? swapped(oneSided) : oneSided;
  }
  /** log of |t| / √ν where this much lies outside, both sides together. */
  function logRatio(fromHalf: number, logOutsideTarget: number): number {
    // Near the middle, solve for what lies between −t and t; beyond it, for what lies outside.
    if (Math.abs(fromHalf) < 0.25) {
      return inverseIncompleteBeta(0.5, half, "logLower", Math.log(2 * Math.abs(fromHalf))) / 2;
    }
    const far = (logInverse - Math.log(half) - logOutsideTarget) / degrees;
    if (far > Math.log(FAR)) return far;
    return inverseIncompleteBeta(0.5, half, "logUpper", logOutsideTarget) / 2;
  }
  function inverse(tail: Tail, p: number): number {
    if (p === 0 || p === 1)
      return (tail === "lower") === (p === 0) ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const fromHalf = p - 0.5;
    if (fromHalf === 0) return 0;
    const size = root * Math.exp(logRatio(fromHalf, Math.log(2 * (fromHalf < 0 ? p : 1 - p))));
    return (tail === "lower") === fromHalf < 0 ? -size : size;
  }
  const logDensityAtZero = logInverse - 0.5 * Math.log(degrees);
  return distributionFrom({
    tails,
    inverse,
    logDensity: (t) => {
      const ratio = Math.abs(t) / root;
      return logDensityAtZero - (half + 0.5) * (ratio > FAR ? 2 * Math.log(ratio) : Math.log1p(ratio * ratio));
    },
  });
}

/** log of 1 / B(½, b), from the density's term at a place where nothing cancels. */
function logInverseBetaWithHalf(b: number): number {
  const [x, y] = [0.5 / (b + 0.5), b / (b + 0.5)];
  return (
    logBinomialTerm(0.5, b, x, y) +
    Math.log(0.5) +
    Math.log(b / (b + 0.5)) -
    0.5 * Math.log(x) +
    b * Math.log1p(0.5 / b)
  );
}
