// @slipway/edge: the browser and edge runtime. Until its back end comes this is its door alone: core's tensors and
// processing, which run here as they run on the server.
export { SlipwayError } from "@slipway/core/base";
export { compileProcessing, parseProcessing } from "@slipway/core/processing";
export { npyFromTensor, type Tensor, tensorFromNpy } from "@slipway/core/tensor";
