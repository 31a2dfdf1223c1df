// Statistics, pure and seeded: randomness, distributions, intervals, resampling, tests, and comparisons of timings. Which
// method is for what, and how often each is right, is in docs/statistics.md.
export * from "./association/index.ts";
export * from "./distributions/index.ts";
export * from "./intervals/index.ts";
export * from "./random/index.ts";
export * from "./resampling/index.ts";
export * from "./tests/index.ts";
export {
  comparePairedTimings,
  compareSessions,
  medianRatioInterval,
  type PairedTimings,
  type SessionComparison,
} from "./timings.ts";
