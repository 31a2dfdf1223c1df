// The beta distribution, and the F distribution, which is the ratio x / (1 − x) of one, rescaled.
import { positive } from "../arguments.ts";
import { fromLogit, incompleteBeta, inverseIncompleteBeta } from "../special/incomplete-beta.ts";
import { logBinomialTerm } from "../special/log-gamma.ts";
import { ALL_ABOVE, ALL_BELOW } from "../special/tails.ts";
import { type Distribution, distributionFrom, smallerTail } from "./distribution.ts";

/** The beta distribution with these two shapes, on 0 to 1. */
export function betaDistribution(a: number, b: number): Distribution {
  positive("The first shape", a);
  positive("The second shape", b);
  return distributionFrom({
    tails: (x) => (x <= 0 ? ALL_ABOVE : x >= 1 ? ALL_BELOW : incompleteBeta(a, b, x, 1 - x)),
    logDensity: (x) => {
      if (x < 0 || x > 1) return Number.NEGATIVE_INFINITY;
      if (x === 0 || x === 1) return edgeLogDensity(x === 0 ? a : b, x === 0 ? b : a);
      return logBetaTerm(a, b, x, 1 - x) - Math.log(x) - Math.log1p(-x);
    },
    inverse: (tail, p) => fromLogit(inverseIncompleteBeta(a, b, ...smallerTail(tail, p)))[0],
  });
}

/** The F distribution with these degrees of freedom of numerator and denominator, which need not be whole. */
export function fDistribution(numerator: number, denominator: number): Distribution {
  positive("The numerator's degrees of freedom", numerator);
  positive("The denominator's degrees of freedom", denominator);
  const [a, b] = [numerator / 2, denominator / 2];
  const parts = (x: number) => {
    const [above, below] = [numerator * x, denominator];
    return [above / (above + below), below / (above + below)] as const;
  };
  return distributionFrom({
    tails: (x) => (x <= 0 ? ALL_ABOVE : x === Number.POSITIVE_INFINITY ? ALL_BELOW : incompleteBeta(a, b, ...parts(x))),
    logDensity: (x) => {
      if (x < 0 || x === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
      if (x === 0) return edgeLogDensity(a, 1);
      return logBetaTerm(a, b, ...parts(x)) - Math.log(x);
    },
    inverse: (tail, p) => (denominator / numerator) * Math.exp(inverseIncompleteBeta(a, b, ...smallerTail(tail, p))),
  });
}

/** log of x^a y^b / B(a, b). */
const logBetaTerm = (a: number, b: number, x: number, y: number): number =>
  logBinomialTerm(a, b, x, y) + Math.log(a) + Math.log(b / (a + b));

/** At the end where x^(shape − 1) decides; with shape 1 the density there is the other shape. */
function edgeLogDensity(shape: number, other: number): number {
  if (shape === 1) return Math.log(other);
  return shape < 1 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}
