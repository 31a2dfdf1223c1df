// Networks in a few lines: layers as plain data, and the ONNX models that are built of them.
export { build, type BuildOptions, type Input, summaryOf } from "./build.ts";
export { gainOf, type Initialization, type InitializationName, type InitializationOptions } from "./initialization.ts";
export { type Layer, type LayerKind, type Layers, named } from "./layer.ts";
export {
  type AttentionOptions,
  feedForward,
  type FeedForwardOptions,
  languageModelHead,
  type LanguageModelHeadOptions,
  selfAttention,
  transformerBlock,
  type TransformerBlockOptions,
} from "./layers/attention.ts";
export {
  concatenate,
  residual,
  type ResidualOptions,
  sequential,
  squeezeExcitation,
  type SqueezeExcitationOptions,
} from "./layers/combination.ts";
export {
  conv,
  type ConvolutionOptions,
  convTranspose,
  depthwiseConv,
  type DepthwiseConvolutionOptions,
  separableConv,
  type TransposedConvolutionOptions,
} from "./layers/convolution.ts";
export {
  type Activation,
  activation,
  ACTIVATION_NAMES,
  dropout,
  flatten,
  gelu,
  linear,
  type LinearOptions,
  relu,
  sigmoid,
  silu,
  softmax,
  tanh,
} from "./layers/dense.ts";
export {
  classToken,
  embedding,
  type EmbeddingOptions,
  firstToken,
  patchEmbedding,
  type PatchEmbeddingOptions,
  positionEmbedding,
  type PositionEmbeddingOptions,
} from "./layers/embedding.ts";
export {
  batchNorm,
  type BatchNormOptions,
  groupNorm,
  type GroupNormOptions,
  layerNorm,
  type LayerNormOptions,
} from "./layers/normalization.ts";
export {
  averagePool,
  globalAveragePool,
  globalMaxPool,
  maxPool,
  type PoolOptions,
  upsample,
  type UpsampleOptions,
} from "./layers/pooling.ts";
export type { Lengths, Padding } from "./layers/window.ts";
export { buildNetwork, type Network, type NetworkModule, type NetworkTask } from "./network.ts";
export { cnn, cnnLayers, type CnnOptions } from "./presets/cnn.ts";
export { mlp, mlpLayers, type MlpOptions } from "./presets/mlp.ts";
export {
  mobileNetV2,
  mobileNetV2Layers,
  type MobileNetOptions,
  type PublishedOptions,
  resNet18,
  resNet18Layers,
  type ResNetOptions,
} from "./presets/published.ts";
export {
  transformerDecoder,
  transformerDecoderLayers,
  type TransformerDecoderLayersOptions,
  type TransformerDecoderOptions,
  transformerEncoder,
  transformerEncoderLayers,
  type TransformerEncoderLayersOptions,
  type TransformerEncoderOptions,
} from "./presets/transformer.ts";
export type { LayerSummary } from "./site.ts";
