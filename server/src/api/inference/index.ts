// The inference listener: the Open Inference Protocol and the records route over HTTP.
export {
  type FrontLog,
  type InferencePorts,
  type PredictOutcome,
  type PredictRecord,
  type RecordsPort,
} from "./ports.ts";
export { createInferenceServer, type InferenceServer, type InferenceServerOptions } from "./server.ts";
