// The inference listener: the Open Inference Protocol and the records route over HTTP.
export {
  type FrontLog,
  type InferencePorts,
  type PredictOutcome,
  type PredictRecord,
  type RecordsPort,
} from "./ports.ts";
export { PURPOSE_HEADER, INFERENCE_ID_HEADER, REQUEST_ID_HEADER, TIMEOUT_HEADER } from "./request-context.ts";
export { createInferenceServer, type InferenceServer, type InferenceServerOptions } from "./server.ts";
