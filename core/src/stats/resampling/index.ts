// Resampling: intervals and tests that compute a statistic again and again instead of assuming its distribution.
export {
  type Bootstrapped,
  type BootstrapOptions,
  bcaInterval,
  bootstrap,
  type IndexedStatistic,
  percentileInterval,
  statisticOf,
} from "./bootstrap.ts";
export { type PermutationOptions, type PermutationResult, permutationTest, signFlipTest } from "./permutation.ts";
