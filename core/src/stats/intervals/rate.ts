// The interval for the rate of events, such as errors an hour.
import { positive, whole } from "../arguments.ts";
import { gammaDistribution } from "../distributions/index.ts";
import { DEFAULT_CONFIDENCE, type Interval, tailProbability } from "./interval.ts";

/**
 * The exact interval for a Poisson rate: covers with at least its confidence.
 * Source: F. Garwood, Biometrika 28 (1936), by gamma quantiles.
 * @param events how many happened
 * @param exposure over how much time, or however many units; the rate is per one of them
 */
export function rateInterval(events: number, exposure: number, confidence = DEFAULT_CONFIDENCE): Interval {
  whole("The number of events", events);
  positive("The exposure", exposure);
  const tail = tailProbability(confidence);
  return {
    estimate: events / exposure,
    lower: events === 0 ? 0 : gammaDistribution(events).quantile(tail) / exposure,
    upper: gammaDistribution(events + 1).inverseSurvival(tail) / exposure,
  };
}
