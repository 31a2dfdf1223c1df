// ONNX files: bytes to models and back, what they refer to, and examining them without running them.
export {
  EXTERNAL_ALIGNMENT_BYTES,
  type ExternalFile,
  externalFilesOf,
  unsafeReason,
} from "./external-data.ts";
export { type ExternalizedModel, type ExternalizeOptions, externalizeWeights } from "./externalize.ts";
export { EARLIEST_SURE_OPSET, LATEST_IR_VERSION, OPERATOR_SETS, type OperatorSet, operatorSince } from "./operators.ts";
export { modelFromBytes, type ReadOptions } from "./read.ts";
export { type ModelScan, type OperatorCount, scanModel } from "./scan.ts";
export type { ScanWarning, ScanWarningKind } from "./warnings.ts";
export { bytesFromModel, chunksFromModel, modelSizeBytes } from "./write.ts";
