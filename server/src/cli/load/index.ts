// Load testing: when requests are due, how they are sent, what is measured, and how it is shown.
export { poissonArrivals, type Random, seededRandom } from "./arrivals.ts";
export { distributionSvg } from "./distribution-svg.ts";
export { findHighestRate, type FindOptions, type Found, type Objective, type Trial } from "./find.ts";
export { Latencies, type LatencyBand, type LatencySummary } from "./latencies.ts";
export { type LoadOrder, runOrder } from "./order.ts";
export { requestBytes, sampleInputs } from "./payload.ts";
export { type LoadPlan, type LoadReport, reportText } from "./report.ts";
export { type LoadOutcome, LoadThread } from "./thread.ts";
