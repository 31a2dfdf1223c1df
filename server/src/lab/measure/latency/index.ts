// Timing what is loaded: targets, rounds in random order over several loads, and what they say.
export { compareLatency, type LatencyComparison, type LatencyComparisonOptions } from "./compare.ts";
export { GRID_OPTIONS, type GridPoint, gridOf } from "./grid.ts";
export { KEPT_ROUNDS, keptBurst, latenciesKept, MOST_OF_A_BURST, roundProgress, savedState } from "./kept-rounds.ts";
export { type MachineWatch, watchOf } from "./machine-watch.ts";
export { openGrid, THROUGH_OPTIONS } from "./open-grid.ts";
export { paretoFront } from "./pareto.ts";
export { CONFIDENCE, percentileValue, type PointSummary, rateOf, summaryOf } from "./point-summary.ts";
export { REFERENCE_TEXT, referenceTarget } from "./reference.ts";
export { ROUNDS_OPTIONS, byLoad, type Loaded, takeRounds } from "./rounds.ts";
export type { Burst, ServerTarget, Target } from "./target.ts";
export type { WarmUp } from "./warm-up.ts";
