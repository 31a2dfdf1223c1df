// The normal distribution.
import { finite, positive } from "../arguments.ts";
import { incompleteGamma } from "../special/incomplete-gamma.ts";
import { normalQuantile } from "../special/normal-quantile.ts";
import { ALL_ABOVE, ALL_BELOW, swapped, type Tails, tailsFromUpper } from "../special/tails.ts";
import { type Distribution, distributionFrom } from "./distribution.ts";

const HALF_LOG_TWO_PI = 0.9189385332046727;

/** The tails of the standard normal distribution: half of Q(½, z²/2) on either side (DLMF 7.11.2). */
function normalTails(z: number): Tails {
  if (z === Number.POSITIVE_INFINITY) return ALL_BELOW;
  if (z === Number.NEGATIVE_INFINITY) return ALL_ABOVE;
  const tails = tailsFromUpper(incompleteGamma(0.5, (z * z) / 2).logUpper - Math.LN2);
  return z < 0 ? swapped(tails) : tails;
}

/** The normal distribution with this mean and standard deviation. */
export function normalDistribution(mean = 0, deviation = 1): Distribution {
  finite("The mean", mean);
  positive("The standard deviation", deviation);
  const logScale = Math.log(deviation) + HALF_LOG_TWO_PI;
  const standard = (x: number) => (x - mean) / deviation;
  return distributionFrom({
    tails: (x) => normalTails(standard(x)),
    logDensity: (x) => -(standard(x) ** 2) / 2 - logScale,
    inverse: (tail, p) => mean + deviation * (tail === "lower" ? normalQuantile(p) : -normalQuantile(p)),
  });
}
