// The gamma distribution, and the chi-square distribution, which is one of them.
import { positive } from "../arguments.ts";
import { incompleteGamma, inverseIncompleteGamma } from "../special/incomplete-gamma.ts";
import { logPoissonTerm } from "../special/log-gamma.ts";
import { type Distribution, distributionFrom, smallerTail } from "./distribution.ts";

/** The gamma distribution of this shape (up to 1e12) and scale, with mean shape × scale. */
export function gammaDistribution(shape: number, scale = 1): Distribution {
  positive("The shape", shape);
  positive("The scale", scale);
  return distributionFrom({
    tails: (x) => incompleteGamma(shape, x / scale),
    logDensity: (x) => logDensity(shape, x / scale) - Math.log(scale),
    inverse: (tail, p) => Math.exp(inverseIncompleteGamma(shape, ...smallerTail(tail, p))) * scale,
  });
}

/** The chi-square distribution with these degrees of freedom, which need not be whole. */
export function chiSquareDistribution(degrees: number): Distribution {
  return gammaDistribution(positive("The degrees of freedom", degrees) / 2, 2);
}

function logDensity(shape: number, x: number): number {
  if (x < 0 || x === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  if (x > 0) return logPoissonTerm(shape, x) + Math.log(shape) - Math.log(x);
  return shape === 1 ? 0 : shape < 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}
