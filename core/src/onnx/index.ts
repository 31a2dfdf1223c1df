// ONNX files: bytes to models and back, what they refer to, and examining them without running them.
export { EXTERNAL_ALIGNMENT_BYTES, unsafeReason } from "./external-data.ts";
export { modelFromBytes, type ReadOptions } from "./read.ts";
export { bytesFromModel, chunksFromModel } from "./write.ts";
