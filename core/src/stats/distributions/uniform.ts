// The uniform distribution on an interval.
import { finite } from "../arguments.ts";
import { ALL_ABOVE, ALL_BELOW, tailsFromLower, tailsFromUpper } from "../special/tails.ts";
import { type Distribution, distributionFrom } from "./distribution.ts";

/** The uniform distribution from `low` to `high`. */
export function uniformDistribution(low = 0, high = 1): Distribution {
  finite("The lower end", low);
  finite("The upper end", high);
  if (!(low < high)) throw new RangeError(`The lower end is ${low} and the upper end ${high}; give a lower one below.`);
  const width = high - low;
  return distributionFrom({
    tails: (x) => {
      if (x <= low) return ALL_ABOVE;
      if (x >= high) return ALL_BELOW;
      const below = (x - low) / width;
      return below <= 0.5 ? tailsFromLower(Math.log(below)) : tailsFromUpper(Math.log((high - x) / width));
    },
    logDensity: (x) => (x < low || x > high ? Number.NEGATIVE_INFINITY : -Math.log(width)),
    inverse: (tail, p) => (tail === "lower" ? low + p * width : high - p * width),
  });
}
