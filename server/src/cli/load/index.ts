// Load testing: when requests are due, how they are sent, what is measured, and how it is shown.
export { type Arrivals, constantArrivals, poissonArrivals, type Random, seededRandom } from "./arrivals.ts";
export type { Target } from "./connection.ts";
export { distributionSvg } from "./distribution-svg.ts";
export { findHighestRate, type FindOptions, type Found, type Objective, type Trial } from "./find.ts";
export { type LoadMode, type LoadOptions, type LoadProgress, type LoadResult, runLoad } from "./generator.ts";
export { Latencies, type LatencyBand, type LatencySummary } from "./latencies.ts";
export { requestBytes, sampleInputs } from "./payload.ts";
export { type LoadPlan, type LoadReport, reportFrom, reportText } from "./report.ts";
