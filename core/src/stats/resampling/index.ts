// Resampling: intervals and tests that compute a statistic again and again instead of assuming its distribution.
export {
  accelerationFrom,
  type Bootstrapped,
  type BootstrapOptions,
  bcaFrom,
  bcaInterval,
  bcaPValue,
  bootstrap,
  type IndexedStatistic,
  percentileInterval,
  statisticOf,
} from "./bootstrap.ts";
export { type PermutationOptions, type PermutationResult, permutationTest, signFlipTest } from "./permutation.ts";
