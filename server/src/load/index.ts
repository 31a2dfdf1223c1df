// Putting load on a server: requests as bytes, when they are due, how they are sent, what is measured, and the highest rate
// that meets an objective. It knows no command line; what is shown of it is the command line's.
export { poissonArrivals, type Random, seededRandom } from "./arrivals.ts";
export { findHighestRate, type FindOptions, type Found, isMet, type Objective, type Trial } from "./find.ts";
export { Latencies, type LatencyBand, type LatencySummary } from "./latencies.ts";
export {
  decodeAnswer,
  type EncodedRequest,
  encodeRequest,
  type EndpointMetadata,
  HEADER_LENGTH,
  type PortMetadata,
} from "./oip.ts";
export { type LoadOrder, runOrder } from "./order.ts";
export { requestBytes, sampleInputs } from "./payload.ts";
export { isGeneratorLate, type LoadPlan, type LoadReport } from "./report.ts";
export { type LoadOutcome, LoadThread } from "./thread.ts";
export { PERCENTILES, trialFrom } from "./trial.ts";
