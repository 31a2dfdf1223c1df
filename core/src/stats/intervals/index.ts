// Intervals: an estimate, and where the truth lies.
export { type GroupedQuantile, groupedQuantileInterval } from "./grouped-quantile.ts";
export { DEFAULT_CONFIDENCE, type Interval } from "./interval.ts";
export { meanInterval } from "./mean.ts";
export { ascending, mean, median, sortedQuantile, variance } from "./moments.ts";
export { clopperPearsonInterval, jeffreysInterval, wilsonInterval, wilsonShareInterval } from "./proportion.ts";
export {
  type Counts,
  type PairedCounts,
  pairedProportionDifferenceInterval,
  proportionDifferenceInterval,
  proportionRatioInterval,
} from "./proportions.ts";
export { type QuantileRanks, quantileInterval, quantileRanks } from "./quantile.ts";
export { rateInterval } from "./rate.ts";
