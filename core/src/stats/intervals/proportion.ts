// Intervals for a proportion: how often something succeeds.
import { positive, probability, whole } from "../arguments.ts";
import { betaDistribution } from "../distributions/index.ts";
import { DEFAULT_CONFIDENCE, type Interval, normalReach, tailProbability } from "./interval.ts";

/**
 * Wilson's score interval: close to its confidence on average over proportions, below it near 0 and 1 (docs/statistics.md).
 * Source: E. B. Wilson, JASA 22 (1927); recommended by Brown, Cai and DasGupta, Statistical Science 16 (2001).
 */
export function wilsonInterval(successes: number, trials: number, confidence = DEFAULT_CONFIDENCE): Interval {
  checkCounts(successes, trials);
  return wilsonShareInterval(successes / trials, trials, confidence);
}

/**
 * Wilson's interval around a share of so many trials, which need not be whole: of weighted cases give their effective number,
 * (Σ w)² / Σ w² (L. Kish, Survey Sampling, 1965), which holds where weights have nothing to do with success.
 */
export function wilsonShareInterval(share: number, trials: number, confidence = DEFAULT_CONFIDENCE): Interval {
  const estimate = probability("The share", share);
  positive("The number of trials", trials);
  const z = normalReach(confidence);
  const squared = (z * z) / trials;
  const centre = estimate + squared / 2;
  const spread = z * Math.sqrt((estimate * (1 - estimate)) / trials + squared / (4 * trials));
  return {
    estimate,
    // Exact ends where the formula only cancels to about 1e-17.
    lower: estimate === 0 ? 0 : (centre - spread) / (1 + squared),
    upper: estimate === 1 ? 1 : (centre + spread) / (1 + squared),
  };
}

/**
 * Clopper and Pearson's exact interval: covers with at least its confidence whatever the proportion, mostly with more.
 * Source: Biometrika 26 (1934), by beta quantiles.
 */
export function clopperPearsonInterval(successes: number, trials: number, confidence = DEFAULT_CONFIDENCE): Interval {
  checkCounts(successes, trials);
  const tail = tailProbability(confidence);
  const failures = trials - successes;
  return {
    estimate: successes / trials,
    lower: successes === 0 ? 0 : betaDistribution(successes, failures + 1).quantile(tail),
    upper: failures === 0 ? 1 : betaDistribution(successes + 1, failures).inverseSurvival(tail),
  };
}

/**
 * Jeffreys' interval: the equal tails of the posterior under a Beta(½, ½) prior, with the end at 0 or 1 where nothing, or
 * everything, succeeded. Source: Brown, Cai and DasGupta (2001), section 4.3.
 */
export function jeffreysInterval(successes: number, trials: number, confidence = DEFAULT_CONFIDENCE): Interval {
  checkCounts(successes, trials);
  const tail = tailProbability(confidence);
  const posterior = betaDistribution(successes + 0.5, trials - successes + 0.5);
  return {
    estimate: successes / trials,
    lower: successes === 0 ? 0 : posterior.quantile(tail),
    upper: successes === trials ? 1 : posterior.inverseSurvival(tail),
  };
}

/** Throws a RangeError unless there are trials, and no more successes than these. */
export function checkCounts(successes: number, trials: number): void {
  whole("The number of trials", trials, 1);
  whole("The number of successes", successes, 0, trials);
}
