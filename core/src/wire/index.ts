// Request and response shapes of the protocols, and the codecs of the tensors they carry.
export { binaryFromTensor, dataFromBinary } from "./oip/binary.ts";
export { classify } from "./oip/classification.ts";
export { parseJson } from "./oip/json.ts";
export { WIRE_LIMITS } from "./oip/limits.ts";
export {
  EXTENSIONS,
  type ModelMetadata,
  modelMetadata,
  PLATFORM,
  type RepositoryEntry,
  type RepositoryState,
  type ServerMetadata,
  serverMetadata,
  type TensorMetadata,
} from "./oip/metadata.ts";
export { type ModelConfigFacts, modelConfig } from "./oip/model-config.ts";
export { decodeRawRequest } from "./oip/raw-request.ts";
export {
  decodeInferRequest,
  type InferRequest,
  type ParameterMap,
  type ParameterValue,
  type RequestedOutput,
} from "./oip/request.ts";
export { checkRequestedForms, type EncodedResponse, encodeInferResponse, type InferResponse } from "./oip/response.ts";
export {
  type BatchStatistics,
  type Count,
  type Duration,
  type MemoryUsage,
  type ModelStatistics,
  statisticsText,
} from "./oip/statistics.ts";
